//! Faults of guest accesses, caught at the faulting instruction.
//!
//! Each instruction of remu's own code that accesses guest memory for the guest has an entry in the exception table: its
//! address, and the address to resume at after a fault. The handler looks up the faulting instruction, puts a [fault
//! code](FaultCode) into `r11`, and resumes there. [Code emitted](Emitted) at run time is registered by ranges, each with
//! a function of its own for its faults. The handler takes no lock and decides nothing; ordinary code later works out
//! what the fault means to the guest.
//!
//! A fault anywhere else is an internal fault and is reported as such.

use super::signals::{NEVER_BLOCKED, SignalContext};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::null_mut;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// The code in `r11` after a fault. It is never zero; bit 63 is set for SIGBUS and clear for SIGSEGV. It does not
/// contain the address: the host kernel does not always know it, and the code that made the access does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultCode(pub u64);

const FAULTED: u64 = 1 << 62;
const BUS: u64 = 1 << 63;

impl FaultCode {
    /// The code for an address that was rejected before any access.
    pub const REFUSED: FaultCode = FaultCode(FAULTED);

    /// Whether the host raised SIGBUS.
    pub fn is_bus(self) -> bool {
        self.0 & BUS != 0
    }
}

/// Makes an exception table entry in inline assembly. It must come after both labels: a fault of the instruction at
/// label `2` resumes at label `3` with the code in `r11`. `r11` must be zero before the instruction, and an output of
/// the block.
#[macro_export]
macro_rules! exception_entry {
    () => {
        ".pushsection remu_extable, \"aR\"
         .balign 4
         .long 2b - .
         .long 3b - .
         .popsection"
    };
}

#[repr(C)]
struct Entry {
    insn: i32,
    resume: i32,
}

// SAFETY: the linker defines these two symbols at the bounds of the section `remu_extable`, which
// `exception_entry!` fills with records of exactly this layout.
unsafe extern "C" {
    #[link_name = "__start_remu_extable"]
    static TABLE_START: [Entry; 0];
    #[link_name = "__stop_remu_extable"]
    static TABLE_END: [Entry; 0];
}

fn table() -> &'static [Entry] {
    let start = (&raw const TABLE_START).cast::<Entry>();
    let end = (&raw const TABLE_END).cast::<Entry>();
    let count = (end as usize - start as usize) / size_of::<Entry>();
    // SAFETY: the linker places the two symbols around the whole section, which is read-only and lives as long as the
    // process.
    unsafe { std::slice::from_raw_parts(start, count) }
}

/// The address that a field of an entry is relative to itself.
fn absolute(field: &i32) -> u64 {
    (std::ptr::from_ref(field) as u64).wrapping_add_signed(i64::from(*field))
}

/// Where the instruction at `pc` of remu's own code resumes after a fault. The linker keeps the entries in the order of
/// the code that made them, so that the table is sorted.
fn resume_address(pc: u64) -> Option<u64> {
    let entries = table();
    let found = entries.binary_search_by_key(&pc, |e| absolute(&e.insn));
    found.ok().map(|at| absolute(&entries[at].resume))
}

/// Code emitted at run time, whose faults a function handles.
#[derive(Debug)]
pub struct Emitted {
    /// The addresses of the code.
    pub code: Range<u64>,
    /// Handles a fault of an instruction in the range, as part of a signal handler. It sets where execution continues.
    pub on_fault: OnFault,
}

/// See [`Emitted::on_fault`].
pub type OnFault = fn(&Emitted, &mut FaultContext<'_>);

/// The state of the host's CPU at a fault of emitted code.
pub struct FaultContext<'a> {
    /// What to tell the code that classifies the fault.
    pub code: FaultCode,
    context: &'a mut SignalContext,
}

impl FaultContext<'_> {
    /// The address of the faulting instruction.
    pub fn pc(&self) -> u64 {
        self.register(libc::REG_RIP)
    }

    /// A general register, by its number in the kernel's `gregset_t`.
    pub fn register(&self, number: libc::c_int) -> u64 {
        self.context.uc_mcontext.gregs[number as usize] as u64
    }

    /// Changes a general register.
    pub fn set_register(&mut self, number: libc::c_int, value: u64) {
        self.context.uc_mcontext.gregs[number as usize] = value as i64;
    }
}

/// The most ranges of emitted code at a time.
const RANGES: usize = 64;

/// The registered ranges. A range is never freed, since a handler on another thread may still look at it.
static EMITTED: [AtomicPtr<Emitted>; RANGES] = [const { AtomicPtr::new(null_mut()) }; RANGES];

/// The registration of a range, until it is dropped. Each leaks the few bytes of its [`Emitted`]: a process makes few.
#[derive(Debug)]
pub struct Registration(&'static AtomicPtr<Emitted>);

/// Registers emitted code. Its faults are handled from the return of this function on.
///
/// # Panics
/// If [`RANGES`] ranges are registered.
///
/// # Safety
/// No code but that whose faults the function handles is in the range while it is registered. The function is
/// async-signal-safe, and where it continues execution, the state of the CPU is one that the code there expects.
pub unsafe fn register(emitted: Emitted) -> Registration {
    let emitted = Box::into_raw(Box::new(emitted));
    let claimed = EMITTED
        .iter()
        .find(|slot| slot.compare_exchange(null_mut(), emitted, Ordering::Release, Ordering::Relaxed).is_ok());
    Registration(claimed.expect("a process has few code caches"))
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.0.store(null_mut(), Ordering::Release);
    }
}

/// The registered range that contains `pc`.
fn emitted_at(pc: u64) -> Option<&'static Emitted> {
    let ranges = EMITTED.iter().filter_map(|slot| {
        // SAFETY: a pointer in the table is null or that of a leaked box, which nothing changes.
        unsafe { slot.load(Ordering::Acquire).as_ref() }
    });
    ranges.into_iter().find(|emitted| emitted.code.contains(&pc))
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo and ucontext to an SA_SIGINFO handler. They do not overlap, and nothing
    // else refers to the ucontext meanwhile.
    let (code, addr, context) =
        unsafe { ((*info).si_code, (*info).si_addr() as u64, &mut *context.cast::<SignalContext>()) };
    if code <= 0 {
        // A process sent the signal, for example by kill(1). No instruction faulted.
        // SAFETY: these are the arguments of this handler.
        if unsafe { super::signals::arrived(signal, info, context) } {
            return;
        }
        // This thread runs no guest.
        // SAFETY: resetting a disposition and raising a signal are async-signal-safe. The signal stays blocked until
        // this handler returns, and then kills the process.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
        return;
    }
    let regs = &mut context.uc_mcontext.gregs;
    let pc = regs[libc::REG_RIP as usize] as u64;
    let fault = FaultCode(FAULTED | if signal == libc::SIGBUS { BUS } else { 0 });
    if let Some(resume) = resume_address(pc) {
        regs[libc::REG_R11 as usize] = fault.0 as i64;
        regs[libc::REG_RIP as usize] = resume as i64;
        return;
    }
    if let Some(emitted) = emitted_at(pc) {
        (emitted.on_fault)(emitted, &mut FaultContext { code: fault, context });
        return;
    }
    internal_fault(signal, context, addr);
}

/// Handles an internal fault: reports it and lets it kill the process.
pub(super) fn internal_fault(signal: libc::c_int, context: &SignalContext, addr: u64) {
    report_internal_fault(signal, context.uc_mcontext.gregs[libc::REG_RIP as usize] as u64, addr);
    // SAFETY: resetting a disposition is async-signal-safe. The faulting instruction then runs again and kills the
    // process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
    }
}

/// Formats and writes without allocation, because this runs in a signal handler of a broken process.
fn report_internal_fault(signal: libc::c_int, pc: u64, addr: u64) {
    use std::io::Write;
    let mut text = [0u8; 160];
    let mut rest = &mut text[..];
    let _ =
        writeln!(rest, "remu: bug: signal {signal} in remu itself at {pc:#x} (address {addr:#x}); please report this");
    let unused = rest.len();
    let line = &text[..text.len() - unused];
    // SAFETY: the pointer and length are those of a live slice.
    unsafe {
        libc::write(2, line.as_ptr().cast(), line.len());
    }
}

/// The signals that this process ignored before the handler was installed.
static IGNORED: AtomicU64 = AtomicU64::new(0);

/// Whether this process ignored a signal before the handler was installed for it.
pub(super) fn was_ignored(signal: i32) -> bool {
    IGNORED.load(Ordering::Relaxed) & 1 << (signal - 1) != 0
}

/// Installs the handler for SIGSEGV and SIGBUS, once per process.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        assert!(table().is_sorted_by_key(|e| absolute(&e.insn)), "the exception table is in the order of the code");
        for signal in NEVER_BLOCKED {
            // SAFETY: all-zero is a valid sigaction (default action, empty mask).
            let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
            action.sa_sigaction = on_fault as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            let mut before = action;
            // SAFETY: `action` is initialised and the handler has the signature that SA_SIGINFO asks for. The C library
            // writes the old action to `before`.
            let result = unsafe { libc::sigaction(signal, &action, &mut before) };
            assert_eq!(result, 0, "sigaction rejects a valid signal");
            if before.sa_sigaction == libc::SIG_IGN {
                IGNORED.fetch_or(1 << (signal - 1), Ordering::Relaxed);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found() {
        let entries = table();
        assert!(entries.is_sorted_by_key(|e| absolute(&e.insn)));
        for entry in entries {
            assert_eq!(resume_address(absolute(&entry.insn)), Some(absolute(&entry.resume)));
        }
        assert!(!entries.is_empty());
        assert_eq!(resume_address(0), None);
        assert_eq!(resume_address(u64::MAX), None);
    }

    /// Skips the faulting instruction, and puts the fault code where it would have put its result.
    fn skip(_: &Emitted, context: &mut FaultContext<'_>) {
        let code = context.code.0;
        context.set_register(libc::REG_RAX, code);
        let next = context.pc() + 3;
        context.set_register(libc::REG_RIP, next);
    }

    #[test]
    fn a_fault_of_emitted_code_is_handled_by_its_function() {
        install();
        // mov rax, [rdi]; ret
        let code = [0x48, 0x8b, 0x07, 0xc3];
        let mut page = memmap2::MmapMut::map_anon(4096).unwrap();
        page[..code.len()].copy_from_slice(&code);
        let page = page.make_exec().unwrap();
        let start = page.as_ptr() as u64;
        // SAFETY: only the four bytes above are in the range. The load is the only instruction that faults. Its
        // destination may have any value.
        let registration = unsafe { register(Emitted { code: start..start + 4, on_fault: skip }) };
        // SAFETY: the page contains a function of this signature.
        let load: extern "sysv64" fn(u64) -> u64 = unsafe { std::mem::transmute(page.as_ptr()) };
        let number = 7u64;
        assert_eq!(load(&raw const number as u64), 7);
        assert_eq!(load(8), FAULTED);
        drop(registration);
        assert!(emitted_at(start).is_none());
    }
}
