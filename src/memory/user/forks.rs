//! What a fork does with the address space, and what is left of a process that borrowed it and was killed.

use super::{Reports, State, UserSpace};
use crate::memory::GuestAddr;
use std::ops::Range;
use std::sync::atomic::{Ordering, compiler_fence};

impl UserSpace {
    /// Notes whether the areas in `range` are missing in the children of a fork (MADV_DONTFORK, MADV_DOFORK). The host
    /// has been told.
    pub fn set_not_forked(&self, range: &Range<GuestAddr>, not_forked: bool) {
        self.state().areas.update(range, |area| area.not_forked = not_forked);
    }

    /// Called in the child of a fork, where only the calling thread exists.
    pub fn after_fork(&self) {
        self.code.after_fork();
        self.code.set_only_thread(true);
        self.reservations.end_claims();
        let mut state = self.state();
        state.mdwe = state.mdwe.inherited();
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

impl State {
    /// Keeps a copy to go back to, unless there is one.
    #[cold]
    pub(super) fn keep_copy(&mut self) {
        if self.before.is_some() {
            return;
        }
        let before = Box::new(Self {
            areas: self.areas.clone(),
            heap: self.heap.clone(),
            code: self.code.clone(),
            reports: Reports::default(),
            before: None,
            ..*self
        });
        // It must be whole before it counts.
        compiler_fence(Ordering::SeqCst);
        self.before = Some(before);
    }

    /// Goes back to the state before a change in whose middle a process was killed. What the host has done of it
    /// remains: an area that it has already unmapped faults.
    #[cold]
    pub(super) fn undo(&mut self) {
        if let Some(before) = self.before.take() {
            // Its parts may be torn, so they are not dropped.
            std::mem::forget(std::mem::replace(self, *before));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{NewProcess, StopFlag, vfork};
    use crate::memory::{MapRequest, Place, Prot, SpaceConfig};
    use rustix::process::{Signal, WaitOptions, getpid, kill_process, waitpid};

    #[test]
    fn the_areas_stay_whole_when_a_process_is_killed_while_it_changes_them() {
        let space = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 38), identity: false }).unwrap();
        let place = Place::Anywhere { hint: None };
        let at = space.map(&MapRequest::anonymous(place, 0x3000, Prot::READ | Prot::WRITE)).unwrap();
        let child = vfork(&NewProcess::ORDINARY, &StopFlag::new(), &mut || {
            let mut state = space.state();
            state.areas.remove(&(at..at.offset(0x1000)));
            kill_process(getpid(), Signal::KILL).unwrap();
            0
        });
        let child = rustix::process::Pid::from_raw(child.unwrap().child.pid);
        let (_, status) = waitpid(child, WaitOptions::empty()).unwrap().unwrap();
        assert_eq!(status.terminating_signal(), Some(Signal::KILL.as_raw()));
        assert_eq!(space.vma_at(at).map(|area| area.len()), Some(0x3000));
        space.unmap(at, 0x1000).unwrap();
        assert_eq!(space.vma_at(at), None);
        assert!(space.vma_at(at.offset(0x1000)).is_some());
    }
}
