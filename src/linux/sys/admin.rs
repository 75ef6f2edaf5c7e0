//! System administration calls and calls about other processes: quotas, mounts, reboot, security modules, kcmp.

use super::vm::{is_own, process_of};
use crate::host::{FsconfigRequest, KcmpEpoll, KcmpRequest, QuotaRequest, Sys, SysArg};
use crate::linux::call::{Call, pass};
use crate::linux::outcome::SysResult;
use crate::linux::proc::Guest;
use crate::linux::sysroot::Intent;
use crate::linux::table::FollowLink;
use rustix::io::Errno;

pub(in crate::linux) fn quotactl(c: &mut Call<'_>) -> SysResult {
    let [command, _, id, addr, ..] = c.args;
    let device = c.path_or_null(1, FollowLink::Follow, Intent::Read)?;
    Ok(match QuotaRequest::new(command as u32) {
        QuotaRequest::File(request) => {
            // The kernel reports errors of the device before errors of the file's path.
            let file = c.path(3, FollowLink::Follow, Intent::Change);
            let file = file.as_deref().map_err(|_| c.nullable(addr, 1));
            request.make(device.as_deref(), id, file)
        }
        QuotaRequest::Plain(request) => request.make(device.as_deref(), id, c.nullable(addr, 1)),
    }?)
}

pub(in crate::linux) fn quotactl_fd(c: &mut Call<'_>) -> SysResult {
    let [_, command, id, addr, ..] = c.args;
    let fd = SysArg::Val(c.fd(0)? as u64);
    pass(Sys::QuotactlFd, &mut [fd, SysArg::Val(command), SysArg::Val(id), c.guest(addr, 1)])
}

pub(in crate::linux) fn mount(c: &mut Call<'_>) -> SysResult {
    let [source, _, kind, flags, data, _] = c.args;
    let makes_alias = flags & (libc::MS_BIND | libc::MS_MOVE) != 0 && flags & libc::MS_REMOUNT == 0;
    if !makes_alias || source == 0 {
        // The source is a device or a label.
        return c.pass(Sys::Mount);
    }
    // The sysroot's files could be changed at the other place.
    let source = c.path(0, FollowLink::Follow, Intent::Change)?;
    let target = c.path(1, FollowLink::Follow, Intent::Change)?;
    let [source, target] = [&source, &target].map(|path| SysArg::In(path.as_bytes_with_nul()));
    pass(Sys::Mount, &mut [source, target, c.guest(kind, 1), SysArg::Val(flags), c.guest(data, 1)])
}

/// MOVE_MOUNT_F_EMPTY_PATH and MOVE_MOUNT_T_EMPTY_PATH, with the arguments that they apply to.
const EMPTY_PATHS: [(u64, usize); 2] = [(0x04, 0), (0x40, 2)];

pub(in crate::linux) fn move_mount(c: &mut Call<'_>) -> SysResult {
    for (flag, i) in EMPTY_PATHS {
        if c.args[4] & flag != 0 && c.raw_path(i + 1).is_ok_and(|path| path.is_empty()) {
            c.permit_fd(c.fd(i)?, Intent::Change)?;
        }
    }
    c.pass(Sys::MoveMount)
}

/// FSCONFIG_SET_FD.
const FSCONFIG_SET_FD: u32 = 5;

pub(in crate::linux) fn fsconfig(c: &mut Call<'_>) -> SysResult {
    let [_, command, key, value, ..] = c.args;
    let (context, last) = (c.fd(0)?, c.int(4));
    let key = c.nullable(key, 1);
    Ok(match FsconfigRequest::new(command as u32) {
        FsconfigRequest::Path(request) => {
            let path = c.path_or_null(3, FollowLink::Follow, Intent::Read)?;
            request.make(context, key, path.as_deref().ok_or(None), c.fd(4)?)
        }
        FsconfigRequest::Binary(request) => request.make(context, key, c.nullable(value, u64::from(last as u32)), last),
        FsconfigRequest::Value(request) => {
            if command as u32 == FSCONFIG_SET_FD {
                c.fd(4)?;
            }
            request.make(context, key, c.nullable(value, 1), last)
        }
    }?)
}

pub(in crate::linux) fn pidfd_getfd(c: &mut Call<'_>) -> SysResult {
    let process = process_of(c, c.fd(0)?);
    if process.is_ok_and(|pid| is_hidden(c, pid, c.args[1])) {
        return Err(Errno::BADF.into());
    }
    c.pass(Sys::PidfdGetfd)
}

pub(in crate::linux) fn reboot(c: &mut Call<'_>) -> SysResult {
    let [magic, magic2, command, text, ..] = c.args;
    let [magic, magic2, command] = [magic, magic2, command].map(SysArg::Val);
    pass(Sys::Reboot, &mut [magic, magic2, command, c.guest(text, 1)])
}

/// Whether a descriptor of a process is one of remu's, and thus does not exist for guests.
fn is_hidden(c: &Call<'_>, pid: i32, fd: u64) -> bool {
    let fd = fd as i32;
    match is_own(c, pid) {
        true => c.task.files.is_ours(fd),
        false => Guest::of_pid(c.task, pid).is_some_and(|guest| guest.own_fds.contains(&fd)),
    }
}

/// The kcmp(2) type that compares files. Most other types compare objects that a process has only one of.
const KCMP_FILE: i32 = 0;

pub(in crate::linux) fn kcmp(c: &mut Call<'_>) -> SysResult {
    let kind = c.int(2);
    let pids = [c.int(0), c.int(1)];
    let [.., left, right, _] = c.args;
    let request = KcmpRequest::new(kind).ok_or(Errno::INVAL)?;
    let hidden = match request {
        KcmpRequest::Epoll(_) => is_hidden(c, pids[0], left),
        KcmpRequest::Numbers(_) => kind == KCMP_FILE && (is_hidden(c, pids[0], left) || is_hidden(c, pids[1], right)),
    };
    if hidden {
        return Err(Errno::BADF.into());
    }
    Ok(match request {
        KcmpRequest::Epoll(request) => request.make(pids, left, c.nullable(right, KcmpEpoll::SLOT)),
        KcmpRequest::Numbers(request) => request.make(pids, [left, right]),
    }?)
}

/// The size of the output buffer, read from guest memory at `at`.
fn room(c: &Call<'_>, at: u64, element: u64) -> u64 {
    c.read::<u32>(at).map_or(0, |size| u64::from(size) * element)
}

pub(in crate::linux) fn lsm_get_self_attr(c: &mut Call<'_>) -> SysResult {
    let [attribute, contexts, size, flags, ..] = c.args;
    let (contexts, size) = (c.guest(contexts, room(c, size, 1)), c.guest(size, 4));
    pass(Sys::LsmGetSelfAttr, &mut [SysArg::Val(attribute), contexts, size, SysArg::Val(flags)])
}

pub(in crate::linux) fn lsm_list_modules(c: &mut Call<'_>) -> SysResult {
    let [ids, size, flags, ..] = c.args;
    let (ids, size) = (c.guest(ids, room(c, size, 1)), c.guest(size, 4));
    pass(Sys::LsmListModules, &mut [ids, size, SysArg::Val(flags)])
}
