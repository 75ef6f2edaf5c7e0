//! Code in the memory of a machine: which pages hold some, and who must be told of stores to them.
//!
//! No TLB has an entry for stores to a page that engines have decoded from. Such a store takes the slow path, which
//! reports the change. So FENCE.I has nothing to do.
//!
//! # A page comes to hold code
//!
//! Harts on other threads may have TLB entries for stores to the page, and a store through one is not reported. So the
//! hart that is about to decode
//! 1. marks the page, so that no hart fills an entry for stores to it from now on, and lists it as added and unsettled;
//! 2. reports to all engines;
//! 3. waits until each engine that was inside guest code has made a step, after which it drops its entries for the
//!    added pages ([`resume`](crate::memory::GuestMemory::resume)) before it runs anything. An engine that was outside
//!    finds the report when it enters;
//! 4. takes the page off the list of unsettled pages, takes its own reports and looks the code up again. If the page is
//!    still marked, it decodes.
//!
//! A store that another hart makes before its step is in memory when the hart decodes. A store after the step takes the
//! slow path, finds the page marked and is reported. An entry that was filled before step 1 took effect is gone after
//! the step, too. A second hart that wants to decode from the page meanwhile finds it marked and unsettled, and waits for
//! the first. Marking and listing are one step for it, under the lock of the lists.
//!
//! All who wait are outside guest code: two harts that do this at once do not wait for each other's steps, and the first
//! does not wait for the second. A hart that is inside waits for nothing but locks that are held briefly, whose holders do
//! not wait for reports. A change of the page's code by another hart may unmark it during the wait, and all begins again;
//! but a page that is changed often keeps its mark (`MAX_DROPS`).

use crate::memory::{CodeChanges, GuestAddr, Inside, PAGE_SIZE};
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// How often all code of a page is dropped so that stores to the page are fast again. A page that still gets both is
/// then left to the slow path.
const MAX_DROPS: u8 = 16;

/// The code in a machine's memory, which its harts share.
pub struct MachineCode {
    changes: Arc<CodeChanges>,
    pages: Mutex<Pages>,
    /// The length of [`Pages::added`].
    added: AtomicUsize,
    /// Notified when pages are settled.
    settled: Condvar,
}

#[derive(Default)]
struct Pages {
    /// The pages that have come to hold code, by physical address, in order.
    added: Vec<u64>,
    /// Those of them to which harts may store without a report. With one more entry for each hart that settles them.
    unsettled: Vec<u64>,
    /// How often all code of a page was dropped.
    drops: FxHashMap<u64, u8>,
}

impl Default for MachineCode {
    fn default() -> Self {
        Self {
            changes: CodeChanges::new(),
            pages: Mutex::default(),
            added: AtomicUsize::new(0),
            settled: Condvar::new(),
        }
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

    /// Has stores to the pages of `range` reported before code is decoded from them. True if the hart has been outside
    /// guest code for that.
    pub(super) fn before_decoding(&self, range: &Range<GuestAddr>, inside: &Inside<'_>) -> bool {
        let touched = || (range.start.page_floor().0..range.end.0).step_by(PAGE_SIZE as usize);
        let mut pages = self.pages();
        if inside.decodes(range) {
            pages.added.extend(touched());
            pages.unsettled.extend(touched());
            self.added.store(pages.added.len(), Ordering::Release);
            drop(pages);
            let reports = self.changes.report_to_all();
            inside.outside(|| reports.wait());
            let mut pages = self.pages();
            for page in touched() {
                let at = pages.unsettled.iter().position(|other| *other == page).expect("it was listed above");
                pages.unsettled.swap_remove(at);
            }
            self.settled.notify_all();
            return true;
        }
        let unsettled = |pages: &mut Pages| touched().any(|page| pages.unsettled.contains(&page));
        if !unsettled(&mut pages) {
            return false;
        }
        inside.outside(|| drop(self.settled.wait_while(pages, unsettled)));
        true
    }

    /// Calls `page` for each page that has come to hold code since `seen` were.
    pub(super) fn added_since(&self, seen: usize, page: impl FnMut(u64)) -> usize {
        let now = self.added.load(Ordering::Acquire);
        if now != seen {
            self.pages().added[seen..now].iter().copied().for_each(page);
        }
        now
    }

    /// Reports a store of `len` bytes at `addr`, within one page, if the page holds code.
    pub fn stored(&self, addr: u64, len: u64) {
        if !self.holds_code(addr) {
            return;
        }
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
