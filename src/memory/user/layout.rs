//! The layout of an address space: the places of the stack, the mmap area, position-independent programs and the
//! heap, randomised as the kernel does on riscv64.

use crate::host::split_mix;
use crate::memory::vma::GUARD_GAP;
use crate::memory::{GuestAddr, PAGE_SIZE};

/// Where mappings without a fixed address are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The end of the initial stack.
    pub stack_top: GuestAddr,
    /// The end of the mmap area if it grows down, its start if it grows up.
    pub mmap: MmapBase,
    /// Where the search for free memory continues if the mmap area is full: the lowest address.
    pub unmapped_base: GuestAddr,
    /// Where a position-independent program is.
    pub program: GuestAddr,
    /// How far the heap is moved up at random, in bytes.
    pub heap_shift: u64,
    /// How far the first stack pointer is moved down within its page, in bytes.
    pub stack_shift: u64,
}

/// Where the search for free memory starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MmapBase {
    /// Downwards from here.
    Down(GuestAddr),
    /// Upwards from here: the stack has no limit, so no room can be reserved for it.
    Up(GuestAddr),
}

/// The random range of each part: 18 bits of pages (mmap_rnd_bits, STACK_RND_MASK), a gigabyte.
const MOST: u64 = 1 << 30;

/// The least room reserved for the stack to grow.
const SMALLEST_STACK_GAP: u64 = 128 << 20;

impl Layout {
    /// The layout of an address space that ends at `limit`, for a stack of at most `stack` bytes. The same seed gives
    /// the same layout; without a seed nothing is randomised.
    pub fn new(limit: u64, stack: u64, seed: Option<u64>) -> Self {
        // Small address spaces, on hosts with little to spare, are divided in proportion.
        let pages = MOST.min(limit / 32) / PAGE_SIZE;
        let shift = |nth: u64| seed.map_or(0, |seed| split_mix(seed, nth) % pages * PAGE_SIZE);
        let spread = if seed.is_some() { pages * PAGE_SIZE } else { 0 };
        let top = limit - PAGE_SIZE;
        let gap = stack.saturating_add(GUARD_GAP + spread);
        let gap = gap.clamp(SMALLEST_STACK_GAP.min(limit / 8), limit / 6 * 5);
        let unmapped_base = GuestAddr(limit / 3).page_floor();
        Self {
            stack_top: GuestAddr(top - shift(1)),
            mmap: match stack {
                u64::MAX => MmapBase::Up(unmapped_base.offset(shift(2))),
                _ => MmapBase::Down(GuestAddr(top - gap - shift(2)).page_floor()),
            },
            unmapped_base,
            // Two thirds up, as ELF_ET_DYN_BASE.
            program: GuestAddr(limit / 3 * 2 + shift(3)).page_floor(),
            heap_shift: shift(4),
            stack_shift: seed.map_or(0, |seed| split_mix(seed, 5) % PAGE_SIZE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SV39: u64 = 1 << 38;
    const STACK: u64 = 8 << 20;

    fn mmap(layout: &Layout) -> u64 {
        match layout.mmap {
            MmapBase::Down(at) | MmapBase::Up(at) => at.0,
        }
    }

    #[test]
    fn unrandomised_layout_is_the_kernels() {
        let layout = Layout::new(SV39, STACK, None);
        assert_eq!(layout.stack_top, GuestAddr(SV39 - PAGE_SIZE));
        assert_eq!(layout.mmap, MmapBase::Down(GuestAddr(SV39 - PAGE_SIZE - SMALLEST_STACK_GAP)));
        assert_eq!(layout.program, GuestAddr(0x2a_aaaa_a000));
        assert_eq!(layout.heap_shift, 0);
        // A large stack keeps its room and its gap; an unlimited one leaves the top alone.
        let large = Layout::new(SV39, 1 << 30, None);
        assert_eq!(mmap(&large), SV39 - PAGE_SIZE - (1 << 30) - GUARD_GAP);
        assert_eq!(Layout::new(SV39, u64::MAX, None).mmap, MmapBase::Up(GuestAddr(0x15_5555_5000)));
        assert_eq!(mmap(&Layout::new(SV39, u64::MAX - 1, None)), (SV39 - PAGE_SIZE - SV39 / 6 * 5) & !0xfff);
    }

    #[test]
    fn each_part_is_randomised_by_eighteen_bits_of_pages() {
        let fixed = Layout::new(SV39, STACK, None);
        let mut seen = [[0u64; 2]; 4];
        let mut within_page = 0;
        for seed in 0..200 {
            let moved = Layout::new(SV39, STACK, Some(seed));
            assert_eq!(moved, Layout::new(SV39, STACK, Some(seed)));
            within_page |= moved.stack_shift;
            // With randomisation, the room reserved for the stack includes its largest random offset.
            let base = SV39 - PAGE_SIZE - STACK - GUARD_GAP - MOST;
            let distances = [
                fixed.stack_top.0 - moved.stack_top.0,
                base - mmap(&moved),
                moved.program.0 - fixed.program.0,
                moved.heap_shift,
            ];
            for (seen, distance) in seen.iter_mut().zip(distances) {
                assert!(distance < MOST && distance.is_multiple_of(PAGE_SIZE));
                // The bits seen set, and those seen clear.
                seen[0] |= distance;
                seen[1] |= !distance;
            }
        }
        assert_eq!((within_page, fixed.stack_shift), (PAGE_SIZE - 1, 0));
        for [set, clear] in seen {
            assert_eq!((set, clear & (MOST - PAGE_SIZE)), (MOST - PAGE_SIZE, MOST - PAGE_SIZE));
        }
    }
}
