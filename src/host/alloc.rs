//! remu's global allocator. It uses the C library until that runs out of memory.
//!
//! RLIMIT_DATA binds the guest, and remu too if remu may not raise it. The C library's heap then ends when both
//! together reach the limit. The limit does not count stacks, so further memory comes from a spare area that is mapped
//! like a stack (MAP_GROWSDOWN). If that area is exhausted as well, the process exits with one line that names the
//! limit.
//!
//! A [gate](close_gate) keeps other threads out while one forks: the C library's fork waits for its allocator's locks,
//! which are unfair, so that threads that allocate all the time would keep it waiting for milliseconds. A vfork child
//! has [memory of its own](super::child_memory).

use super::lock::{LockGuard, is_in_others_memory, sleep, wake};
use super::{Lock, Rank, child_memory, exit_now};
use dlmalloc::Dlmalloc;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use rustix::process::{Resource, getrlimit};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

struct Memory {
    /// Whether anything but the C library is to be thought of: [`GATE`], [`SPARE`], [`AREA`], and how many vfork
    /// children live, in units of [`CHILD`].
    special: AtomicU32,
    /// The start of the spare area; 0 while the C library still has memory.
    spare: AtomicUsize,
    blocks: Lock<Dlmalloc<SparePages>>,
}

#[global_allocator]
static MEMORY: Memory = Memory {
    special: AtomicU32::new(0),
    spare: AtomicUsize::new(0),
    blocks: Lock::new(Rank::SpareMemory, Dlmalloc::new_with_allocator(SparePages)),
};

/// The gate is closed: a thread forks.
const GATE: u32 = 1 << 0;

/// Memory comes from the spare area.
const SPARE: u32 = 1 << 1;

/// There may be blocks of vfork children.
const AREA: u32 = 1 << 2;

/// One vfork child.
const CHILD: u32 = 1 << 3;

/// One thread closes the gate at a time.
static GATE_LOCK: Lock<()> = Lock::new(Rank::AllocatorGate, ());

thread_local! {
    // A constant without a destructor: the allocator uses it.
    /// Whether it is this thread that has closed the gate.
    static HAS_GATE: Cell<bool> = const { Cell::new(false) };
}

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

impl Memory {
    /// Waits while another thread forks, for one fork at most: a thread that forks all the time must not keep the
    /// others from running. Who passes a closed gate is kept back by the C library's locks, or keeps the fork waiting.
    fn pass_gate(&self) {
        let special = self.special.load(Ordering::Relaxed);
        if special & GATE != 0 && !HAS_GATE.get() {
            sleep(&self.special, special);
        }
    }

    fn open_gate(&self) {
        HAS_GATE.set(false);
        self.special.fetch_and(!GATE, Ordering::Relaxed);
        wake(&self.special, i32::MAX);
    }

    /// Allocates where the C library is not the only source, or has no memory.
    #[cold]
    fn alloc_specially(&self, layout: Layout, zeroed: bool) -> *mut u8 {
        self.pass_gate();
        if is_in_others_memory() {
            let block = child_memory::alloc(layout, zeroed);
            return if block.is_null() { out_of_memory(layout.size()) } else { block };
        }
        if self.spare.load(Ordering::Relaxed) == 0 {
            // SAFETY: a layout has a size that is not zero, by the contract of `GlobalAlloc`.
            let block = unsafe { if zeroed { System.alloc_zeroed(layout) } else { System.alloc(layout) } };
            if !block.is_null() {
                return block;
            }
        }
        self.alloc_spare(layout, zeroed)
    }

    /// Whether a block is the C library's.
    fn is_the_c_librarys(&self, block: *mut u8) -> bool {
        !self.is_spare(block) && !child_memory::contains(block)
    }

    /// Frees a block where the C library is not the only source.
    ///
    /// # Safety
    /// That of `dealloc`.
    #[cold]
    unsafe fn free_specially(&self, block: *mut u8, layout: Layout) {
        self.pass_gate();
        if child_memory::contains(block) {
            child_memory::free(block, layout);
        } else if is_in_others_memory() {
            child_memory::defer(block, layout);
        } else if self.is_spare(block) {
            self.free_spare(block, layout);
        } else {
            // SAFETY: the caller keeps the contract, which `System` has too; the block is the C library's.
            unsafe { System.dealloc(block, layout) }
        }
    }

    #[cold]
    unsafe fn realloc_specially(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.pass_gate();
        if !is_in_others_memory() && self.is_the_c_librarys(block) {
            // SAFETY: the caller keeps the contract, which `System` has too; the block is the C library's.
            let moved = unsafe { System.realloc(block, layout, size) };
            if !moved.is_null() {
                return moved;
            }
        }
        // SAFETY: the new size is valid for the alignment, by the contract. The blocks are distinct and live,
        // and hold at least the bytes that are copied.
        unsafe {
            let moved = self.alloc_specially(Layout::from_size_align_unchecked(size, layout.align()), false);
            std::ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
            self.free_specially(block, layout);
            moved
        }
    }
}

// SAFETY: a block is the C library's, lies in the spare area or in that of vfork children, and is given back to where
// it came from. All keep the contract; none panics.
unsafe impl GlobalAlloc for Memory {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Blocks of children that are left concern only who frees them.
        if self.special.load(Ordering::Relaxed) & !AREA == 0 {
            // SAFETY: the caller keeps the contract of `GlobalAlloc`, which `System` has too.
            let block = unsafe { System.alloc(layout) };
            if !block.is_null() {
                return block;
            }
        }
        self.alloc_specially(layout, false)
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if self.special.load(Ordering::Relaxed) & !AREA == 0 {
            // SAFETY: as in `alloc`.
            let block = unsafe { System.alloc_zeroed(layout) };
            if !block.is_null() {
                return block;
            }
        }
        self.alloc_specially(layout, true)
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if self.special.load(Ordering::Relaxed) == 0 {
            // SAFETY: as in `alloc`; all blocks are the C library's.
            let moved = unsafe { System.realloc(block, layout, size) };
            if !moved.is_null() {
                return moved;
            }
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { self.realloc_specially(block, layout, size) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if self.special.load(Ordering::Relaxed) == 0 {
            // SAFETY: as in `alloc`; all blocks are the C library's.
            return unsafe { System.dealloc(block, layout) };
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { self.free_specially(block, layout) }
    }
}

/// No other thread allocates while this lives, and the allocator's own state is whole.
pub(super) struct ClosedGate {
    // Dropped in this order.
    _blocks: LockGuard<'static, Dlmalloc<SparePages>>,
    _open: OpenGate,
    _lock: LockGuard<'static, ()>,
}

struct OpenGate;

impl Drop for OpenGate {
    fn drop(&mut self) {
        MEMORY.open_gate();
    }
}

/// Keeps other threads from allocating. Those that are in the C library's allocator leave it, so that its locks are
/// soon free. Nothing may be allocated in the spare area while the gate is closed.
pub(super) fn close_gate() -> ClosedGate {
    let lock = GATE_LOCK.lock();
    HAS_GATE.set(true);
    MEMORY.special.fetch_or(GATE, Ordering::Relaxed);
    ClosedGate { _blocks: MEMORY.blocks.lock(), _open: OpenGate, _lock: lock }
}

/// Announces a vfork child of this thread, which [`after_child`] must follow.
pub(super) fn before_child() -> rustix::io::Result<()> {
    child_memory::prepare()?;
    let add = |special: u32| Some((special | AREA) + CHILD);
    let _ = MEMORY.special.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    Ok(())
}

/// Puts the allocator right after a vfork child of this thread. The thread is no child itself any more.
pub(super) fn after_child() {
    if HAS_GATE.get() {
        // The child was killed while it forked.
        MEMORY.open_gate();
    }
    MEMORY.special.fetch_sub(CHILD, Ordering::Relaxed);
    // SAFETY: each block was given to `dealloc` with this layout, and was not freed then.
    child_memory::take_deferred(|block, layout| unsafe { MEMORY.dealloc(block, layout) });
}

/// Forgets vfork children: a forked process has none.
pub(super) fn forget_children() {
    MEMORY.special.fetch_and(CHILD - 1, Ordering::Relaxed);
    // SAFETY: as in `after_child`. The list is that of the vfork child which has forked, if it was one.
    child_memory::take_deferred(|block, layout| unsafe { MEMORY.dealloc(block, layout) });
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
                MEMORY.special.fetch_or(SPARE, Ordering::Relaxed);
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
    let _ = write!(rest, "remu: ");
    let mut separator = "";
    for (resource, option) in [(Resource::As, "-v"), (Resource::Data, "-d")] {
        if let Some(limit) = getrlimit(resource).current {
            let _ = write!(rest, "{separator}ulimit {option} {}", limit >> 10);
            separator = " or ";
        }
    }
    let is_limited = !separator.is_empty();
    let behind = if is_limited { " is too low: " } else { "" };
    let _ = writeln!(rest, "{behind}out of memory: the host refuses remu itself {size} bytes");
    let len = room - rest.len();
    // A failure cannot be reported anywhere.
    let _ = rustix::io::write(rustix::stdio::stderr(), &text[..len]);
    exit_now(OWN_ERROR)
}
