//! Memory calls beyond the mmap family: seals, remap_file_pages, and calls on a process's memory.

use super::mem::advise;
use crate::host::{GuestPtr, IoVec, Sys, SysArg};
use crate::linux::abi::file::Iovec;
use crate::linux::call::{Call, pass};
use crate::linux::outcome::{CallEnd, SysResult};
use crate::linux::proc::Guest;
use crate::memory::GuestAddr;
use rustix::io::Errno;

pub(in crate::linux) fn mseal(c: &mut Call<'_>) -> SysResult {
    if c.args[2] != 0 {
        return Err(Errno::INVAL.into());
    }
    c.task.mm.seal(c.addr(0), c.args[1])?;
    Ok(0)
}

pub(in crate::linux) fn remap_file_pages(c: &mut Call<'_>) -> SysResult {
    let [_, len, prot, page, flags, _] = c.args;
    if prot != 0 {
        return Err(Errno::INVAL.into());
    }
    c.task.mm.remap_file_pages(c.addr(0), len, page, flags as u32)?;
    Ok(0)
}

/// Whether the ID is that of this process or of one of its threads.
pub(super) fn is_own(c: &Call<'_>, pid: i32) -> bool {
    pid == c.task.pid() || pid > 0 && std::fs::exists(format!("/proc/{}/task/{pid}", c.task.pid())).unwrap_or(false)
}

/// The error of a call on another process's memory that remu cannot make. The host reports ESRCH.
pub(super) fn foreign(c: &Call<'_>, pid: i32) -> CallEnd {
    if pid <= 0 {
        return Errno::SRCH.into();
    }
    if let Err(e) = pass(Sys::Kill, &mut [SysArg::Val(pid as u64), SysArg::Val(0)]) {
        return e;
    }
    c.unimplemented(format!("{} on another process", c.row.name));
    Errno::PERM.into()
}

/// The iovecs in the other process, whose address space ends at `limit`. The transfer ends at an address that cannot be
/// mapped.
fn remote<'c>(c: &'c Call<'_>, addr: u64, count: u64, limit: u64) -> Result<Vec<IoVec<'c>>, Errno> {
    c.iovecs(addr, count, |iovec| {
        let found = c.task.mm.host_iovec(GuestAddr(iovec.base), iovec.len).ok();
        let found = found.filter(|_| iovec.base.saturating_add(iovec.len) <= limit);
        Ok(found.unwrap_or_else(|| IoVec::new(GuestPtr::refused(iovec.base), iovec.len)))
    })
}

fn transfer(c: &mut Call<'_>, call: Sys) -> SysResult {
    let [_, local, local_count, remote_list, remote_count, flags] = c.args;
    let pid = c.int(0);
    if flags != 0 {
        return Err(Errno::INVAL.into());
    }
    let local = c.vector(local, local_count)?;
    let is_own = is_own(c, pid);
    let guest = if is_own { None } else { Guest::of_pid(c.task, pid) };
    let own_limit = c.task.mm.limit().0;
    let remote = remote(c, remote_list, remote_count, guest.map_or(own_limit, |guest| guest.limit))?;
    // Elsewhere, only the other process's remu knows its addresses.
    if !is_own && !c.task.mm.is_identity() {
        return Err(foreign(c, pid));
    }
    let counts = [local.len(), remote.len()].map(|n| SysArg::Val(n as u64));
    let [local_count, remote_count] = counts;
    let process = SysArg::Val(pid as u64);
    pass(call, &mut [process, SysArg::Vector(&local), local_count, SysArg::Vector(&remote), remote_count])
}

pub(in crate::linux) fn process_vm_readv(c: &mut Call<'_>) -> SysResult {
    transfer(c, Sys::ProcessVmReadv)
}

pub(in crate::linux) fn process_vm_writev(c: &mut Call<'_>) -> SysResult {
    transfer(c, Sys::ProcessVmWritev)
}

/// Pseudo-descriptors for the caller's own thread and process: PIDFD_SELF_THREAD, PIDFD_SELF_THREAD_GROUP.
const PIDFD_SELF: std::ops::RangeInclusive<i32> = -10001..=-10000;

/// The process ID of a process descriptor.
pub(super) fn process_of(c: &Call<'_>, fd: i32) -> Result<i32, Errno> {
    if PIDFD_SELF.contains(&fd) {
        return Ok(c.task.pid());
    }
    let info = std::fs::read_to_string(format!("/proc/thread-self/fdinfo/{fd}")).map_err(|_| Errno::BADF)?;
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:")).ok_or(Errno::BADF)?;
    match pid.trim().parse() {
        Ok(pid) if pid > 0 => Ok(pid),
        _ => Err(Errno::SRCH),
    }
}

pub(in crate::linux) fn process_madvise(c: &mut Call<'_>) -> SysResult {
    let [_, list, count, _, flags, _] = c.args;
    let advice = c.int(3);
    if flags as u32 != 0 {
        return Err(Errno::INVAL.into());
    }
    let iovecs: Vec<Iovec> = c.iovecs(list, count, Ok)?;
    let fd = c.fd(0)?;
    let pid = process_of(c, fd)?;
    if !is_own(c, pid) && !c.task.mm.is_identity() {
        return Err(foreign(c, pid));
    }
    if !is_own(c, pid) {
        let limit = Guest::of_pid(c.task, pid).map_or(c.task.mm.limit().0, |guest| guest.limit);
        let remote = remote(c, list, count, limit)?;
        let [fd, count, advice] = [fd as u64, remote.len() as u64, advice as u64].map(SysArg::Val);
        return pass(Sys::ProcessMadvise, &mut [fd, SysArg::Vector(&remote), count, advice, SysArg::Val(0)]);
    }
    let mut done = 0;
    for iovec in iovecs {
        match advise(c, GuestAddr(iovec.base), iovec.len, advice) {
            Ok(_) => done += iovec.len,
            Err(e) if done == 0 => return Err(e),
            Err(_) => break,
        }
    }
    Ok(done)
}
