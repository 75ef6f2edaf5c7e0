//! The superblocks by the pages that they were compiled from, as lists through the superblocks.

use super::cache::Block;
use crate::memory::{GuestAddr, PAGE_SIZE};
use rustc_hash::FxHashMap;
use std::ops::Range;

/// A page with superblocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page {
    /// The index of the first superblock, plus one.
    first: u32,
    /// How far the source of those that begin on the page reaches, from the start of the page.
    pub reach: u32,
    /// How many that begin here were ever added.
    pub added: u32,
    /// The hash of the bytes from the start of the page as far as that when all of them were compiled from these bytes,
    /// if that is known.
    pub hash: Option<u64>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Pages {
    /// By number.
    pages: FxHashMap<u64, Page>,
    /// The superblocks that end on another page than they begin on, by index. The one that follows on that page's list.
    crossing: FxHashMap<u32, Crossing>,
}

/// See [`Pages::crossing`].
#[derive(Clone, Copy, Debug)]
struct Crossing {
    /// The number of the page that the superblock ends on.
    page: u64,
    next: u32,
}

/// The numbers of the pages that a range touches.
fn pages(range: &Range<GuestAddr>) -> Range<u64> {
    range.start.0 / PAGE_SIZE..range.end.0.div_ceil(PAGE_SIZE)
}

impl Pages {
    /// Adds the superblock with an index, which is the last one.
    pub fn add(&mut self, blocks: &mut [Block], index: u32, source: &Range<GuestAddr>) {
        let touched = pages(source);
        debug_assert!(touched.end - touched.start <= 2, "superblocks are short");
        for (nth, number) in touched.enumerate() {
            let page = self.pages.entry(number).or_default();
            let next = std::mem::replace(&mut page.first, index + 1);
            if nth == 0 {
                blocks[index as usize].next = next;
                page.reach = page.reach.max((source.end.0 - number * PAGE_SIZE) as u32);
                page.added = page.added.wrapping_add(1);
                page.hash = None;
            } else {
                self.crossing.insert(index, Crossing { page: number, next });
            }
        }
    }

    /// What follows a superblock on the list of a page: an index, plus one.
    fn next(&self, blocks: &[Block], index: u32, page: u64) -> u32 {
        match self.crossing.get(&index) {
            Some(crossing) if crossing.page == page => crossing.next,
            _ => blocks[index as usize].next,
        }
    }

    /// The list of a page: the indices of superblocks.
    fn list(&self, blocks: &[Block], number: u64, page: &Page) -> impl Iterator<Item = u32> {
        let first = page.first.checked_sub(1);
        std::iter::successors(first, move |&index| self.next(blocks, index, number).checked_sub(1))
    }

    /// Removes a superblock.
    pub fn remove(&mut self, blocks: &mut [Block], index: u32, source: &Range<GuestAddr>) {
        for number in pages(source) {
            let Some(page) = self.pages.get(&number) else { continue };
            let next = self.next(blocks, index, number);
            if page.first == index + 1 {
                self.pages.entry(number).and_modify(|page| page.first = next);
                continue;
            }
            let before = self.list(blocks, number, page).find(|&n| self.next(blocks, n, number) == index + 1);
            let Some(before) = before else { continue };
            match self.crossing.get_mut(&before) {
                Some(crossing) if crossing.page == number => crossing.next = next,
                _ => blocks[before as usize].next = next,
            }
        }
        self.crossing.remove(&index);
    }

    /// The superblocks on the pages that `range` touches. One on two pages may be there twice.
    pub fn near(&self, blocks: &[Block], range: &Range<GuestAddr>) -> Vec<u32> {
        let touched = pages(range);
        if touched.end - touched.start < self.pages.len() as u64 {
            let known = touched.filter_map(|number| Some((number, self.pages.get(&number)?)));
            known.flat_map(|(number, page)| self.list(blocks, number, page)).collect()
        } else {
            let known = self.pages.iter().filter(|(number, _)| touched.contains(number));
            known.flat_map(|(&number, page)| self.list(blocks, number, page)).collect()
        }
    }

    /// The pages on which superblocks begin, by the addresses of their first bytes.
    pub fn with_starts(&self) -> Vec<(u64, Page)> {
        self.pages.iter().filter(|(_, page)| page.reach > 0).map(|(number, &page)| (number * PAGE_SIZE, page)).collect()
    }

    /// The page at an address.
    pub fn get_mut(&mut self, start: u64) -> Option<&mut Page> {
        self.pages.get_mut(&(start / PAGE_SIZE))
    }

    /// Forgets all pages.
    pub fn clear(&mut self) {
        self.pages.clear();
        self.crossing.clear();
    }
}
