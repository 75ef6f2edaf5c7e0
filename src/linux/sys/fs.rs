//! Files by path, and their attributes.

use super::program;
use crate::host::{self, Sys, SysArg};
use crate::linux::abi::file::{DirentHead, OpenHow, Stat};
use crate::linux::abi::time::Timespec;
use crate::linux::call::{Call, pass};
use crate::linux::outcome::{CallEnd, SysResult};
use crate::linux::proc::{self, Link};
use crate::linux::refusal::Refusals;
use crate::linux::sysroot::{Intent, Lookup, RESOLVE_NO_XDEV};
use crate::linux::table::FollowLink;
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::mem::offset_of;
use std::os::fd::AsFd;
use zerocopy::{FromBytes, IntoBytes};

/// Opens a file.
fn open(c: &mut Call<'_>, how: OpenHow, pass: impl Fn(&mut Call<'_>, &OpenHow, &CStr) -> SysResult) -> SysResult {
    let mut how = how;
    let intent = Intent::OpenWith(how.flags as i32);
    let dir = c.fd(0)?;
    let path = c.raw_path(1)?;
    let follow = how.flags & libc::O_NOFOLLOW as u64 == 0;
    // If the guest does not follow links, the host reports the error.
    let path = match proc::link(c.task, dir, &path) {
        Some(Link::Hidden) => return Err(Errno::NOENT.into()),
        Some(Link::Exe { path: exe, .. }) if follow && how.resolve == 0 => {
            let permitted = c.task.fs.sysroot.as_ref().map_or(Ok(()), |root| root.permit_file(exe.as_bytes(), intent));
            permitted.map(|()| exe)
        }
        _ => host_path(c, dir, path, &mut how, intent),
    };
    let path = match path {
        Ok(path) => path,
        Err(e) => {
            let mut refusals = Refusals::default();
            let path = refusals.add(intent, c"", e);
            // The replaced path is absolute. With both flags, the kernel reports them.
            if how.resolve & RESOLVE_BENEATH_OR_IN_ROOT == RESOLVE_BENEATH {
                how.resolve &= !RESOLVE_BENEATH;
            }
            return refusals.settle(pass(c, &how, &path));
        }
    };
    let how = &how;
    program::check_open(c, how, |c, how| pass(c, how, &path))?;
    let fd = pass(c, how, &path)?;
    if how.flags & libc::O_PATH as u64 != 0 {
        return Ok(fd);
    }
    let noted = c.task.files.guest_fd(fd as i32).and_then(|file| proc::opened(c.task, file));
    if noted.is_err() {
        host::close(fd as i32);
    }
    noted?;
    Ok(fd)
}

/// The host path of the file to open.
fn host_path(c: &Call<'_>, dir: i32, path: CString, how: &mut OpenHow, intent: Intent) -> Result<CString, Errno> {
    let Some(sysroot) = &c.task.fs.sysroot else { return Ok(path) };
    if how.resolve & RESOLVE_BENEATH_OR_IN_ROOT != 0 {
        // These flags give the path its own root, which the host kernel does not leave.
        permit_in_own_root(c, dir, &path, how, intent)?;
        return Ok(path);
    }
    let lookup = Lookup { follow: follows(how), intent, restrictions: how.resolve };
    let Some(host) = sysroot.resolve(dir, &path, lookup)? else { return Ok(path) };
    // The way to the sysroot may cross mount points, which the guest's path does not.
    how.resolve &= !RESOLVE_NO_XDEV;
    Ok(host)
}

/// Whether a symbolic link at the end is followed. O_EXCL with O_CREAT implies O_NOFOLLOW.
fn follows(how: &OpenHow) -> bool {
    let exclusive = libc::O_CREAT | libc::O_EXCL;
    how.flags as i32 & libc::O_NOFOLLOW == 0 && how.flags as i32 & exclusive != exclusive
}

/// Fails if opening a path that has its own root would change the sysroot: its file, or the directory to create it in.
fn permit_in_own_root(c: &Call<'_>, dir: i32, path: &CStr, how: &OpenHow, intent: Intent) -> Result<(), Errno> {
    let flags = how.flags as i32;
    let creates = flags & libc::O_PATH == 0 && flags & libc::O_CREAT != 0;
    let permit = |path: &[u8], flags: i32, intent| -> Result<bool, Errno> {
        let path = CString::new(path).expect("a part of a string without zeroes");
        let how = OpenHow { flags: (libc::O_PATH | libc::O_CLOEXEC | flags) as u64, mode: 0, resolve: how.resolve };
        let bytes = how.as_bytes();
        let (size, path) = (SysArg::Val(bytes.len() as u64), SysArg::In(path.as_bytes_with_nul()));
        let opened = host::pass(Sys::Openat2, &mut [SysArg::Val(dir as u64), path, SysArg::In(bytes), size]);
        // The call itself reports the error.
        let Ok(file) = opened else { return Ok(false) };
        let permitted = c.permit_fd(file as i32, intent);
        host::close(file as i32);
        permitted.map(|()| true)
    };
    let path = path.to_bytes();
    let last_link = if follows(how) { 0 } else { libc::O_NOFOLLOW };
    // A link to a missing file counts by where the link is.
    if permit(path, last_link, intent)? || !creates || permit(path, libc::O_NOFOLLOW, Intent::Change)? {
        return Ok(());
    }
    let end = path.iter().rposition(|&b| b != b'/').map_or(0, |last| last + 1);
    let parent = match path[..end].iter().rposition(|&b| b == b'/') {
        Some(slash) => &path[..slash + 1],
        None => b".",
    };
    permit(parent, 0, Intent::Change).map(drop)
}

pub(in crate::linux) fn openat(c: &mut Call<'_>) -> SysResult {
    let how = OpenHow { flags: c.args[2] & 0xffff_ffff, mode: c.args[3], resolve: 0 };
    open(c, how, |c, how, path| {
        let (dir, flags, mode) = (SysArg::Val(c.args[0]), SysArg::Val(how.flags), SysArg::Val(how.mode));
        pass(Sys::Openat, &mut [dir, SysArg::In(path.to_bytes_with_nul()), flags, mode])
    })
}

pub(in crate::linux) fn openat2(c: &mut Call<'_>) -> SysResult {
    let how: OpenHow = c.read_sized(c.args[2], c.args[3])?;
    open(c, how, |c, how, path| {
        let path = SysArg::In(path.to_bytes_with_nul());
        let bytes = how.as_bytes();
        let size = SysArg::Val(bytes.len() as u64);
        pass(Sys::Openat2, &mut [SysArg::Val(c.args[0]), path, SysArg::In(bytes), size])
    })
}

/// RESOLVE_BENEATH.
const RESOLVE_BENEATH: u64 = 0x08;

/// RESOLVE_BENEATH and RESOLVE_IN_ROOT.
const RESOLVE_BENEATH_OR_IN_ROOT: u64 = 0x18;

pub(in crate::linux) fn utimensat(c: &mut Call<'_>) -> SysResult {
    let result = c.pass(Sys::Utimensat);
    // The kernel checks the times after it looks up the path, before it asks for write access.
    let valid = |t: &Timespec| matches!(t.nsec, 0..1_000_000_000 | libc::UTIME_NOW | libc::UTIME_OMIT);
    let wrong = |times: [Timespec; 2]| !times.iter().all(valid);
    match result {
        Err(CallEnd::Errno(Errno::ROFS)) if c.read_opt(c.args[2])?.is_some_and(wrong) => Err(Errno::INVAL.into()),
        other => other,
    }
}

pub(in crate::linux) fn faccessat(c: &mut Call<'_>) -> SysResult {
    access(c, Sys::Faccessat, FollowLink::Follow)
}

pub(in crate::linux) fn faccessat2(c: &mut Call<'_>) -> SysResult {
    access(c, Sys::Faccessat2, FollowLink::FollowUnless(3))
}

/// Asks the host kernel for the permissions, and then for the sysroot's.
fn access(c: &mut Call<'_>, call: Sys, last: FollowLink) -> SysResult {
    let result = c.pass(call)?;
    if c.int(2) & libc::W_OK != 0 {
        c.path(1, last, Intent::Access)?;
    }
    Ok(result)
}

pub(in crate::linux) fn getcwd(c: &mut Call<'_>) -> SysResult {
    if c.task.fs.sysroot.is_none() {
        return c.pass(Sys::Getcwd);
    }
    let host = rustix::process::getcwd(Vec::new())?;
    let mut name = c.task.fs.guest_path(host.as_bytes()).to_vec();
    name.push(0);
    if name.len() as u64 > c.args[1] {
        return Err(Errno::RANGE.into());
    }
    c.task.mm.write_bytes(c.addr(0), &name)?;
    Ok(name.len() as u64)
}

pub(in crate::linux) fn readlinkat(c: &mut Call<'_>) -> SysResult {
    let dir = c.fd(0)?;
    let size = c.int(3);
    if size <= 0 {
        return Err(Errno::INVAL.into());
    }
    let path = c.raw_path(1)?;
    if let Some(target) = proc::target(c.task, dir, &path)? {
        let len = target.len().min(size as usize);
        c.task.mm.write_bytes(c.addr(2), &target[..len])?;
        return Ok(len as u64);
    }
    let path = c.task.fs.host_path(dir, path, false, Intent::Read)?;
    let buffer = c.guest(c.args[2], size as u64);
    let path = SysArg::In(path.as_bytes_with_nul());
    pass(Sys::Readlinkat, &mut [SysArg::Val(dir as u64), path, buffer, SysArg::Val(size as u64)])
}

/// The host's entries without those of the descriptors of this or of another remu.
pub(in crate::linux) fn getdents64(c: &mut Call<'_>) -> SysResult {
    loop {
        let used = c.pass(Sys::Getdents64)?;
        let hidden = if used == 0 { Vec::new() } else { proc::hidden_entries(c.task, c.guest_fd(0)?.as_fd()) };
        if hidden.is_empty() {
            return Ok(used);
        }
        let mut bytes = vec![0; used as usize];
        c.task.mm.read_bytes(c.addr(1), &mut bytes)?;
        let mut kept = Vec::new();
        let mut rest = &bytes[..];
        while let Ok((head, _)) = DirentHead::read_from_prefix(rest) {
            let (entry, after) = rest.split_at(usize::from(u16::from_le_bytes(head.reclen)).clamp(1, rest.len()));
            let name = entry.get(NAME..).unwrap_or_default().split(|&b| b == 0).next().unwrap_or_default();
            let number = std::str::from_utf8(name).ok().and_then(|n| n.parse().ok());
            if !number.is_some_and(|fd| hidden.contains(&fd)) {
                kept.extend_from_slice(entry);
            }
            rest = after;
        }
        // If all entries were removed, this is not yet the end of the directory.
        if !kept.is_empty() {
            c.task.mm.write_bytes(c.addr(1), &kept)?;
            return Ok(kept.len() as u64);
        }
    }
}

/// The offset of the name in a directory entry.
const NAME: usize = offset_of!(DirentHead, name);

pub(in crate::linux) fn fstat(c: &mut Call<'_>) -> SysResult {
    let stat = status(c.fd(0)?, c"", libc::AT_EMPTY_PATH)?;
    c.write(c.args[1], &stat)?;
    Ok(0)
}

pub(in crate::linux) fn newfstatat(c: &mut Call<'_>) -> SysResult {
    let flags = c.int(3);
    let dir = c.fd(0)?;
    let path = match c.args[1] {
        // Since Linux 6.11 a null path means the same as an empty one.
        0 if flags & libc::AT_EMPTY_PATH != 0 => c"".into(),
        _ => c.path(1, FollowLink::FollowUnless(3), Intent::Read)?,
    };
    let stat = status(dir, &path, flags)?;
    c.write(c.args[2], &stat)?;
    Ok(0)
}

fn status(dir: i32, path: &CStr, flags: i32) -> Result<Stat, Errno> {
    let stat = host::stat_at(dir, path, flags)?;
    Ok(Stat::from(&stat))
}
