//! Mappings moved and resized: mremap.

use super::{MapError, UserSpace, failed};
use crate::memory::vma::page_len;
use crate::memory::{GuestAddr, Vma};
use rustix::io::Errno;
use rustix::mm::MremapFlags;
use std::ffi::c_void;
use std::ops::Range;

impl UserSpace {
    /// mremap(2) without MREMAP_DONTUNMAP: to `fixed` if given, else in place if there is room, else,
    /// if it may move, where there is some.
    pub fn remap(
        &self,
        old: GuestAddr,
        old_len: u64,
        new_len: u64,
        may_move: bool,
        fixed: Option<GuestAddr>,
    ) -> Result<GuestAddr, MapError> {
        let invalid = failed(Errno::INVAL);
        let (old_len, new_len) = (page_len(old_len).ok_or(invalid)?, page_len(new_len).ok_or(invalid)?);
        if !old.is_page_aligned() || new_len == 0 || old_len == 0 {
            return Err(invalid);
        }
        let mut state = self.state();
        let mut old_range = self.check_range(old, old_len).map_err(|_| failed(Errno::FAULT))?;
        let area = state.areas.find(old).ok_or(failed(Errno::FAULT))?.clone();
        if fixed.is_none() && new_len <= old_len {
            if new_len < old_len {
                self.unmap_in(&mut state, &(old.offset(new_len)..old_range.end))?;
            }
            return Ok(old);
        }
        // Only what shrinks in place may reach over more than one area.
        if area.range.end < old_range.end {
            return Err(failed(Errno::FAULT));
        }
        let target = match fixed {
            Some(at) => {
                let range = self.check_range(at, new_len).map_err(|_| invalid)?;
                if at.0 < self.window.lowest() || (range.start < old_range.end && old_range.start < range.end) {
                    return Err(invalid);
                }
                // As in the kernel, what is not to be moved goes first.
                if new_len < old_len {
                    let kept = old_range.start..old.offset(new_len);
                    self.unmap_in(&mut state, &(kept.end..old_range.end))?;
                    old_range = kept;
                }
                at
            }
            None => {
                let grown = self.check_range(old, new_len);
                let room = grown.is_ok_and(|r| {
                    old_range.end == area.range.end && state.areas.overlapping(&(old_range.end..r.end)).next().is_none()
                });
                if room {
                    old
                } else if may_move {
                    self.find_room(&state, None, new_len)?
                } else {
                    return Err(failed(Errno::NOMEM));
                }
            }
        };
        let new_range = target..target.offset(new_len);
        if let Err(e) = self.remap_on_host(&old_range, &new_range) {
            if target != old {
                // The host does not tell whether it has unmapped the target before it failed.
                self.reserve_again(&new_range)?;
                let lost = state.areas.remove(&new_range);
                state.notify_replaced(&lost);
            }
            return Err(e);
        }
        let removed = state.areas.remove(&old_range);
        let moved = removed.first().expect("the area was found above").clone();
        let replaced = state.areas.insert(Vma { range: new_range, ..moved });
        if target != old {
            self.reserve_again(&old_range)?;
            state.notify_replaced(&removed);
        }
        state.notify_replaced(&replaced);
        Ok(target)
    }

    fn remap_on_host(&self, old: &Range<GuestAddr>, new: &Range<GuestAddr>) -> Result<(), MapError> {
        let (old_len, new_len) = (old.end.0 - old.start.0, new.end.0 - new.start.0);
        let from = self.host(old.start, old_len).map_err(|_| failed(Errno::FAULT))?.cast::<c_void>();
        let to = self.host(new.start, new_len).map_err(|_| failed(Errno::NOMEM))?.cast::<c_void>();
        if new.start == old.start {
            let gap = (to as u64 + old_len) as *mut c_void;
            // SAFETY: the gap is unused reservation inside the window, and the mapping before it is
            // guest memory; Rust holds no reference into either.
            unsafe {
                rustix::mm::munmap(gap, (new_len - old_len) as usize).map_err(failed)?;
                let grown = rustix::mm::mremap(from, old_len as usize, new_len as usize, MremapFlags::empty());
                if let Err(e) = grown {
                    self.reserve_again(&(old.end..new.end))?;
                    return Err(failed(e));
                }
            }
            return Ok(());
        }
        // SAFETY: both ranges are guest memory or reservation inside the window.
        unsafe {
            rustix::mm::mremap_fixed(from, old_len as usize, new_len as usize, MremapFlags::MAYMOVE, to)
                .map_err(failed)?;
        }
        Ok(())
    }
}
