//! The memory of the open rings of io_uring, which the guest maps by their descriptors.

use crate::host::{KcmpRequest, Lock, LockRef, Rank, UringMemory};
use rustix::io::Errno;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The kcmp(2) type that compares files.
const KCMP_FILE: i32 = 0;

/// The open rings by the descriptors that io_uring_setup returned.
#[derive(Debug)]
pub struct OpenRings {
    /// Whether there ever was one. Until then, closing a descriptor skips the lock.
    any: AtomicBool,
    list: Lock<Vec<(i32, Arc<UringMemory>)>>,
}

impl Default for OpenRings {
    fn default() -> Self {
        Self { any: AtomicBool::new(false), list: Lock::new(Rank::Rings, Vec::new()) }
    }
}

impl OpenRings {
    /// The lock that is held while the process forks.
    pub fn lock(&self) -> LockRef<'_> {
        self.list.erased()
    }

    /// Adds a ring.
    pub fn add(&self, fd: i32, memory: UringMemory) {
        self.any.store(true, Ordering::Relaxed);
        self.list.lock().push((fd, Arc::new(memory)));
    }

    /// Forgets the rings whose descriptors are being closed. A guest maps a ring before that, or by no other.
    pub fn closing(&self, fds: &RangeInclusive<i32>) {
        if self.any.load(Ordering::Relaxed) {
            self.list.lock().retain(|(fd, _)| !fds.contains(fd));
        }
    }

    /// The memory of the ring behind a descriptor, which may be a duplicate.
    pub fn find(&self, fd: i32) -> Result<Arc<UringMemory>, Errno> {
        let list = self.list.lock();
        let pid = std::process::id() as i32;
        let is_same = |other: i32| {
            let Some(KcmpRequest::Numbers(request)) = KcmpRequest::new(KCMP_FILE) else { return false };
            other == fd || matches!(request.make([pid, pid], [other as u64, fd as u64]), Ok(0))
        };
        list.iter().find(|(other, _)| is_same(*other)).map(|(_, memory)| memory.clone()).ok_or(Errno::INVAL)
    }
}
