//! What a fork does with the address space.

use super::UserSpace;
use crate::memory::GuestAddr;
use std::ops::Range;

impl UserSpace {
    /// Notes whether the areas in `range` are missing in the children of a fork (MADV_DONTFORK, MADV_DOFORK). The host
    /// has been told.
    pub fn set_not_forked(&self, range: &Range<GuestAddr>, not_forked: bool) {
        self.state().areas.update(range, |area| area.not_forked = not_forked);
    }

    /// Called in the child of a fork, where only the calling thread exists.
    pub fn after_fork(&self) {
        self.code.after_fork();
        self.reservations.reset();
        let mut state = self.state();
        let missing: Vec<_> = state.areas.iter().filter(|v| v.not_forked).map(|v| v.range.clone()).collect();
        for range in missing {
            // Where the host has mapped nothing, remu's own memory must not come to lie.
            let reserved = self.reserve_hole(&range);
            debug_assert!(reserved.is_ok(), "the host has left {range:?} out: {reserved:?}");
            let removed = state.areas.remove(&range);
            state.notify_replaced(&removed);
        }
    }
}
