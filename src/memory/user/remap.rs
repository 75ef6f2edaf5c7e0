//! Moving and resizing mappings: mremap.

use super::mappings::unusable;
use super::{MapError, Place, State, UserSpace, failed, host_prot};
use crate::memory::vma::page_len;
use crate::memory::{GuestAddr, MlockMode, PAGE_SIZE, Source, Vma};
use rustix::io::Errno;
use rustix::mm::{MprotectFlags, MremapFlags};
use std::ffi::c_void;
use std::ops::Range;

impl UserSpace {
    /// mremap(2) without MREMAP_DONTUNMAP. Moves to `place` if that is fixed. Otherwise resizes in place if there is
    /// room, or else, with a `place`, moves to where there is. An old length of zero makes a second mapping of shared
    /// memory.
    pub fn remap(
        &self,
        old: GuestAddr,
        old_len: u64,
        new_len: u64,
        place: Option<Place>,
    ) -> Result<GuestAddr, MapError> {
        let (old_len, new_len) = self.check_lengths(old, old_len, new_len)?;
        let target = place.and_then(fixed);
        if let Some(at) = target {
            self.check_target(at, new_len, &(old..old.offset(old_len)))?;
        }
        let mut state = self.state();
        let area = state.areas.find(old).ok_or(failed(Errno::FAULT))?.clone();
        state.check_unsealed(&(old..old.offset(1)))?;
        if let Some(at) = target {
            state.check_unsealed(&(at..at.offset(new_len)))?;
        }
        if old_len == 0 {
            return self.duplicate(&mut state, &area, old, new_len, place);
        }
        if new_len < old_len {
            // Shrinking is a munmap, and checked as one.
            self.check_range(old.offset(new_len), old_len - new_len).map_err(|_| failed(Errno::INVAL))?;
        }
        let end = old.offset(old_len);
        if target.is_none() && new_len <= old_len {
            if new_len < old_len {
                self.unmap_in(&mut state, &(old.offset(new_len)..end))?;
            }
            return Ok(old);
        }
        if let Some(at) = target.filter(|_| new_len == old_len) {
            return self.move_areas(&mut state, &(old..end), at);
        }
        // Only the part that shrinking unmaps may extend beyond one area.
        let kept = old..old.offset(old_len.min(new_len));
        if area.range.end < kept.end {
            return Err(failed(Errno::FAULT));
        }
        let growth = new_len.saturating_sub(old_len);
        if growth > 0 {
            state.check_growth(growth, area.is_data())?;
        }
        let room = self.check_range(kept.end, growth).ok();
        let room = room.filter(|more| kept.end == area.range.end && state.areas.has_room(more));
        let target = match (target, room) {
            (Some(at), _) => at,
            (None, Some(more)) => {
                self.grow_on_host(&more, &area)?;
                let source = area.source.advance(more.start.0 - area.range.start.0);
                state.areas.insert(Vma { range: more, source, ..area });
                return Ok(old);
            }
            (None, None) if place.is_some() => self.find_room(&state, None, new_len)?,
            (None, None) => return Err(failed(Errno::NOMEM)),
        };
        // As in the kernel, the part that is not moved is unmapped first.
        if kept.end < end {
            self.unmap_in(&mut state, &(kept.end..end))?;
        }
        let new = target..target.offset(new_len);
        self.move_area(&mut state, &kept, &new, false)?;
        Ok(target)
    }

    /// mremap(2) with MREMAP_DONTUNMAP: the old range stays mapped, as if freshly mapped.
    pub fn remap_keeping(&self, old: GuestAddr, len: u64, place: Place) -> Result<GuestAddr, MapError> {
        let (len, _) = self.check_lengths(old, len, len)?;
        let old_range = old..old.offset(len);
        let wanted = match place {
            Place::Fixed(at) | Place::Exactly(at) => at,
            Place::Anywhere { hint } => hint.unwrap_or_default(),
        };
        self.check_target(wanted, len, &old_range)?;
        let mut state = self.state();
        let area = state.areas.find(old).ok_or(failed(Errno::FAULT))?.clone();
        state.check_unsealed(&(old..old.offset(1)))?;
        if area.range.end < old_range.end {
            return Err(failed(Errno::FAULT));
        }
        state.check_growth(len, area.is_data())?;
        let target = match place {
            Place::Anywhere { hint } => self.find_room(&state, hint, len)?,
            _ => wanted,
        };
        self.move_area(&mut state, &old_range, &(target..target.offset(len)), true)?;
        Ok(target)
    }

    /// The lengths rounded up to whole pages.
    fn check_lengths(&self, old: GuestAddr, old_len: u64, new_len: u64) -> Result<(u64, u64), MapError> {
        // The kernel treats a length that overflows as zero.
        let (old_len, new_len) = (page_len(old_len).unwrap_or(0), page_len(new_len).unwrap_or(0));
        let possible = old.is_page_aligned() && new_len != 0 && new_len <= self.window.limit();
        if possible { Ok((old_len, new_len)) } else { Err(failed(Errno::INVAL)) }
    }

    /// Checks that MREMAP_FIXED may move `old` there.
    fn check_target(&self, at: GuestAddr, len: u64, old: &Range<GuestAddr>) -> Result<(), MapError> {
        let end = at.0.checked_add(len).filter(|&end| end <= self.window.limit()).ok_or(failed(Errno::INVAL))?;
        let overlap = at < old.end && old.start.0 < end;
        if !at.is_page_aligned() || overlap { Err(failed(Errno::INVAL)) } else { Ok(()) }
    }

    /// Moves everything in `old`, which begins with an area, to `target`: areas and holes alike, as Linux does since
    /// 6.17.
    fn move_areas(&self, state: &mut State, old: &Range<GuestAddr>, target: GuestAddr) -> Result<GuestAddr, MapError> {
        let areas: Vec<_> = state.areas.overlapping(old).map(|v| v.range.clone()).collect();
        for area in areas {
            let part = area.start.max(old.start)..area.end.min(old.end);
            let at = target.offset(part.start.0 - old.start.0);
            self.move_area(state, &part, &(at..at.offset(part.end.0 - part.start.0)), false)?;
        }
        Ok(target)
    }

    /// Moves a part of an area, and lets it grow. With `keep`, fresh pages are left in its place, else a hole.
    fn move_area(
        &self,
        state: &mut State,
        old: &Range<GuestAddr>,
        new: &Range<GuestAddr>,
        keep: bool,
    ) -> Result<(), MapError> {
        if new.start.0 < self.window.lowest() {
            return Err(failed(Errno::PERM));
        }
        state.check_unsealed(old)?;
        state.check_unsealed(new)?;
        let area = state.areas.find(old.start).ok_or(failed(Errno::FAULT))?.clone();
        if let Err(e) = self.move_on_host(old, new, &area, keep) {
            // The host does not report whether it unmapped the target before it failed.
            self.give_up(state, new);
            return Err(e);
        }
        let source = area.source.advance(old.start.0 - area.range.start.0);
        let executable = Vma { range: old.clone(), ..area.clone() };
        if keep {
            state.areas.update(old, |v| v.lock = MlockMode::None);
        } else {
            state.areas.remove(old);
            if self.reserve_hole(old).is_err() && self.reserve_again(old).is_err() {
                state.areas.insert(unusable(old));
            }
        }
        let replaced = state.areas.insert(Vma { range: new.clone(), source, ..area });
        state.notify_replaced(&[executable]);
        state.notify_replaced(&replaced);
        Ok(())
    }

    /// mremap with an old length of zero: maps shared memory a second time.
    fn duplicate(
        &self,
        state: &mut State,
        area: &Vma,
        old: GuestAddr,
        new_len: u64,
        place: Option<Place>,
    ) -> Result<GuestAddr, MapError> {
        if !area.shared {
            return Err(failed(Errno::INVAL));
        }
        state.check_growth(new_len, area.is_data())?;
        let target = match place {
            Some(place) => fixed(place).map_or_else(|| self.find_room(state, None, new_len), Ok)?,
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
        let replaced = state.areas.insert(Vma { range: new_range, source, ..area.clone() });
        state.notify_replaced(&replaced);
        Ok(target)
    }

    fn move_on_host(
        &self,
        old: &Range<GuestAddr>,
        new: &Range<GuestAddr>,
        area: &Vma,
        keep: bool,
    ) -> Result<(), MapError> {
        let (old_len, new_len) = (old.end.0 - old.start.0, new.end.0 - new.start.0);
        let from = self.host(old.start, old_len).map_err(|_| failed(Errno::FAULT))?;
        let to = self.host(new.start, new_len).map_err(|_| failed(Errno::NOMEM))?;
        let behind = match area.lock {
            _ if keep => Behind::Pages,
            MlockMode::None => Behind::Anything,
            // The host would count pages left behind as locked, and never release them.
            MlockMode::Now | MlockMode::OnFault => Behind::Hole,
        };
        // SAFETY: the ranges are guest memory or reservation inside the window, and do not overlap.
        let (moved, outcome) = match unsafe { move_pages(from, to, old_len, behind) } {
            Ok(()) => {
                let rest = new.start.offset(old_len)..new.end;
                (old_len, if rest.is_empty() { Ok(()) } else { self.grow_on_host(&rest, area) })
            }
            Err((moved, e)) => (moved, Err(failed(e))),
        };
        if outcome.is_err() {
            // SAFETY: as above. Moving back can fail too, but only when memory is exhausted.
            let _ = unsafe { move_pages(to, from, moved, Behind::Hole) };
        }
        outcome
    }

    /// Maps `more`, which is reserved and follows a page of `area`, as the continuation of `area`.
    ///
    /// The host's mremap could do it after unmapping the reservation, but another thread of the process could map
    /// something into that hole.
    fn grow_on_host(&self, more: &Range<GuestAddr>, area: &Vma) -> Result<(), MapError> {
        if !area.shared && !matches!(area.source, Source::File { .. }) {
            return self.map_anonymous_on_host(more, area);
        }
        let len = (more.end.0 - more.start.0) as usize;
        let page = PAGE_SIZE as usize;
        let last = self.host(GuestAddr(more.start.0 - PAGE_SIZE), PAGE_SIZE).map_err(|_| failed(Errno::FAULT))?;
        let to = self.host(more.start, len as u64).map_err(|_| failed(Errno::NOMEM))?;
        let last = last.cast::<c_void>();
        // SAFETY: `last` is a page of guest memory, `to` guest memory or reservation after it. Any other address was
        // returned by the call before and is used by nobody else.
        unsafe {
            if area.shared {
                // A second view of the same object, whose first page is dropped.
                let view = rustix::mm::mremap(last, 0, page + len, MremapFlags::MAYMOVE).map_err(failed)?;
                let moved = rustix::mm::mremap_fixed(view.byte_add(page), len, len, MremapFlags::MAYMOVE, to.cast());
                let _ = rustix::mm::munmap(view, if moved.is_ok() { page } else { page + len });
                return moved.map(|_| ()).map_err(failed);
            }
            // A private page may differ from the file's. Move it to a place where it can grow, and move it back.
            // Until then, an inaccessible page takes its place.
            let prot = MprotectFlags::from_bits_retain(host_prot(area.prot).bits());
            rustix::mm::mprotect(last, page, MprotectFlags::empty()).map_err(failed)?;
            let away = rustix::mm::mremap(last, page, page, KEEP).map_err(failed);
            let grown = away.and_then(|at| {
                rustix::mm::mremap(at, page, page + len, MremapFlags::MAYMOVE)
                    .map(|at| (at, page + len))
                    .or(Ok((at, page)))
            });
            let back = grown.and_then(|(at, len)| {
                rustix::mm::mremap_fixed(at, len, len, MremapFlags::MAYMOVE, last).map_err(failed)?;
                rustix::mm::mprotect(last, len, prot).map_err(failed)?;
                if len > page { Ok(()) } else { Err(failed(Errno::NOMEM)) }
            });
            if back.is_err() {
                let _ = rustix::mm::mprotect(last, page, prot);
            }
            back
        }
    }
}

const KEEP: MremapFlags = MremapFlags::MAYMOVE.union(MremapFlags::from_bits_retain(libc::MREMAP_DONTUNMAP as u32));

/// What is left in the place of pages that have moved.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// Pages as if freshly mapped.
    Pages,
    /// Fresh pages if the host supports that. They are better than a hole, into which another thread of the process
    /// could map something.
    Anything,
    /// A hole.
    Hole,
}

/// The address, if the place is a fixed one.
fn fixed(place: Place) -> Option<GuestAddr> {
    match place {
        Place::Fixed(at) | Place::Exactly(at) => Some(at),
        Place::Anywhere { .. } => None,
    }
}

/// Moves memory. One area of the guest may be several on the host, which moves only one at a time: on a refusal, half
/// as much is tried. An error tells the number of bytes moved before it.
///
/// # Safety
/// Both ranges are guest memory or reservation and do not overlap.
unsafe fn move_pages(from: *mut u8, to: *mut u8, len: u64, behind: Behind) -> Result<(), (u64, Errno)> {
    let (mut done, mut part) = (0, len);
    while done < len {
        let (at, there) = (from.wrapping_add(done as usize), to.wrapping_add(done as usize));
        // SAFETY: as promised by the caller: the parts lie in the ranges.
        match unsafe { move_part(at, there, part, behind) } {
            Ok(()) => {
                done += part;
                part = len - done;
            }
            Err(Errno::FAULT) if part > PAGE_SIZE => part = (part / 2).next_multiple_of(PAGE_SIZE),
            Err(e) => return Err((done, e)),
        }
    }
    Ok(())
}

/// One mremap.
///
/// # Safety
/// Both ranges are guest memory or reservation and do not overlap.
unsafe fn move_part(from: *mut u8, to: *mut u8, len: u64, behind: Behind) -> rustix::io::Result<()> {
    let (from, to, len) = (from.cast::<c_void>(), to.cast::<c_void>(), len as usize);
    // SAFETY: as promised by the caller.
    unsafe {
        if behind != Behind::Hole {
            match rustix::mm::mremap_fixed(from, len, len, KEEP, to) {
                // Kernels before 5.13 support it for some mappings only, and the memory briefly counts twice.
                Err(Errno::INVAL | Errno::NOMEM) if behind == Behind::Anything => {}
                other => return other.map(|_| ()),
            }
        }
        rustix::mm::mremap_fixed(from, len, len, MremapFlags::MAYMOVE, to).map(|_| ())
    }
}
