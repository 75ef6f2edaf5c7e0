//! Fetches for decoding, and what is wrong with an access that the host has refused.

use super::{State, UserSpace};
use crate::memory::access::BadAddress;
use crate::memory::vma::page_len;
use crate::memory::{Access, FaultKind, GuestAddr, GuestFault, PAGE_SIZE, Prot};
use rustix::mm::MprotectFlags;
use std::ffi::c_void;

impl UserSpace {
    /// Fetches code for decoding: up to `to.len()` bytes from pages that may be executed. Yields how
    /// many there are, which is 0 only with a fault.
    pub fn fetch(&self, addr: GuestAddr, to: &mut [u8]) -> Result<usize, GuestFault> {
        let mut done = 0;
        let state = self.state();
        while done < to.len() {
            let at = addr.offset(done as u64);
            let executable = state.areas.find(at).filter(|v| v.prot.contains(Prot::EXEC));
            let part = executable.map(|v| {
                // Page by page: of a file that is mapped past its end, only the first pages can be read.
                let len = (to.len() - done).min((PAGE_SIZE - at.0 % PAGE_SIZE) as usize);
                let to = &mut to[done..done + len];
                let read =
                    if v.prot.contains(Prot::READ) { self.read_bytes(at, to) } else { self.read_execute_only(at, to) };
                read.map(|()| len).map_err(|_| self.fault_in(&state, at, len as u64, Access::Fetch, true))
            });
            match part {
                Some(Ok(len)) => done += len,
                _ if done > 0 => break,
                Some(Err(fault)) => return Err(fault),
                None => return Err(self.fault_in(&state, at, 1, Access::Fetch, false)),
            }
        }
        Ok(done)
    }

    /// Reads pages that the host holds inaccessible. The state lock, which the caller holds, keeps
    /// their mapping as it is.
    fn read_execute_only(&self, addr: GuestAddr, to: &mut [u8]) -> Result<(), BadAddress> {
        let first = addr.page_floor();
        let len = addr.0 + to.len() as u64 - first.0;
        let len = page_len(len).ok_or(BadAddress::REFUSED)?;
        let host = self.host(first, len)?.cast::<c_void>();
        // SAFETY: the pages are in the window and mapped; making them readable and inaccessible
        // again breaks no view of Rust's.
        unsafe {
            rustix::mm::mprotect(host, len as usize, MprotectFlags::READ).map_err(|_| BadAddress::REFUSED)?;
        }
        let result = self.read_bytes(addr, to);
        // SAFETY: as above.
        let _ = unsafe { rustix::mm::mprotect(host, len as usize, MprotectFlags::empty()) };
        result
    }

    /// Says what is wrong with an access that failed: where, and as which kind of fault. `bus`:
    /// [`BadAddress::is_bus`] of the failure.
    pub fn classify(&self, addr: GuestAddr, size: u64, access: Access, bus: bool) -> GuestFault {
        self.fault_in(&self.state(), addr, size, access, bus)
    }

    fn fault_in(&self, state: &State, addr: GuestAddr, size: u64, access: Access, bus: bool) -> GuestFault {
        let needed = match access {
            Access::Read => Prot::READ,
            Access::Write => Prot::WRITE,
            Access::Fetch => Prot::EXEC,
        };
        let mut at = addr;
        loop {
            let next = at.page_floor().offset(PAGE_SIZE);
            let kind = match state.areas.find(at) {
                None => Some(FaultKind::Unmapped),
                Some(v) if !v.prot.contains(needed) => Some(FaultKind::Denied),
                // A mapped and permitted page that faulted all the same has nothing behind it.
                Some(_) if bus && self.probe(at).is_err() => Some(FaultKind::NoBacking),
                Some(_) => None,
            };
            if let Some(kind) = kind {
                return GuestFault { addr: at, access, kind };
            }
            if next.0.wrapping_sub(addr.0) >= size {
                // Another thread has changed the mapping since: the access is worth another try, and
                // a fault that names the first byte is what the hardware may report as well.
                let kind = if bus { FaultKind::NoBacking } else { FaultKind::Unmapped };
                return GuestFault { addr, access, kind };
            }
            at = next;
        }
    }

    fn probe(&self, addr: GuestAddr) -> Result<(), BadAddress> {
        self.read_bytes(addr, &mut [0])
    }
}
