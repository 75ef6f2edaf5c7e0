//! Descriptors: scatter/gather transfers, duplicates, fcntl.

use crate::host::{self, IoVec, Sys, SysArg};
use crate::linux::abi::file::Flock;
use crate::linux::call::{Call, SysResult};
use rustix::io::Errno;

/// A call on a descriptor and a scatter/gather list, with `rest` after them.
fn transfer(c: &mut Call<'_>, call: Sys, rest: &[u64]) -> SysResult {
    let fd = c.fd(0)?;
    let make = |list: &[IoVec]| {
        let mut args = vec![SysArg::Val(fd as u64), SysArg::Pieces(list), SysArg::Val(list.len() as u64)];
        args.extend(rest.iter().map(|&value| SysArg::Val(value)));
        host::pass(call, &mut args)
    };
    match c.vector(c.args[1], c.args[2]) {
        Ok(list) => make(&list),
        // The kernel looks at the descriptor first: let it, with nothing to transfer.
        Err(e) => Err(make(&[]).err().unwrap_or(e)),
    }
}

pub(in crate::linux) fn readv(c: &mut Call<'_>) -> SysResult {
    transfer(c, Sys::Readv, &[])
}

pub(in crate::linux) fn writev(c: &mut Call<'_>) -> SysResult {
    transfer(c, Sys::Writev, &[])
}

/// At an offset, with flags. The kernel takes the offset in two halves; the first is all of it.
fn positioned(c: &mut Call<'_>, call: Sys, flags: u64) -> SysResult {
    let offset = c.args[3];
    transfer(c, call, &[offset, 0, flags])
}

/// Without `flags`, the offset has to be one.
fn at_offset(c: &mut Call<'_>, call: Sys) -> SysResult {
    if (c.args[3] as i64) < 0 { Err(Errno::INVAL) } else { positioned(c, call, 0) }
}

/// With `flags`, offset -1 stands for the file's own position.
fn with_flags(c: &mut Call<'_>, call: Sys) -> SysResult {
    let offset = c.args[3];
    if offset != u64::MAX && (offset as i64) < 0 {
        return Err(Errno::INVAL);
    }
    positioned(c, call, u64::from(c.args[5] as u32))
}

pub(in crate::linux) fn preadv(c: &mut Call<'_>) -> SysResult {
    at_offset(c, Sys::Preadv2)
}

pub(in crate::linux) fn pwritev(c: &mut Call<'_>) -> SysResult {
    at_offset(c, Sys::Pwritev2)
}

pub(in crate::linux) fn preadv2(c: &mut Call<'_>) -> SysResult {
    with_flags(c, Sys::Preadv2)
}

pub(in crate::linux) fn pwritev2(c: &mut Call<'_>) -> SysResult {
    with_flags(c, Sys::Pwritev2)
}

/// Whichever end of the pipe it is, the pages are the host's: what the guest writes into them later is in the
/// pipe too, as in the kernel.
pub(in crate::linux) fn vmsplice(c: &mut Call<'_>) -> SysResult {
    let flags = c.args[3];
    transfer(c, Sys::Vmsplice, &[flags])
}

pub(in crate::linux) fn dup3(c: &mut Call<'_>) -> SysResult {
    let (old, new) = (c.fd(0)?, c.fd(1)?);
    host::pass(Sys::Dup3, &mut [SysArg::Val(old as u64), SysArg::Val(new as u64), SysArg::Val(c.args[2])])
}

pub(in crate::linux) fn close_range(c: &mut Call<'_>) -> SysResult {
    let (first, last) = (c.args[0] as u32, c.args[1] as u32);
    let range = |first: u32, last: u32| {
        let mut args = [SysArg::Val(first.into()), SysArg::Val(last.into()), SysArg::Val(c.args[2])];
        host::pass(Sys::CloseRange, &mut args)
    };
    let mut ours: Vec<u32> = c.task.files.ours().iter().map(|&fd| fd as u32).collect();
    ours.retain(|fd| (first..=last).contains(fd));
    if ours.is_empty() || first > last {
        return range(first, last);
    }
    ours.sort_unstable();
    let mut from = first;
    for fd in ours {
        if fd > from {
            range(from, fd - 1)?;
        }
        from = fd + 1;
    }
    if from <= last { range(from, last) } else { Ok(0) }
}

pub(in crate::linux) fn fcntl(c: &mut Call<'_>) -> SysResult {
    let fd = SysArg::Val(c.fd(0)? as u64);
    let command = c.int(1);
    let number = |c: &Call<'_>, value| {
        host::pass(Sys::Fcntl, &mut [SysArg::Val(c.args[0]), SysArg::Val(command as u64), SysArg::Val(value)])
    };
    let size = match command {
        libc::F_DUPFD
        | libc::F_DUPFD_CLOEXEC
        | libc::F_GETFD
        | libc::F_SETFD
        | libc::F_GETFL
        | libc::F_SETFL
        | libc::F_GETOWN
        | libc::F_SETOWN
        | F_SETSIG
        | F_GETSIG
        | libc::F_SETLEASE
        | libc::F_GETLEASE
        | libc::F_NOTIFY
        | F_CANCELLK
        | libc::F_GETPIPE_SZ
        | libc::F_SETPIPE_SZ
        | libc::F_GET_SEALS
        | libc::F_ADD_SEALS
        | F_DUPFD_QUERY
        | F_CREATED_QUERY => return number(c, c.args[2]),
        libc::F_GETLK | libc::F_SETLK | libc::F_SETLKW | libc::F_OFD_GETLK | libc::F_OFD_SETLK | libc::F_OFD_SETLKW => {
            size_of::<Flock>()
        }
        F_GETOWN_EX | F_SETOWN_EX | F_GETOWNER_UIDS | F_GET_RW_HINT..=F_SET_FILE_RW_HINT => 8,
        other => {
            c.unimplemented(format!("fcntl command {other}"));
            return Err(Errno::INVAL);
        }
    };
    let structure = c.guest(c.args[2], size as u64);
    host::pass(Sys::FcntlStruct, &mut [fd, SysArg::Val(command as u64), structure])
}

// From `linux/fcntl.h`; not all of them are in libc for every target.
const F_SETSIG: i32 = 10;
const F_GETSIG: i32 = 11;
const F_SETOWN_EX: i32 = 15;
const F_GETOWN_EX: i32 = 16;
const F_GETOWNER_UIDS: i32 = 17;
const F_DUPFD_QUERY: i32 = 1027;
const F_CREATED_QUERY: i32 = 1028;
const F_CANCELLK: i32 = 1029;
const F_GET_RW_HINT: i32 = 1035;
const F_SET_FILE_RW_HINT: i32 = 1038;
