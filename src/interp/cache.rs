//! The blocks of one hart: by address, by page, and in the direct-mapped cache that is tried first.

use super::block::{Arena, Link, Slot};
use super::predecode::Decoded;
use crate::guest::riscv::Base;
use crate::guest::{BlockContext, BlockKey};
use crate::memory::{BlocksByPage, GuestAddr, GuestMemory, PAGE_SIZE, Stale};
use rustc_hash::FxHashMap;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::null;

/// Above this many slots (64 MiB), dropped blocks included, all blocks are dropped.
const MAX_SLOTS: usize = 2 << 20;

/// Entries of the jump cache; a power of two.
const JUMP_CACHE: usize = 4096;

/// An entry of the jump cache. The key is the complement of the block's address. A key of 0 is free: it would be that
/// of an odd address.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct JumpEntry {
    pub key: u64,
    pub start: *const Slot,
}

const EMPTY: JumpEntry = JumpEntry { key: 0, start: null() };

/// The index of an address in the jump cache.
#[inline(always)]
pub(super) fn jump_index(pc: u64) -> usize {
    (pc >> 1) as usize % JUMP_CACHE
}

/// The key of the block at `pc`. Records depend on nothing else: they look at the rounding mode when they run.
fn key(pc: u64) -> BlockKey {
    BlockKey::new(pc, BlockContext::default())
}

struct Block {
    start: *const Slot,
    source: Box<[u8]>,
    /// The links that lead here.
    incoming: Vec<Link>,
}

impl Block {
    /// Where the block at `pc` was decoded from.
    fn range(&self, pc: u64) -> Range<GuestAddr> {
        GuestAddr(pc)..GuestAddr(pc + self.source.len() as u64)
    }
}

pub(super) struct Cache<B> {
    blocks: FxHashMap<BlockKey, Block>,
    /// The blocks, by address.
    by_page: BlocksByPage<u64>,
    arena: Arena,
    jumps: Box<[Cell<JumpEntry>]>,
    max_slots: usize,
    base: PhantomData<B>,
}

impl<B: Base> Cache<B> {
    pub fn new() -> Self {
        Self {
            blocks: FxHashMap::default(),
            by_page: BlocksByPage::default(),
            arena: Arena::new(),
            jumps: (0..JUMP_CACHE).map(|_| Cell::new(EMPTY)).collect(),
            max_slots: MAX_SLOTS,
            base: PhantomData,
        }
    }

    pub fn jump_cache(&self) -> *const Cell<JumpEntry> {
        self.jumps.as_ptr()
    }

    /// The slots in use, by dropped blocks too.
    pub fn used(&self) -> usize {
        self.arena.used()
    }

    /// The first record of the block at `pc`.
    #[inline]
    pub fn find(&self, pc: u64) -> Option<*const Slot> {
        let entry = self.jumps[jump_index(pc)].get();
        if entry.key == !pc && !entry.start.is_null() {
            return Some(entry.start);
        }
        self.blocks.get(&key(pc)).map(|b| b.start)
    }

    /// Adds a decoded block and returns its first record.
    pub fn insert(&mut self, decoded: &Decoded) -> *const Slot {
        let start = self.arena.push(&decoded.slots).cast_const();
        let block = Block { start, source: decoded.source().into(), incoming: Vec::new() };
        self.by_page.insert(&block.range(decoded.pc()), decoded.pc());
        self.blocks.insert(key(decoded.pc()), block);
        start
    }

    /// Points a link at the block at `pc`.
    pub fn link(&mut self, link: Link, pc: u64, start: *const Slot) {
        let Some(block) = self.blocks.get_mut(&key(pc)) else { return };
        block.incoming.push(link);
        // SAFETY: the link is in the arena, which has not been cleared since the handler that reported it ran (the
        // loop drops its link when blocks are dropped), and no handler runs now.
        unsafe { *link.0 = start };
    }

    /// Makes indirect jumps to `pc` find the block.
    pub fn remember(&mut self, pc: u64, start: *const Slot) {
        self.jumps[jump_index(pc)].set(JumpEntry { key: !pc, start });
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.by_page.clear();
        self.arena.clear();
        self.jumps.iter().for_each(|entry| entry.set(EMPTY));
    }

    /// Frees what has the same size from the start, and leaks the rest: see [`Interp::abandon`](super::Interp::abandon).
    pub fn abandon(self) {
        self.arena.abandon();
        std::mem::forget((self.blocks, self.by_page));
    }

    fn drop_block(&mut self, pc: u64) {
        let Some(block) = self.blocks.remove(&key(pc)) else { return };
        for link in &block.incoming {
            // SAFETY: the link's block may itself have been dropped, but its slots stay until the arena is cleared
            // together with this list; no handler runs now.
            unsafe { *link.0 = null() };
        }
        self.by_page.remove(&block.range(pc), pc);
        let entry = &self.jumps[jump_index(pc)];
        if entry.get().key == !pc {
            entry.set(EMPTY);
        }
    }

    /// Drops all blocks if the slots are used up. True if it did: a link noted before is no longer valid. Slots are
    /// freed here and in [`Cache::clear`] only.
    pub fn make_room(&mut self) -> bool {
        let full = self.arena.used() > self.max_slots;
        if full {
            self.clear();
        }
        full
    }

    /// Drops the stale blocks. A link noted before is no longer valid.
    pub fn drop_stale(&mut self, stale: Stale) {
        let Stale::Ranges(ranges) = stale else { return self.clear() };
        for range in ranges {
            for pc in self.by_page.near(&range) {
                let source = self.blocks.get(&key(pc)).map(|block| block.range(pc));
                if source.is_some_and(|source| source.start < range.end && source.end > range.start) {
                    self.drop_block(pc);
                }
            }
        }
    }

    /// Drops the blocks whose bytes in memory differ from those they were decoded from. FENCE.I guarantees this, also
    /// for stores through other mappings of the page.
    pub fn revalidate(&mut self, mem: &impl GuestMemory) {
        let mut now = [0; PAGE_SIZE as usize];
        let mut stale = Vec::new();
        for (GuestAddr(page), starts) in self.by_page.iter() {
            let got = mem.fetch(GuestAddr(page), &mut now).unwrap_or(0) as u64;
            // A block on two pages is compared page by page.
            let unchanged = |pc: u64| {
                let source = &self.blocks[&key(pc)].source;
                let (start, end) = (pc.max(page), (pc + source.len() as u64).min(page + PAGE_SIZE));
                let part = &source[(start - pc) as usize..(end - pc) as usize];
                end - page <= got && *part == now[(start - page) as usize..(end - page) as usize]
            };
            stale.extend(starts.iter().copied().filter(|&pc| !unchanged(pc)));
        }
        for pc in stale {
            self.drop_block(pc);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::riscv::Rv64;
    use crate::memory::{MapRequest, Place, Prot, SpaceConfig, UserSpace};
    use remu_isa::Isa;

    #[test]
    fn the_loop_is_told_when_slots_are_freed() {
        const CODE: u64 = 0x10_0000;
        let mem = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).unwrap();
        let code = Place::Fixed(GuestAddr(CODE));
        mem.map(&MapRequest::anonymous(code, PAGE_SIZE, Prot::all())).unwrap();
        // `jal x0, 0` twice: two slots each.
        mem.write_bytes(GuestAddr(CODE), &[0x6f, 0, 0, 0, 0x6f, 0, 0, 0]).unwrap();
        let mut cache = Cache::<Rv64>::new();
        cache.max_slots = 1;
        let mut decoded = Decoded::default();
        for pc in [CODE, CODE + 4] {
            decoded.decode::<Rv64, _>(pc, 64, &Isa::rv64_max(), &mem).unwrap();
            cache.insert(&decoded);
        }
        assert!(cache.find(CODE).is_some(), "the loop may hold a link into this block");
        assert!(cache.make_room(), "so it must be told when the block is dropped");
        assert!(cache.find(CODE).is_none() && cache.find(CODE + 4).is_none());
        assert!(!cache.make_room());
    }
}
