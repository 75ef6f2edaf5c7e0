//! System V shared memory, semaphores and message queues.
//!
//! The objects and their IDs are the host's, and so shared with every other process. remu records the addresses of
//! attached segments and converts the one structure that x86-64 lays out differently.

use crate::host::{SemctlRequest, Sys, SysArg};
use crate::linux::abi::ipc::command::*;
use crate::linux::abi::ipc::{IpcPerm, MsgHead, MsqidDs, Sembuf, SemidDs, ShmidDs};
use crate::linux::abi::structs::TIMESPEC;
use crate::linux::call::{Call, pass};
use crate::linux::outcome::SysResult;
use crate::memory::{Backing, GuestAddr, MapRequest, PAGE_SIZE, Place, Prot, ShmSegment};
use rustix::io::Errno;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

pub(in crate::linux) fn shmget(c: &mut Call<'_>) -> SysResult {
    if c.int(2) & libc::SHM_HUGETLB != 0 {
        c.unimplemented("shmget with SHM_HUGETLB".to_owned());
        return Err(Errno::INVAL.into());
    }
    c.pass(Sys::Shmget)
}

pub(in crate::linux) fn shmctl(c: &mut Call<'_>) -> SysResult {
    // The size of the largest structure; the command selects the structure.
    let structure = c.guest(c.args[2], size_of::<ShmidDs>() as u64);
    pass(Sys::Shmctl, &mut [SysArg::Val(c.args[0]), SysArg::Val(c.args[1]), structure])
}

pub(in crate::linux) fn shmat(c: &mut Call<'_>) -> SysResult {
    let (id, mut addr, flags) = (c.int(0), c.args[1], c.int(2));
    let (round, remap) = (flags & libc::SHM_RND != 0, flags & libc::SHM_REMAP != 0);
    if id < 0 {
        return Err(Errno::INVAL.into());
    }
    let anywhere = addr == 0;
    if !addr.is_multiple_of(PAGE_SIZE) && round {
        addr -= addr % PAGE_SIZE;
    }
    if !addr.is_multiple_of(PAGE_SIZE) || addr == 0 && remap {
        return Err(Errno::INVAL.into());
    }
    // Permission to attach a segment includes permission to query its size.
    let mut status = ShmidDs::new_zeroed();
    let mut ask = [SysArg::Val(id as u64), SysArg::Val(IPC_STAT as u64), SysArg::Out(status.as_mut_bytes())];
    pass(Sys::ShmctlStatus, &mut ask)?;
    let place = if anywhere {
        Place::Anywhere { hint: None }
    } else if addr.checked_add(status.segsz).is_none() {
        return Err(Errno::INVAL.into());
    } else if remap {
        Place::Fixed(GuestAddr(addr))
    } else {
        Place::Exactly(GuestAddr(addr))
    };
    let mut prot = Prot::READ;
    prot.set(Prot::WRITE, flags & libc::SHM_RDONLY == 0);
    prot.set(Prot::EXEC, flags & libc::SHM_EXEC != 0);
    let segment = ShmSegment { id, key: status.perm.key, flags: flags & (libc::SHM_RDONLY | libc::SHM_EXEC) };
    let backing = Backing::ShmSegment(segment);
    let request = MapRequest { shared: true, backing, ..MapRequest::anonymous(place, status.segsz, prot) };
    match c.task.mm.map(&request).map_err(Errno::from) {
        Err(Errno::EXIST) => Err(Errno::INVAL.into()),
        other => Ok(other?.0),
    }
}

pub(in crate::linux) fn shmdt(c: &mut Call<'_>) -> SysResult {
    if !c.addr(0).is_page_aligned() {
        return Err(Errno::INVAL.into());
    }
    c.task.mm.detach(c.addr(0))?;
    Ok(0)
}

/// `struct semid64_ds` of x86-64, which has padding after each time.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct HostSemidDs {
    perm: IpcPerm,
    otime: i64,
    unused1: u64,
    ctime: i64,
    unused2: u64,
    nsems: u64,
    unused: [u64; 2],
}

pub(in crate::linux) fn semctl(c: &mut Call<'_>) -> SysResult {
    let [id, number, command, arg, ..] = c.args;
    Ok(match SemctlRequest::new(command as i32).ok_or(Errno::INVAL)? {
        SemctlRequest::Status(request) => {
            let mut status = HostSemidDs::new_zeroed();
            if command as i32 == IPC_SET {
                status.perm = c.read::<SemidDs>(arg)?.perm;
            }
            let result = request.make(id, number, zerocopy::transmute_mut!(&mut status))?;
            if command as i32 != IPC_SET {
                let HostSemidDs { perm, otime, ctime, nsems, .. } = status;
                c.write(arg, &SemidDs { perm, otime, ctime, nsems, unused: [0; 2] })?;
            }
            Ok(result)
        }
        // Only the host knows the size of the set, and so of the array. It accesses the array in order.
        SemctlRequest::Array(request) => request.make(id, number, c.nullable(arg, 1)),
        SemctlRequest::Number(request) => request.make(id, number, arg),
    }?)
}

fn operate(c: &Call<'_>, timeout: SysArg<'_>) -> SysResult {
    let count = u64::from(c.args[2] as u32);
    let operations = c.guest(c.args[1], count * size_of::<Sembuf>() as u64);
    pass(Sys::Semtimedop, &mut [SysArg::Val(c.args[0]), operations, SysArg::Val(count), timeout])
}

pub(in crate::linux) fn semop(c: &mut Call<'_>) -> SysResult {
    operate(c, SysArg::Null)
}

pub(in crate::linux) fn semtimedop(c: &mut Call<'_>) -> SysResult {
    let timeout = c.guest(c.args[3], TIMESPEC.size);
    operate(c, timeout)
}

/// A message with `len` bytes of text. The kernel rejects a length that does not fit into an `int`, but only after
/// reading the message type.
fn message<'c>(c: &'c Call<'_>, len: u64) -> SysArg<'c> {
    let len = if len > i32::MAX as u64 { 0 } else { len };
    c.guest(c.args[1], len + size_of::<MsgHead>() as u64)
}

pub(in crate::linux) fn msgsnd(c: &mut Call<'_>) -> SysResult {
    let [queue, _, len, flags, ..] = c.args;
    pass(Sys::Msgsnd, &mut [SysArg::Val(queue), message(c, len), SysArg::Val(len), SysArg::Val(flags)])
}

pub(in crate::linux) fn msgrcv(c: &mut Call<'_>) -> SysResult {
    let [queue, _, len, which, flags, _] = c.args;
    let numbers = [len, which, flags].map(SysArg::Val);
    let [len_arg, which, flags] = numbers;
    pass(Sys::Msgrcv, &mut [SysArg::Val(queue), message(c, len), len_arg, which, flags])
}

pub(in crate::linux) fn msgctl(c: &mut Call<'_>) -> SysResult {
    let structure = c.guest(c.args[2], size_of::<MsqidDs>() as u64);
    pass(Sys::Msgctl, &mut [SysArg::Val(c.args[0]), SysArg::Val(c.args[1]), structure])
}
