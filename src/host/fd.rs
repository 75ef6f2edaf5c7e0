//! Descriptors of our own, kept where the guest's do not get in their way: programs expect theirs
//! from 3 up, and count on the lowest free number.

use super::pass::syscall;
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{Resource, getrlimit};
use std::os::fd::{AsFd, OwnedFd};

/// How far below the limit on descriptors ours begin.
const OURS: u64 = 32;

/// A duplicate of `fd` with a high number, closed on exec.
pub fn duplicate_high(fd: impl AsFd) -> Result<OwnedFd, Errno> {
    // A table reaching up to a limit of millions would cost the kernel memory.
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(1024).min(1024);
    fcntl_dupfd_cloexec(fd, limit.saturating_sub(OURS) as i32)
}

/// Closes a descriptor that the host has just opened for the guest.
pub fn close(fd: i32) {
    // SAFETY: the call accesses no memory. The descriptor is the guest's, so that nothing of remu's uses it.
    let _ = unsafe { syscall(libc::SYS_close, [fd as u64, 0, 0, 0, 0, 0]) };
}
