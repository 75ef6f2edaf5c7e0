//! Sealed areas: mseal.
//!
//! The host's mappings are not sealed: remu must be able to unmap them when the address space is dropped.

use super::{MapError, State, UserSpace, failed};
use crate::memory::vma::page_len;
use crate::memory::{GuestAddr, Prot, Source, Vma};
use rustix::io::Errno;
use std::ops::Range;

impl UserSpace {
    /// mseal(2) without flags: seals all areas of a fully mapped range, or none.
    pub fn seal(&self, addr: GuestAddr, len: u64) -> Result<(), MapError> {
        let invalid = failed(Errno::INVAL);
        let end = page_len(len).and_then(|len| addr.0.checked_add(len)).ok_or(invalid)?;
        if !addr.is_page_aligned() {
            return Err(invalid);
        }
        let range = addr..GuestAddr(end);
        if range.is_empty() {
            return Ok(());
        }
        let mut state = self.state();
        if state.areas.parts(&range) != [range.clone()] {
            return Err(failed(Errno::NOMEM));
        }
        state.areas.update(&range, |area| area.sealed = true);
        Ok(())
    }

    /// The start of the first area in `range` whose contents may not be discarded: sealed, not writable, and private
    /// memory. The contents of a file mapping are not lost by discarding.
    pub fn first_kept(&self, range: &Range<GuestAddr>) -> Option<GuestAddr> {
        let kept = |v: &&Vma| {
            let private_memory = !v.shared && !matches!(v.source, Source::File { .. });
            v.sealed && private_memory && !v.prot.contains(Prot::WRITE)
        };
        self.state().areas.overlapping(range).find(kept).map(|v| v.range.start.max(range.start))
    }
}

impl State {
    /// Refuses to change a range that contains a sealed area.
    pub(super) fn check_unsealed(&self, range: &Range<GuestAddr>) -> Result<(), MapError> {
        if self.areas.overlapping(range).any(|v| v.sealed) { Err(failed(Errno::PERM)) } else { Ok(()) }
    }
}
