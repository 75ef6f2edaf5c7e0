//! Physical memory.

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::ops::Range;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU8, Ordering};

/// A range of physical memory, zero at first. Bytes in it are shared with every hart, and only reached
/// through pointers.
#[derive(Debug)]
pub struct Ram {
    host: *mut u8,
    range: Range<u64>,
    writable: bool,
}

// SAFETY: the memory is reached through raw pointers only, as the harts of a machine do: accesses that
// race are those of the guest.
unsafe impl Send for Ram {}
// SAFETY: as above.
unsafe impl Sync for Ram {}

/// RAM that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RamError {
    /// Its end is past the end of the address space, or its bounds are no page boundaries.
    #[error("memory of {size:#x} bytes cannot start at {start:#x}")]
    Range {
        /// Where it was to start.
        start: u64,
        /// Its size in bytes.
        size: u64,
    },
    /// The host has not enough.
    #[error("the host cannot provide {size:#x} bytes of memory: {error}")]
    Host {
        /// The size in bytes.
        size: u64,
        /// The host's reason.
        error: rustix::io::Errno,
    },
}

/// Accesses that a hart makes past the end of a page, at most.
const GUARD: usize = 4096;

impl Ram {
    /// `size` bytes at the physical address `start`; both are multiples of the page size.
    pub fn new(start: u64, size: u64) -> Result<Self, RamError> {
        let end =
            start.checked_add(size).filter(|_| size > 0 && (start | size).is_multiple_of(super::super::PAGE_SIZE));
        let end = end.ok_or(RamError::Range { start, size })?;
        let len =
            usize::try_from(size).ok().and_then(|s| s.checked_add(GUARD)).ok_or(RamError::Range { start, size })?;
        // SAFETY: a new mapping where the kernel chooses replaces nothing.
        let host = unsafe {
            mmap_anonymous(null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::NORESERVE)
        };
        let host = host.map_err(|error| RamError::Host { size, error })?.cast();
        Ok(Self { host, range: start..end, writable: true })
    }

    /// Makes it memory that harts cannot write.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.writable = false;
        self
    }

    /// Whether harts can write it.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// The physical addresses.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The host address of `len` bytes, if all of them are in this memory.
    pub(super) fn host(&self, addr: u64, len: u64) -> Option<*mut u8> {
        let end = addr.checked_add(len)?;
        if addr < self.range.start || end > self.range.end {
            return None;
        }
        // SAFETY: the offset is within the mapping.
        Some(unsafe { self.host.add((addr - self.range.start) as usize) })
    }

    /// Copies out of memory; `None` if the range is not all memory.
    pub fn read(&self, addr: u64, to: &mut [u8]) -> Option<()> {
        let from = self.host(addr, to.len() as u64)?;
        for (i, byte) in to.iter_mut().enumerate() {
            // SAFETY: `host` has checked the range; bytes are read one by one, as the guest may write them.
            *byte = unsafe { AtomicU8::from_ptr(from.add(i)) }.load(Ordering::Relaxed);
        }
        Some(())
    }

    /// Copies into memory; `None` if the range is not all memory.
    pub fn write(&self, addr: u64, from: &[u8]) -> Option<()> {
        let to = self.host(addr, from.len() as u64)?;
        for (i, byte) in from.iter().enumerate() {
            // SAFETY: as for `read`.
            unsafe { AtomicU8::from_ptr(to.add(i)) }.store(*byte, Ordering::Relaxed);
        }
        Some(())
    }
}

impl Drop for Ram {
    fn drop(&mut self) {
        let len = (self.range.end - self.range.start) as usize + GUARD;
        // SAFETY: the mapping made by `new`; nobody has a pointer into it once this is dropped, as they
        // hold a reference.
        let unmapped = unsafe { munmap(self.host.cast(), len) };
        debug_assert!(unmapped.is_ok());
    }
}
