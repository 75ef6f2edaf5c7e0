//! Mappings made, taken away and protected: mmap, munmap and mprotect.

use super::{Backing, MapError, MapRequest, Place, STACK_GAP, State, UserSpace, effective, failed, host_prot};
use crate::memory::vma::page_len;
use crate::memory::{GuestAddr, Prot, Source, Vma};
use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use std::ffi::c_void;
use std::ops::Range;

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

    /// Whether a page-aligned range lies where the guest may map.
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
        self.map_in(&mut self.state(), request)
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
        let prot = effective(request.prot);
        let source = self.map_on_host(request, &range, prot)?;
        let area = Vma { range: range.clone(), prot, shared: request.shared, grows_down: request.grows_down, source };
        let replaced = state.areas.insert(area);
        state.notify_replaced(&replaced);
        Ok(addr)
    }

    pub(super) fn map_on_host(
        &self,
        request: &MapRequest<'_>,
        range: &Range<GuestAddr>,
        prot: Prot,
    ) -> Result<Source, MapError> {
        let len = range.end.0 - range.start.0;
        let at = self.host(range.start, len).map_err(|_| failed(Errno::NOMEM))?.cast::<c_void>();
        let mut flags = MapFlags::FIXED;
        flags |= if request.shared { MapFlags::SHARED } else { MapFlags::PRIVATE };
        flags.set(MapFlags::NORESERVE, request.noreserve);
        flags.set(MapFlags::POPULATE, request.populate);
        match &request.backing {
            Backing::Anonymous(name) => {
                // SAFETY: replaces guest memory inside the window, which Rust holds no reference into.
                unsafe { rustix::mm::mmap_anonymous(at, len as usize, host_prot(prot), flags) }.map_err(failed)?;
                Ok(name.map_or(Source::Anonymous, Source::Named))
            }
            Backing::File { fd, offset, path } => {
                // Before there is a mapping that the areas do not know of.
                let stat = rustix::fs::fstat(fd).map_err(failed)?;
                // SAFETY: as above.
                unsafe { rustix::mm::mmap(at, len as usize, host_prot(prot), flags, fd, *offset) }.map_err(failed)?;
                Ok(Source::File { path: path.clone(), offset: *offset, id: (stat.st_dev, stat.st_ino) })
            }
        }
    }

    pub(super) fn find_room(&self, state: &State, hint: Option<GuestAddr>, len: u64) -> Result<GuestAddr, MapError> {
        if let Some(hint) = hint {
            let at = hint.page_floor();
            if at.0 >= self.window.lowest()
                && let Ok(range) = self.check_range(at, len)
                && state.areas.overlapping(&range).next().is_none()
            {
                return Ok(at);
            }
        }
        let top = GuestAddr(self.stack_top().0 - STACK_GAP.min(self.window.limit() / 8));
        let areas = GuestAddr(self.window.lowest())..top;
        state.areas.gap_top_down(len, &areas).ok_or(failed(Errno::NOMEM))
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
        // The host first, and in one go: where it refuses, everything is as it was.
        self.reserve_again(&(first.start.max(range.start)..end.min(range.end)))?;
        let removed = state.areas.remove(range);
        state.notify_replaced(&removed);
        Ok(())
    }

    /// Puts the inaccessible reservation back.
    pub(super) fn reserve_again(&self, range: &Range<GuestAddr>) -> Result<(), MapError> {
        let len = range.end.0 - range.start.0;
        let at = self.host(range.start, len).map_err(|_| failed(Errno::INVAL))?.cast::<c_void>();
        let flags = MapFlags::FIXED | MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: replaces guest memory inside the window, which Rust holds no reference into.
        unsafe { rustix::mm::mmap_anonymous(at, len as usize, ProtFlags::empty(), flags) }.map_err(failed)?;
        Ok(())
    }

    /// mprotect(2): stops with ENOMEM at the first hole, the areas before it changed.
    pub fn protect(&self, addr: GuestAddr, len: u64, prot: Prot) -> Result<(), MapError> {
        if !addr.is_page_aligned() {
            return Err(failed(Errno::INVAL));
        }
        if len == 0 {
            return Ok(());
        }
        let range = self.check_range(addr, len)?;
        let prot = effective(prot);
        let mut state = self.state();
        let mut at = range.start;
        let mut result = Ok(());
        let parts: Vec<Range<GuestAddr>> = state.areas.overlapping(&range).map(|v| v.range.clone()).collect();
        for part in parts {
            if part.start > at {
                break;
            }
            let part = part.start.max(range.start)..part.end.min(range.end);
            let len = part.end.0 - part.start.0;
            let host = self.host(part.start, len).map_err(|_| failed(Errno::NOMEM))?.cast::<c_void>();
            let flags = MprotectFlags::from_bits_retain(host_prot(prot).bits());
            // SAFETY: changes guest memory inside the window, which Rust holds no reference into.
            if let Err(e) = unsafe { rustix::mm::mprotect(host, len as usize, flags) } {
                result = Err(failed(e));
                break;
            }
            state.areas.update(&part, |v| v.prot = prot);
            at = part.end;
        }
        state.notify(&(range.start..at.max(range.start)));
        result?;
        if at < range.end { Err(failed(Errno::NOMEM)) } else { Ok(()) }
    }
}
