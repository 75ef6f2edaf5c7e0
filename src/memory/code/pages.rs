//! The pages that engines have decoded from.

use crate::memory::{GuestAddr, PAGE_SIZE};
use std::ops::Range;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use zerocopy::FromZeros;

/// Bits of a page number that select a bit of a leaf, a leaf of a branch, and a branch.
const LEAF_BITS: u32 = 12;
const BRANCH_BITS: u32 = 11;
const ROOT_BITS: u32 = 12;

/// Pages below this number, 2^47 bytes, have a bit each; those above share one.
const PAGES: u64 = 1 << (LEAF_BITS + BRANCH_BITS + ROOT_BITS);

/// A bit for each page.
#[derive(FromZeros)]
struct Leaf([AtomicU64; 1 << (LEAF_BITS - 6)]);

type Branch = Table<Leaf, { 1 << BRANCH_BITS }>;

/// Children that are made when they are first needed, and stay. Readers take no lock.
#[derive(FromZeros)]
struct Table<T, const N: usize>([AtomicPtr<T>; N]);

/// A value of zeroes. The allocator has fresh pages of them, so a large value costs nothing until it is used.
fn zeroed<T: FromZeros>() -> Box<T> {
    T::new_box_zeroed().expect("the allocator ends the process when memory runs out")
}

impl<T: FromZeros, const N: usize> Table<T, N> {
    fn get(&self, index: usize) -> Option<&T> {
        // SAFETY: null, or a child of this table, which lives as long as the table does.
        unsafe { self.0[index].load(Ordering::Acquire).as_ref() }
    }

    fn get_or_make(&self, index: usize) -> &T {
        if let Some(child) = self.get(index) {
            return child;
        }
        let made = Box::into_raw(zeroed::<T>());
        let placed = self.0[index].compare_exchange(null_mut(), made, Ordering::AcqRel, Ordering::Acquire);
        let child = match placed {
            Ok(_) => made,
            Err(other) => {
                // SAFETY: made just above and not published.
                drop(unsafe { Box::from_raw(made) });
                other
            }
        };
        // SAFETY: the child is in the table now, and lives as long as the table does.
        unsafe { &*child }
    }
}

impl<T, const N: usize> Drop for Table<T, N> {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let child = *child.get_mut();
            if !child.is_null() {
                // SAFETY: it came from `Box::into_raw`, and nobody refers to it: the table is borrowed exclusively.
                drop(unsafe { Box::from_raw(child) });
            }
        }
    }
}

/// A set of pages that is read and written without a lock.
pub(super) struct PageMap {
    root: Box<Table<Branch, { 1 << ROOT_BITS }>>,
    beyond: AtomicBool,
}

/// The bits of a leaf's word for the pages of `range` among the 64 from `first`.
fn bits(range: &Range<u64>, first: u64) -> u64 {
    let (start, end) = (range.start.max(first) - first, range.end.clamp(first, first + 64) - first);
    if start >= end { 0 } else { u64::MAX >> (64 - (end - start)) << start }
}

fn index(page: u64, shift: u32, bits: u32) -> usize {
    (page >> shift) as usize & ((1 << bits) - 1)
}

impl PageMap {
    pub fn new() -> Self {
        Self { root: zeroed(), beyond: AtomicBool::new(false) }
    }

    /// Marks the pages that `range` touches. Returns whether one was not marked before. A full barrier.
    pub fn mark(&self, range: &Range<GuestAddr>) -> bool {
        let mut any_new = false;
        for page in range.start.0 / PAGE_SIZE..range.end.0.div_ceil(PAGE_SIZE) {
            if page >= PAGES {
                return any_new | !self.beyond.swap(true, Ordering::SeqCst);
            }
            let branch = self.root.get_or_make(index(page, LEAF_BITS + BRANCH_BITS, ROOT_BITS));
            let leaf = branch.get_or_make(index(page, LEAF_BITS, BRANCH_BITS));
            let bit = 1 << (page % 64);
            any_new |= leaf.0[index(page, 6, LEAF_BITS - 6)].fetch_or(bit, Ordering::SeqCst) & bit == 0;
        }
        any_new
    }

    /// Whether the page that holds `addr` is marked.
    pub fn is_marked(&self, addr: GuestAddr) -> bool {
        let page = addr.0 / PAGE_SIZE;
        if page >= PAGES {
            return self.beyond.load(Ordering::SeqCst);
        }
        let branch = self.root.get(index(page, LEAF_BITS + BRANCH_BITS, ROOT_BITS));
        let leaf = branch.and_then(|branch| branch.get(index(page, LEAF_BITS, BRANCH_BITS)));
        leaf.is_some_and(|leaf| leaf.0[index(page, 6, LEAF_BITS - 6)].load(Ordering::SeqCst) >> (page % 64) & 1 != 0)
    }

    /// Whether a page that `range` touches is marked. Those that lie in it as a whole are unmarked.
    pub fn take_marked(&self, range: &Range<GuestAddr>) -> bool {
        let touched = range.start.0 / PAGE_SIZE..range.end.0.div_ceil(PAGE_SIZE);
        let whole = range.start.0.div_ceil(PAGE_SIZE)..range.end.0 / PAGE_SIZE;
        let mut any = touched.end > PAGES && self.beyond.load(Ordering::SeqCst);
        let mut page = touched.start;
        while page < touched.end.min(PAGES) {
            let next = |bits: u32| ((page >> bits) + 1) << bits;
            let Some(branch) = self.root.get(index(page, LEAF_BITS + BRANCH_BITS, ROOT_BITS)) else {
                page = next(LEAF_BITS + BRANCH_BITS);
                continue;
            };
            let Some(leaf) = branch.get(index(page, LEAF_BITS, BRANCH_BITS)) else {
                page = next(LEAF_BITS);
                continue;
            };
            let word = &leaf.0[index(page, 6, LEAF_BITS - 6)];
            let first = page & !63;
            let marked = word.load(Ordering::SeqCst);
            any |= marked & bits(&touched, first) != 0;
            let unmark = marked & bits(&whole, first);
            if unmark != 0 {
                word.fetch_and(!unmark, Ordering::SeqCst);
            }
            page = next(6);
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64) -> Range<GuestAddr> {
        GuestAddr(start)..GuestAddr(end)
    }

    #[test]
    fn marks_are_found_and_whole_pages_unmarked() {
        let map = PageMap::new();
        assert!(!map.take_marked(&range(0, u64::MAX)));
        map.mark(&range(0x1ffe, 0x2002));
        assert!(!map.take_marked(&range(0, 0x1000)) && !map.take_marked(&range(0x3000, 1 << 47)));
        assert!(map.take_marked(&range(0x1ffc, 0x1ffd)), "a part of a page");
        assert!(map.take_marked(&range(0x1000, 0x2001)), "a page and a part of another");
        assert!(!map.take_marked(&range(0x1000, 0x2000)), "the whole page is unmarked");
        assert!(map.take_marked(&range(0x2ffc, 0x3000)), "the other is not");
        assert!(map.take_marked(&range(0, u64::MAX)));
        assert!(!map.take_marked(&range(0, u64::MAX)));
    }

    #[test]
    fn marks_far_apart_are_found() {
        let map = PageMap::new();
        let last = (1 << 47) - 0x1000;
        for at in [0, 63 << 12, 64 << 12, 1 << 24, 1 << 35, last] {
            map.mark(&range(at, at + 4));
            assert!(!map.take_marked(&range(0, at)), "{at:#x}");
            assert!(!map.take_marked(&range(at + 0x1000, u64::MAX)), "{at:#x}");
            assert!(map.take_marked(&range(0, u64::MAX)), "{at:#x}");
            assert!(!map.take_marked(&range(at, at + 0x1000)), "{at:#x}");
        }
        // Addresses of machines have no bits of their own.
        map.mark(&range(1 << 50, (1 << 50) + 4));
        assert!(!map.take_marked(&range(0, 1 << 47)));
        assert!(map.take_marked(&range(1 << 51, u64::MAX)));
    }
}
