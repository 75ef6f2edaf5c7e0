//! remu's own descriptors have high numbers, out of the guest's way: programs expect their first descriptor at 3, and
//! rely on getting the lowest free number.

use super::pass::syscall;
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{Resource, getrlimit};
use std::os::fd::{AsFd, OwnedFd};

/// The number of descriptors below the limit that are reserved for remu.
const OURS: u64 = 32;

/// A duplicate of `fd` with a high number, closed on exec.
pub fn duplicate_high(fd: impl AsFd) -> Result<OwnedFd, Errno> {
    // A limit of millions would make the kernel allocate a huge descriptor table.
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(1024).min(1024);
    fcntl_dupfd_cloexec(fd, limit.saturating_sub(OURS) as i32)
}

/// The path under /proc of a descriptor. /proc/self has none once the first thread of the process has ended.
pub fn path_of_fd(fd: i32) -> String {
    format!("/proc/thread-self/fd/{fd}")
}

/// Closes a descriptor that the host has just opened for the guest.
pub fn close(fd: i32) {
    // SAFETY: the call accesses no memory. The descriptor is the guest's, so that nothing of remu's uses it.
    let _ = unsafe { syscall(libc::SYS_close, [fd as u64, 0, 0, 0, 0, 0]) };
}
