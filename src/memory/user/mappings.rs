//! Creating, removing and protecting mappings: mmap, munmap and mprotect.

use super::aio;
use super::layout::MmapBase;
use super::{Backing, MapError, MapRequest, Place, State, UserSpace, effective, failed, host_prot};
use crate::memory::vma::page_len;
use crate::memory::{GuestAddr, MlockMode, Prot, Source, Vma};
use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, MsyncFlags, ProtFlags};
use std::ffi::c_void;
use std::ops::Range;
use std::path::Path;

const MAP_DROPPABLE: u32 = 8;

impl UserSpace {
    /// All areas in order.
    pub fn vmas(&self) -> Vec<Vma> {
        self.state().areas.iter().cloned().collect()
    }

    /// The area that holds `addr`.
    pub fn vma_at(&self, addr: GuestAddr) -> Option<Vma> {
        self.state().areas.find(addr).cloned()
    }

    /// The sum of the areas' sizes in bytes, which RLIMIT_AS limits.
    pub fn mapped_bytes(&self) -> u64 {
        self.state().areas.total()
    }

    /// The mapped parts of a range, in order, adjacent ones joined.
    pub fn mapped_parts(&self, range: &Range<GuestAddr>) -> Vec<Range<GuestAddr>> {
        self.state().areas.parts(range)
    }

    /// Notifies the code observers that the contents of `range` have changed, if it can hold code.
    pub fn contents_changed(&self, range: &Range<GuestAddr>) {
        let mut state = self.state();
        let code = state.areas.overlapping(range).filter(|v| v.prot.contains(Prot::EXEC)).map(|v| v.range.clone());
        let parts: Vec<_> = code.map(|v| v.start.max(range.start)..v.end.min(range.end)).collect();
        state.notify_joined(parts);
    }

    /// Checks that a page-aligned range is where the guest may map.
    pub(super) fn check_range(&self, addr: GuestAddr, len: u64) -> Result<Range<GuestAddr>, MapError> {
        if !addr.is_page_aligned() || len == 0 {
            return Err(failed(Errno::INVAL));
        }
        let end = page_len(len).and_then(|l| addr.0.checked_add(l)).ok_or(failed(Errno::NOMEM))?;
        if end > self.window.limit() {
            return Err(failed(Errno::NOMEM));
        }
        Ok(addr..GuestAddr(end))
    }

    /// mmap(2).
    pub fn map(&self, request: &MapRequest<'_>) -> Result<GuestAddr, MapError> {
        let mut state = self.state();
        let prot = effective(request.prot);
        // What the kernel maps itself when a program starts is not subject to the MDWE flags.
        let is_kernels = matches!(request.backing, Backing::Anonymous(Some("[stack]" | "[vdso]")));
        if !is_kernels {
            state.check_exec_gain(prot, prot)?;
        }
        self.map_in(&mut state, request)
    }

    pub(super) fn map_in(&self, state: &mut State, request: &MapRequest<'_>) -> Result<GuestAddr, MapError> {
        if request.len == 0 {
            return Err(failed(Errno::INVAL));
        }
        let len = page_len(request.len).ok_or(failed(Errno::NOMEM))?;
        let addr = match request.place {
            Place::Fixed(at) => at,
            Place::Exactly(at) => at,
            Place::Anywhere { hint } => self.find_room(state, hint, len)?,
        };
        let range = self.check_range(addr, len)?;
        if range.start.0 < self.window.lowest() {
            return Err(failed(Errno::PERM));
        }
        if matches!(request.place, Place::Exactly(_)) && state.areas.overlapping(&range).next().is_some() {
            return Err(failed(Errno::EXIST));
        }
        state.check_unsealed(&range)?;
        let taken: u64 = state.areas.parts(&range).iter().map(|part| part.end.0 - part.start.0).sum();
        let prot = effective(request.prot);
        let MapRequest { shared, grows_down, noreserve, droppable, .. } = *request;
        // mlockall does not apply to droppable memory. An explicit lock does, and the host refuses it.
        let lock = if request.lock == MlockMode::None && !droppable { state.lock_future } else { request.lock };
        let source = Source::Anonymous;
        let area = Vma {
            range: range.clone(),
            prot,
            shared,
            grows_down,
            noreserve,
            droppable,
            lock,
            source,
            attachment: None,
            sealed: false,
            not_forked: false,
        };
        state.check_growth(len - taken, area.is_data())?;
        let source = match &request.backing {
            Backing::ShmSegment(segment) => self.attach(state, segment, &range, host_prot(prot))?,
            _ => self
                .map_on_host(&MapRequest { lock, ..request.clone() }, &range, prot)
                .inspect_err(|_| self.give_up_holes(state, &range))?,
        };
        if (lock == MlockMode::OnFault || lock == MlockMode::Now && matches!(request.backing, Backing::ShmSegment(_)))
            && self.lock_on_host(&range, lock).is_err()
        {
            self.give_up(state, &range);
            // The errno of mmap(2) at the limit of locked memory.
            return Err(failed(Errno::AGAIN));
        }
        let attachment = match request.backing {
            Backing::ShmSegment(_) => Some(state.new_attachment(len, false)),
            Backing::AioRing(_) => Some(state.new_attachment(len, true)),
            _ => None,
        };
        let replaced = state.areas.insert(Vma { source, attachment, ..area });
        state.notify_replaced(&replaced);
        Ok(addr)
    }

    fn map_on_host(&self, request: &MapRequest<'_>, range: &Range<GuestAddr>, prot: Prot) -> Result<Source, MapError> {
        let len = range.end.0 - range.start.0;
        let at = self.host(range.start, len).map_err(|_| failed(Errno::NOMEM))?.cast::<c_void>();
        let mut flags = MapFlags::FIXED;
        flags |= match request {
            MapRequest { shared: true, .. } => MapFlags::SHARED,
            MapRequest { droppable: true, .. } => MapFlags::from_bits_retain(MAP_DROPPABLE),
            _ => MapFlags::PRIVATE,
        };
        flags.set(MapFlags::NORESERVE, request.noreserve);
        flags.set(MapFlags::POPULATE, request.populate);
        // The host enforces RLIMIT_MEMLOCK as the kernel would.
        flags.set(MapFlags::LOCKED, request.lock == MlockMode::Now);
        let source = match &request.backing {
            Backing::Anonymous(name) => {
                // SAFETY: replaces guest memory inside the window, which Rust holds no reference into.
                unsafe { rustix::mm::mmap_anonymous(at, len as usize, host_prot(prot), flags) }.map_err(failed)?;
                name.map_or(Source::Anonymous, Source::Named)
            }
            Backing::File { fd, offset, path } => {
                // Before mapping, so that a failure leaves no mapping unknown to the areas.
                let stat = rustix::fs::fstat(fd).map_err(failed)?;
                // SAFETY: as above.
                unsafe { rustix::mm::mmap(at, len as usize, host_prot(prot), flags, fd, *offset) }.map_err(failed)?;
                Source::File { path: path.clone(), offset: *offset, id: (stat.st_dev, stat.st_ino) }
            }
            Backing::ShmSegment(_) => unreachable!("`attach` does it"),
            Backing::AioRing(ring) => aio::place(ring, at)?,
            Backing::Uring { memory, part, offset } => {
                // SAFETY: as above.
                unsafe { memory.map_at(*part, len, at) }.map_err(failed)?;
                if prot != Prot::READ | Prot::WRITE {
                    let prot = MprotectFlags::from_bits_retain(host_prot(prot).bits());
                    // SAFETY: changes only the guest memory just mapped.
                    unsafe { rustix::mm::mprotect(at, len as usize, prot) }.map_err(failed)?;
                }
                Source::File { path: Path::new("anon_inode:[io_uring]").into(), offset: *offset, id: (0, 0) }
            }
        };
        Ok(source)
    }

    /// Maps fresh private memory with the properties of `area`.
    pub(super) fn map_anonymous_on_host(&self, range: &Range<GuestAddr>, area: &Vma) -> Result<(), MapError> {
        let request = MapRequest {
            noreserve: area.noreserve,
            droppable: area.droppable,
            lock: area.lock,
            ..MapRequest::anonymous(Place::Fixed(range.start), range.end.0 - range.start.0, area.prot)
        };
        self.map_on_host(&request, range, area.prot)?;
        if area.lock == MlockMode::OnFault && self.lock_on_host(range, area.lock).is_err() {
            self.reserve_again(range)?;
            return Err(failed(Errno::AGAIN));
        }
        Ok(())
    }

    pub(super) fn find_room(&self, state: &State, hint: Option<GuestAddr>, len: u64) -> Result<GuestAddr, MapError> {
        if let Some(hint) = hint {
            // As in the kernel, a hint below the lowest mappable address is raised to it.
            let at = hint.page_floor();
            let at = if at.0 == 0 { at } else { at.max(GuestAddr(self.window.lowest_chosen())) };
            if at.0 != 0
                && let Ok(range) = self.check_range(at, len)
                && state.areas.has_room(&range)
            {
                return Ok(at);
            }
        }
        let limit = GuestAddr(self.window.limit());
        let found = match state.layout.mmap {
            MmapBase::Up(base) => state.areas.gap_bottom_up(len, &(base..limit)),
            MmapBase::Down(base) => {
                let lowest = GuestAddr(self.window.lowest_chosen());
                // If the mmap area is full, use the room reserved for the stack too.
                let above = || state.areas.gap_bottom_up(len, &(state.layout.unmapped_base..limit));
                state.areas.gap_top_down(len, &(lowest..base)).or_else(above)
            }
        };
        found.ok_or(failed(Errno::NOMEM))
    }

    /// munmap(2).
    pub fn unmap(&self, addr: GuestAddr, len: u64) -> Result<(), MapError> {
        // Unlike the other calls, munmap answers EINVAL for a range outside user space.
        let range = self.check_range(addr, len).map_err(|_| failed(Errno::INVAL))?;
        self.unmap_in(&mut self.state(), &range)
    }

    pub(super) fn unmap_in(&self, state: &mut State, range: &Range<GuestAddr>) -> Result<(), MapError> {
        let mut touched = state.areas.overlapping(range).map(|v| v.range.clone());
        let Some(first) = touched.next() else { return Ok(()) };
        let end = touched.last().map_or(first.end, |v| v.end);
        state.check_unsealed(range)?;
        // The host first, and in one call: if it refuses, nothing has changed.
        self.reserve_again(&(first.start.max(range.start)..end.min(range.end)))?;
        let removed = state.areas.remove(range);
        state.notify_replaced(&removed);
        Ok(())
    }

    /// Restores the inaccessible reservation.
    pub(super) fn reserve_again(&self, range: &Range<GuestAddr>) -> Result<(), MapError> {
        self.reserve_with(range, MapFlags::FIXED)
    }

    fn reserve_with(&self, range: &Range<GuestAddr>, place: MapFlags) -> Result<(), MapError> {
        let len = range.end.0 - range.start.0;
        let at = self.host(range.start, len).map_err(|_| failed(Errno::INVAL))?.cast::<c_void>();
        let flags = place | MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: replaces guest memory inside the window, which Rust holds no reference into.
        unsafe { rustix::mm::mmap_anonymous(at, len as usize, ProtFlags::empty(), flags) }.map_err(failed)?;
        Ok(())
    }

    /// Whether some part of `range` has no host mapping at all, not even the reservation.
    fn has_hole(&self, range: &Range<GuestAddr>) -> bool {
        let len = range.end.0 - range.start.0;
        let Ok(at) = self.host(range.start, len) else { return false };
        // With MS_ASYNC, msync only looks for holes.
        // SAFETY: the call changes nothing.
        unsafe { rustix::mm::msync(at.cast(), len as usize, MsyncFlags::ASYNC) == Err(Errno::NOMEM) }
    }

    /// Unmaps a range if the host removed the old mapping and then refused the new one.
    pub(super) fn give_up_holes(&self, state: &mut State, range: &Range<GuestAddr>) {
        if self.has_hole(range) {
            self.give_up(state, range);
        }
    }

    /// Unmaps a range after a half-failed call.
    pub(super) fn give_up(&self, state: &mut State, range: &Range<GuestAddr>) {
        let lost = state.areas.remove(range);
        if self.reserve_hole(range).is_err() && self.reserve_again(range).is_err() {
            // The guest can no longer map anything there.
            state.areas.insert(unusable(range));
        }
        state.notify_replaced(&lost);
    }

    /// Gives up a range in which the host has nothing mapped, unless another thread's mapping is there by now.
    pub(super) fn give_up_unmapped(&self, state: &mut State, range: &Range<GuestAddr>) {
        let lost = state.areas.remove(range);
        if self.reserve_hole(range).is_err() {
            state.areas.insert(unusable(range));
        }
        state.notify_replaced(&lost);
    }

    /// Reserves a hole in the host's mappings, unless another thread has mapped something there first.
    pub(super) fn reserve_hole(&self, range: &Range<GuestAddr>) -> Result<(), MapError> {
        self.reserve_with(range, MapFlags::FIXED_NOREPLACE)
    }

    /// mprotect(2): fails with ENOMEM at the first hole, after changing the areas before it.
    pub fn protect(&self, addr: GuestAddr, len: u64, prot: Prot) -> Result<(), MapError> {
        self.protect_from(addr, len, prot, false)
    }

    /// mprotect(2) with PROT_GROWSDOWN: starts at the start of the area, which must be one that grows.
    pub fn protect_growing(&self, addr: GuestAddr, len: u64, prot: Prot) -> Result<(), MapError> {
        self.protect_from(addr, len, prot, true)
    }

    fn protect_from(&self, addr: GuestAddr, len: u64, prot: Prot, whole_area: bool) -> Result<(), MapError> {
        if !addr.is_page_aligned() {
            return Err(failed(Errno::INVAL));
        }
        if len == 0 {
            return Ok(());
        }
        // An end past the limit is treated as a hole.
        let end = page_len(len).and_then(|l| addr.0.checked_add(l)).ok_or(failed(Errno::NOMEM))?;
        let mut range = addr..GuestAddr(end);
        let prot = effective(prot);
        let mut state = self.state();
        if whole_area {
            let first = state.areas.overlapping(&range).next().ok_or(failed(Errno::NOMEM))?;
            if !first.grows_down {
                return Err(failed(Errno::INVAL));
            }
            range.start = first.range.start;
        }
        let mut at = range.start;
        let mut result = Ok(());
        let mut code = Vec::new();
        let areas: Vec<_> = state.areas.overlapping(&range).cloned().collect();
        for area in areas {
            if area.range.start > at {
                break;
            }
            let sealed = if area.sealed { Err(failed(Errno::PERM)) } else { Ok(()) };
            if let Err(e) = state.check_exec_gain(area.prot, prot).and(sealed) {
                result = Err(e);
                break;
            }
            let part = area.range.start.max(range.start)..area.range.end.min(range.end);
            let len = part.end.0 - part.start.0;
            let before = area.prot;
            // Memory that becomes data counts against RLIMIT_DATA from now on.
            let becomes = Vma { prot, ..area.clone() }.is_data() && !area.is_data();
            if becomes && state.check_growth(len, true).is_err() && state.check_growth(len, false).is_ok() {
                result = Err(failed(Errno::NOMEM));
                break;
            }
            let host = self.host(part.start, len).map_err(|_| failed(Errno::NOMEM))?.cast::<c_void>();
            let flags = MprotectFlags::from_bits_retain(host_prot(prot).bits());
            // SAFETY: changes guest memory inside the window, which Rust holds no reference into.
            if let Err(e) = unsafe { rustix::mm::mprotect(host, len as usize, flags) } {
                result = Err(failed(e));
                break;
            }
            state.areas.protect(&part, prot);
            at = part.end;
            if (before | prot).contains(Prot::EXEC) {
                code.push(part);
            }
        }
        state.notify_joined(code);
        result?;
        if at < range.end { Err(failed(Errno::NOMEM)) } else { Ok(()) }
    }
}

/// The area for guest addresses that another part of the process occupies.
pub(super) fn unusable(range: &Range<GuestAddr>) -> Vma {
    Vma {
        range: range.clone(),
        prot: Prot::empty(),
        shared: false,
        grows_down: false,
        noreserve: true,
        droppable: false,
        lock: MlockMode::None,
        source: Source::Named("[unusable]"),
        attachment: None,
        sealed: false,
        not_forked: false,
    }
}
