//! What a vfork child allocates on the memory of its parent.
//!
//! A child may be killed at any instruction. Were it in the C library's allocator then, its parent would find that
//! locked or torn. So a child takes memory from an area of its own, by single atomic steps, and frees nothing of the
//! C library's: the parent does so [afterwards](take_deferred).
//!
//! The area has slabs of blocks of one size, with a bit for each block. A block is taken and freed by changing its bit,
//! so a kill loses the blocks that the child owned and nothing more. A block may outlive the child and be freed by any
//! thread, since it may be part of what parent and child share. What a child owns when it ends by execve, exit or a kill
//! is lost, so its parent should own what is large.

use std::alloc::Layout;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering, compiler_fence};

/// The size of a slab, to which it is aligned. Blocks that are larger than those of any class take slabs as a whole.
const SLAB: usize = 64 << 10;

/// The sizes of blocks: 16 bytes times a power of two.
const CLASSES: usize = 10;

const SMALLEST: usize = 16;

/// The largest block in a slab.
const LARGEST: usize = SMALLEST << (CLASSES - 1);

/// The bits of a slab, at its start.
const BITS: usize = SLAB / SMALLEST / 8;

/// The sizes of the area, of which no more is in memory than is used: the second where a limit leaves no room for the
/// first.
const SIZES: [usize; 2] = [1 << 30, 64 << 20];

/// Where the area starts, and in the lowest bits the binary logarithm of its size. 0 before the first vfork.
static AREA: AtomicUsize = AtomicUsize::new(0);

/// What each slab is: [`FREE`], [`WHOLE`], or 1 and the class of its blocks. A slab keeps its class.
static SLABS: [AtomicU8; SIZES[0] / SLAB] = [const { AtomicU8::new(FREE) }; SIZES[0] / SLAB];

const FREE: u8 = 0;

/// Part of one large block.
const WHOLE: u8 = u8::MAX;

/// For each class, the slab to look for room in first.
static FIRST: [AtomicUsize; CLASSES] = [const { AtomicUsize::new(0) }; CLASSES];

/// What is written into a block that a child has freed and that is not in the area.
struct Deferred {
    next: *mut Deferred,
    size: usize,
    align: usize,
}

thread_local! {
    // A constant without a destructor: the allocator uses it.
    /// The blocks that the vfork child on this thread's memory has freed.
    static DEFERRED: AtomicPtr<Deferred> = const { AtomicPtr::new(null_mut()) };
}

/// The start of the area's slabs, and how many there are.
fn area() -> Option<(usize, usize)> {
    let area = AREA.load(Ordering::Acquire);
    let start = (area & !0xfff).next_multiple_of(SLAB);
    // One is lost to the alignment.
    (area != 0).then(|| (start, (1 << (area & 0xfff)) / SLAB - 1))
}

/// Makes sure that there is an area. The parent calls this before the child is made.
pub(super) fn prepare() -> rustix::io::Result<()> {
    if area().is_some() {
        return Ok(());
    }
    let map = |size: usize| super::alloc::map_as_stack(size).map(|start| (start, size));
    let (start, size) = map(SIZES[0]).or_else(|_| map(SIZES[1]))?;
    let new = start.expose_provenance() | size.ilog2() as usize;
    if AREA.compare_exchange(0, new, Ordering::AcqRel, Ordering::Acquire).is_err() {
        // SAFETY: another thread was faster, and nothing refers to the mapping that was made above.
        let _ = unsafe { rustix::mm::munmap(start.cast(), size) };
    }
    Ok(())
}

/// Whether a block is in the area.
pub(super) fn contains(block: *mut u8) -> bool {
    area().is_some_and(|(start, count)| block.addr().wrapping_sub(start) < count * SLAB)
}

/// The class of a block; `None` if it takes slabs as a whole.
fn class_of(layout: Layout) -> Option<usize> {
    let size = layout.size().max(layout.align()).max(SMALLEST).next_power_of_two();
    (size <= LARGEST).then(|| (size / SMALLEST).ilog2() as usize)
}

/// Where the blocks of a class start in a slab, and their size.
fn blocks_of(class: usize) -> (usize, usize) {
    let size = SMALLEST << class;
    (BITS.next_multiple_of(size), size)
}

/// The bits of a slab that has a class.
fn bits(slab: usize) -> &'static [AtomicU64] {
    let bits = std::ptr::with_exposed_provenance::<AtomicU64>(slab);
    // SAFETY: the area is never unmapped and was zero at first. The start of a slab with a class is only accessed here.
    unsafe { std::slice::from_raw_parts(bits, BITS / size_of::<AtomicU64>()) }
}

/// Takes a block of the area; null if there is no room.
pub(super) fn alloc(layout: Layout, zeroed: bool) -> *mut u8 {
    let Some((start, count)) = area() else { return null_mut() };
    let address = match class_of(layout) {
        Some(class) => {
            let first = FIRST[class].load(Ordering::Relaxed);
            let found = (first..count).chain(0..first).find_map(|i| Some((i, take(i, start + i * SLAB, class)?)));
            found.map(|(i, address)| {
                FIRST[class].store(i, Ordering::Relaxed);
                address
            })
        }
        None => take_whole(count, layout).map(|i| start + i * SLAB),
    };
    let Some(address) = address else { return null_mut() };
    let block = std::ptr::with_exposed_provenance_mut::<u8>(address);
    if zeroed {
        // SAFETY: the block was just taken, has at least this size, and is nobody else's.
        unsafe { block.write_bytes(0, layout.size()) };
    }
    block
}

/// Takes a block of a slab, if the slab is of the class or free and has one.
fn take(index: usize, slab: usize, class: usize) -> Option<usize> {
    let kind = 1 + class as u8;
    let now = SLABS[index].compare_exchange(FREE, kind, Ordering::Acquire, Ordering::Acquire);
    if now != Ok(FREE) && now != Err(kind) {
        return None;
    }
    let (first, size) = blocks_of(class);
    let count = (SLAB - first) / size;
    for (i, word) in bits(slab).iter().enumerate().take(count.div_ceil(64)) {
        let mut taken = word.load(Ordering::Relaxed);
        loop {
            let bit = taken.trailing_ones() as usize;
            if bit == 64 || i * 64 + bit >= count {
                break;
            }
            // With Acquire the block's last user is done with it.
            taken = word.fetch_or(1 << bit, Ordering::Acquire);
            if taken & 1 << bit == 0 {
                return Some(slab + first + (i * 64 + bit) * size);
            }
        }
    }
    None
}

/// Takes free slabs for one large block.
fn take_whole(count: usize, layout: Layout) -> Option<usize> {
    if layout.align() > SLAB {
        return None;
    }
    let wanted = layout.size().div_ceil(SLAB);
    let take = |slab: &AtomicU8| slab.compare_exchange(FREE, WHOLE, Ordering::Acquire, Ordering::Relaxed).is_ok();
    // From the end, since the slabs of classes are taken from the start.
    (0..(count + 1).saturating_sub(wanted)).rev().find(|&first| {
        let slabs = &SLABS[first..first + wanted];
        let taken = slabs.iter().take_while(|slab| take(slab)).count();
        if taken < wanted {
            slabs[..taken].iter().for_each(|slab| slab.store(FREE, Ordering::Release));
        }
        taken == wanted
    })
}

/// Frees a block of the area, in any thread.
pub(super) fn free(block: *mut u8, layout: Layout) {
    let Some((start, _)) = area() else { return };
    let index = (block.addr() - start) / SLAB;
    // Release: whoever takes the memory next writes after the last access to this block.
    match class_of(layout) {
        Some(class) => {
            let (first, size) = blocks_of(class);
            let slab = start + index * SLAB;
            let block = (block.addr() - slab - first) / size;
            bits(slab)[block / 64].fetch_and(!(1 << (block % 64)), Ordering::Release);
            FIRST[class].fetch_min(index, Ordering::Relaxed);
        }
        None => {
            let count = layout.size().div_ceil(SLAB);
            // SAFETY: the block is freed, and has its slabs to itself. They become zero, as a slab with a class begins.
            let dropped = unsafe { rustix::mm::madvise(block.cast(), count * SLAB, rustix::mm::Advice::LinuxDontNeed) };
            if dropped.is_err() {
                // mlockall may lock the area. It stays out of use, then.
                return;
            }
            SLABS[index..index + count].iter().for_each(|slab| slab.store(FREE, Ordering::Release));
        }
    }
}

/// Keeps a block that is not in the area for the parent to free. Called by a child.
pub(super) fn defer(block: *mut u8, layout: Layout) {
    let entry = block.cast::<Deferred>();
    DEFERRED.with(|list| {
        let value = Deferred { next: list.load(Ordering::Relaxed), size: layout.size(), align: layout.align() };
        // SAFETY: the block is freed, so it is ours. The smallest block of the C library and of the spare area has 24
        // usable bytes at an address that is a multiple of 16.
        unsafe { entry.write(value) };
        // A child that is killed between the two loses this block alone.
        compiler_fence(Ordering::SeqCst);
        list.store(entry, Ordering::Relaxed);
    });
}

/// Takes the blocks that the child on this thread's memory has freed, and frees each with `free`.
pub(super) fn take_deferred(mut free: impl FnMut(*mut u8, Layout)) {
    let mut entry = DEFERRED.with(|list| list.swap(null_mut(), Ordering::Relaxed));
    while !entry.is_null() {
        // SAFETY: `defer` has written the entry, and nobody else knows of the block. The layout was valid.
        unsafe {
            let Deferred { next, size, align } = entry.read();
            free(entry.cast(), Layout::from_size_align_unchecked(size, align));
            entry = next;
        }
    }
}

/// How many blocks of the area are not freed, large ones counted by their slabs.
#[cfg(test)]
pub(super) fn live_blocks() -> u32 {
    let Some((start, count)) = area() else { return 0 };
    let of_slab = |i: usize| match SLABS[i].load(Ordering::Relaxed) {
        FREE => 0,
        WHOLE => 1,
        _ => bits(start + i * SLAB).iter().map(|word| word.load(Ordering::Relaxed).count_ones()).sum(),
    };
    (0..count).map(of_slab).sum()
}
