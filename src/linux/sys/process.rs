//! The process itself: exit, limits, personality.

use crate::host::{self, Sys, SysArg};
use crate::linux::abi::process::Rlimit;
use crate::linux::call::{Call, pass};
use crate::linux::limits::Limits;
use crate::linux::outcome::{CallEnd, SysResult};
use crate::linux::proc::Guest;
use rustix::io::Errno;
use zerocopy::{FromBytes, IntoBytes};

pub(in crate::linux) fn exit(c: &mut Call<'_>) -> SysResult {
    // A signal that the thread has received is delivered first. From now on the host gives those that are sent to the
    // process to other threads.
    host::try_set_signal_mask(u64::MAX)?;
    Err(CallEnd::ExitThread(c.int(0) & 0xff))
}

pub(in crate::linux) fn exit_group(c: &mut Call<'_>) -> SysResult {
    Err(CallEnd::ExitGroup(c.int(0) & 0xff))
}

pub(in crate::linux) fn set_tid_address(c: &mut Call<'_>) -> SysResult {
    c.task.set_clear_child_tid(c.args[0]);
    Ok(c.task.tid() as u64)
}

pub(in crate::linux) fn personality(c: &mut Call<'_>) -> SysResult {
    let new = Some(c.args[0] as u32).filter(|&new| new != u32::MAX);
    if let Some(new) = new {
        host::mirror_personality(new);
    }
    let old = c.task.personality;
    c.task.personality = new.unwrap_or(old);
    Ok(old.into())
}

/// Whether this process may raise hard limits.
fn may_raise_limits() -> bool {
    use rustix::thread::{CapabilitySet, capabilities};
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_RESOURCE))
}

/// Whether a limit is not the host's, but kept for the guest.
fn is_kept_here(which: u32) -> bool {
    matches!(which, libc::RLIMIT_AS | libc::RLIMIT_DATA | libc::RLIMIT_STACK)
}

/// Reads and sets a limit. Limits on the address space are kept for the guest: set on the host, they would bind remu
/// and its reservation.
fn limit(c: &mut Call<'_>, pid: i32, which: u32, new: Option<Rlimit>) -> Result<Rlimit, CallEnd> {
    if new.is_some_and(|n| n.cur > n.max) {
        return Err(Errno::INVAL.into());
    }
    if pid == 0 || pid == c.task.pid() {
        let mut limits = c.task.process.limits.lock();
        if let Some(limit) = limits.get_mut(which) {
            let old = *limit;
            if let Some(new) = new {
                if new.max > old.max && !may_raise_limits() {
                    return Err(Errno::PERM.into());
                }
                *limit = new;
            }
            drop(limits);
            if new.is_some() {
                c.task.apply_limits();
                c.task.publish_guest();
            }
            return Ok(old);
        }
    } else if let Some(guest) = is_kept_here(which).then(|| Guest::of_pid(c.task, pid)).flatten() {
        // What the host has are remu's own limits there.
        if new.is_some() {
            c.missing_form("RLIMIT_AS, RLIMIT_DATA or RLIMIT_STACK of another guest");
            return Err(Errno::PERM.into());
        }
        let limits = Limits::from_pairs(guest.limits);
        return limits.get(which).copied().ok_or(Errno::INVAL.into());
    }
    let mut old = Rlimit { cur: 0, max: 0 };
    let mut args = [
        SysArg::Val(pid as u64),
        SysArg::Val(which.into()),
        new.as_ref().map_or(SysArg::Null, |new| SysArg::In(new.as_bytes())),
        SysArg::Out(old.as_mut_bytes()),
    ];
    pass(Sys::Prlimit64, &mut args)?;
    Ok(old)
}

pub(in crate::linux) fn getrlimit(c: &mut Call<'_>) -> SysResult {
    let old = limit(c, 0, c.args[0] as u32, None)?;
    c.write(c.args[1], &old)?;
    Ok(0)
}

pub(in crate::linux) fn setrlimit(c: &mut Call<'_>) -> SysResult {
    let new = c.read(c.args[1])?;
    limit(c, 0, c.args[0] as u32, Some(new))?;
    Ok(0)
}

pub(in crate::linux) fn prlimit64(c: &mut Call<'_>) -> SysResult {
    let new = c.read_opt(c.args[2])?;
    let old = limit(c, c.int(0), c.args[1] as u32, new)?;
    c.write_opt(c.args[3], &old)?;
    Ok(0)
}

// `Rlimit` is passed to the host as bytes.
const _: fn() = || {
    fn plain<T: FromBytes + IntoBytes>() {}
    plain::<Rlimit>();
};
