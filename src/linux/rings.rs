//! The open rings of io_uring: their memory, which the guest maps by their descriptors, and their submissions.

use super::process::Mm;
use crate::host::{KcmpRequest, Lock, LockRef, Rank, SETUP_NO_MMAP, UringMemory, UringParams, UringPart};
use crate::memory::GuestAddr;
use rustix::io::Errno;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The kcmp(2) type that compares files.
const KCMP_FILE: i32 = 0;

/// Submissions of 128 bytes instead of 64.
const SETUP_SQE128: u32 = 1 << 10;

/// The ring has no indices: submissions are taken in their own order.
const SETUP_NO_SQARRAY: u32 = 1 << 16;

/// A ring.
#[derive(Debug)]
pub struct Ring {
    /// Its memory; `None` if it is the guest's.
    memory: Option<Arc<UringMemory>>,
    params: UringParams,
}

impl Ring {
    /// A ring with what the kernel said of it, and its memory unless that is the guest's.
    pub fn new(params: UringParams, memory: Option<UringMemory>) -> Self {
        Self { memory: memory.map(Arc::new), params }
    }

    fn has(&self, flag: u32) -> bool {
        self.params.flags & flag != 0
    }

    fn guest_address(&self, part: UringPart, offset: u64) -> GuestAddr {
        debug_assert!(self.has(SETUP_NO_MMAP), "the memory is the guest's");
        let start = match part {
            UringPart::Rings => self.params.completions_at,
            UringPart::Submissions => self.params.submissions_at,
        };
        GuestAddr(start.wrapping_add(offset))
    }

    /// Reads a word; `None` if it cannot be read.
    pub fn load(&self, mm: &Mm, part: UringPart, offset: u64) -> Option<u32> {
        match &self.memory {
            Some(memory) => memory.load(part, offset),
            None => mm.read(self.guest_address(part, offset)).ok(),
        }
    }

    /// Writes a word, if that is possible.
    pub fn store(&self, mm: &Mm, part: UringPart, offset: u64, value: u32) {
        match &self.memory {
            Some(memory) => memory.store(part, offset, value),
            // The kernel then finds what the guest has written there.
            None => drop(mm.write(self.guest_address(part, offset), &value)),
        }
    }

    /// The offsets of the submissions that the kernel has not taken.
    pub fn pending(&self, mm: &Mm) -> Vec<u64> {
        let [head, tail, mask, _, _, _, indices, _] = self.params.submissions.map(u64::from);
        let load = |offset| self.load(mm, UringPart::Rings, offset);
        let (Some(head), Some(tail), Some(mask)) = (load(head), load(tail), load(mask)) else { return Vec::new() };
        let size = if self.has(SETUP_SQE128) { 128 } else { 64 };
        let count = tail.wrapping_sub(head).min(mask.saturating_add(1));
        let submission = |i: u32| {
            let at = head.wrapping_add(i) & mask;
            let index = if self.has(SETUP_NO_SQARRAY) { at } else { load(indices + 4 * u64::from(at))? };
            (index <= mask).then_some(u64::from(index) * size)
        };
        (0..count).filter_map(submission).collect()
    }
}

/// The open rings by the descriptors that io_uring_setup returned.
#[derive(Debug)]
pub struct OpenRings {
    /// Whether there ever was one. Until then, closing a descriptor skips the lock.
    any: AtomicBool,
    list: Lock<Vec<(i32, Arc<Ring>)>>,
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
    pub fn add(&self, fd: i32, ring: Ring) {
        self.any.store(true, Ordering::Relaxed);
        self.list.lock().push((fd, Arc::new(ring)));
    }

    /// All rings.
    pub fn all(&self) -> Vec<Arc<Ring>> {
        self.list.lock().iter().map(|(_, ring)| ring.clone()).collect()
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
        let found = list.iter().find(|(other, _)| is_same(*other));
        found.and_then(|(_, ring)| ring.memory.clone()).ok_or(Errno::INVAL)
    }
}
