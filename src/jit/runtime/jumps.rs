//! The jump caches of one engine, in which emitted code finds superblocks by their address alone: one for each view of
//! the fetches.

use crate::guest::BlockContext;
use crate::jit::baseline::{jump_entries, jump_index};
use crate::memory::{FetchView, GuestMemory, PAGE_SIZE};
use std::ptr::null;

/// An entry, as emitted code reads it.
#[derive(Clone, Copy)]
#[repr(C)]
struct Jump {
    pc: u64,
    code: *const u8,
}

impl Jump {
    /// No code is at an odd address.
    const FREE: Self = Self { pc: 1, code: null() };
}

/// The entries for one view, and what they hold for.
#[derive(Default)]
struct Bank {
    view: FetchView,
    context: BlockContext,
    /// See [`Jumps::age`].
    age: u64,
    /// None until used.
    entries: Box<[Jump]>,
    /// Which groups of entries were used, each of a 64th of them.
    used: u64,
}

impl Bank {
    /// Drops what does not hold any more.
    #[cold]
    fn renew<M: GuestMemory>(&mut self, mem: &M, view: FetchView, context: BlockContext, age: u64) {
        let is_same = self.context == context && self.age == age;
        if self.entries.is_empty() {
            self.entries = vec![Jump::FREE; jump_entries(M::TRANSLATES)].into();
        } else if is_same && let Some(forgotten) = view.forgotten_since(&self.view) {
            forgotten.for_each(|n| self.forget_page(mem.forgotten_page(n).0));
        } else {
            let group = self.entries.len() / u64::BITS as usize;
            while self.used != 0 {
                let start = self.used.trailing_zeros() as usize * group;
                self.entries[start..start + group].fill(Jump::FREE);
                self.used &= self.used - 1;
            }
        }
        (self.view, self.context, self.age) = (view, context, age);
    }

    /// Drops the entries of a page, which lie side by side.
    fn forget_page(&mut self, page: u64) {
        const PLACES: usize = PAGE_SIZE as usize / 2;
        const { assert!(jump_entries(true) >= PLACES, "each place on a page has an entry of its own") };
        let first = jump_index(page, self.entries.len()) / PLACES * PLACES;
        let entries = self.entries[first..first + PLACES].iter_mut();
        entries.filter(|jump| jump.pc & !(PAGE_SIZE - 1) == page).for_each(|jump| *jump = Jump::FREE);
    }
}

/// See the module.
#[derive(Default)]
pub struct Jumps {
    /// By [`FetchView::index`].
    banks: [Bank; FetchView::COUNT],
    /// The index of the one in force.
    current: usize,
    /// Changes when no entry made before holds any more.
    age: u64,
}

impl Jumps {
    /// Makes the jump cache of a context and of the view in force the one in force. Returns the address of its entries.
    #[inline]
    pub fn select<M: GuestMemory>(&mut self, mem: &M, context: BlockContext) -> u64 {
        let view = mem.fetch_view();
        self.current = view.index;
        let bank = &mut self.banks[view.index];
        // Where nothing is translated, there is one view.
        let is_current = !M::TRANSLATES || bank.view == view;
        if !is_current || bank.context != context || bank.age != self.age || bank.entries.is_empty() {
            bank.renew(mem, view, context, self.age);
        }
        bank.entries.as_ptr() as u64
    }

    /// Drops all entries before the next [`Self::select`].
    pub fn forget(&mut self) {
        self.age += 1;
    }

    /// The code at `pc`, if it is known.
    #[inline]
    pub fn find(&self, pc: u64) -> Option<*const u8> {
        let entries = &self.banks[self.current].entries;
        let jump = entries.get(jump_index(pc, entries.len()))?;
        (jump.pc == pc).then_some(jump.code)
    }

    /// Makes jumps to `pc` find the code.
    pub fn remember(&mut self, pc: u64, code: *const u8) {
        let bank = &mut self.banks[self.current];
        let index = jump_index(pc, bank.entries.len());
        bank.entries[index] = Jump { pc, code };
        bank.used |= 1 << (index * u64::BITS as usize / bank.entries.len());
    }
}
