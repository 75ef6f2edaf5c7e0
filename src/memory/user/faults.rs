//! Instruction fetches, and the classification of accesses that the host refused.

use super::{State, UserSpace};
use crate::memory::access::{self, AtomicRmw, AtomicSize, BadAddress};
use crate::memory::vma::{GUARD_GAP, page_len};
use crate::memory::{Access, FaultKind, GuestAddr, GuestFault, PAGE_SIZE, Prot, Vma};
use rustix::mm::MprotectFlags;
use std::ffi::c_void;

impl UserSpace {
    /// Fetches code for decoding: up to `to.len()` bytes from executable pages. Returns their number; no bytes at all
    /// is a fault.
    pub fn fetch(&self, addr: GuestAddr, to: &mut [u8]) -> Result<usize, GuestFault> {
        let mut done = 0;
        let mut state = self.state();
        while done < to.len() {
            let at = addr.offset(done as u64);
            let kind = match state.areas.find(at).map(|v| v.prot) {
                Some(prot) if prot.contains(Prot::EXEC) => {
                    // Page by page: of a mapping past the end of its file, only the first pages can be read.
                    let len = (to.len() - done).min((PAGE_SIZE - at.0 % PAGE_SIZE) as usize);
                    let to = &mut to[done..done + len];
                    let readable = prot.contains(Prot::READ);
                    let read = if readable { self.read_mapped(at, to) } else { self.read_execute_only(at, to) };
                    if read.is_ok() {
                        done += len;
                        continue;
                    }
                    FaultKind::NoBacking
                }
                Some(_) => FaultKind::Denied,
                None if done == 0 && self.grow_down(&mut state, at) => continue,
                None => FaultKind::Unmapped,
            };
            if done > 0 {
                break;
            }
            return Err(GuestFault { addr: at, access: Access::Fetch, kind });
        }
        Ok(done)
    }

    /// Reads mapped memory. Unlike [`Self::read_bytes`] it takes no lock.
    fn read_mapped(&self, addr: GuestAddr, to: &mut [u8]) -> Result<(), BadAddress> {
        let host = self.host(addr, to.len() as u64)?;
        // SAFETY: `host` checked that the whole range is in the window.
        unsafe { access::copy_from(host, to) }
    }

    /// Reads pages that are inaccessible on the host. The caller holds the state lock, which keeps their mapping
    /// unchanged.
    fn read_execute_only(&self, addr: GuestAddr, to: &mut [u8]) -> Result<(), BadAddress> {
        let first = addr.page_floor();
        let len = addr.0 + to.len() as u64 - first.0;
        let len = page_len(len).ok_or(BadAddress::REFUSED)?;
        let host = self.host(first, len)?.cast::<c_void>();
        // SAFETY: the pages are in the window and mapped; no Rust reference sees them become readable and
        // inaccessible again.
        unsafe {
            rustix::mm::mprotect(host, len as usize, MprotectFlags::READ).map_err(|_| BadAddress::REFUSED)?;
        }
        let result = self.read_mapped(addr, to);
        // SAFETY: as above.
        let _ = unsafe { rustix::mm::mprotect(host, len as usize, MprotectFlags::empty()) };
        result
    }

    /// Explains an access that failed: where, and with which kind of fault. `None` means that the access is to be
    /// repeated, because another thread has changed the mapping or the area has just grown.
    pub fn classify(&self, addr: GuestAddr, size: u64, access: Access) -> Option<GuestFault> {
        let needed = match access {
            Access::Read => Prot::READ,
            Access::Write => Prot::WRITE,
            Access::Fetch => Prot::EXEC,
        };
        let mut state = self.state();
        let mut at = addr;
        loop {
            let kind = match state.areas.find(at).map(|v| v.prot) {
                None if self.grow_down(&mut state, at) => None,
                None => Some(FaultKind::Unmapped),
                Some(prot) if !prot.contains(needed) => Some(FaultKind::Denied),
                // Probed under the lock, so a retry always follows a change to the mapping: an access that cannot
                // succeed is not retried forever.
                Some(_) => match self.probe(at, access) {
                    Ok(()) => None,
                    Err(bad) if bad.is_bus() => Some(FaultKind::NoBacking),
                    // Guard pages of madvise(2), which the areas do not record.
                    Err(_) => Some(FaultKind::Unmapped),
                },
            };
            if let Some(kind) = kind {
                return Some(GuestFault { addr: at, access, kind });
            }
            at = at.page_floor().offset(PAGE_SIZE);
            if at.0.wrapping_sub(addr.0) >= size {
                return None;
            }
        }
    }

    /// Accesses one byte as an instruction would, without changing it.
    fn probe(&self, addr: GuestAddr, access: Access) -> Result<(), BadAddress> {
        match access {
            Access::Read => self.read_mapped(addr, &mut [0]),
            Access::Write => {
                let host = self.host_small(addr)?;
                // SAFETY: `host_small` yields addresses in the window.
                unsafe { access::read_modify_write(AtomicRmw::Add, AtomicSize::B1, host, 0) }.map(drop)
            }
            Access::Fetch => Ok(()),
        }
    }

    /// As [`Self::grow_down`], for the first hole in a range that the kernel layer accesses.
    pub(super) fn grow_for(&self, addr: GuestAddr, len: u64) -> bool {
        if !self.growth.touches(addr, len) {
            return false;
        }
        let Some(end) = addr.0.checked_add(len).filter(|&end| end > addr.0) else { return false };
        let mut state = self.state();
        let mut at = addr;
        while let Some(area) = state.areas.find(at) {
            at = area.range.end;
            if at.0 >= end {
                return false;
            }
        }
        self.grow_down(&mut state, at)
    }

    /// Grows the stack, or another area that grows, down to `addr` if allowed.
    pub fn grow_stack(&self, addr: GuestAddr) {
        let mut state = self.state();
        if state.areas.find(addr).is_none() {
            self.grow_down(&mut state, addr);
        }
    }

    /// Grows the area above `addr`, if it is MAP_GROWSDOWN, to include `addr`, within the limits and the gap to the
    /// area below.
    pub(super) fn grow_down(&self, state: &mut State, addr: GuestAddr) -> bool {
        let start = addr.page_floor();
        let Some(area) = state.areas.after(start).filter(|v| v.grows_down).cloned() else { return false };
        // No gap is needed to an inaccessible area, nor to another that grows.
        let crowded = state.areas.before(start).is_some_and(|below| {
            !below.grows_down && !below.prot.is_empty() && start.0 - below.range.end.0 < GUARD_GAP
        });
        let more = start..area.range.start;
        let too_large = area.range.end.0 - start.0 > state.limits.stack
            || state.check_growth(more.end.0 - more.start.0, area.is_data()).is_err()
            || start.0 < self.window.lowest_chosen();
        if crowded || too_large || self.map_anonymous_on_host(&more, &area).is_err() {
            return false;
        }
        state.areas.grow(Vma { range: more, ..area });
        true
    }
}
