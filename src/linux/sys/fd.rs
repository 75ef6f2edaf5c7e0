//! Descriptors: transfers, duplication, fcntl.

use crate::host::{FcntlRequest, IoVec, Sys, SysArg};
use crate::linux::abi::file::Iovec;
use crate::linux::call::{Call, pass};
use crate::linux::outcome::SysResult;
use crate::linux::proc::{self, Shown};
use crate::memory::GuestAddr;
use rustix::io::Errno;
use std::os::fd::{AsRawFd, OwnedFd};

/// Makes a call with a descriptor and iovecs, followed by `rest`.
fn transfer(c: &mut Call<'_>, call: Sys, rest: &[u64]) -> SysResult {
    let fd = c.fd(0)?;
    let make = |list: &[IoVec]| {
        let mut args = vec![SysArg::Val(fd as u64), SysArg::Vector(list), SysArg::Val(list.len() as u64)];
        args.extend(rest.iter().map(|&value| SysArg::Val(value)));
        pass(call, &mut args)
    };
    match c.vector(c.args[1], c.args[2]) {
        Ok(list) => make(&list),
        // The kernel checks the descriptor first. An empty transfer makes the host check it.
        Err(e) => Err(make(&[]).err().unwrap_or(e.into())),
    }
}

/// Reads from a /proc file that shows the guest; `None` if the descriptor is not such a file.
fn read_shown(
    c: &Call<'_>,
    buffers: impl FnOnce() -> Result<Vec<Iovec>, Errno>,
    offset: Option<u64>,
    flags: u32,
) -> Option<SysResult> {
    let shown = proc::shown(c.task, c.fd(0).ok()?)?;
    let read = |buffers: Vec<Iovec>| {
        for buffer in &buffers {
            c.task.mm.host_range(GuestAddr(buffer.base), buffer.len)?;
        }
        shown.read(c.task, c.cpu, &buffers, offset, flags)
    };
    Some(buffers().and_then(read).map_err(Into::into))
}

/// The call's single buffer, as an iovec.
fn buffer(c: &Call<'_>) -> Result<Vec<Iovec>, Errno> {
    Ok(vec![Iovec { base: c.args[1], len: c.args[2] }])
}

pub(in crate::linux) fn read(c: &mut Call<'_>) -> SysResult {
    read_shown(c, || buffer(c), None, 0).unwrap_or_else(|| c.pass(Sys::Read))
}

pub(in crate::linux) fn pread64(c: &mut Call<'_>) -> SysResult {
    let offset = c.args[3];
    if (offset as i64) < 0 {
        return c.pass(Sys::Pread64);
    }
    read_shown(c, || buffer(c), Some(offset), 0).unwrap_or_else(|| c.pass(Sys::Pread64))
}

/// A file with the contents of a /proc file that shows the guest, to splice from; `None` for other descriptors. For
/// /proc files that the kernel cannot splice from, the host returns the error.
fn spliced(c: &Call<'_>, i: usize) -> Result<Option<(Shown, OwnedFd)>, Errno> {
    let Some(shown) = proc::shown(c.task, c.fd(i)?).filter(Shown::can_be_spliced) else { return Ok(None) };
    let file = proc::as_file(&shown.all(c.task, c.cpu)?)?;
    Ok(Some((shown, file)))
}

/// Splices from such a file. The offset is at `at` in guest memory, or, if `at` is null, the file's position.
fn splice_shown(c: &Call<'_>, shown: &Shown, at: u64, transfer: impl FnOnce(&mut [u8]) -> SysResult) -> SysResult {
    let position = c.read_opt(at)?;
    let mut offset = position.map_or_else(|| shown.position(), Ok)?.to_ne_bytes();
    let done = transfer(&mut offset)?;
    let offset = u64::from_ne_bytes(offset);
    match position {
        Some(_) => c.write(at, &offset)?,
        None => shown.set_position(offset)?,
    }
    Ok(done)
}

pub(in crate::linux) fn sendfile(c: &mut Call<'_>) -> SysResult {
    let out = c.fd(0)?;
    let Some((shown, file)) = spliced(c, 1)? else { return c.pass(Sys::Sendfile) };
    let (file, count) = (SysArg::Val(file.as_raw_fd() as u64), SysArg::Val(c.args[3]));
    splice_shown(c, &shown, c.args[2], |offset| {
        pass(Sys::Sendfile, &mut [SysArg::Val(out as u64), file, SysArg::Out(offset), count])
    })
}

pub(in crate::linux) fn splice(c: &mut Call<'_>) -> SysResult {
    let Some((shown, file)) = spliced(c, 0)? else { return c.pass(Sys::Splice) };
    let out = SysArg::Val(c.fd(2)? as u64);
    let [_, at, _, out_at, count, flags] = c.args;
    let (file, out_at) = (SysArg::Val(file.as_raw_fd() as u64), c.guest(out_at, size_of::<u64>() as u64));
    splice_shown(c, &shown, at, |offset| {
        let mut args = [file, SysArg::Out(offset), out, out_at, SysArg::Val(count), SysArg::Val(flags)];
        pass(Sys::Splice, &mut args)
    })
}

pub(in crate::linux) fn readv(c: &mut Call<'_>) -> SysResult {
    let buffers = || c.iovecs(c.args[1], c.args[2], Ok);
    read_shown(c, buffers, None, 0).unwrap_or_else(|| transfer(c, Sys::Readv, &[]))
}

pub(in crate::linux) fn writev(c: &mut Call<'_>) -> SysResult {
    transfer(c, Sys::Writev, &[])
}

/// Transfers at an offset, with flags. The kernel takes the offset in two halves; on 64 bits the first holds all of it.
fn positioned(c: &mut Call<'_>, call: Sys, flags: u64) -> SysResult {
    let offset = c.args[3];
    transfer(c, call, &[offset, 0, flags])
}

/// Transfers at an offset, which must not be negative.
fn at_offset(c: &mut Call<'_>, call: Sys) -> SysResult {
    if (c.args[3] as i64) < 0 { Err(Errno::INVAL.into()) } else { positioned(c, call, 0) }
}

/// Transfers with `flags`. Offset -1 means the file's position.
fn with_flags(c: &mut Call<'_>, call: Sys) -> SysResult {
    let offset = c.args[3];
    if offset != u64::MAX && (offset as i64) < 0 {
        return Err(Errno::INVAL.into());
    }
    positioned(c, call, u64::from(c.args[5] as u32))
}

pub(in crate::linux) fn preadv(c: &mut Call<'_>) -> SysResult {
    let offset = c.args[3];
    if (offset as i64) < 0 {
        return Err(Errno::INVAL.into());
    }
    let buffers = || c.iovecs(c.args[1], c.args[2], Ok);
    read_shown(c, buffers, Some(offset), 0).unwrap_or_else(|| at_offset(c, Sys::Preadv2))
}

pub(in crate::linux) fn pwritev(c: &mut Call<'_>) -> SysResult {
    at_offset(c, Sys::Pwritev2)
}

pub(in crate::linux) fn preadv2(c: &mut Call<'_>) -> SysResult {
    let offset = Some(c.args[3]).filter(|&offset| offset != u64::MAX);
    if offset.is_some_and(|offset| (offset as i64) < 0) {
        return Err(Errno::INVAL.into());
    }
    let buffers = || c.iovecs(c.args[1], c.args[2], Ok);
    read_shown(c, buffers, offset, c.args[5] as u32).unwrap_or_else(|| with_flags(c, Sys::Preadv2))
}

pub(in crate::linux) fn pwritev2(c: &mut Call<'_>) -> SysResult {
    with_flags(c, Sys::Pwritev2)
}

/// Either end of a pipe takes host pages, so a later write by the guest to these pages shows in the pipe, as in the
/// kernel.
pub(in crate::linux) fn vmsplice(c: &mut Call<'_>) -> SysResult {
    let flags = c.args[3];
    transfer(c, Sys::Vmsplice, &[flags])
}

pub(in crate::linux) fn close(c: &mut Call<'_>) -> SysResult {
    let fd = c.int(0);
    c.task.files.rings.closing(&(fd..=fd));
    c.pass(Sys::Close)
}

pub(in crate::linux) fn dup3(c: &mut Call<'_>) -> SysResult {
    let (old, new) = (c.fd(0)?, c.fd(1)?);
    if old != new {
        c.task.files.rings.closing(&(new..=new));
    }
    pass(Sys::Dup3, &mut [SysArg::Val(old as u64), SysArg::Val(new as u64), SysArg::Val(c.args[2])])
}

pub(in crate::linux) fn close_range(c: &mut Call<'_>) -> SysResult {
    let (first, last) = (c.args[0] as u32, c.args[1] as u32);
    if c.args[2] as u32 & libc::CLOSE_RANGE_CLOEXEC == 0 && first <= last {
        c.task.files.rings.closing(&(first.min(i32::MAX as u32) as i32..=last.min(i32::MAX as u32) as i32));
    }
    let range = |first: u32, last: u32| {
        let mut args = [SysArg::Val(first.into()), SysArg::Val(last.into()), SysArg::Val(c.args[2])];
        pass(Sys::CloseRange, &mut args)
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
    let (fd, command) = (c.fd(0)?, c.int(1));
    match FcntlRequest::new(command) {
        Some(FcntlRequest::Number(request)) => Ok(request.make(fd, c.args[2])?),
        Some(FcntlRequest::Struct(request)) => Ok(request.make(fd, c.nullable(c.args[2], request.size()))?),
        None => {
            c.unimplemented(format!("fcntl command {command}"));
            Err(Errno::INVAL.into())
        }
    }
}
