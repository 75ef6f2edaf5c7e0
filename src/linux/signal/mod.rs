//! Signals: what is pending, what a signal does, and faults that become signals.
//!
//! The host's kernel keeps the signals: dispositions and the mask are mirrored in it, so that what is
//! ignored, held back, queued, stops the process or ends it is its affair. What the guest has a handler
//! for arrives in a handler of [`host`]'s and is delivered here; faults of the guest are
//! turned into signals here and never leave.

mod frame;

use super::abi::signal::{SA_NODEFER, SA_RESETHAND, SA_RESTART, SIG_DFL, SIG_IGN, Sigaction, Siginfo};
use super::table::Restart;
use super::task::{Outcome, Task};
use crate::guest::Exit;
use crate::guest::riscv::Cpu;
use crate::host::{self, Disposition, SignalInfo};
use crate::memory::{FaultKind, GuestAddr, GuestFault};
use rustix::io::Errno;
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
pub const fn bit(signal: i32) -> u64 {
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

/// Signals whose default action leaves a core: which would be remu's, so the host must not take it.
const CORE: u64 = SYNCHRONOUS | bit(libc::SIGQUIT) | bit(libc::SIGABRT) | bit(libc::SIGXCPU) | bit(libc::SIGXFSZ);

/// A call that a signal has interrupted, until it is known whether it starts again.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted {
    /// What was in a0, which has the result by now.
    a0: u64,
}

/// Signals that are on their way to their handlers: those that have just arrived, faults, and what the
/// host cannot hold back for the guest (SIGSEGV and SIGBUS).
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

impl From<SignalInfo> for Siginfo {
    fn from(info: SignalInfo) -> Self {
        Siginfo { signo: info.signo, errno: info.errno, code: info.code, pad: 0, fields: info.fields }
    }
}

/// Dispositions and mask as a program inherits them: what the host ignores is ignored, what it holds
/// back is blocked.
pub fn inherited() -> ([Sigaction; 64], u64) {
    let action = |handler| Sigaction { handler, flags: 0, mask: 0 };
    let actions = std::array::from_fn(|i| action(if host::is_ignored(i as i32 + 1) { SIG_IGN } else { SIG_DFL }));
    (actions, host::signal_mask() & !UNBLOCKABLE)
}

impl Task {
    /// Turns a fault of the running instruction into its signal, which cannot be blocked or ignored.
    pub(super) fn synchronous_fault(&mut self, cpu: &mut Cpu, exit: Exit) {
        let pc = cpu.pc;
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
            Exit::Illegal { .. } => Siginfo::fault(libc::SIGILL, ILL_ILLOPC, pc),
            Exit::Breakpoint => Siginfo::fault(libc::SIGTRAP, TRAP_BRKPT, pc),
            // A user program may not wait for interrupts.
            Exit::Halt => Siginfo::fault(libc::SIGILL, ILL_ILLOPC, pc),
            Exit::Syscall | Exit::Interrupted => return,
        };
        self.force(cpu, info);
        // The report of a fatal one tells what the instruction wanted, whatever a handler would be told.
        if let (Some(Outcome::Killed(fatal)), Exit::Fault(fault)) = (&mut self.ending, exit) {
            fatal.address = Some(fault.addr);
        }
    }

    /// Sends a signal that cannot be held back: if it is blocked or ignored, it ends the process.
    pub(super) fn force(&mut self, cpu: &Cpu, info: Siginfo) {
        let action = self.sighand.actions()[info.signo as usize - 1];
        let held = self.blocked & bit(info.signo) != 0;
        if action.handler <= SIG_IGN || held {
            if let Some(tracer) = &self.system.tracer {
                tracer.signal(&info, self.tid());
            }
            self.end(cpu, &info);
        } else {
            self.pending.add(info);
        }
    }

    fn end(&mut self, cpu: &Cpu, info: &Siginfo) {
        let fault = SYNCHRONOUS & bit(info.signo) != 0 && info.code > 0 && info.code != SI_KERNEL;
        self.ending = Some(Outcome::Killed(FatalSignal {
            signal: info.signo,
            code: info.code,
            address: fault.then(|| GuestAddr(info.addr())),
            pc: GuestAddr(cpu.pc),
        }));
    }

    /// Moves what has arrived to the pending signals; true if there was something. The host holds
    /// everything back from then on, until the mask is set.
    pub(super) fn collect_signals(&mut self) -> bool {
        let mut any = false;
        while let Some(info) = host::take_signal() {
            self.pending.add(info.into());
            any = true;
        }
        any
    }

    /// A call that waited with this mask has been interrupted: the signals it lets through are delivered
    /// with it, and the old one is for afterwards.
    pub(super) fn woken(&mut self, mask: u64) -> Errno {
        self.saved_mask = Some(self.blocked);
        self.blocked = mask & !UNBLOCKABLE;
        Errno::INTR
    }

    /// What a system call has come to goes into a0, or the call is to be made again.
    pub(super) fn finish_call(&mut self, cpu: &mut Cpu, restart: Restart, a0: u64, result: Result<u64, Errno>) {
        let again = |cpu: &mut Cpu| cpu.pc = cpu.pc.wrapping_sub(4);
        match result {
            Err(host::NOT_BEGUN) => again(cpu),
            // Of a call that waits for nothing, this is how the host tells that it has not begun.
            Err(host::MAY_RESTART) if restart == Restart::Never => again(cpu),
            Err(host::MAY_RESTART) => {
                self.interrupted = Some(Interrupted { a0 });
                cpu.set_x(10, super::task::as_register(Err(Errno::INTR)));
            }
            result => cpu.set_x(10, super::task::as_register(result)),
        }
    }

    /// Delivers what is pending and not blocked, before the thread goes on in user mode.
    pub(super) fn deliver_signals(&mut self, cpu: &mut Cpu) {
        let mut held_back = false;
        while self.ending.is_none() {
            held_back |= self.collect_signals();
            let Some(info) = self.pending.take(!self.blocked) else {
                if !held_back {
                    break;
                }
                // More may be waiting, and come at once.
                host::set_signal_mask(self.blocked);
                held_back = false;
                continue;
            };
            let slot = info.signo as usize - 1;
            let action = self.sighand.actions()[slot];
            if let Some(tracer) = &self.system.tracer
                && action.handler != SIG_IGN
            {
                tracer.signal(&info, self.tid());
            }
            match action.handler {
                SIG_IGN => {}
                SIG_DFL => match default_action(info.signo) {
                    DefaultAction::Ignore => {}
                    DefaultAction::Stop => host::stop_self(info.signo),
                    DefaultAction::End => self.end(cpu, &info),
                },
                _ => {
                    if let Some(call) = self.interrupted.take()
                        && action.flags & SA_RESTART != 0
                    {
                        call.start_again(cpu);
                    }
                    self.run_handler(cpu, &action, &info);
                    held_back = false;
                }
            }
        }
        // Interrupted by something that no handler was to see.
        if let Some(call) = self.interrupted.take() {
            call.start_again(cpu);
        }
        if let Some(mask) = self.saved_mask.take() {
            self.set_blocked(mask);
        }
    }

    fn run_handler(&mut self, cpu: &mut Cpu, action: &Sigaction, info: &Siginfo) {
        let mask = self.saved_mask.take().unwrap_or(self.blocked);
        if self.push_frame(cpu, action, info, mask).is_err() {
            // No room for the frame: SIGSEGV, and if it was that already, the end.
            let failure = Siginfo::new(libc::SIGSEGV, SI_KERNEL);
            if info.signo == libc::SIGSEGV {
                self.sighand.actions()[libc::SIGSEGV as usize - 1].handler = SIG_DFL;
            }
            self.force(cpu, failure);
            return;
        }
        if action.flags & SA_RESETHAND != 0 {
            let reset = Sigaction { handler: SIG_DFL, ..*action };
            self.sighand.actions()[info.signo as usize - 1] = reset;
            self.mirror_disposition(info.signo, &reset);
        }
        let own = if action.flags & SA_NODEFER != 0 { 0 } else { bit(info.signo) };
        self.set_blocked(self.blocked | action.mask | own);
    }

    /// Blocks exactly these signals, in the host too.
    pub(super) fn set_blocked(&mut self, mask: u64) {
        self.blocked = mask & !UNBLOCKABLE;
        host::set_signal_mask(self.blocked);
    }

    /// Lets the host do what the guest wants done on a signal, or tell of it.
    pub(super) fn mirror_disposition(&self, signal: i32, action: &Sigaction) {
        let disposition = match action.handler {
            SIG_IGN => Disposition::Ignore,
            SIG_DFL if self.must_see(signal) => Disposition::Catch,
            SIG_DFL => Disposition::Default,
            _ => Disposition::Catch,
        };
        if bit(signal) & UNBLOCKABLE == 0 {
            let set = host::set_disposition(signal, disposition, action.flags);
            debug_assert!(set.is_ok(), "{signal} is a signal that can be set");
        }
    }

    /// Whether a signal that does what it does by default must come here all the same: to end the
    /// process without a core of remu's, or to be written down first.
    fn must_see(&self, signal: i32) -> bool {
        let written = self.system.tracer.is_some() && default_action(signal) == DefaultAction::End;
        CORE & bit(signal) != 0 || written
    }

    /// Mirrors the dispositions that a process starts with.
    pub(super) fn mirror_dispositions(&self) {
        let actions = *self.sighand.actions();
        for (signal, action) in (1..).zip(&actions) {
            if action.handler == SIG_DFL && self.must_see(signal) {
                self.mirror_disposition(signal, action);
            }
        }
    }
}

impl Interrupted {
    /// Makes the call again.
    fn start_again(self, cpu: &mut Cpu) {
        cpu.set_x(10, self.a0);
        cpu.pc = cpu.pc.wrapping_sub(4);
    }
}
