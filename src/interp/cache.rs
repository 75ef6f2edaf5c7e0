//! The blocks of one hart: by key, by page, and in the direct-mapped cache that is tried first.

use super::block::{Arena, Link, Slot};
use super::predecode::Decoded;
use crate::guest::riscv::Base;
use crate::guest::{BlockContext, BlockKey};
use crate::memory::{BlocksByPage, FetchView, GuestAddr, GuestMemory, PAGE_SIZE, Stale};
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

/// Entries that are dropped together.
const GROUP: usize = JUMP_CACHE / u64::BITS as usize;

const EMPTY: JumpEntry = JumpEntry { key: 0, start: null() };

/// The index of an address in the jump cache.
#[inline(always)]
pub(super) fn jump_index(pc: u64) -> usize {
    (pc >> 1) as usize % JUMP_CACHE
}

/// The entries for one view of the fetches.
struct JumpBank {
    /// What the entries hold for.
    view: FetchView,
    context: BlockContext,
    entries: Box<[Cell<JumpEntry>]>,
    /// The groups in which there may be entries, as bits.
    groups: u64,
}

impl JumpBank {
    /// Drops what does not hold any more.
    #[cold]
    fn renew(&mut self, mem: &impl GuestMemory, view: FetchView, context: BlockContext) {
        if self.entries.is_empty() {
            self.entries = (0..JUMP_CACHE).map(|_| Cell::new(EMPTY)).collect();
        } else if self.context == context
            && let Some(forgotten) = view.forgotten_since(&self.view)
        {
            forgotten.for_each(|n| self.forget_page(mem.forgotten_page(n).0));
        } else {
            self.clear();
        }
        (self.view, self.context) = (view, context);
    }

    fn set(&mut self, pc: u64, start: *const Slot) {
        let index = jump_index(pc);
        self.groups |= 1 << (index / GROUP);
        self.entries[index].set(JumpEntry { key: !pc, start });
    }

    /// Drops all entries. Most banks have few when their view changes.
    fn clear(&mut self) {
        let mut groups = std::mem::take(&mut self.groups);
        while groups != 0 {
            let start = groups.trailing_zeros() as usize * GROUP;
            self.entries[start..start + GROUP].iter().for_each(|entry| entry.set(EMPTY));
            groups &= groups - 1;
        }
    }

    /// Drops the entries of a page, which lie side by side.
    fn forget_page(&self, page: u64) {
        const { assert!(JUMP_CACHE as u64 >= PAGE_SIZE / 2, "each place on a page has an entry of its own") };
        let entries = self.entries[jump_index(page)..].iter().take(PAGE_SIZE as usize / 2);
        entries.filter(|entry| !entry.get().key & !(PAGE_SIZE - 1) == page).for_each(|entry| entry.set(EMPTY));
    }
}

struct Block {
    start: *const Slot,
    source: Box<[u8]>,
    /// The links that lead here.
    incoming: Vec<Link>,
}

impl Block {
    /// Where the block with this key was decoded from.
    fn range(&self, key: &BlockKey) -> Range<GuestAddr> {
        GuestAddr(key.addr)..GuestAddr(key.addr + self.source.len() as u64)
    }
}

pub(super) struct Cache<B> {
    blocks: FxHashMap<BlockKey, Block>,
    by_page: BlocksByPage<BlockKey>,
    arena: Arena,
    /// By [`FetchView::index`]; empty until used.
    jumps: [JumpBank; FetchView::COUNT],
    /// The index of the one in force.
    current: usize,
    max_slots: usize,
    base: PhantomData<B>,
}

impl<B: Base> Cache<B> {
    pub fn new() -> Self {
        let none = || JumpBank {
            view: FetchView::default(),
            context: BlockContext::default(),
            entries: Box::default(),
            groups: 0,
        };
        Self {
            blocks: FxHashMap::default(),
            by_page: BlocksByPage::default(),
            arena: Arena::new(),
            jumps: std::array::from_fn(|_| none()),
            current: 0,
            max_slots: MAX_SLOTS,
            base: PhantomData,
        }
    }

    /// Makes the jump cache of a view and context the one in force.
    #[inline]
    pub fn select(&mut self, mem: &impl GuestMemory, context: BlockContext) -> *const Cell<JumpEntry> {
        let view = mem.fetch_view();
        self.current = view.index;
        let bank = &mut self.jumps[view.index];
        if bank.view != view || bank.context != context || bank.entries.is_empty() {
            bank.renew(mem, view, context);
        }
        bank.entries.as_ptr()
    }

    /// The slots in use, by dropped blocks too.
    pub fn used(&self) -> usize {
        self.arena.used()
    }

    /// The first record of the block at `pc`, if the jump cache has it.
    #[inline]
    pub fn find_jump(&self, pc: u64) -> Option<*const Slot> {
        let entry = self.jumps[self.current].entries[jump_index(pc)].get();
        (entry.key == !pc && !entry.start.is_null()).then_some(entry.start)
    }

    /// The first record of a block.
    #[inline]
    pub fn find(&self, key: &BlockKey) -> Option<*const Slot> {
        self.blocks.get(key).map(|b| b.start)
    }

    /// Adds a decoded block and returns its first record.
    pub fn insert(&mut self, key: BlockKey, decoded: &Decoded) -> *const Slot {
        let start = self.arena.push(&decoded.slots).cast_const();
        let block = Block { start, source: decoded.source().into(), incoming: Vec::new() };
        self.by_page.insert(&block.range(&key), key);
        self.blocks.insert(key, block);
        start
    }

    /// Points a link at a block.
    pub fn link(&mut self, link: Link, key: &BlockKey, start: *const Slot) {
        let Some(block) = self.blocks.get_mut(key) else { return };
        block.incoming.push(link);
        // SAFETY: the link is in the arena, which has not been cleared since the handler that reported it ran (the
        // loop drops its link when blocks are dropped), and no handler runs now.
        unsafe { *link.0 = start };
    }

    /// Makes indirect jumps to `pc` find the block.
    pub fn remember(&mut self, pc: u64, start: *const Slot) {
        self.jumps[self.current].set(pc, start);
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.by_page.clear();
        self.arena.clear();
        self.jumps.iter_mut().for_each(JumpBank::clear);
    }

    /// Frees what has the same size from the start, and leaks the rest: see [`Interp::abandon`](super::Interp::abandon).
    pub fn abandon(self) {
        self.arena.abandon();
        std::mem::forget((self.blocks, self.by_page));
    }

    fn drop_block(&mut self, key: &BlockKey) {
        let Some(block) = self.blocks.remove(key) else { return };
        for link in &block.incoming {
            // SAFETY: the link's block may itself have been dropped, but its slots stay until the arena is cleared
            // together with this list; no handler runs now.
            unsafe { *link.0 = null() };
        }
        self.by_page.remove(&block.range(key), *key);
        let pc = key.pc();
        for entry in self.jumps.iter().filter_map(|bank| bank.entries.get(jump_index(pc))) {
            if entry.get().start == block.start {
                entry.set(EMPTY);
            }
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
            for key in self.by_page.near(&range) {
                let source = self.blocks.get(&key).map(|block| block.range(&key));
                if source.is_some_and(|source| source.start < range.end && source.end > range.start) {
                    self.drop_block(&key);
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
            let unchanged = |key: &BlockKey| {
                let source = &self.blocks[key].source;
                let (start, end) = (key.addr.max(page), (key.addr + source.len() as u64).min(page + PAGE_SIZE));
                let part = &source[(start - key.addr) as usize..(end - key.addr) as usize];
                end - page <= got && *part == now[(start - page) as usize..(end - page) as usize]
            };
            stale.extend(starts.iter().copied().filter(|key| !unchanged(key)));
        }
        for key in &stale {
            self.drop_block(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::riscv::{Rv64, UserProgram};
    use crate::memory::{MapRequest, Place, Prot, SpaceConfig, UserSpace};
    use remu_isa::Isa;

    #[test]
    fn a_new_translation_empties_the_jump_cache() {
        let mem = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).unwrap();
        let mut cache = Cache::<Rv64>::new();
        let slot: *const Slot = std::ptr::dangling();
        let pcs = [0, 2, 126, 128, 0x1000, 0x1ffe, 0x12_3456];
        let context = |features| BlockContext { features, ..BlockContext::default() };
        for features in [0, 1, 0] {
            cache.select(&mem, context(features));
            for pc in pcs {
                assert_eq!(cache.find_jump(pc), None, "{pc:#x}");
                cache.remember(pc, slot);
                assert_eq!(cache.find_jump(pc), Some(slot), "{pc:#x}");
            }
        }
        cache.clear();
        assert!(pcs.iter().all(|&pc| cache.find_jump(pc).is_none()));
    }

    #[test]
    fn the_loop_is_told_when_slots_are_freed() {
        const CODE: u64 = 0x10_0000;
        let mem = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).unwrap();
        let code = Place::Fixed(GuestAddr(CODE));
        mem.map(&MapRequest::anonymous(code, PAGE_SIZE, Prot::all())).unwrap();
        // `jal x0, 0` twice: two slots each.
        mem.write_bytes(GuestAddr(CODE), &[0x6f, 0, 0, 0, 0x6f, 0, 0, 0]).unwrap();
        let key = |pc| BlockKey::new(pc, pc, BlockContext::default());
        let mut cache = Cache::<Rv64>::new();
        cache.max_slots = 1;
        let mut decoded = Decoded::default();
        for pc in [CODE, CODE + 4] {
            decoded.decode::<Rv64, UserProgram>(pc, 64, &Isa::rv64_max(), &mem).unwrap();
            cache.insert(key(pc), &decoded);
        }
        assert!(cache.find(&key(CODE)).is_some(), "the loop may hold a link into this block");
        assert!(cache.make_room(), "so it must be told when the block is dropped");
        assert!(cache.find(&key(CODE)).is_none() && cache.find(&key(CODE + 4)).is_none());
        assert!(!cache.make_room());
    }
}
