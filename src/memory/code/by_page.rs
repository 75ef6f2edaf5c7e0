//! Where translated code came from, by page.

use crate::memory::{GuestAddr, PAGE_SIZE};
use rustc_hash::FxHashMap;
use std::ops::Range;

/// The blocks that an engine has translated from each page. `I` names a block.
#[derive(Debug)]
pub struct BlocksByPage<I>(FxHashMap<u64, Vec<I>>);

impl<I> Default for BlocksByPage<I> {
    fn default() -> Self {
        Self(FxHashMap::default())
    }
}

/// The numbers of the pages that a range touches.
fn pages(range: &Range<GuestAddr>) -> Range<u64> {
    range.start.0 / PAGE_SIZE..range.end.0.div_ceil(PAGE_SIZE)
}

impl<I: Copy + PartialEq> BlocksByPage<I> {
    /// Adds a block that was translated from the bytes in `source`.
    pub fn insert(&mut self, source: &Range<GuestAddr>, block: I) {
        for page in pages(source) {
            self.0.entry(page).or_default().push(block);
        }
    }

    /// Removes a block.
    pub fn remove(&mut self, source: &Range<GuestAddr>, block: I) {
        for page in pages(source) {
            if let Some(list) = self.0.get_mut(&page) {
                list.retain(|&other| other != block);
            }
        }
    }

    /// The blocks on the pages that `range` touches. One on two pages may be there twice.
    pub fn near(&self, range: &Range<GuestAddr>) -> Vec<I> {
        let pages = pages(range);
        if pages.end - pages.start < self.0.len() as u64 {
            pages.filter_map(|page| self.0.get(&page)).flatten().copied().collect()
        } else {
            self.0.iter().filter(|(page, _)| pages.contains(page)).flat_map(|(_, list)| list).copied().collect()
        }
    }

    /// The pages, by the address of their first byte, with the blocks on each.
    pub fn iter(&self) -> impl Iterator<Item = (GuestAddr, &[I])> {
        self.0.iter().map(|(page, blocks)| (GuestAddr(page * PAGE_SIZE), &blocks[..]))
    }

    /// Removes all blocks.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_near_what_touches_their_pages() {
        let range = |start, end| GuestAddr(start)..GuestAddr(end);
        let mut blocks = BlocksByPage::default();
        blocks.insert(&range(0x1ffe, 0x2002), 'a');
        blocks.insert(&range(0x5000, 0x5004), 'b');
        assert_eq!(blocks.near(&range(0x1000, 0x1001)), ['a']);
        assert_eq!(blocks.near(&range(0x2fff, 0x5000)), ['a']);
        assert!(blocks.near(&range(0x3000, 0x5000)).is_empty());
        // More pages than there are blocks on.
        assert_eq!(blocks.near(&range(0x3000, u64::MAX)), ['b']);
        assert_eq!(blocks.iter().count(), 3);
        blocks.remove(&range(0x1ffe, 0x2002), 'a');
        assert_eq!(blocks.near(&range(0, u64::MAX)), ['b']);
    }
}
