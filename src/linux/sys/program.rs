//! The file of a running program cannot be opened for writing or truncated (ETXTBSY), by any name. The host kernel
//! enforces this for remu's own file only: programs of the host can write to it. As on the kernel, the dynamic linker
//! and libraries may be written to.

use crate::host::{self, Sys, SysArg};
use crate::linux::abi::file::OpenHow;
use crate::linux::call::{Call, pass};
use crate::linux::outcome::{CallEnd, SysResult};
use crate::linux::sysroot::{Intent, opens_for_writing};
use crate::linux::table::FollowLink;
use rustix::io::Errno;

/// Fails if a file to be opened for writing is this program or that of another process under remu. `open` opens it with other flags: first with O_PATH, to
/// identify it.
pub(super) fn check_open(
    c: &mut Call<'_>,
    how: &OpenHow,
    open: impl Fn(&mut Call<'_>, &OpenHow) -> SysResult,
) -> Result<(), CallEnd> {
    if !opens_for_writing(how.flags as i32) {
        return Ok(());
    }
    let program = c.task.mm.exe_id;
    let place = libc::O_PATH | libc::O_CLOEXEC | how.flags as i32 & libc::O_NOFOLLOW;
    // The call itself reports the error.
    let Ok(fd) = open(c, &OpenHow { flags: place as u64, mode: 0, resolve: how.resolve }) else { return Ok(()) };
    let found = host::stat_at(fd as i32, c"", libc::AT_EMPTY_PATH);
    host::close(fd as i32);
    let Ok(found) = found else { return Ok(()) };
    let may_run = found.st_mode & libc::S_IFMT == libc::S_IFREG && found.st_mode & 0o111 != 0;
    if Some((found.st_dev, found.st_ino)) != program && !(may_run && is_running(c, how, &open)) {
        return Ok(());
    }
    // Other errors, such as EACCES, come first.
    let mut flags = how.flags & !(libc::O_TRUNC as u64);
    if flags & libc::O_ACCMODE as u64 == libc::O_RDONLY as u64 {
        flags |= libc::O_RDWR as u64;
    }
    let fd = open(c, &OpenHow { flags: flags | libc::O_CLOEXEC as u64, ..*how })?;
    host::close(fd as i32);
    Err(Errno::TXTBSY.into())
}

/// Whether the file is a program that another process under remu runs.
fn is_running(c: &mut Call<'_>, how: &OpenHow, open: &impl Fn(&mut Call<'_>, &OpenHow) -> SysResult) -> bool {
    let common = libc::O_CLOEXEC | libc::O_NONBLOCK | how.flags as i32 & libc::O_NOFOLLOW;
    let mut try_open = |access: i32| {
        let how = OpenHow { flags: (access | common) as u64, mode: 0, resolve: how.resolve };
        open(c, &how)
    };
    let Ok(fd) = try_open(libc::O_RDONLY).or_else(|_| try_open(libc::O_WRONLY)) else { return false };
    let is_running = host::is_marked_running(fd as i32);
    host::close(fd as i32);
    is_running
}

pub(in crate::linux) fn truncate(c: &mut Call<'_>) -> SysResult {
    if c.args[1] as i64 >= 0 {
        let Ok(path) = c.path(0, FollowLink::Follow, Intent::Truncate) else { return c.pass(Sys::Truncate) };
        check_open(c, &OpenHow { flags: libc::O_WRONLY as u64, mode: 0, resolve: 0 }, |_, how| {
            let (dir, path) = (SysArg::Val(libc::AT_FDCWD as u64), SysArg::In(path.as_bytes_with_nul()));
            pass(Sys::Openat, &mut [dir, path, SysArg::Val(how.flags), SysArg::Val(0)])
        })?;
    }
    c.pass(Sys::Truncate)
}

pub(in crate::linux) fn open_by_handle_at(c: &mut Call<'_>) -> SysResult {
    let flags = c.args[2];
    if c.task.fs.sysroot.is_some() && opens_for_writing(flags as i32) {
        c.args[2] = (libc::O_PATH | libc::O_CLOEXEC) as u64;
        let file = c.pass(Sys::OpenByHandleAt)? as i32;
        c.args[2] = flags;
        let permitted = c.permit_fd(file, Intent::OpenWith(flags as i32));
        host::close(file);
        permitted?;
    }
    check_open(c, &OpenHow { flags: flags & 0xffff_ffff, mode: 0, resolve: 0 }, |c, how| {
        c.args[2] = how.flags;
        let opened = c.pass(Sys::OpenByHandleAt);
        c.args[2] = flags;
        opened
    })?;
    c.pass(Sys::OpenByHandleAt)
}
