//! The report of a fatal signal: one line with the signal, the code location, and the faulting address and its mapping.

use super::Symbols;
use crate::host;
use crate::memory::{Access, GuestAddr, PAGE_SIZE, Prot, Source, UserSpace, Vma};
use remu_isa::{Isa, decode};
use std::fmt;
use std::path::Path;

/// How far below the stack, or above the pointer of a thread's, an access is taken for a stack overflow: the kernel's gap
/// below the stack.
const STACK_MARGIN: u64 = 1 << 20;

/// The signal that killed a guest, from its siginfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// The signal number.
    pub signal: i32,
    /// `si_code`.
    pub code: i32,
    /// `si_addr`, if the signal came from a fault.
    pub addr: Option<GuestAddr>,
    /// What the instruction did with that address.
    pub access: Option<Access>,
    /// The program counter.
    pub pc: u64,
    /// The stack pointer.
    pub sp: GuestAddr,
}

/// The message that explains a [`Death`].
pub struct FatalReport<'a> {
    /// The signal.
    pub death: Death,
    /// The guest's address space.
    pub space: &'a UserSpace,
    /// The ISA of the CPU, to name a disabled extension.
    pub isa: Isa,
}

impl Death {
    /// Whether the signal indicates a defect of the program and deserves an explanation: abort(3), and the signals that
    /// dump core by default (signal(7)) if sent by the kernel and not by a process. The shell reports the others.
    pub fn is_a_defect(&self) -> bool {
        use libc::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ};
        let fault = matches!(self.signal, SIGBUS | SIGFPE | SIGILL | SIGSEGV | SIGSYS | SIGTRAP | SIGXCPU | SIGXFSZ);
        self.signal == SIGABRT || fault && self.code > 0
    }

    /// The name of `si_code` without its prefix, if the signal has such codes.
    fn code_name(&self) -> Option<&'static str> {
        let names: &[&str] = match self.signal {
            libc::SIGSEGV => &["MAPERR", "ACCERR"],
            libc::SIGBUS => &["ADRALN", "ADRERR", "OBJERR"],
            libc::SIGILL => &["ILLOPC", "ILLOPN", "ILLADR", "ILLTRP", "PRVOPC"],
            libc::SIGTRAP => &["BRKPT", "TRACE"],
            libc::SIGFPE => &["INTDIV", "INTOVF", "FLTDIV", "FLTOVF", "FLTUND", "FLTRES", "FLTINV"],
            _ => &[],
        };
        usize::try_from(self.code - 1).ok().and_then(|i| names.get(i)).copied()
    }
}

impl fmt::Display for FatalReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let death = &self.death;
        match host::signal_name(death.signal as u32) {
            Some(name) => f.write_str(name)?,
            None => write!(f, "signal {}", death.signal)?,
        }
        if let Some(code) = death.code_name() {
            write!(f, " ({code})")?;
        }
        write!(f, " at pc {:#x}{}", death.pc, self.place(GuestAddr(death.pc)))?;
        match death.addr {
            _ if death.signal == libc::SIGILL => self.instruction(f),
            Some(addr) if matches!(death.signal, libc::SIGSEGV | libc::SIGBUS) => {
                let access = match death.access {
                    Some(Access::Read) => "load from ",
                    Some(Access::Write) => "store to ",
                    Some(Access::Fetch) => "fetch from ",
                    None => "",
                };
                write!(f, ", {access}address {addr}: {}", self.mapping(addr))
            }
            _ => Ok(()),
        }
    }
}

impl FatalReport<'_> {
    /// The function and the file of a code address, such as ` main+0x12 (hello)`. If the file was not linked for this
    /// address, ` main+0x12 (hello+0x90a)` has the one for which it was, as addr2line(1) wants it.
    fn place(&self, pc: GuestAddr) -> String {
        let Some(area) = self.space.vma_at(pc) else { return String::new() };
        match &area.source {
            Source::File { path, offset, .. } => {
                let symbols = Symbols::read(path);
                let linked = symbols.linked_address(pc.0 - area.range.start.0 + offset);
                let symbol = linked.and_then(|address| symbols.at_address(address));
                let symbol = symbol.map_or(String::new(), |s| format!(" {s}"));
                let address = linked.filter(|&address| address != pc.0).map_or(String::new(), |a| format!("+{a:#x}"));
                format!("{symbol} ({}{address})", file_name(path))
            }
            Source::Named(name) => format!(" ({name})"),
            Source::Anonymous => " (anonymous memory)".into(),
        }
    }

    /// What is mapped at an address.
    fn mapping(&self, addr: GuestAddr) -> String {
        let Some(area) = self.space.vma_at(addr) else {
            let is_below_stack = (1..=STACK_MARGIN / PAGE_SIZE)
                .filter_map(|pages| self.space.vma_at(addr.offset(pages * PAGE_SIZE)))
                .next()
                .is_some_and(|area| area.grows_down);
            let overflow = ", just below the stack: probably a stack overflow (see ulimit -s, or remu's option -s)";
            return format!("nothing is mapped there{}", if is_below_stack { overflow } else { "" });
        };
        if self.is_guard_of_stack(&area, addr) {
            return "the guard of a thread's stack: probably a stack overflow (see ulimit -s, remu's option -s, or \
                    pthread_attr_setstacksize)"
                .into();
        }
        let what = match &area.source {
            Source::File { path, .. } => file_name(path),
            Source::Named(name) => (*name).into(),
            Source::Anonymous => "anonymous memory".into(),
        };
        format!("{what} is mapped there, {}", area.prot)
    }

    /// Whether an area that the program accessed is what a C library maps below a thread's stack: memory without access,
    /// with memory that can be written behind it. The stack pointer is below that.
    fn is_guard_of_stack(&self, area: &Vma, addr: GuestAddr) -> bool {
        let above_pointer = addr.0.wrapping_sub(self.death.sp.0);
        area.prot.is_empty()
            && above_pointer < STACK_MARGIN
            && self.death.sp < area.range.end
            && self.space.vma_at(area.range.end).is_some_and(|stack| stack.prot.contains(Prot::WRITE))
    }

    /// The instruction at the pc, or why it is illegal.
    fn instruction(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 4];
        match self.space.fetch(GuestAddr(self.death.pc), &mut bytes) {
            Ok(2..) => match decode(u32::from_le_bytes(bytes), self.isa) {
                Err(illegal) => write!(f, ", {illegal}"),
                Ok(insn) => write!(f, ", instruction {}", insn.disassemble(self.death.pc)),
            },
            _ => Ok(()),
        }
    }
}

/// The last component of a path, with control characters escaped.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy()
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}
