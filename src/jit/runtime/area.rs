//! The memory that holds emitted code.

use crate::jit::baseline::ExitData;
use memmap2::{MmapMut, MmapOptions};
use rustix::mm::{MprotectFlags, mprotect};
use std::sync::atomic::{AtomicU64, Ordering};

/// One mapping that is writable and executable, private to the process: a fork has its copy.
///
/// Code is written while other threads execute in the mapping, so nothing here is ever borrowed.
pub struct Area {
    map: MmapMut,
    start: *mut u8,
    len: usize,
}

// SAFETY: the mapping belongs to this value. It is accessed by the functions below, whose callers say why nobody else
// accesses the same bytes.
unsafe impl Send for Area {}
// SAFETY: as above.
unsafe impl Sync for Area {}

impl Area {
    /// Maps `len` bytes.
    pub fn new(len: usize) -> std::io::Result<Self> {
        let mut map = MmapOptions::new().len(len).no_reserve_swap().map_anon()?;
        let start = map.as_mut_ptr();
        // SAFETY: the range is that of the mapping just made, which nothing else knows.
        unsafe { mprotect(start.cast(), len, MprotectFlags::READ | MprotectFlags::WRITE | MprotectFlags::EXEC) }
            .map_err(std::io::Error::from)?;
        Ok(Self { map, start, len })
    }

    /// The size in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The host's address of an offset.
    pub fn address(&self, offset: u32) -> *const u8 {
        debug_assert!((offset as usize) < self.len);
        self.start.wrapping_add(offset as usize)
    }

    /// The offset of a host's address in the area.
    pub fn offset(&self, address: u64) -> Option<u32> {
        let offset = address.wrapping_sub(self.start as u64);
        (offset < self.map.len() as u64).then_some(offset as u32)
    }

    /// Has the kernel report the mapping to profilers as one of the calling process, which a fork does not.
    pub fn report_to_profilers(&self) {
        let all = MprotectFlags::READ | MprotectFlags::WRITE | MprotectFlags::EXEC;
        // The kernel reports what changes. If it refuses the first change, it would refuse the second, too.
        for flags in [all - MprotectFlags::READ, all] {
            // SAFETY: the range is that of the mapping. On x86-64, what can be written can be read, so the mapping can be
            // used as before at any time.
            if unsafe { mprotect(self.start.cast(), self.len, flags) }.is_err() {
                return;
            }
        }
    }

    /// Copies code in.
    ///
    /// # Panics
    /// If it does not fit.
    ///
    /// # Safety
    /// No thread executes or writes these bytes meanwhile.
    pub unsafe fn write(&self, offset: u32, code: &[u8]) {
        assert!(offset as usize + code.len() <= self.len, "the caller has made room");
        // SAFETY: the bytes are in the mapping, and by the caller's promise nobody else accesses them.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), self.start.add(offset as usize), code.len()) }
    }

    /// Replaces the displacement of a jump by one aligned store, so that a thread that executes the jump meanwhile goes
    /// to the old or to the new target. Returns the old displacement.
    ///
    /// # Panics
    /// If the displacement crosses a multiple of 8 bytes.
    ///
    /// # Safety
    /// The four bytes are the displacement of a jump, and the target is code. No other thread writes the eight bytes
    /// around meanwhile.
    pub unsafe fn patch(&self, at: u32, displacement: i32) -> i32 {
        let (word, shift) = (at as usize & !7, (at & 7) * 8);
        assert!(shift <= 32 && word + 8 <= self.len, "the displacement of a patchable jump");
        // SAFETY: the word is in the mapping and aligned; it is written here only, and read by the processor.
        let word = unsafe { AtomicU64::from_ptr(self.start.add(word).cast()) };
        let old = word.load(Ordering::Relaxed);
        let mask = 0xffff_ffffu64 << shift;
        word.store(old & !mask | u64::from(displacement as u32) << shift, Ordering::Release);
        (old >> shift) as i32
    }

    /// Reads the data of an exit.
    ///
    /// # Safety
    /// The exit was taken since code was last discarded, so that the data is still there.
    pub unsafe fn exit_data(&self, at: u32) -> ExitData {
        assert!(at as usize + size_of::<ExitData>() <= self.len, "the data of an exit");
        // SAFETY: the bytes are in the mapping. They were written before the exit could be taken.
        unsafe { self.start.add(at as usize).cast::<ExitData>().read_unaligned() }
    }
}
