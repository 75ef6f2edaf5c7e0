//! The window: one reservation of host address space that contains the guest's whole user space.
//!
//! The identity, host address = guest address, is preferred; it ends below remu's own image. If the host refuses it,
//! or the guest's addresses are to be kept separate, the window lies elsewhere and its base is added to every access.

use super::PAGE_SIZE;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use rustix::process::{Resource, getrlimit};
use std::ffi::c_void;

/// Inaccessible space on both sides of a window that is not the identity, and above one that is. An access that
/// starts at a checked address ends within it.
const GUARD: u64 = 2 << 30;

/// The guard where address space is scarce: larger than any access, and than one page of 64 KiB.
const SMALL_GUARD: u64 = 128 << 10;

/// The smallest window to try.
const SMALLEST: u64 = 16 << 20;

/// The value of vm.mmap_min_addr on most hosts.
const USUAL_MIN_ADDR: u64 = 0x1_0000;

/// Where the search for the lowest mappable address ends: far above the setting of any host.
const LOWEST_AT_MOST: u64 = 16 << 20;

/// The end of the widest identity window: remu's position-independent image lies above.
const IDENTITY_END: u64 = 0x5500_0000_0000;

/// A reserved range of host addresses, inaccessible until something is mapped in it.
#[derive(Debug)]
pub(super) struct Window {
    /// Host address of guest address 0.
    base: u64,
    /// The lowest guest address that may be mapped.
    lowest: u64,
    /// The lowest guest address that is chosen for a mapping or that an area grows down to.
    lowest_chosen: u64,
    /// The first guest address past the usable part.
    limit: u64,
    /// The reservation, to be released.
    reserved: (u64, u64),
}

/// The host has no room for a guest's address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}the host refuses to reserve even {smallest:#x} bytes for the guest's address space: {errno}",
    crate::host::limits_behind(&(*errno).into())
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
        let lowest = Lowest::of_host();
        if let Ok(window) = Self::reserve_exactly(lowest, limit, identity, GUARD) {
            return Ok(window);
        }
        // RLIMIT_AS counts the reservation although it is inaccessible, so try smaller ones.
        let mut size = limit;
        let mut refused = Errno::NOMEM;
        while size >= SMALLEST {
            // Wide guards are worth less than a window of twice the size.
            for guard in [GUARD, SMALL_GUARD] {
                match Self::reserve_exactly(lowest, size, identity, guard) {
                    Ok(window) => return Ok(window),
                    Err(e) => refused = e,
                }
            }
            size /= 2;
        }
        Err(SpaceError { smallest: size * 2, errno: refused })
    }

    fn reserve_exactly(lowest: Lowest, size: u64, identity: bool, guard: u64) -> rustix::io::Result<Self> {
        let Lowest { allowed: lowest, chosen: lowest_chosen } = lowest;
        if identity {
            let size = size.min(IDENTITY_END);
            let len = size - lowest + guard;
            if reserve_at(Some(lowest), len).is_ok() {
                let window = Self { base: 0, lowest, lowest_chosen, limit: size, reserved: (lowest, len) };
                return leaves_room(size).map(|()| window);
            }
        }
        let len = size + 2 * guard;
        let start = reserve_at(None, len)?;
        let window = Self { base: start + guard, lowest, lowest_chosen, limit: size, reserved: (start, len) };
        leaves_room(size).map(|()| window)
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

    /// The lowest guest address that may be mapped: the host's mmap_min_addr, or 0 for a privileged process
    /// (CAP_SYS_RAWIO).
    pub fn lowest(&self) -> u64 {
        self.lowest
    }

    /// The lowest guest address that the kernel itself chooses, and that an area grows down to: the host's
    /// mmap_min_addr, whatever the privileges.
    pub fn lowest_chosen(&self) -> u64 {
        self.lowest_chosen
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let (start, len) = self.reserved;
        // SAFETY: the range is this window's own reservation. `memory` makes host addresses in it for single accesses,
        // and pointers for the host kernel that borrow the address space ([`crate::host::GuestPtr`]), so none is left.
        let _ = unsafe { munmap(start as *mut c_void, len as usize) };
    }
}

/// The lowest mappable addresses on this host.
#[derive(Clone, Copy, Debug)]
struct Lowest {
    /// The lowest address that the process may ask for.
    allowed: u64,
    /// The lowest address that the kernel chooses: vm.mmap_min_addr.
    chosen: u64,
}

impl Lowest {
    fn of_host() -> Self {
        let allowed = lowest_allowed();
        if allowed > 0 {
            return Self { allowed, chosen: allowed };
        }
        let text = std::fs::read_to_string("/proc/sys/vm/mmap_min_addr").unwrap_or_default();
        let chosen: u64 = text.trim().parse().unwrap_or(USUAL_MIN_ADDR);
        Self { allowed, chosen: chosen.clamp(PAGE_SIZE, LOWEST_AT_MOST).next_multiple_of(PAGE_SIZE) }
    }
}

/// The lowest address that the host lets this process map. Found by mapping, since it depends on privileges and security
/// modules as well as on vm.mmap_min_addr.
fn lowest_allowed() -> u64 {
    let mut at = 0;
    while at < LOWEST_AT_MOST {
        match reserve_at(Some(at), PAGE_SIZE) {
            Ok(start) => {
                // SAFETY: the mapping was made just above and is not used yet.
                let _ = unsafe { munmap(start as *mut c_void, PAGE_SIZE as usize) };
                return at;
            }
            Err(Errno::PERM | Errno::ACCESS) => at = (at * 2).max(PAGE_SIZE),
            // Something is mapped there, or a limit is reached: the address itself is not refused.
            Err(_) => return at,
        }
    }
    LOWEST_AT_MOST
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
        // A kernel before 4.17 takes FIXED_NOREPLACE as a hint.
        Some(wanted) if wanted != got => {
            // SAFETY: the mapping was made just above and is not used yet.
            let _ = unsafe { munmap(got as *mut c_void, len as usize) };
            Err(Errno::EXIST)
        }
        _ => Ok(got),
    }
}

/// Whether the address space limit leaves room for remu itself beside a window of that size.
fn leaves_room(size: u64) -> rustix::io::Result<()> {
    if getrlimit(Resource::As).current.is_none() {
        return Ok(());
    }
    let len = (32 << 20) + size / 16;
    let at = reserve_at(None, len)?;
    // SAFETY: the mapping was made just above and is not used yet.
    unsafe { munmap(at as *mut c_void, len as usize) }
}
