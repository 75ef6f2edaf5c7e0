//! Guest memory: guest addresses, permissions, the user address space, and the only way from a guest
//! address to host memory.
//!
//! A guest pointer is never a host pointer. [`GuestAddr`] is a separate type even where the mapping is the identity,
//! and only this module turns one into host memory. The module builds on the host, and knows nothing of guests,
//! engines or the kernel interface above it.

mod access;
mod code;
mod guest;
pub mod machine;
mod reservations;
mod user;
mod vma;
mod window;

pub use access::{AtomicRmw, AtomicSize, BadAddress};
pub use code::{BlocksByPage, CodeChanges, CodeObserver, CodeWatch, Inside, Registration, Reports, Stale};
pub use guest::{CodePlace, FetchView, GuestMemory, MemoryError, Stored};
pub use reservations::{Claim, Reservations};
pub use user::{Backing, MapError, MapRequest, Mdwe, NewRing, Place, ShmSegment, SpaceConfig, SpaceLimits, UserSpace};
pub use vma::{Attachment, MlockMode, Prot, Source, Vma, page_len};
pub use window::SpaceError;

use std::fmt;
use std::ops::Range;

/// The size of a guest page in bytes; the host's is the same.
pub const PAGE_SIZE: u64 = 4096;

/// An address in the guest's address space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GuestAddr(pub u64);

impl GuestAddr {
    /// The address `bytes` further on, wrapping at 2^64.
    pub const fn offset(self, bytes: u64) -> Self {
        Self(self.0.wrapping_add(bytes))
    }

    /// The start of the page that holds this address.
    pub const fn page_floor(self) -> Self {
        self.floor(PAGE_SIZE)
    }

    /// The start of the naturally aligned block of `size` bytes, a power of two, that holds this address.
    pub const fn floor(self, size: u64) -> Self {
        Self(self.0 & !(size - 1))
    }

    /// The first page boundary at or after this address; `None` past the end of the address space.
    pub const fn page_ceil(self) -> Option<Self> {
        match self.0.checked_add(PAGE_SIZE - 1) {
            Some(a) => Some(Self(a & !(PAGE_SIZE - 1))),
            None => None,
        }
    }

    /// Whether this is the start of a page.
    pub const fn is_page_aligned(self) -> bool {
        self.0.is_multiple_of(PAGE_SIZE)
    }
}

impl fmt::Debug for GuestAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Display for GuestAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// The kind of access that an instruction made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Access {
    /// A load.
    Read,
    /// A store or an atomic operation.
    Write,
    /// An instruction fetch.
    Fetch,
}

/// Why memory refused an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FaultKind {
    /// Nothing is mapped there (SEGV_MAPERR).
    Unmapped,
    /// The mapping's permissions forbid it (SEGV_ACCERR).
    Denied,
    /// The mapping has no backing there, such as past the end of a file (BUS_ADRERR).
    NoBacking,
    /// The address is not aligned as the instruction requires (BUS_ADRALN).
    Misaligned,
    /// The page tables of a machine do not allow it.
    PageFault,
    /// Physical memory does not allow it: its protection does not, or there is neither memory nor a device that takes
    /// it.
    AccessFault,
}

impl FaultKind {
    /// All kinds, in order.
    pub(crate) const ALL: [FaultKind; 6] = [
        FaultKind::Unmapped,
        FaultKind::Denied,
        FaultKind::NoBacking,
        FaultKind::Misaligned,
        FaultKind::PageFault,
        FaultKind::AccessFault,
    ];
}

/// A refused access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestFault {
    /// The first byte that could not be accessed: for an access that crosses into a bad page, the
    /// start of that page.
    pub addr: GuestAddr,
    /// The kind of access.
    pub access: Access,
    /// Why it was refused.
    pub kind: FaultKind,
}

impl fmt::Display for GuestFault {
    /// For example `load from 0x8: not mapped`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = match self.access {
            Access::Read => "load from",
            Access::Write => "store to",
            Access::Fetch => "fetch from",
        };
        let why = match self.kind {
            FaultKind::Unmapped => "not mapped",
            FaultKind::Denied => "not allowed",
            FaultKind::NoBacking => "nothing behind the mapping",
            FaultKind::Misaligned => "misaligned",
            FaultKind::PageFault => "page fault",
            FaultKind::AccessFault => "access fault",
        };
        write!(f, "{access} {}: {why}", self.addr)
    }
}

/// A change to the areas of an address space.
#[derive(Clone, Copy, Debug)]
pub enum AreaChange<'a> {
    /// An area was mapped.
    Mapped(&'a Vma),
    /// A range was unmapped.
    Unmapped(&'a Range<GuestAddr>),
    /// The permissions of a range were changed.
    Protected(&'a Range<GuestAddr>, Prot),
    /// The area above grew down by this part.
    Grown(&'a Range<GuestAddr>),
}

/// Receives every change to the areas, while the change is made. It must not call back into the address space.
pub trait AreaObserver: Send + Sync {
    /// Called for each change.
    fn areas_changed(&self, change: AreaChange<'_>);
}
