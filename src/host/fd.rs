//! The descriptor table that remu shares with its guest.
//!
//! remu's own descriptors have high numbers, out of the guest's way: programs expect their first descriptor at 3, and
//! rely on getting the lowest free number. A number of the guest's becomes a [`GuestFd`] before remu uses it, so that
//! the guest cannot name a descriptor of remu's.

use super::pass::syscall;
use rustix::io::{DupFlags, Errno, fcntl_dupfd_cloexec};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// The number of descriptors below the limit that are reserved for remu.
const OURS: u64 = 32;

/// A duplicate of `fd` with a high number, closed on exec.
pub fn duplicate_high(fd: impl AsFd) -> Result<OwnedFd, Errno> {
    // A limit of millions would make the kernel allocate a huge descriptor table.
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(1024).min(1024);
    fcntl_dupfd_cloexec(fd, limit.saturating_sub(OURS) as i32)
}

/// Puts another file at the number of `fd`.
///
/// # Errors
/// EBADF if the number lies above the hard limit.
pub fn replace(fd: &OwnedFd, with: BorrowedFd<'_>, flags: DupFlags) -> Result<(), Errno> {
    match try_replace(fd, with, flags) {
        // The guest has lowered the soft limit of descriptors below this number.
        Err(Errno::BADF) => {
            let limit = getrlimit(Resource::Nofile);
            setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
            let result = try_replace(fd, with, flags);
            setrlimit(Resource::Nofile, limit)?;
            result
        }
        result => result,
    }
}

fn try_replace(fd: &OwnedFd, with: BorrowedFd<'_>, flags: DupFlags) -> Result<(), Errno> {
    let args = [with.as_raw_fd() as u64, fd.as_raw_fd() as u64, u64::from(flags.bits()), 0, 0, 0];
    // SAFETY: the call accesses no memory. `fd` owns the number, which stays open: only the file behind it changes.
    unsafe { syscall(libc::SYS_dup3, args) }.map(drop)
}

/// The path under /proc of a descriptor. /proc/self has none once the first thread of the process has ended.
pub fn path_of_fd(fd: i32) -> String {
    format!("/proc/thread-self/fd/{fd}")
}

/// The numbers of remu's own descriptors, which stay open as long as the process runs and which the guest may not use.
#[derive(Clone, Debug)]
pub struct OwnFds {
    numbers: Vec<i32>,
    /// The lowest of them: most numbers that the guest passes are below.
    lowest: i32,
}

impl OwnFds {
    /// The set of these numbers.
    pub fn new(numbers: Vec<i32>) -> Self {
        let lowest = numbers.iter().copied().min().unwrap_or(i32::MAX);
        Self { numbers, lowest }
    }

    /// All numbers, in no order.
    pub fn numbers(&self) -> &[i32] {
        &self.numbers
    }

    /// Whether the number is one of them.
    #[inline]
    pub fn contains(&self, fd: i32) -> bool {
        fd >= self.lowest && self.numbers.contains(&fd)
    }

    /// The descriptor that the guest means by a number. `None` if the number is negative or one of these.
    #[inline]
    pub fn guest(&self, fd: i32) -> Option<GuestFd> {
        (fd >= 0 && !self.contains(fd)).then_some(GuestFd(fd))
    }

    /// As [`Self::guest`], for a directory that paths are relative to: also AT_FDCWD.
    pub fn guest_dir(&self, fd: i32) -> Option<GuestFd> {
        if fd == libc::AT_FDCWD { Some(GuestFd::CWD) } else { self.guest(fd) }
    }

    /// One of these descriptors.
    pub fn own(&self, fd: i32) -> Option<BorrowedFd<'_>> {
        // SAFETY: remu's own descriptors are not negative and stay open.
        self.contains(fd).then(|| unsafe { BorrowedFd::borrow_raw(fd) })
    }
}

/// A number that the guest uses as a descriptor, and that is not one of remu's. The host kernel says whether it is open.
///
/// The guest may close or replace the descriptor at any time. A host call then fails with EBADF or uses another file of
/// the guest's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestFd(RawFd);

impl GuestFd {
    /// The working directory, where a directory is expected.
    pub const CWD: Self = Self(libc::AT_FDCWD);
}

impl AsFd for GuestFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the number is not -1. No value in Rust owns a descriptor of the guest's, so none is disturbed by what
        // is done with it; the host kernel reports one that is not open.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

impl AsRawFd for GuestFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

/// Closes a descriptor that the host has just opened for the guest.
pub fn close(fd: i32) {
    // SAFETY: the call accesses no memory. The descriptor is the guest's, so that nothing of remu's uses it.
    let _ = unsafe { syscall(libc::SYS_close, [fd as u64, 0, 0, 0, 0, 0]) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guest_names_no_descriptor_of_remus() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let ours = file.as_raw_fd();
        let own = OwnFds::new(vec![ours, i32::MAX]);
        let guest = |fd: i32| own.guest(fd).map(|fd| fd.as_raw_fd());
        assert_eq!([0, ours + 1, i32::MAX - 1].map(guest), [Some(0), Some(ours + 1), Some(i32::MAX - 1)]);
        assert_eq!([ours, i32::MAX, -1, libc::AT_FDCWD, i32::MIN].map(guest), [None; 5]);
        assert_eq!(own.guest_dir(libc::AT_FDCWD), Some(GuestFd::CWD));
        assert_eq!([ours, -1].map(|fd| own.guest_dir(fd)), [None; 2]);
        assert_eq!(own.own(ours).map(|fd| fd.as_raw_fd()), Some(ours));
        assert!(own.own(ours + 1).is_none() && OwnFds::new(Vec::new()).own(ours).is_none());
    }
}
