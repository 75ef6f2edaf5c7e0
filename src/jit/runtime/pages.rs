//! The superblocks by the pages that they were compiled from, as lists through the superblocks.

use super::cache::Block;
use super::lookup::Lookup;
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

/// See the module. The keys are page numbers.
#[derive(Debug, Default)]
pub struct Pages(FxHashMap<u64, Page>);

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
            let page = self.0.entry(number).or_default();
            blocks[index as usize].next[nth] = page.first;
            page.first = index + 1;
            if nth == 0 {
                page.reach = page.reach.max((source.end.0 - number * PAGE_SIZE) as u32);
                page.added = page.added.wrapping_add(1);
                page.hash = None;
            }
        }
    }

    /// Removes a superblock.
    pub fn remove(&mut self, blocks: &mut [Block], lookup: &Lookup, index: u32, source: &Range<GuestAddr>) {
        for (nth, number) in pages(source).enumerate() {
            let after = blocks[index as usize].next[nth];
            let Some(page) = self.0.get_mut(&number) else { continue };
            let mut link = &mut page.first;
            while *link != 0 && *link != index + 1 {
                let block = &mut blocks[*link as usize - 1];
                let nth = block.nth(lookup, number);
                link = &mut block.next[nth];
            }
            if *link != 0 {
                *link = after;
            }
        }
    }

    /// The superblocks on the pages that `range` touches. One on two pages may be there twice.
    pub fn near(&self, blocks: &[Block], lookup: &Lookup, range: &Range<GuestAddr>) -> Vec<u32> {
        let touched = pages(range);
        let mut all = Vec::new();
        let mut on = |number: u64, page: &Page| {
            let mut next = page.first;
            while next != 0 {
                all.push(next - 1);
                let block = &blocks[next as usize - 1];
                next = block.next[block.nth(lookup, number)];
            }
        };
        if touched.end - touched.start < self.0.len() as u64 {
            touched
                .filter_map(|number| Some((number, self.0.get(&number)?)))
                .for_each(|(number, page)| on(number, page));
        } else {
            self.0.iter().filter(|(number, _)| touched.contains(number)).for_each(|(&number, page)| on(number, page));
        }
        all
    }

    /// The pages on which superblocks begin, by the addresses of their first bytes.
    pub fn with_starts(&self) -> Vec<(u64, Page)> {
        self.0.iter().filter(|(_, page)| page.reach > 0).map(|(number, &page)| (number * PAGE_SIZE, page)).collect()
    }

    /// The page at an address.
    pub fn get_mut(&mut self, start: u64) -> Option<&mut Page> {
        self.0.get_mut(&(start / PAGE_SIZE))
    }

    /// Forgets all pages.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
