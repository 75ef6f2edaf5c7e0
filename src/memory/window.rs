//! The window: one reservation of host address space that the whole of a guest's user space lies in.
//!
//! Preferred is the identity, host address = guest address, below remu's own image. Where the host
//! refuses that, or the guest's addresses are to be kept apart, the window lies elsewhere and its
//! base is added to every access.

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::ffi::c_void;

/// Inaccessible space kept on both sides of a window that is not the identity, and above one that
/// is: what an access reaches past the last checked address stays within it.
const GUARD: u64 = 2 << 30;

/// The lowest address the host lets an ordinary process map.
const LOWEST: u64 = 0x1_0000;

/// The end of the widest identity window: remu's own image, being position-independent, lies above.
const IDENTITY_END: u64 = 0x5500_0000_0000;

/// A reserved range of host addresses, inaccessible until something is mapped in it.
#[derive(Debug)]
pub(super) struct Window {
    /// Host address of guest address 0.
    base: u64,
    /// The first guest address past the usable part.
    limit: u64,
    /// What was reserved, to be given back.
    reserved: (u64, u64),
}

/// The host gives no room for a guest's address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no room for the guest's address space: the host refuses to reserve even {smallest:#x} bytes ({errno}); a limit on virtual memory (ulimit -v) may be too low"
)]
pub struct SpaceError {
    /// The smallest window tried, in bytes.
    pub smallest: u64,
    /// Why the host refused it.
    pub errno: rustix::io::Errno,
}

impl Window {
    /// Reserves the largest window up to `limit` that the host allows.
    pub fn reserve(limit: u64, identity: bool) -> Result<Self, SpaceError> {
        let mut size = limit;
        let mut refused = rustix::io::Errno::NOMEM;
        // A ladder of ever smaller windows: under RLIMIT_AS a small guest can still run.
        while size >= 16 << 20 {
            if identity {
                let size = size.min(IDENTITY_END);
                if reserve_at(Some(LOWEST), size - LOWEST + GUARD).is_ok() {
                    return Ok(Self { base: 0, limit: size, reserved: (LOWEST, size - LOWEST + GUARD) });
                }
            }
            match reserve_at(None, size + 2 * GUARD) {
                Ok(start) => {
                    return Ok(Self { base: start + GUARD, limit: size, reserved: (start, size + 2 * GUARD) });
                }
                Err(e) => refused = e,
            }
            size /= 4;
        }
        Err(SpaceError { smallest: size * 4, errno: refused })
    }

    /// Host address of guest address 0.
    #[inline(always)]
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The first guest address past the usable part.
    #[inline(always)]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The lowest guest address that can be mapped.
    pub fn lowest(&self) -> u64 {
        LOWEST
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let (start, len) = self.reserved;
        // SAFETY: the range is this window's own reservation; nothing outside `memory` holds
        // addresses in it, and the address space that used it is going away.
        let _ = unsafe { munmap(start as *mut c_void, len as usize) };
    }
}

fn reserve_at(start: Option<u64>, len: u64) -> rustix::io::Result<u64> {
    let place = match start {
        Some(_) => MapFlags::FIXED_NOREPLACE,
        None => MapFlags::empty(),
    };
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | place;
    let hint = start.unwrap_or(0) as *mut c_void;
    // SAFETY: maps fresh address space: without MAP_FIXED, and with FIXED_NOREPLACE, nothing that is
    // mapped is touched.
    let got = unsafe { mmap_anonymous(hint, len as usize, ProtFlags::empty(), flags)? } as u64;
    match start {
        // A kernel older than 4.17 takes FIXED_NOREPLACE for a hint.
        Some(wanted) if wanted != got => {
            // SAFETY: the mapping was made just above and is used by nobody.
            let _ = unsafe { munmap(got as *mut c_void, len as usize) };
            Err(rustix::io::Errno::EXIST)
        }
        _ => Ok(got),
    }
}
