//! RAM of a machine.

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::ops::Range;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU8, Ordering};

/// A range of physical memory, initially zero. All harts share it and access it only through raw pointers.
#[derive(Debug)]
pub struct Ram {
    host: *mut u8,
    range: Range<u64>,
    writable: bool,
}

// SAFETY: the pointer is to a mapping that this value alone owns. Neither access nor unmapping depends on the thread.
unsafe impl Send for Ram {}
// SAFETY: no reference into the mapping is ever made. Its bytes are read and written by atomic operations here, and
// by single host instructions in `memory::access`, which are opaque to the compiler. Accesses of several threads may
// therefore race as those of harts do, without a data race in Rust's sense.
unsafe impl Sync for Ram {}

/// Why RAM cannot be allocated.
#[derive(Debug, thiserror::Error)]
pub enum RamError {
    /// The end is past the end of the address space, or the bounds are not page-aligned.
    #[error("memory of {size:#x} bytes cannot start at {start:#x}")]
    Range {
        /// The first address.
        start: u64,
        /// Its size in bytes.
        size: u64,
    },
    /// The host does not have enough memory.
    #[error("the host cannot provide {size:#x} bytes of memory: {error}")]
    Host {
        /// The size in bytes.
        size: u64,
        /// The error of the host.
        error: rustix::io::Errno,
    },
}

/// Space after the memory: more than an access that starts in it can go past its end.
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

    /// Makes it ROM.
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

    /// The physical address of a host address in this memory.
    pub(super) fn physical(&self, host: *const u8) -> Option<u64> {
        let offset = (host as u64).wrapping_sub(self.host as u64);
        (offset < self.range.end - self.range.start).then(|| self.range.start + offset)
    }

    /// Copies bytes out; `None` if the range is not all in this memory.
    pub fn read(&self, addr: u64, to: &mut [u8]) -> Option<()> {
        let from = self.host(addr, to.len() as u64)?;
        for (i, byte) in to.iter_mut().enumerate() {
            // SAFETY: `host` checked the range. Atomic, because a hart may write the byte at the same time.
            *byte = unsafe { AtomicU8::from_ptr(from.add(i)) }.load(Ordering::Relaxed);
        }
        Some(())
    }

    /// Copies bytes in; `None` if the range is not all in this memory.
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
        // SAFETY: the mapping made by `new`. Whoever keeps host addresses in it (`HartMemory`, for its TLB) keeps the
        // memory itself too.
        let unmapped = unsafe { munmap(self.host.cast(), len) };
        debug_assert!(unmapped.is_ok());
    }
}
