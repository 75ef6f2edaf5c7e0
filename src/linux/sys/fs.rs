//! Files by name, and what is known about them.

use crate::host::{self, Sys, SysArg};
use crate::linux::abi::file::{OpenHow, Stat};
use crate::linux::call::{Call, SysResult};
use crate::linux::proc;
use crate::linux::table::Last;
use rustix::io::Errno;
use std::ffi::CStr;
use std::os::fd::{BorrowedFd, IntoRawFd};
use zerocopy::IntoBytes;

/// Opens a file: one of those under /proc that show the guest, or the host's.
fn open(c: &mut Call<'_>, how: &OpenHow, pass: impl FnOnce(&mut Call<'_>, &CStr) -> SysResult) -> SysResult {
    c.fd(0)?;
    let path = c.raw_path(1)?;
    if path.as_bytes().starts_with(b"/proc/")
        && let Some(contents) = proc::contents(c.task, c.cpu, path.as_bytes())
    {
        if how.flags & 3 != libc::O_RDONLY as u64 {
            return Err(Errno::ACCESS);
        }
        let file = proc::as_file(&contents, how.flags & libc::O_CLOEXEC as u64 != 0)?;
        return Ok(file.into_raw_fd() as u64);
    }
    let follow = how.flags & libc::O_NOFOLLOW as u64 == 0;
    let path = c.task.fs.host_path(path, follow);
    pass(c, &path)
}

pub(in crate::linux) fn openat(c: &mut Call<'_>) -> SysResult {
    let how = OpenHow { flags: c.args[2] & 0xffff_ffff, mode: c.args[3], resolve: 0 };
    open(c, &how, |c, path| {
        let [dir, _, flags, mode, ..] = c.args;
        let path = SysArg::In(path.to_bytes_with_nul());
        host::pass(Sys::Openat, &mut [SysArg::Val(dir), path, SysArg::Val(flags), SysArg::Val(mode)])
    })
}

pub(in crate::linux) fn openat2(c: &mut Call<'_>) -> SysResult {
    let how: OpenHow = c.read_sized(c.args[2], c.args[3])?;
    // With a root of its own choosing, a path must stay as it is.
    let in_root = how.resolve & RESOLVE_BENEATH_OR_IN_ROOT != 0;
    let raw = in_root.then(|| c.raw_path(1)).transpose()?;
    open(c, &how, |c, path| {
        let path = SysArg::In(raw.as_deref().unwrap_or(path).to_bytes_with_nul());
        let bytes = how.as_bytes();
        let size = SysArg::Val(bytes.len() as u64);
        host::pass(Sys::Openat2, &mut [SysArg::Val(c.args[0]), path, SysArg::In(bytes), size])
    })
}

/// RESOLVE_BENEATH and RESOLVE_IN_ROOT.
const RESOLVE_BENEATH_OR_IN_ROOT: u64 = 0x18;

pub(in crate::linux) fn readlinkat(c: &mut Call<'_>) -> SysResult {
    let dir = c.fd(0)?;
    let size = c.int(3);
    if size <= 0 {
        return Err(Errno::INVAL);
    }
    let path = c.raw_path(1)?;
    if proc::own_entry(path.as_bytes()) == Some(b"exe") {
        let exe = c.task.fs.guest_exe();
        let len = exe.len().min(size as usize);
        c.task.mm.write_bytes(c.addr(2), &exe[..len])?;
        return Ok(len as u64);
    }
    let path = c.task.fs.host_path(path, false);
    let buffer = c.guest(c.args[2], size as u64);
    let path = SysArg::In(path.as_bytes_with_nul());
    host::pass(Sys::Readlinkat, &mut [SysArg::Val(dir as u64), path, buffer, SysArg::Val(size as u64)])
}

pub(in crate::linux) fn fstat(c: &mut Call<'_>) -> SysResult {
    let stat = status(c.fd(0)?, c"", libc::AT_EMPTY_PATH)?;
    c.write(c.args[1], &stat)?;
    Ok(0)
}

pub(in crate::linux) fn newfstatat(c: &mut Call<'_>) -> SysResult {
    let flags = c.int(3);
    let dir = c.fd(0)?;
    let path = match c.args[1] {
        // Since Linux 6.11 a missing path is as good as an empty one.
        0 if flags & libc::AT_EMPTY_PATH != 0 => c"".into(),
        _ => c.path(1, Last::FollowUnless(3))?,
    };
    let stat = status(dir, &path, flags)?;
    c.write(c.args[2], &stat)?;
    Ok(0)
}

fn status(dir: i32, path: &CStr, flags: i32) -> Result<Stat, Errno> {
    let stat = host::stat_at(dir, path, flags)?;
    Ok(Stat::from(&stat))
}

/// Borrows a descriptor of the guest's for the length of a call.
///
/// What the guest does with its descriptors meanwhile is its own affair: the worst that can come of it
/// is EBADF or another of its files.
pub(super) fn borrow(c: &Call<'_>, i: usize) -> Result<BorrowedFd<'static>, Errno> {
    host::guest_fd(c.fd(i)?).ok_or(Errno::BADF)
}
