//! Mappings moved and resized: mremap.

use super::mappings::unusable;
use super::{MapError, State, UserSpace, failed};
use crate::memory::vma::page_len;
use crate::memory::{GuestAddr, PAGE_SIZE, Source, Vma};
use rustix::io::Errno;
use rustix::mm::MremapFlags;
use std::ffi::c_void;
use std::ops::Range;

impl UserSpace {
    /// mremap(2) without MREMAP_DONTUNMAP: to `fixed` if given, else in place if there is room, else,
    /// if it may move, where there is some. An old length of zero makes a second mapping of what is
    /// shared.
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
        if !old.is_page_aligned() || new_len == 0 {
            return Err(invalid);
        }
        let mut state = self.state();
        if old_len == 0 {
            return self.duplicate(&mut state, old, new_len, may_move, fixed);
        }
        let mut old_range = self.check_range(old, old_len).map_err(|_| failed(Errno::FAULT))?;
        let area = state.areas.find(old).ok_or(failed(Errno::FAULT))?.clone();
        state.check_unsealed(&(old..old.offset(1)))?;
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
        let growth = new_len.saturating_sub(old_len);
        state.check_total(growth)?;
        let target = match fixed {
            Some(at) => {
                state.check_unsealed(&self.check_target(at, new_len, &old_range)?)?;
                // As in the kernel, what is not to be moved goes first.
                if new_len < old_len {
                    let kept = old_range.start..old.offset(new_len);
                    self.unmap_in(&mut state, &(kept.end..old_range.end))?;
                    old_range = kept;
                }
                at
            }
            None => {
                let more = self.check_range(old_range.end, growth);
                let room = more.ok().filter(|more| old_range.end == area.range.end && state.areas.has_room(more));
                // In place only where it takes no hole in the host's reservation, which another thread
                // of the process might fill: anything else moves.
                match room {
                    Some(more) if is_private_memory(&area) => {
                        self.map_anonymous_on_host(&more, &area)?;
                        state.areas.insert(Vma { range: more, ..area });
                        return Ok(old);
                    }
                    _ if may_move => self.find_room(&state, None, new_len)?,
                    _ => return Err(failed(Errno::NOMEM)),
                }
            }
        };
        let new_range = target..target.offset(new_len);
        if let Err(e) = self.move_on_host(&old_range, &new_range, &area) {
            // The host does not tell whether it has unmapped the target before it failed.
            self.give_up(&mut state, &new_range);
            return Err(e);
        }
        let removed = state.areas.remove(&old_range);
        let moved = removed.first().expect("the area was found above").clone();
        let replaced = state.areas.insert(Vma { range: new_range, ..moved });
        if self.reserve_hole(&old_range).is_err() && self.reserve_again(&old_range).is_err() {
            state.areas.insert(unusable(&old_range));
        }
        state.notify_replaced(&removed);
        state.notify_replaced(&replaced);
        Ok(target)
    }

    /// mremap with an old length of zero: a second mapping of shared memory.
    fn duplicate(
        &self,
        state: &mut State,
        old: GuestAddr,
        new_len: u64,
        may_move: bool,
        fixed: Option<GuestAddr>,
    ) -> Result<GuestAddr, MapError> {
        let area = state.areas.find(old).ok_or(failed(Errno::FAULT))?.clone();
        state.check_unsealed(&area.range)?;
        if !area.shared {
            return Err(failed(Errno::INVAL));
        }
        state.check_total(new_len)?;
        let target = match fixed {
            Some(at) => {
                state.check_unsealed(&self.check_target(at, new_len, &(old..old))?)?;
                at
            }
            None if may_move => self.find_room(state, None, new_len)?,
            None => return Err(failed(Errno::NOMEM)),
        };
        let new_range = target..target.offset(new_len);
        let from = self.host(old, 0).map_err(|_| failed(Errno::FAULT))?;
        let to = self.host(target, new_len).map_err(|_| failed(Errno::NOMEM))?;
        // SAFETY: both are guest memory or reservation inside the window.
        let made =
            unsafe { rustix::mm::mremap_fixed(from.cast(), 0, new_len as usize, MremapFlags::MAYMOVE, to.cast()) };
        if let Err(e) = made {
            self.give_up(state, &new_range);
            return Err(failed(e));
        }
        let source = area.source.advance(old.0 - area.range.start.0);
        let replaced = state.areas.insert(Vma { range: new_range, source, ..area });
        state.notify_replaced(&replaced);
        Ok(target)
    }

    /// Where MREMAP_FIXED moves `old`, if it may.
    fn check_target(&self, at: GuestAddr, len: u64, old: &Range<GuestAddr>) -> Result<Range<GuestAddr>, MapError> {
        let range = self.check_range(at, len).map_err(|_| failed(Errno::INVAL))?;
        let overlap = range.start < old.end && old.start < range.end;
        if at.0 < self.window.lowest() || overlap { Err(failed(Errno::INVAL)) } else { Ok(range) }
    }

    /// Moves a mapping; what it leaves behind is a hole, or pages that are of no use any more.
    fn move_on_host(&self, old: &Range<GuestAddr>, new: &Range<GuestAddr>, area: &Vma) -> Result<(), MapError> {
        let (old_len, new_len) = (old.end.0 - old.start.0, new.end.0 - new.start.0);
        let from = self.host(old.start, old_len).map_err(|_| failed(Errno::FAULT))?;
        let to = self.host(new.start, new_len).map_err(|_| failed(Errno::NOMEM))?;
        if !is_private_memory(area) {
            // SAFETY: both ranges are guest memory or reservation inside the window.
            return unsafe { move_piece(from, old_len, to, new_len) }.map_err(failed);
        }
        // SAFETY: as above; the ranges do not overlap.
        unsafe {
            if let Err((done, e)) = move_pages(from, to, old_len) {
                // It may not come back either, but then memory is at its very end.
                let _ = move_pages(to, from, done);
                return Err(failed(e));
            }
        }
        let rest = new.start.offset(old_len)..new.end;
        if rest.is_empty() { Ok(()) } else { self.map_anonymous_on_host(&rest, area) }
    }
}

/// Whether the area is memory that belongs to this process alone, from its beginning in zeroes.
fn is_private_memory(area: &Vma) -> bool {
    !area.shared && !matches!(area.source, Source::File { .. })
}

/// Moves private memory. What is one area to the guest may be several to the host, which moves only
/// one at a time: where it refuses, half as much is tried. Fails with the bytes moved until then.
///
/// # Safety
/// Both ranges are guest memory or reservation and do not overlap.
unsafe fn move_pages(from: *mut u8, to: *mut u8, len: u64) -> Result<(), (u64, Errno)> {
    let (mut done, mut piece) = (0, len);
    while done < len {
        // SAFETY: as promised by the caller: the pieces lie in the ranges.
        let moved =
            unsafe { move_piece(from.wrapping_add(done as usize), piece, to.wrapping_add(done as usize), piece) };
        match moved {
            Ok(()) => {
                done += piece;
                piece = len - done;
            }
            Err(Errno::FAULT) if piece > PAGE_SIZE => piece = (piece / 2).next_multiple_of(PAGE_SIZE),
            Err(e) => return Err((done, e)),
        }
    }
    Ok(())
}

/// One mremap, if possible without a hole where the pages were, into which another thread of the
/// process could map something.
///
/// # Safety
/// Both ranges are guest memory or reservation and do not overlap.
unsafe fn move_piece(from: *mut u8, old_len: u64, to: *mut u8, new_len: u64) -> rustix::io::Result<()> {
    let (from, to) = (from.cast::<c_void>(), to.cast::<c_void>());
    let (old_len, new_len) = (old_len as usize, new_len as usize);
    // SAFETY: as promised by the caller.
    unsafe {
        if old_len == new_len {
            let keep = MremapFlags::MAYMOVE | MremapFlags::from_bits_retain(libc::MREMAP_DONTUNMAP as u32);
            match rustix::mm::mremap_fixed(from, old_len, new_len, keep, to) {
                // Kernels before 5.13 know it for some mappings only; and it counts twice for a moment.
                Err(Errno::INVAL | Errno::NOMEM) => {}
                other => return other.map(|_| ()),
            }
        }
        rustix::mm::mremap_fixed(from, old_len, new_len, MremapFlags::MAYMOVE, to).map(|_| ())
    }
}
