//! Signals: the pending ones, their delivery, and faults that become signals.
//!
//! The host kernel handles signals: dispositions and the mask are mirrored in it, so it decides which signals are
//! ignored, blocked or queued, and which stop or end the process. Signals that have a guest handler arrive in a
//! handler of [`host`] and are delivered here. Faults of the guest become signals here and never reach the host.

mod frame;

use super::abi::signal::{SA_NODEFER, SA_RESETHAND, SA_RESTART, SIG_DFL, SIG_IGN, Sigaction, Siginfo};
use super::arch::riscv64 as arch;
use super::outcome::{CallEnd, Outcome, SysResult};
use super::table::Restart;
use super::task::Task;
use crate::guest::Exit;
use crate::guest::riscv::Cpu;
use crate::host::{self, Attachment, Disposition, SignalInfo};
use crate::memory::{Access, FaultKind, GuestAddr, GuestFault};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;

const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;
const BUS_ADRALN: i32 = 1;
const BUS_ADRERR: i32 = 2;
const ILL_ILLOPC: i32 = 1;
const TRAP_BRKPT: i32 = 1;
/// si_code of a signal that the kernel itself generates.
const SI_KERNEL: i32 = 0x80;

/// The signal that killed a process, for the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FatalSignal {
    /// Its number.
    pub signal: i32,
    /// si_code.
    pub code: i32,
    /// The address, if the signal is for a fault.
    pub address: Option<GuestAddr>,
    /// What the instruction did with that address, if the fault is one of memory and not sent by another process.
    pub access: Option<Access>,
    /// The program counter.
    pub pc: GuestAddr,
    /// The stack pointer.
    pub sp: GuestAddr,
}

impl FatalSignal {
    /// The signal with this information, at the thread's pc.
    pub(super) fn of(cpu: &Cpu, info: &Siginfo) -> Self {
        let is_fault = SYNCHRONOUS & bit(info.signo) != 0 && info.code > 0 && info.code != SI_KERNEL;
        Self {
            signal: info.signo,
            code: info.code,
            address: is_fault.then(|| GuestAddr(info.addr())),
            access: None,
            pc: GuestAddr(cpu.pc),
            sp: GuestAddr(arch::stack_pointer(cpu)),
        }
    }
}

/// The default action of a signal.
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

/// SIGKILL and SIGSTOP, which cannot be blocked.
pub const UNBLOCKABLE: u64 = 1 << (libc::SIGKILL - 1) | 1 << (libc::SIGSTOP - 1);

/// Those that the host does not block for the guest.
const NOT_BLOCKED_BY_HOST: u64 = bit(host::NEVER_BLOCKED[0]) | bit(host::NEVER_BLOCKED[1]);

/// Signals that the kernel sends for a fault of an instruction.
pub const SYNCHRONOUS: u64 = 1 << (libc::SIGSEGV - 1)
    | 1 << (libc::SIGBUS - 1)
    | 1 << (libc::SIGILL - 1)
    | 1 << (libc::SIGTRAP - 1)
    | 1 << (libc::SIGFPE - 1)
    | 1 << (libc::SIGSYS - 1);

/// Signals whose default action dumps core. The host must not take it: the core would be remu's.
const CORE: u64 = SYNCHRONOUS | bit(libc::SIGQUIT) | bit(libc::SIGABRT) | bit(libc::SIGXCPU) | bit(libc::SIGXFSZ);

/// A call interrupted by a signal, until it is known whether the call restarts.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted {
    /// The first argument: a0 has been overwritten by the result.
    a0: u64,
}

/// Signals to be delivered to handlers: those that have just arrived, faults, and SIGSEGV and SIGBUS, which the
/// host cannot block for the guest.
#[derive(Debug, Default)]
pub struct Pending {
    queue: VecDeque<Siginfo>,
}

impl Pending {
    /// Adds a signal. A standard signal that is already pending is dropped; real-time signals queue.
    pub fn add(&mut self, info: Siginfo) {
        if info.signo < 32 && self.set() & bit(info.signo) != 0 {
            return;
        }
        self.queue.push_back(info);
    }

    /// The set of pending signals.
    pub fn set(&self) -> u64 {
        self.queue.iter().fold(0, |set, info| set | bit(info.signo))
    }

    /// Takes the next signal in `wanted`: faults first, then by number, as the kernel does.
    #[inline]
    pub fn take(&mut self, wanted: u64) -> Option<Siginfo> {
        if self.queue.is_empty() { None } else { self.take_queued(wanted) }
    }

    #[cold]
    fn take_queued(&mut self, wanted: u64) -> Option<Siginfo> {
        let ready = self.set() & wanted;
        let first = if ready & SYNCHRONOUS != 0 { ready & SYNCHRONOUS } else { ready };
        if first == 0 {
            return None;
        }
        let signal = first.trailing_zeros() as i32 + 1;
        let at = self.queue.iter().position(|info| info.signo == signal)?;
        self.queue.remove(at)
    }

    /// Drops a pending signal that is now ignored.
    pub fn discard(&mut self, signal: i32) {
        self.queue.retain(|info| info.signo != signal);
    }
}

impl From<Siginfo> for SignalInfo {
    fn from(info: Siginfo) -> Self {
        SignalInfo::new(info.signo, info.errno, info.code, info.fields)
    }
}

impl From<SignalInfo> for Siginfo {
    fn from(info: SignalInfo) -> Self {
        Siginfo { signo: info.signo, errno: info.errno, code: info.code, pad: 0, fields: info.fields }
    }
}

/// Dispositions and mask as a program inherits them: what the host ignores is ignored, and what it blocks is blocked.
pub fn inherited(given: Option<(u64, u64)>) -> ([Sigaction; 64], u64) {
    let action = |handler| Sigaction { handler, flags: 0, mask: 0 };
    let is_ignored = |signal| host::is_ignored(signal) || given.is_some_and(|(_, ignored)| ignored & bit(signal) != 0);
    let actions = std::array::from_fn(|i| action(if is_ignored(i as i32 + 1) { SIG_IGN } else { SIG_DFL }));
    let blocked = given.map_or_else(host::signal_mask, |(blocked, _)| blocked);
    (actions, blocked & !UNBLOCKABLE)
}

impl Task {
    /// Turns a fault of the current instruction into its signal, which cannot be blocked or ignored.
    pub(super) fn synchronous_fault(&mut self, cpu: &mut Cpu, exit: Exit) -> Outcome {
        let pc = cpu.pc;
        let info = match exit {
            Exit::Fault(GuestFault { addr, access: _, kind }) => {
                let (signal, code) = match kind {
                    FaultKind::Unmapped | FaultKind::PageFault => (libc::SIGSEGV, SEGV_MAPERR),
                    FaultKind::Denied | FaultKind::AccessFault => (libc::SIGSEGV, SEGV_ACCERR),
                    FaultKind::NoBacking => (libc::SIGBUS, BUS_ADRERR),
                    FaultKind::Misaligned => (libc::SIGBUS, BUS_ADRALN),
                };
                // For a misaligned access or jump, the kernel reports the address of the instruction.
                Siginfo::fault(signal, code, if kind == FaultKind::Misaligned { pc } else { addr.0 })
            }
            Exit::Illegal { .. } => Siginfo::fault(libc::SIGILL, ILL_ILLOPC, pc),
            Exit::Breakpoint => Siginfo::fault(libc::SIGTRAP, TRAP_BRKPT, pc),
            // A user program may not wait for interrupts.
            Exit::Wait => Siginfo::fault(libc::SIGILL, ILL_ILLOPC, pc),
            Exit::Syscall | Exit::Interrupted => return Outcome::Resume,
        };
        let outcome = self.force(cpu, info);
        // The report of a fatal fault gives the address that the instruction accessed, whatever si_addr says.
        match (outcome, exit) {
            (Outcome::Killed(fatal), Exit::Fault(fault)) => {
                Outcome::Killed(FatalSignal { address: Some(fault.addr), access: Some(fault.access), ..fatal })
            }
            _ => outcome,
        }
    }

    /// Sends a signal that cannot be blocked: if it is blocked or ignored, it kills the process.
    pub(super) fn force(&mut self, cpu: &Cpu, info: Siginfo) -> Outcome {
        let action = self.sighand.actions()[info.signo as usize - 1];
        let is_blocked = self.blocked & bit(info.signo) != 0;
        if action.handler > SIG_IGN && !is_blocked {
            self.pending.add(info);
            return Outcome::Resume;
        }
        if let Some(tracer) = &self.system.tracer {
            tracer.signal(&info, self.tid());
        }
        Outcome::Killed(FatalSignal::of(cpu, &info))
    }

    /// Moves arrived signals to the pending ones and returns whether there were any. The host then blocks all
    /// signals until the mask is set again.
    pub(super) fn collect_signals(&mut self) -> bool {
        let mut any = false;
        while let Some(info) = host::take_signal() {
            self.receive(info);
            any = true;
        }
        any
    }

    /// Makes a signal pending that has arrived in this thread: for the process if it was sent to that, and if the host
    /// has only chosen this thread because it cannot block the signal here.
    fn receive(&mut self, info: SignalInfo) {
        let info = self.process.original(info.into());
        let is_blocked = self.blocked & NOT_BLOCKED_BY_HOST & bit(info.signo) != 0;
        if is_blocked && info.code != libc::SI_TKILL {
            self.process.queue(info);
        } else {
            self.pending.add(info);
        }
    }

    /// The pending signals of the thread and its process that the host does not keep.
    pub(super) fn pending_set(&self) -> u64 {
        self.pending.set() | self.process.pending()
    }

    /// Takes one of these in `wanted`: first those of the thread, as in the kernel.
    pub(super) fn take_pending(&mut self, wanted: u64) -> Option<Siginfo> {
        self.pending.take(wanted).or_else(|| self.process.take_pending(wanted))
    }

    /// Gives the signals that were sent to the process, and that this ending thread has not delivered, to others.
    /// Those that were sent to the thread end with it. The host has blocked the signals that it can block.
    pub fn hand_signals_on(&mut self, mailbox: Attachment) {
        for info in mailbox.detach() {
            self.receive(info);
        }
        while let Some(info) = self.pending.take(u64::MAX) {
            if info.code != libc::SI_TKILL {
                self.process.queue(info);
            }
        }
    }

    /// Gives all pending signals back to the host, which blocks them, for the next program.
    pub(super) fn give_back(&mut self) {
        while let Some(mut info) = self.take_pending(u64::MAX) {
            if SYNCHRONOUS & bit(info.signo) != 0 && info.code > 0 {
                // The next remu would take it for a fault of its own.
                info.code = libc::SI_QUEUE;
            }
            host::send_to_self(&info.into());
        }
    }

    /// Sends this thread or its process a signal with the siginfo of a fault, as a handler does that raises its signal
    /// again. The host must not send it: it would look like a fault of remu's own.
    pub(super) fn send_fault(&mut self, info: Siginfo, to_process: bool) {
        let is_blocked = self.blocked & bit(info.signo) != 0;
        if !is_blocked && self.sighand.actions()[info.signo as usize - 1].handler == SIG_IGN {
            return;
        }
        if is_blocked && to_process {
            self.process.queue(info);
        } else {
            self.pending.add(info);
        }
    }

    /// Ends a call that waited with `mask`. The signals that `mask` lets through are delivered, and the old mask is
    /// restored afterwards.
    pub(super) fn woken(&mut self, mask: u64) -> Errno {
        self.saved_mask = Some(self.blocked);
        self.blocked = mask & !UNBLOCKABLE;
        self.show_mask(self.blocked);
        Errno::INTR
    }

    /// Puts the result of a system call into a0, or makes the call again.
    pub(super) fn finish_call(&mut self, cpu: &mut Cpu, restart: Restart, a0: u64, result: SysResult) -> Outcome {
        match result {
            Ok(value) => arch::set_result(cpu, value),
            Err(CallEnd::Errno(errno)) => arch::set_result(cpu, arch::failure(errno)),
            Err(CallEnd::NotBegun) => arch::repeat_call(cpu),
            // The call never blocks, so this only means that the host has not begun it.
            Err(CallEnd::MayRestart) if restart == Restart::Never => arch::repeat_call(cpu),
            Err(CallEnd::MayRestart) => {
                self.interrupted = Some(Interrupted { a0 });
                arch::set_result(cpu, arch::failure(Errno::INTR));
            }
            Err(CallEnd::ExitThread(status)) => {
                return self.end_thread(Outcome::ThreadExited(status), Outcome::Exited(status));
            }
            Err(CallEnd::ThreadKilled(fatal)) => {
                return self.end_thread(Outcome::ThreadKilled(fatal.signal), Outcome::Killed(fatal));
            }
            Err(CallEnd::ExitGroup(status)) => return Outcome::Exited(status),
            Err(CallEnd::Killed(fatal)) => return Outcome::Killed(fatal),
        }
        Outcome::Resume
    }

    /// Delivers the signals that are pending and not blocked, before the thread returns to user mode.
    pub(super) fn deliver_signals(&mut self, cpu: &mut Cpu) -> Outcome {
        let mut host_blocks = false;
        loop {
            host_blocks |= self.collect_signals();
            let Some(info) = self.take_pending(!self.blocked) else {
                if host_blocks {
                    // Unblocking makes pending signals arrive at once.
                    host::set_signal_mask(self.blocked);
                    host_blocks = false;
                    continue;
                }
                let Some(mask) = self.saved_mask.take() else { break };
                // A signal that has arrived meanwhile is delivered before the mask is restored. The restored mask may
                // let others through.
                if self.try_set_blocked(mask).is_err() {
                    self.saved_mask = Some(mask);
                }
                continue;
            };
            let action = self.sighand.actions()[info.signo as usize - 1];
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
                    DefaultAction::End => return Outcome::Killed(FatalSignal::of(cpu, &info)),
                },
                _ => {
                    if let Some(call) = self.interrupted.take()
                        && action.flags & SA_RESTART != 0
                    {
                        call.start_again(cpu);
                    }
                    let outcome = self.run_handler(cpu, &action, &info);
                    if outcome != Outcome::Resume {
                        return outcome;
                    }
                    host_blocks = false;
                }
            }
        }
        // The interrupting signal had no handler.
        if let Some(call) = self.interrupted.take() {
            call.start_again(cpu);
        }
        Outcome::Resume
    }

    fn run_handler(&mut self, cpu: &mut Cpu, action: &Sigaction, info: &Siginfo) -> Outcome {
        let mask = self.saved_mask.take().unwrap_or(self.blocked);
        if self.push_frame(cpu, action, info, mask).is_err() {
            // No room for the frame: send SIGSEGV. If this signal is SIGSEGV itself, end the process.
            let failure = Siginfo::new(libc::SIGSEGV, SI_KERNEL);
            if info.signo == libc::SIGSEGV {
                self.sighand.actions()[libc::SIGSEGV as usize - 1].handler = SIG_DFL;
            }
            return self.force(cpu, failure);
        }
        if action.flags & SA_RESETHAND != 0 {
            let reset = Sigaction { handler: SIG_DFL, ..*action };
            let mut actions = self.sighand.actions();
            actions[info.signo as usize - 1] = reset;
            self.mirror_disposition(info.signo, &reset);
        }
        let own = if action.flags & SA_NODEFER != 0 { 0 } else { bit(info.signo) };
        self.set_blocked(self.blocked | action.mask | own);
        Outcome::Resume
    }

    /// Sets the signal mask, in the host too. Signals that have arrived and are now blocked go back to the host. Others
    /// may have become pending: the caller delivers them.
    fn set_blocked(&mut self, mask: u64) {
        self.note_blocked(mask);
        // Those of faults stay here.
        let by_host = self.blocked & !SYNCHRONOUS;
        if self.pending.set() & by_host == 0 && host::try_set_signal_mask(self.blocked).is_ok() {
            return;
        }
        host::block_all_signals();
        self.collect_signals();
        while let Some(info) = self.pending.take(by_host) {
            host::send_to_self(&info.into());
        }
        host::set_signal_mask(self.blocked);
    }

    /// The same in a call of the guest: a signal that has arrived is delivered before the call begins.
    pub(super) fn try_set_blocked(&mut self, mask: u64) -> Result<(), CallEnd> {
        host::try_set_signal_mask(mask & !UNBLOCKABLE)?;
        self.note_blocked(mask);
        Ok(())
    }

    fn note_blocked(&mut self, mask: u64) {
        self.blocked = mask & !UNBLOCKABLE;
        self.show_mask(self.blocked);
    }

    /// Shows the other threads which signals this one blocks.
    pub(super) fn show_mask(&self, mask: u64) {
        self.shown_mask.store(mask, Ordering::SeqCst);
    }

    /// Mirrors the disposition of a signal in the host, or makes remu receive the signal.
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

    /// Whether remu must receive a signal even with its default disposition: to kill the process without
    /// dumping remu's core, or to trace the signal first.
    fn must_see(&self, signal: i32) -> bool {
        let written = self.system.tracer.is_some() && default_action(signal) == DefaultAction::End;
        CORE & bit(signal) != 0 || written
    }

    /// Mirrors the initial dispositions of a process.
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
        arch::set_result(cpu, self.a0);
        arch::repeat_call(cpu);
    }
}
