//! Signals: what is pending, what a signal does, and faults that become signals.
//!
//! Signals from outside take the host's way: dispositions that run no handler are set in the host
//! too, and so is the mask, so that an ignored or a fatal signal does what it should. A handler runs
//! for faults and for what the program sends itself.

mod frame;

use super::abi::signal::{SA_NODEFER, SA_RESETHAND, SIG_DFL, SIG_IGN, Sigaction, Siginfo};
use super::table::Row;
use super::task::{Outcome, Task};
use crate::guest::Exit;
use crate::guest::riscv::Cpu;
use crate::host::{self, Disposition};
use crate::memory::{Access, FaultKind, GuestAddr, GuestFault};
use std::collections::VecDeque;

const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;
const BUS_ADRALN: i32 = 1;
const BUS_ADRERR: i32 = 2;
const ILL_ILLOPC: i32 = 1;
const TRAP_BRKPT: i32 = 1;
/// si_code of a signal that the kernel makes of its own accord.
const SI_KERNEL: i32 = 0x80;

/// How a signal has ended a process, for the line that tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FatalSignal {
    /// Its number.
    pub signal: i32,
    /// si_code.
    pub code: i32,
    /// The address, if it is a fault's.
    pub address: Option<GuestAddr>,
    /// The program counter.
    pub pc: GuestAddr,
    /// The encoding, if the instruction was illegal.
    pub bits: Option<u32>,
}

/// What a signal does where no handler is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DefaultAction {
    End,
    Ignore,
    Stop,
}

fn default_action(signal: i32) -> DefaultAction {
    match signal {
        libc::SIGCHLD | libc::SIGCONT | libc::SIGURG | libc::SIGWINCH => DefaultAction::Ignore,
        libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => DefaultAction::Stop,
        _ => DefaultAction::End,
    }
}

/// The bit of a signal in a set.
pub fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// SIGKILL and SIGSTOP, which nothing can block.
pub const UNBLOCKABLE: u64 = 1 << (libc::SIGKILL - 1) | 1 << (libc::SIGSTOP - 1);

/// Signals that the kernel sends for what an instruction did.
const SYNCHRONOUS: u64 = 1 << (libc::SIGSEGV - 1)
    | 1 << (libc::SIGBUS - 1)
    | 1 << (libc::SIGILL - 1)
    | 1 << (libc::SIGTRAP - 1)
    | 1 << (libc::SIGFPE - 1)
    | 1 << (libc::SIGSYS - 1);

/// Signals that have been sent and not been delivered.
#[derive(Debug, Default)]
pub struct Pending {
    queue: VecDeque<Siginfo>,
}

impl Pending {
    /// Adds a signal: of the standard ones only the first counts, the real-time ones queue.
    pub fn add(&mut self, info: Siginfo) {
        if info.signo < 32 && self.set() & bit(info.signo) != 0 {
            return;
        }
        self.queue.push_back(info);
    }

    /// Which signals are pending.
    pub fn set(&self) -> u64 {
        self.queue.iter().fold(0, |set, info| set | bit(info.signo))
    }

    /// Takes the next signal in `wanted`: faults first, then by number, as the kernel does.
    pub fn take(&mut self, wanted: u64) -> Option<Siginfo> {
        let ready = self.set() & wanted;
        let first = if ready & SYNCHRONOUS != 0 { ready & SYNCHRONOUS } else { ready };
        if first == 0 {
            return None;
        }
        let signal = first.trailing_zeros() as i32 + 1;
        let at = self.queue.iter().position(|info| info.signo == signal)?;
        self.queue.remove(at)
    }

    /// Forgets a signal that is ignored from now on.
    pub fn discard(&mut self, signal: i32) {
        self.queue.retain(|info| info.signo != signal);
    }
}

/// Dispositions and mask as a program inherits them: what the host ignores is ignored, what it holds
/// back is blocked. SIGPIPE, which remu ignores so that the call can answer EPIPE, is as the parent left it.
pub fn inherited() -> ([Sigaction; 64], u64) {
    let action = |handler| Sigaction { handler, flags: 0, mask: 0 };
    let actions = std::array::from_fn(|i| {
        let signal = i as i32 + 1;
        let ignored = if signal == libc::SIGPIPE { host::sigpipe_was_ignored() } else { host::is_ignored(signal) };
        action(if ignored { SIG_IGN } else { SIG_DFL })
    });
    (actions, host::signal_mask() & !UNBLOCKABLE)
}

impl Task {
    /// Turns a fault of the running instruction into its signal, which cannot be blocked or ignored.
    pub(super) fn synchronous_fault(&mut self, cpu: &mut Cpu, exit: Exit) {
        let pc = cpu.pc;
        let mut bits = None;
        let info = match exit {
            Exit::Fault(GuestFault { addr, access: _, kind }) => {
                let (signal, code) = match kind {
                    FaultKind::Unmapped => (libc::SIGSEGV, SEGV_MAPERR),
                    FaultKind::Denied => (libc::SIGSEGV, SEGV_ACCERR),
                    FaultKind::NoBacking => (libc::SIGBUS, BUS_ADRERR),
                    FaultKind::Misaligned => (libc::SIGBUS, BUS_ADRALN),
                };
                // Of a misaligned access or jump the kernel tells where the instruction is.
                Siginfo::fault(signal, code, if kind == FaultKind::Misaligned { pc } else { addr.0 })
            }
            Exit::Illegal { bits: encoding } => {
                bits = Some(encoding);
                Siginfo::fault(libc::SIGILL, ILL_ILLOPC, pc)
            }
            Exit::Breakpoint => Siginfo::fault(libc::SIGTRAP, TRAP_BRKPT, pc),
            // A user program may not wait for interrupts.
            Exit::Halt => Siginfo::fault(libc::SIGILL, ILL_ILLOPC, pc),
            Exit::Syscall | Exit::Interrupted => return,
        };
        self.force(cpu, info, bits);
        // The report of a fatal one tells what the instruction wanted, whatever a handler would be told.
        if let (Some(Outcome::Killed(fatal)), Exit::Fault(fault)) = (&mut self.ending, exit) {
            fatal.address = Some(fault.addr);
        }
    }

    /// Sends a signal that cannot be held back: if it is blocked or ignored, it ends the process.
    pub(super) fn force(&mut self, cpu: &Cpu, info: Siginfo, bits: Option<u32>) {
        let action = self.sighand.actions()[info.signo as usize - 1];
        let held = self.blocked & bit(info.signo) != 0;
        if action.handler <= SIG_IGN || held {
            if let Some(tracer) = &self.system.tracer {
                tracer.signal(&info);
            }
            self.end(cpu, &info, bits);
        } else {
            self.pending.add(info);
        }
    }

    fn end(&mut self, cpu: &Cpu, info: &Siginfo, bits: Option<u32>) {
        let fault = SYNCHRONOUS & bit(info.signo) != 0 && info.code > 0 && info.code != SI_KERNEL;
        self.ending = Some(Outcome::Killed(FatalSignal {
            signal: info.signo,
            code: info.code,
            address: fault.then(|| GuestAddr(info.addr())),
            pc: GuestAddr(cpu.pc),
            bits,
        }));
    }

    /// Puts a signal to this process among the pending ones.
    pub(super) fn send_to_self(&mut self, info: Siginfo) {
        let action = self.sighand.actions()[info.signo as usize - 1];
        let blocked = self.blocked & bit(info.signo) != 0;
        let nothing = action.handler == SIG_IGN
            || action.handler == SIG_DFL && default_action(info.signo) == DefaultAction::Ignore;
        if blocked || !nothing {
            self.pending.add(info);
        }
    }

    /// Delivers what is pending and not blocked, before the thread goes on in user mode.
    pub(super) fn deliver_signals(&mut self, cpu: &mut Cpu) {
        while self.ending.is_none() {
            let Some(info) = self.pending.take(!self.blocked) else { break };
            let slot = info.signo as usize - 1;
            let action = self.sighand.actions()[slot];
            if let Some(tracer) = &self.system.tracer
                && action.handler != SIG_IGN
            {
                tracer.signal(&info);
            }
            match action.handler {
                SIG_IGN => {}
                SIG_DFL => match default_action(info.signo) {
                    DefaultAction::Ignore => {}
                    // The host stops this process, and continues it.
                    DefaultAction::Stop => self.stop(info.signo),
                    DefaultAction::End => self.end(cpu, &info, None),
                },
                _ => self.run_handler(cpu, &action, &info),
            }
        }
        if let Some(mask) = self.saved_mask.take() {
            self.set_blocked(mask);
        }
    }

    fn stop(&self, signal: i32) {
        let pid = self.pid();
        let sent = host::pass(host::Sys::Kill, &mut [host::SysArg::Val(pid as u64), host::SysArg::Val(signal as u64)]);
        debug_assert!(sent.is_ok(), "a process may stop itself");
    }

    fn run_handler(&mut self, cpu: &mut Cpu, action: &Sigaction, info: &Siginfo) {
        let mask = self.saved_mask.take().unwrap_or(self.blocked);
        if self.push_frame(cpu, action, info, mask).is_err() {
            // No room for the frame: SIGSEGV, and if it was that already, the end.
            let failure = Siginfo::new(libc::SIGSEGV, SI_KERNEL);
            if info.signo == libc::SIGSEGV {
                self.sighand.actions()[libc::SIGSEGV as usize - 1].handler = SIG_DFL;
            }
            self.force(cpu, failure, None);
            return;
        }
        if action.flags & SA_RESETHAND != 0 {
            self.sighand.actions()[info.signo as usize - 1].handler = SIG_DFL;
        }
        let own = if action.flags & SA_NODEFER != 0 { 0 } else { bit(info.signo) };
        self.set_blocked(self.blocked | action.mask | own);
    }

    /// Blocks exactly these signals, in the host too.
    pub(super) fn set_blocked(&mut self, mask: u64) {
        self.blocked = mask & !UNBLOCKABLE;
        host::set_signal_mask(self.blocked);
    }

    /// Lets the host do what the guest wants done on a signal, as far as no handler is concerned.
    pub(super) fn mirror_disposition(&self, signal: i32, handler: u64) {
        let disposition = match handler {
            SIG_IGN => Disposition::Ignore,
            // Ignored in the host, so that the call answers EPIPE and the signal can be sent from it.
            _ if signal == libc::SIGPIPE => Disposition::Ignore,
            _ => Disposition::Default,
        };
        if bit(signal) & UNBLOCKABLE == 0 {
            let set = host::set_disposition(signal, disposition);
            debug_assert!(set.is_ok(), "{signal} is a signal that can be set");
        }
    }

    /// A write to a pipe that nobody reads sends SIGPIPE, unless the call said otherwise.
    pub(super) fn broken_pipe(&mut self, row: &'static Row, args: &[u64; 6]) {
        let flags = match row.name {
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" | "splice" | "tee" | "sendfile" => 0,
            "sendto" | "sendmmsg" => args[3],
            "sendmsg" => args[2],
            _ => return,
        };
        if flags as i32 & libc::MSG_NOSIGNAL == 0 {
            let info = Siginfo::sent(libc::SIGPIPE, 0, self.pid(), rustix::process::getuid().as_raw());
            self.send_to_self(info);
        }
    }
}

/// What a fault wanted of an address, in a word, for messages.
pub fn access_name(access: Access) -> &'static str {
    match access {
        Access::Read => "load from",
        Access::Write => "store to",
        Access::Fetch => "execution of",
    }
}
