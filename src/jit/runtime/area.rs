//! The memory that holds emitted code.

use super::Link;
use crate::jit::baseline::ExitData;
use memmap2::{MmapMut, MmapOptions};
use rustix::mm::{
    MapFlags, MprotectFlags, MremapFlags, ProtFlags, mmap_anonymous, mprotect, mremap, mremap_fixed, munmap,
};
use std::io;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory that is both written and executed, by different threads at the same time, so nothing here is ever borrowed.
///
/// Mostly it is one mapping that is writable and executable, private to the process: a fork has its copy. A host may
/// forbid that; then the same memory is mapped twice, and one view is writable, the other executable. A fork shares
/// them, so the child begins anew with [`Area::after_fork`]. No descriptor is needed, since the guest may have none left.
pub struct Area {
    views: Views,
    /// Where the code is executed.
    start: *mut u8,
    /// Where it is written.
    writable: *mut u8,
    len: usize,
}

/// The mappings, which are unmapped when they are dropped.
enum Views {
    One { _all: MmapMut },
    Two { executable: View, writable: View },
}

/// A mapping of shared memory.
struct View {
    start: *mut u8,
    len: usize,
}

impl View {
    /// Maps new memory, to be executed. The host may forbid to make memory executable that was not.
    fn executable(len: usize) -> io::Result<Self> {
        let prot = ProtFlags::READ | ProtFlags::EXEC;
        // SAFETY: the kernel chooses the place.
        let start = unsafe { mmap_anonymous(null_mut(), len, prot, MapFlags::SHARED | MapFlags::NORESERVE) }?;
        Ok(Self { start: start.cast(), len })
    }

    /// Maps the same memory once more, to be written.
    fn writable(&self) -> io::Result<Self> {
        // SAFETY: an old size of zero leaves the old mapping as it is, and the kernel chooses the place.
        let start = unsafe { mremap(self.start.cast(), 0, self.len, MremapFlags::MAYMOVE) }?;
        let view = Self { start: start.cast(), len: self.len };
        view.make_writable()?;
        Ok(view)
    }

    fn make_writable(&self) -> io::Result<()> {
        // SAFETY: the range is that of the mapping, in which nothing has executed.
        unsafe { mprotect(self.start.cast(), self.len, MprotectFlags::READ | MprotectFlags::WRITE) }?;
        Ok(())
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: the mapping belongs to this value, and what knows its addresses ends with the area.
        let unmapped = unsafe { munmap(self.start.cast(), self.len) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

// SAFETY: the mappings belong to this value. They are accessed by the functions below, whose callers say why nobody else
// accesses the same bytes.
unsafe impl Send for Area {}
// SAFETY: as above.
unsafe impl Sync for Area {}

impl Area {
    /// Maps `len` bytes.
    ///
    /// # Errors
    /// If there is no room, or if the host forbids both ways.
    pub fn new(len: usize) -> io::Result<Self> {
        match Self::with_one_view(len) {
            Err(error) if error.kind() == io::ErrorKind::OutOfMemory => Err(error),
            Err(_) => Self::with_two_views(len),
            area => area,
        }
    }

    fn with_one_view(len: usize) -> io::Result<Self> {
        let mut map = MmapOptions::new().len(len).no_reserve_swap().map_anon()?;
        let start = map.as_mut_ptr();
        // SAFETY: the range is that of the mapping just made, which nothing else knows.
        unsafe { mprotect(start.cast(), len, MprotectFlags::READ | MprotectFlags::WRITE | MprotectFlags::EXEC) }
            .map_err(io::Error::from)?;
        Ok(Self { views: Views::One { _all: map }, start, writable: start, len })
    }

    fn with_two_views(len: usize) -> io::Result<Self> {
        let executable = View::executable(len)?;
        let writable = executable.writable()?;
        let (start, to) = (executable.start, writable.start);
        Ok(Self { views: Views::Two { executable, writable }, start, writable: to, len })
    }

    /// Called in the child of a fork, where no thread executes code. Whether all code is gone: its memory was shared with
    /// the parent, and is replaced by memory of the child's own at the same addresses.
    ///
    /// # Errors
    /// If the host gives no memory. The area must not be used then.
    pub fn after_fork(&self) -> io::Result<bool> {
        let Views::Two { executable, writable } = &self.views else { return Ok(false) };
        let flags = MapFlags::SHARED | MapFlags::FIXED | MapFlags::NORESERVE;
        let prot = ProtFlags::READ | ProtFlags::EXEC;
        let (at, to) = (executable.start.cast(), writable.start.cast());
        // SAFETY: the range is that of a view, which this replaces. Nothing borrows it.
        unsafe { mmap_anonymous(at, self.len, prot, flags) }?;
        // SAFETY: as above, for the other view. The old size of zero leaves the first as it is.
        unsafe { mremap_fixed(at, 0, self.len, MremapFlags::MAYMOVE, to) }?;
        writable.make_writable()?;
        Ok(true)
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
        (offset < self.len as u64).then_some(offset as u32)
    }

    /// Has the kernel report the mapping to profilers as one of the calling process, which a fork does not.
    pub fn report_to_profilers(&self) {
        if let Views::Two { .. } = self.views {
            // The child has mapped its own.
            return;
        }
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
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), self.writable.add(offset as usize), code.len()) }
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
        let word = unsafe { AtomicU64::from_ptr(self.writable.add(word).cast()) };
        let old = word.load(Ordering::Relaxed);
        let mask = 0xffff_ffffu64 << shift;
        word.store(old & !mask | u64::from(displacement as u32) << shift, Ordering::Release);
        (old >> shift) as i32
    }

    /// The offset of the displacement of an exit.
    ///
    /// # Safety
    /// As for [`Self::exit_data`].
    pub unsafe fn displacement_of(&self, exit: Link) -> u32 {
        // SAFETY: the caller's promise.
        exit.0 - u32::from(unsafe { self.exit_data(exit.0) }.distance)
    }

    /// The next of the exits that are linked to the same place, which is noted behind the data of each.
    ///
    /// # Safety
    /// As for [`Self::exit_data`]. No other thread writes that meanwhile.
    pub unsafe fn next_exit(&self, exit: Link) -> u32 {
        // SAFETY: the bytes are in the mapping, and by the caller's promise nobody else writes them.
        unsafe { self.next(exit).read_unaligned() }
    }

    /// Sets it.
    ///
    /// # Safety
    /// As for [`Self::exit_data`]. No other thread reads or writes that meanwhile.
    pub unsafe fn set_next_exit(&self, exit: Link, next: u32) {
        // SAFETY: the bytes are in the mapping, and by the caller's promise nobody else accesses them.
        unsafe { self.next(exit).write_unaligned(next) }
    }

    fn next(&self, exit: Link) -> *mut u32 {
        let at = exit.0 as usize + size_of::<ExitData>();
        assert!(at + size_of::<u32>() <= self.len, "the data of an exit");
        self.writable.wrapping_add(at).cast()
    }

    /// Reads the data of an exit.
    ///
    /// # Safety
    /// The exit was taken since code was last discarded, so that the data is still there.
    pub unsafe fn exit_data(&self, at: u32) -> ExitData {
        assert!(at as usize + size_of::<ExitData>() <= self.len, "the data of an exit");
        // SAFETY: the bytes are in the mapping. They were written before the exit could be taken.
        unsafe { self.writable.add(at as usize).cast::<ExitData>().read_unaligned() }
    }
}
