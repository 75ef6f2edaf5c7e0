//! remu's global allocator. It uses the C library until that runs out of memory.
//!
//! RLIMIT_DATA binds the guest, and remu too if remu may not raise it. The C library's heap then ends when both
//! together reach the limit. The limit does not count stacks, so further memory comes from a spare area that is mapped
//! like a stack (MAP_GROWSDOWN). If that area is exhausted as well, the process exits with one line that names the
//! limit.
//! either, the process ends with one line that names the limit.

use super::{Lock, Rank, exit_now};
use dlmalloc::Dlmalloc;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use rustix::process::{Resource, getrlimit};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Memory {
    /// The start of the spare area; 0 while the C library still has memory.
    spare: AtomicUsize,
    blocks: Lock<Dlmalloc<SparePages>>,
}

#[global_allocator]
static MEMORY: Memory = Memory {
    spare: AtomicUsize::new(0),
    blocks: Lock::new(Rank::SpareMemory, Dlmalloc::new_with_allocator(SparePages)),
};

/// The size of the spare area. Only the used part takes memory.
const SPARE_SIZE: usize = 1 << 30;

/// The exit status for an error of remu itself.
const OWN_ERROR: i32 = 125;

impl Memory {
    fn is_spare(&self, block: *mut u8) -> bool {
        let start = self.spare.load(Ordering::Relaxed);
        start != 0 && (block as usize).wrapping_sub(start) < SPARE_SIZE
    }

    #[cold]
    fn alloc_spare(&self, layout: Layout, zeroed: bool) -> *mut u8 {
        let mut blocks = self.blocks.lock();
        // SAFETY: by the contract of `GlobalAlloc`, the layout has a nonzero size and a valid alignment.
        let block = unsafe {
            match zeroed {
                true => blocks.calloc(layout.size(), layout.align()),
                false => blocks.malloc(layout.size(), layout.align()),
            }
        };
        if block.is_null() { out_of_memory(layout.size()) } else { block }
    }

    #[cold]
    fn free_spare(&self, block: *mut u8, layout: Layout) {
        let mut blocks = self.blocks.lock();
        // SAFETY: the block is in the spare area, so it came from these blocks. By the contract of `GlobalAlloc`, the
        // caller passes its layout.
        unsafe { blocks.free(block, layout.size(), layout.align()) }
    }
}

// SAFETY: a block belongs either to the C library or to the spare area, and is freed there. Both keep the contract, and
// neither panics.
unsafe impl GlobalAlloc for Memory {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.spare.load(Ordering::Relaxed) == 0 {
            // SAFETY: the caller keeps the contract of `GlobalAlloc`, which `System` has too.
            let block = unsafe { System.alloc(layout) };
            if !block.is_null() {
                return block;
            }
        }
        self.alloc_spare(layout, false)
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if self.spare.load(Ordering::Relaxed) == 0 {
            // SAFETY: as in `alloc`.
            let block = unsafe { System.alloc_zeroed(layout) };
            if !block.is_null() {
                return block;
            }
        }
        self.alloc_spare(layout, true)
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !self.is_spare(block) {
            // SAFETY: as in `alloc`; the block is the C library's.
            let moved = unsafe { System.realloc(block, layout, size) };
            if !moved.is_null() {
                return moved;
            }
        }
        // SAFETY: by the contract, the new size is valid for the alignment. The blocks are distinct and live, and both
        // hold at least the copied bytes.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            std::ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
            self.dealloc(block, layout);
            moved
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if self.is_spare(block) {
            return self.free_spare(block, layout);
        }
        // SAFETY: as in `alloc`; the block is the C library's.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The source of the spare area, which is mapped as a whole at the first request.
struct SparePages;

// SAFETY: the only region handed out is a new mapping of the reported size, and it is never unmapped.
unsafe impl dlmalloc::Allocator for SparePages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let refused = (std::ptr::null_mut(), 0, 0);
        if size > SPARE_SIZE || MEMORY.spare.load(Ordering::Relaxed) != 0 {
            return refused;
        }
        match map_as_stack(SPARE_SIZE) {
            Ok(start) => {
                MEMORY.spare.store(start as usize, Ordering::Relaxed);
                (start, SPARE_SIZE, 0)
            }
            Err(_) => refused,
        }
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        std::ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        4096
    }
}

/// Allocates from the spare area from now on, if it can be mapped. The guest then gets what RLIMIT_DATA leaves.
pub(super) fn use_spare() {
    let layout = Layout::new::<u64>();
    MEMORY.free_spare(MEMORY.alloc_spare(layout, false), layout);
}

/// Maps memory for remu that RLIMIT_DATA does not count.
pub(super) fn map_as_stack(size: usize) -> rustix::io::Result<*mut u8> {
    let flags = MapFlags::PRIVATE | MapFlags::GROWSDOWN | MapFlags::NORESERVE;
    // SAFETY: the kernel chooses an unused address.
    let start = unsafe { mmap_anonymous(std::ptr::null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, flags)? };
    Ok(start.cast())
}

/// Reports that the host refused remu `size` bytes, and which limit may be the cause.
#[cold]
fn out_of_memory(size: usize) -> ! {
    let mut text = [0; 256];
    let room = text.len();
    let mut rest = &mut text[..];
    let _ = write!(rest, "remu: out of memory: the host refuses remu itself {size} bytes");
    for (resource, name) in [(Resource::Data, "RLIMIT_DATA, ulimit -d"), (Resource::As, "RLIMIT_AS, ulimit -v")] {
        if let Some(limit) = getrlimit(resource).current {
            let _ = write!(rest, "; {name}, is {} KiB", limit >> 10);
        }
    }
    let _ = writeln!(rest);
    let len = room - rest.len();
    // A failure cannot be reported anywhere.
    let _ = rustix::io::write(rustix::stdio::stderr(), &text[..len]);
    exit_now(OWN_ERROR)
}
