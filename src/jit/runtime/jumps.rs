//! The jump caches of one engine, in which emitted code finds superblocks by their address alone: one for each view of
//! the fetches.

use crate::guest::BlockContext;
use crate::jit::baseline::{JUMP_ENTRIES, jump_index};
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
    /// Made when used.
    entries: Option<Box<Entries>>,
}

type Entries = [Jump; JUMP_ENTRIES];

impl Bank {
    /// Drops what does not hold any more.
    #[cold]
    fn renew(&mut self, mem: &impl GuestMemory, view: FetchView, context: BlockContext, age: u64) {
        let is_same = self.context == context && self.age == age;
        match &mut self.entries {
            None => self.entries = vec![Jump::FREE; JUMP_ENTRIES].into_boxed_slice().try_into().ok(),
            Some(entries) if is_same && let Some(forgotten) = view.forgotten_since(&self.view) => {
                forgotten.for_each(|n| forget_page(entries, mem.forgotten_page(n).0));
            }
            Some(entries) => entries.fill(Jump::FREE),
        }
        (self.view, self.context, self.age) = (view, context, age);
    }
}

/// Drops the entries of a page, which lie side by side.
fn forget_page(entries: &mut Entries, page: u64) {
    const { assert!(JUMP_ENTRIES as u64 >= PAGE_SIZE / 2, "each place on a page has an entry of its own") };
    let entries = entries[jump_index(page)..].iter_mut().take(PAGE_SIZE as usize / 2);
    entries.filter(|jump| jump.pc & !(PAGE_SIZE - 1) == page).for_each(|jump| *jump = Jump::FREE);
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
        if !is_current || bank.context != context || bank.age != self.age || bank.entries.is_none() {
            bank.renew(mem, view, context, self.age);
        }
        bank.entries.as_ref().map_or(0, |entries| entries.as_ptr() as u64)
    }

    /// Drops all entries before the next [`Self::select`].
    pub fn forget(&mut self) {
        self.age += 1;
    }

    /// The code at `pc`, if it is known.
    #[inline]
    pub fn find(&self, pc: u64) -> Option<*const u8> {
        let jump = self.banks[self.current].entries.as_ref()?[jump_index(pc)];
        (jump.pc == pc).then_some(jump.code)
    }

    /// Makes jumps to `pc` find the code.
    pub fn remember(&mut self, pc: u64, code: *const u8) {
        if let Some(entries) = &mut self.banks[self.current].entries {
            entries[jump_index(pc)] = Jump { pc, code };
        }
    }
}
