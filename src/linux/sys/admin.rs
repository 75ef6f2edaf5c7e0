//! System administration calls and calls about other processes: quotas, mounts, reboot, security modules, kcmp.

use super::vm::{foreign, is_own};
use crate::host::{self, Sys, SysArg};
use crate::linux::call::{Call, pass};
use crate::linux::outcome::SysResult;
use crate::linux::sysroot::Intent;
use crate::linux::table::FollowLink;
use rustix::io::Errno;

/// Q_QUOTAON, shifted down over the quota type.
const Q_QUOTAON: u32 = 0x80_0002;

pub(in crate::linux) fn quotactl(c: &mut Call<'_>) -> SysResult {
    let [command, _, id, addr, ..] = c.args;
    let device = c.path_or_null(1, FollowLink::Follow, Intent::Read)?;
    let device = device.as_ref().map_or(SysArg::Null, |path| SysArg::In(path.as_bytes_with_nul()));
    let numbers = [command, id].map(SysArg::Val);
    let [command_arg, id] = numbers;
    if command as u32 >> 8 == Q_QUOTAON {
        // The kernel reports errors of the device before errors of the file's path.
        let file = c.path(3, FollowLink::Follow, Intent::Change);
        let file = file.as_ref().map_or_else(|_| c.guest(addr, 1), |path| SysArg::In(path.as_bytes_with_nul()));
        return pass(Sys::QuotactlFile, &mut [command_arg, device, id, file]);
    }
    // Every command's structure is small and has the same layout on both architectures.
    pass(Sys::Quotactl, &mut [command_arg, device, id, c.guest(addr, 1)])
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

/// The fsconfig(2) commands that take more than a string.
mod fsconfig_command {
    pub const SET_BINARY: u32 = 2;
    pub const SET_PATH: u32 = 3;
    pub const SET_PATH_EMPTY: u32 = 4;
    pub const SET_FD: u32 = 5;
}

pub(in crate::linux) fn fsconfig(c: &mut Call<'_>) -> SysResult {
    use fsconfig_command::*;
    let [_, command, key, value, aux, _] = c.args;
    let context = SysArg::Val(c.fd(0)? as u64);
    let key = c.guest(key, 1);
    let path = match command as u32 {
        SET_PATH | SET_PATH_EMPTY => c.path_or_null(3, FollowLink::Follow, Intent::Read)?,
        _ => None,
    };
    if matches!(command as u32, SET_PATH | SET_PATH_EMPTY | SET_FD) {
        c.fd(4)?;
    }
    let value = match (&path, command as u32) {
        (Some(path), _) => SysArg::In(path.as_bytes_with_nul()),
        (None, SET_BINARY) => c.guest(value, u64::from(aux as u32)),
        (None, _) => c.guest(value, 1),
    };
    pass(Sys::Fsconfig, &mut [context, SysArg::Val(command), key, value, SysArg::Val(aux)])
}

pub(in crate::linux) fn pidfd_getfd(c: &mut Call<'_>) -> SysResult {
    // The row's argument kinds reject remu's own descriptors. These have the same numbers in every descendant of this
    // process.
    c.pass(Sys::PidfdGetfd)
}

pub(in crate::linux) fn reboot(c: &mut Call<'_>) -> SysResult {
    let [magic, magic2, command, text, ..] = c.args;
    let [magic, magic2, command] = [magic, magic2, command].map(SysArg::Val);
    pass(Sys::Reboot, &mut [magic, magic2, command, c.guest(text, 1)])
}

/// The kcmp(2) type that compares files. Most other types compare objects that a process has only one of.
const KCMP_FILE: i32 = 0;
const KCMP_EPOLL_TFD: i32 = 7;

pub(in crate::linux) fn kcmp(c: &mut Call<'_>) -> SysResult {
    let kind = c.int(2);
    if let Some(pid) = [c.int(0), c.int(1)].into_iter().find(|pid| !is_own(c, *pid)) {
        return Err(foreign(c, pid));
    }
    let [first, second, kind_arg, left, right] = [0, 1, 2, 3, 4].map(|i| SysArg::Val(c.args[i]));
    match kind {
        other if host::kcmp_row(other).is_none() => Err(Errno::INVAL.into()),
        KCMP_EPOLL_TFD => {
            c.fd(3)?;
            // `struct kcmp_epoll_slot`: two descriptors and a number.
            let slot = c.guest(c.args[4], 12);
            pass(Sys::KcmpEpoll, &mut [first, second, kind_arg, left, slot])
        }
        _ => {
            if kind == KCMP_FILE {
                c.fd(3)?;
                c.fd(4)?;
            }
            pass(Sys::Kcmp, &mut [first, second, kind_arg, left, right])
        }
    }
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
