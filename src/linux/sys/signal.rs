//! Signal system calls.

use crate::host::{self, CallError, Notification, Sys};
use crate::linux::abi::signal::{SA_KNOWN, SIG_DFL, SIG_IGN, Sigaction, Sigevent, Siginfo, StackT};
use crate::linux::abi::time::Timespec;
use crate::linux::arch::riscv64 as arch;
use crate::linux::call::Call;
use crate::linux::outcome::{CallEnd, Outcome, SysResult};
use crate::linux::signal::{SYNCHRONOUS, UNBLOCKABLE, bit};
use rustix::io::Errno;

/// The size of the kernel's signal set, which every call must pass.
const SIGSET_SIZE: u64 = 8;

fn check_size(c: &Call<'_>, i: usize) -> Result<(), Errno> {
    if c.args[i] == SIGSET_SIZE { Ok(()) } else { Err(Errno::INVAL) }
}

pub(in crate::linux) fn rt_sigaction(c: &mut Call<'_>) -> SysResult {
    check_size(c, 3)?;
    let signal = c.int(0);
    let new: Option<Sigaction> = c.read_opt(c.args[1])?;
    if !(1..=64).contains(&signal) || (new.is_some() && bit(signal) & UNBLOCKABLE != 0) {
        return Err(Errno::INVAL.into());
    }
    let slot = signal as usize - 1;
    let sighand = c.task.sighand.clone();
    let mut actions = sighand.actions();
    let old = actions[slot];
    if let Some(new) = new {
        let new = Sigaction { flags: new.flags & SA_KNOWN, mask: new.mask & !UNBLOCKABLE, ..new };
        actions[slot] = new;
        c.task.mirror_disposition(signal, &new);
    }
    drop(actions);
    let ignored_by_default = matches!(signal, libc::SIGCHLD | libc::SIGCONT | libc::SIGURG | libc::SIGWINCH);
    if new.is_some_and(|new| new.handler == SIG_IGN || new.handler == SIG_DFL && ignored_by_default) {
        c.task.pending.discard(signal);
        while c.task.process.take_pending(bit(signal)).is_some() {}
    }
    c.write_opt(c.args[2], &old)?;
    Ok(0)
}

pub(in crate::linux) fn rt_sigprocmask(c: &mut Call<'_>) -> SysResult {
    check_size(c, 3)?;
    let old = c.task.blocked;
    if let Some(set) = c.read_opt::<u64>(c.args[1])? {
        let new = match c.int(0) {
            libc::SIG_BLOCK => old | set,
            libc::SIG_UNBLOCK => old & !set,
            libc::SIG_SETMASK => set,
            _ => return Err(Errno::INVAL.into()),
        };
        c.task.try_set_blocked(new)?;
    }
    c.write_opt(c.args[2], &old)?;
    Ok(0)
}

pub(in crate::linux) fn rt_sigpending(c: &mut Call<'_>) -> SysResult {
    let size = c.args[1];
    if size > SIGSET_SIZE {
        return Err(Errno::INVAL.into());
    }
    let set = (c.task.pending_set() | host::pending_signals()) & c.task.blocked;
    c.task.mm.write_bytes(c.addr(0), &set.to_le_bytes()[..size as usize])?;
    Ok(0)
}

pub(in crate::linux) fn sigaltstack(c: &mut Call<'_>) -> SysResult {
    let sp = arch::stack_pointer(c.cpu);
    let old = StackT { flags: c.task.altstack_flags(sp), ..c.task.altstack };
    if let Some(new) = c.read_opt::<StackT>(c.args[0])? {
        c.task.set_altstack(&new, sp)?;
    }
    c.write_opt(c.args[1], &old)?;
    Ok(0)
}

pub(in crate::linux) fn rt_sigsuspend(c: &mut Call<'_>) -> SysResult {
    check_size(c, 1)?;
    let mask: u64 = c.read(c.args[0])?;
    c.task.show_mask(mask);
    while c.task.pending_set() & !mask == 0 {
        match host::suspend(mask) {
            CallError::Errno(Errno::INTR) => c.task.collect_signals(),
            other => {
                c.task.show_mask(c.task.blocked);
                return Err(other.into());
            }
        };
    }
    Err(c.task.woken(mask).into())
}

pub(in crate::linux) fn rt_sigtimedwait(c: &mut Call<'_>) -> SysResult {
    check_size(c, 3)?;
    let wanted: u64 = c.read::<u64>(c.args[0])? & !UNBLOCKABLE;
    let timeout: Option<Timespec> = c.read_opt(c.args[2])?;
    if timeout.is_some_and(|t| t.sec < 0 || !(0..1_000_000_000).contains(&t.nsec)) {
        return Err(Errno::INVAL.into());
    }
    c.task.show_mask(c.task.blocked & !wanted);
    let waited = match c.task.take_pending(wanted) {
        Some(info) => Ok(info),
        None => {
            let timeout = timeout.map(|t| host::Timespec { sec: t.sec, nsec: t.nsec });
            host::wait_for_signal(wanted, timeout).map(|info| c.task.process.original(info.into()))
        }
    };
    c.task.show_mask(c.task.blocked);
    let info = waited?;
    c.write_opt(c.args[1], &info)?;
    Ok(info.signo as u64)
}

/// Passes a call that sends a signal with a siginfo, whose arguments start at `i`, unless a thread sends itself that of a
/// fault.
fn send_info(c: &mut Call<'_>, i: usize, to_self: bool, to_process: bool, call: Sys) -> SysResult {
    let signal = c.int(i);
    if to_self && (1..=64).contains(&signal) && SYNCHRONOUS & bit(signal) != 0 {
        let info: Siginfo = c.read(c.args[i + 1])?;
        if info.code > 0 {
            c.task.send_fault(Siginfo { signo: signal, ..info }, to_process);
            return Ok(0);
        }
    }
    c.pass(call)
}

pub(in crate::linux) fn rt_sigqueueinfo(c: &mut Call<'_>) -> SysResult {
    // As in the kernel, only the first thread may send its process such a siginfo.
    let to_self = c.int(0) == c.task.tid();
    send_info(c, 1, to_self, true, Sys::RtSigqueueinfo)
}

pub(in crate::linux) fn rt_tgsigqueueinfo(c: &mut Call<'_>) -> SysResult {
    let to_self = c.int(0) == c.task.pid() && c.int(1) == c.task.tid();
    send_info(c, 2, to_self, false, Sys::RtTgsigqueueinfo)
}

/// The process or thread that a pidfd names.
fn process_of(pidfd: i32) -> Option<i32> {
    let text = std::fs::read_to_string(format!("/proc/thread-self/fdinfo/{pidfd}")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()
}

pub(in crate::linux) fn pidfd_send_signal(c: &mut Call<'_>) -> SysResult {
    const PIDFD_SIGNAL_THREAD: u64 = 1;
    let own = c.task.tid();
    let to_self = c.args[2] != 0 && process_of(c.fd(0)?) == Some(own);
    // The kernel wants the same number in both places.
    let is_plain = c.args[3] <= PIDFD_SIGNAL_THREAD && c.read::<i32>(c.args[2]).ok() == Some(c.int(1));
    send_info(c, 1, to_self && is_plain, c.args[3] == 0, Sys::PidfdSendSignal)
}

pub(in crate::linux) fn rt_sigreturn(c: &mut Call<'_>) -> SysResult {
    match c.task.pop_frame(c.cpu) {
        Ok(()) => {}
        Err(CallEnd::NotBegun) => return Err(CallEnd::NotBegun),
        Err(_) => {
            const SI_KERNEL: i32 = 0x80;
            if let Outcome::Killed(fatal) = c.task.force(c.cpu, Siginfo::new(libc::SIGSEGV, SI_KERNEL)) {
                return Err(CallEnd::Killed(fatal));
            }
        }
    }
    // The result is the register that the frame has restored.
    Ok(arch::result(c.cpu))
}

/// The host keeps the restart block: it resumes calls after a stop, and no call resumes after a handler.
pub(in crate::linux) fn restart_syscall(_: &mut Call<'_>) -> SysResult {
    Err(Errno::INTR.into())
}

pub(in crate::linux) fn signalfd4(c: &mut Call<'_>) -> SysResult {
    check_size(c, 2)?;
    c.pass(Sys::Signalfd4)
}

pub(in crate::linux) fn mq_notify(c: &mut Call<'_>) -> SysResult {
    /// NOTIFY_COOKIE_LEN.
    const COOKIE: usize = 32;
    let queue = c.fd(0)?;
    let event: Option<Sigevent> = c.read_opt(c.args[1])?;
    // For SIGEV_THREAD, `value` points to the cookie to send to a netlink socket, whose descriptor is in `signo`.
    let cookie = match event {
        Some(event) if event.notify == libc::SIGEV_THREAD => c.read(event.value)?,
        _ => [0; COOKIE],
    };
    let notification = event.map(|Sigevent { value, signo, notify, .. }| Notification { value, signo, notify });
    Ok(host::mq_notify(queue, notification, &cookie)?)
}
