//! Code in the memory of a machine: which pages hold some, and who must be told of stores to them.
//!
//! No TLB has an entry for stores to a page that engines have decoded from. Such a store takes the slow path, which
//! reports the change. So FENCE.I has nothing to do.

use crate::memory::{CodeChanges, GuestAddr, PAGE_SIZE};
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How often all code of a page is dropped so that stores to the page are fast again. A page that still gets both is
/// then left to the slow path.
const MAX_DROPS: u8 = 16;

/// The code in a machine's memory, which its harts share.
pub struct MachineCode {
    changes: Arc<CodeChanges>,
    pages: Mutex<Pages>,
    /// The length of [`Pages::added`].
    added: AtomicUsize,
}

#[derive(Default)]
struct Pages {
    /// The pages that have come to hold code, by physical address, in order.
    added: Vec<u64>,
    /// How often all code of a page was dropped.
    drops: FxHashMap<u64, u8>,
}

impl Default for MachineCode {
    fn default() -> Self {
        Self { changes: CodeChanges::new(), pages: Mutex::default(), added: AtomicUsize::new(0) }
    }
}

impl MachineCode {
    /// What engines register with.
    pub fn changes(&self) -> &Arc<CodeChanges> {
        &self.changes
    }

    fn pages(&self) -> std::sync::MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn holds_code(&self, addr: u64) -> bool {
        self.changes.holds_code(GuestAddr(addr))
    }

    /// Records pages that have come to hold code.
    pub(super) fn add(&self, range: &Range<GuestAddr>) {
        let mut pages = self.pages();
        pages.added.extend((range.start.page_floor().0..range.end.0).step_by(PAGE_SIZE as usize));
        self.added.store(pages.added.len(), Ordering::Release);
    }

    /// Calls `page` for each page that has come to hold code since `seen` were.
    pub(super) fn added_since(&self, seen: usize, page: impl FnMut(u64)) -> usize {
        let now = self.added.load(Ordering::Acquire);
        if now != seen {
            self.pages().added[seen..now].iter().copied().for_each(page);
        }
        now
    }

    /// Reports a store of `len` bytes at `addr`, within one page that holds code.
    pub(super) fn stored(&self, addr: u64, len: u64) {
        let page = addr & !(PAGE_SIZE - 1);
        let drops = {
            let mut pages = self.pages();
            let drops = pages.drops.entry(page).or_default();
            *drops = drops.saturating_add(1);
            *drops
        };
        let range = if drops <= MAX_DROPS { page..page + PAGE_SIZE } else { addr..addr + len };
        // No hart may rely on another's store before FENCE.I, which ends its block and finds the report.
        drop(self.changes.report(&(GuestAddr(range.start)..GuestAddr(range.end))));
    }
}
