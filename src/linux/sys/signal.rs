//! The calls about signals.

use crate::host::{self, Sys, SysArg};
use crate::linux::abi::signal::{SA_KNOWN, SIG_DFL, SIG_IGN, Sigaction, Siginfo, StackT};
use crate::linux::abi::time::Timespec;
use crate::linux::call::{Call, SysResult};
use crate::linux::signal::{UNBLOCKABLE, bit};
use rustix::io::Errno;

/// The size of the kernel's signal set, which every call has to name.
const SIGSET_SIZE: u64 = 8;

const SI_USER: i32 = 0;
const SI_TKILL: i32 = -6;

fn check_size(c: &Call<'_>, i: usize) -> Result<(), Errno> {
    if c.args[i] == SIGSET_SIZE { Ok(()) } else { Err(Errno::INVAL) }
}

pub(in crate::linux) fn rt_sigaction(c: &mut Call<'_>) -> SysResult {
    check_size(c, 3)?;
    let signal = c.int(0);
    let new: Option<Sigaction> = c.read_opt(c.args[1])?;
    if !(1..=64).contains(&signal) || (new.is_some() && bit(signal) & UNBLOCKABLE != 0) {
        return Err(Errno::INVAL);
    }
    let slot = signal as usize - 1;
    let old = c.task.sighand.actions()[slot];
    if let Some(new) = new {
        let new = Sigaction { flags: new.flags & SA_KNOWN, mask: new.mask & !UNBLOCKABLE, ..new };
        c.task.sighand.actions()[slot] = new;
        c.task.mirror_disposition(signal, new.handler);
        let ignored_by_default = matches!(signal, libc::SIGCHLD | libc::SIGCONT | libc::SIGURG | libc::SIGWINCH);
        if new.handler == SIG_IGN || new.handler == SIG_DFL && ignored_by_default {
            c.task.pending.discard(signal);
        }
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
            _ => return Err(Errno::INVAL),
        };
        c.task.set_blocked(new);
    }
    c.write_opt(c.args[2], &old)?;
    Ok(0)
}

pub(in crate::linux) fn rt_sigpending(c: &mut Call<'_>) -> SysResult {
    let size = c.args[1];
    if size > SIGSET_SIZE {
        return Err(Errno::INVAL);
    }
    let set = (c.task.pending.set() | host::pending_signals()) & c.task.blocked;
    c.task.mm.write_bytes(c.addr(0), &set.to_le_bytes()[..size as usize])?;
    Ok(0)
}

pub(in crate::linux) fn sigaltstack(c: &mut Call<'_>) -> SysResult {
    let sp = c.cpu.x(2);
    let old = StackT { flags: c.task.altstack_flags(sp), ..c.task.altstack };
    if let Some(new) = c.read_opt::<StackT>(c.args[0])? {
        c.task.set_altstack(&new, sp)?;
    }
    c.write_opt(c.args[1], &old)?;
    Ok(0)
}

/// A signal of this process to itself: its handler is to run, so it does not go through the host.
fn to_self(c: &mut Call<'_>, signal: i32, code: i32) {
    let uid = rustix::process::getuid().as_raw();
    let info = Siginfo::sent(signal, code, c.task.pid(), uid);
    c.task.send_to_self(info);
}

/// Whether a signal sent to this process is for us to deliver: SIGKILL and SIGSTOP are the host's, and
/// so are numbers that are no signals.
fn ours(signal: i32) -> bool {
    (1..=64).contains(&signal) && bit(signal) & UNBLOCKABLE == 0
}

pub(in crate::linux) fn kill(c: &mut Call<'_>) -> SysResult {
    let (pid, signal) = (c.int(0), c.int(1));
    if pid == c.task.pid() && ours(signal) {
        to_self(c, signal, SI_USER);
        return Ok(0);
    }
    host::pass(Sys::Kill, &mut [SysArg::Val(c.args[0]), SysArg::Val(c.args[1])])
}

pub(in crate::linux) fn tkill(c: &mut Call<'_>) -> SysResult {
    let (tid, signal) = (c.int(0), c.int(1));
    if tid == c.task.tid() && ours(signal) {
        to_self(c, signal, SI_TKILL);
        return Ok(0);
    }
    host::pass(Sys::Tkill, &mut [SysArg::Val(c.args[0]), SysArg::Val(c.args[1])])
}

pub(in crate::linux) fn tgkill(c: &mut Call<'_>) -> SysResult {
    let (pid, tid, signal) = (c.int(0), c.int(1), c.int(2));
    if pid == c.task.pid() && tid == c.task.tid() && ours(signal) {
        to_self(c, signal, SI_TKILL);
        return Ok(0);
    }
    host::pass(Sys::Tgkill, &mut [SysArg::Val(c.args[0]), SysArg::Val(c.args[1]), SysArg::Val(c.args[2])])
}

fn queue(c: &mut Call<'_>, own: bool, signal: i32, info: u64) -> SysResult {
    let info: Siginfo = c.read(info)?;
    if !own {
        c.unimplemented(format!("{} to another process", c.row.name));
        return Err(Errno::PERM);
    }
    if signal == 0 {
        return Ok(0);
    }
    if !(1..=64).contains(&signal) {
        return Err(Errno::INVAL);
    }
    c.task.send_to_self(Siginfo { signo: signal, ..info });
    Ok(0)
}

pub(in crate::linux) fn rt_sigqueueinfo(c: &mut Call<'_>) -> SysResult {
    let own = c.int(0) == c.task.pid();
    queue(c, own, c.int(1), c.args[2])
}

pub(in crate::linux) fn rt_tgsigqueueinfo(c: &mut Call<'_>) -> SysResult {
    let own = c.int(0) == c.task.pid() && c.int(1) == c.task.tid();
    queue(c, own, c.int(2), c.args[3])
}

pub(in crate::linux) fn rt_sigsuspend(c: &mut Call<'_>) -> SysResult {
    check_size(c, 1)?;
    let mask: u64 = c.read(c.args[0])?;
    let before = c.task.blocked;
    c.task.set_blocked(mask);
    while c.task.pending.set() & !c.task.blocked == 0 {
        // Until handlers run for signals from outside, only one that ends the process ends this.
        let forever = [SysArg::Null, SysArg::Val(0), SysArg::Null, SysArg::Null, SysArg::Val(0)];
        let _ = host::pass(Sys::Ppoll, &mut { forever });
    }
    c.task.saved_mask = Some(before);
    Err(Errno::INTR)
}

pub(in crate::linux) fn rt_sigtimedwait(c: &mut Call<'_>) -> SysResult {
    check_size(c, 3)?;
    let wanted: u64 = c.read::<u64>(c.args[0])? & !UNBLOCKABLE;
    let timeout: Option<Timespec> = c.read_opt(c.args[2])?;
    if timeout.is_some_and(|t| t.sec < 0 || !(0..1_000_000_000).contains(&t.nsec)) {
        return Err(Errno::INVAL);
    }
    let info = match c.task.pending.take(wanted) {
        Some(info) => info,
        None => {
            let timeout = timeout.map(|t| host::Timespec { sec: t.sec, nsec: t.nsec });
            let (signo, code, fields) = host::wait_for_signal(wanted, timeout)?;
            Siginfo { signo, errno: 0, code, pad: 0, fields }
        }
    };
    c.write_opt(c.args[1], &info)?;
    Ok(info.signo as u64)
}

pub(in crate::linux) fn rt_sigreturn(c: &mut Call<'_>) -> SysResult {
    if c.task.pop_frame(c.cpu).is_err() {
        const SI_KERNEL: i32 = 0x80;
        c.task.force(c.cpu, Siginfo::new(libc::SIGSEGV, SI_KERNEL), None);
    }
    // What the frame has put into a0 is the result.
    Ok(c.cpu.x(10))
}

/// There is nothing to go on with: calls that a signal interrupts are not yet resumed through here.
pub(in crate::linux) fn restart_syscall(_: &mut Call<'_>) -> SysResult {
    Err(Errno::INTR)
}
