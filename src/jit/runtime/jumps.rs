//! The jump caches of one engine, in which emitted code finds superblocks by their address alone: one for each view of
//! the fetches.

use crate::guest::BlockContext;
use crate::jit::baseline::{JUMP_ENTRIES, jump_index};
use crate::memory::FetchView;
use std::ptr::null;

/// An entry, as emitted code reads it.
#[derive(Clone, Copy)]
#[repr(C)]
struct Jump {
    pc: u64,
    code: *const u8,
}

impl Jump {
    const FREE: Self = Self { pc: 0, code: null() };
}

/// The entries for one view, and what they hold for.
#[derive(Default)]
struct Bank {
    generation: u64,
    context: BlockContext,
    /// See [`Jumps::age`].
    age: u64,
    /// Empty until used.
    entries: Box<[Jump]>,
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
    /// Makes the jump cache of a view and a context the one in force. Returns the address of its entries.
    #[inline]
    pub fn select(&mut self, view: FetchView, context: BlockContext) -> u64 {
        self.current = view.index;
        let bank = &mut self.banks[view.index];
        if bank.generation != view.generation || bank.context != context || bank.age != self.age {
            Self::renew(bank);
            (bank.generation, bank.context, bank.age) = (view.generation, context, self.age);
        } else if bank.entries.is_empty() {
            Self::renew(bank);
        }
        bank.entries.as_ptr() as u64
    }

    #[cold]
    fn renew(bank: &mut Bank) {
        if bank.entries.is_empty() {
            bank.entries = vec![Jump::FREE; JUMP_ENTRIES].into();
        } else {
            bank.entries.fill(Jump::FREE);
        }
        // No code is at an odd address. The address 0 is only looked for here.
        bank.entries[jump_index(0)].pc = 1;
    }

    /// Drops all entries before the next [`Self::select`].
    pub fn forget(&mut self) {
        self.age += 1;
    }

    /// The code at `pc`, if it is known.
    #[inline]
    pub fn find(&self, pc: u64) -> Option<*const u8> {
        let jump = self.banks[self.current].entries[jump_index(pc)];
        (jump.pc == pc && !jump.code.is_null()).then_some(jump.code)
    }

    /// Makes jumps to `pc` find the code.
    pub fn remember(&mut self, pc: u64, code: *const u8) {
        self.banks[self.current].entries[jump_index(pc)] = Jump { pc, code };
    }
}
