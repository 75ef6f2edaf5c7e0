//! The address space of a user process.

use super::vma::VmaTree;
use super::{Access, BadAddress, CodeObserver, GuestAddr, GuestFault, PAGE_SIZE, Prot, Source, Vma};
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};

/// How to lay out a user address space.
#[derive(Clone, Debug)]
pub struct SpaceConfig {
    /// The first address past what the guest may map; 2^47 for sv48, 2^38 for sv39, 2^32 for RV32.
    pub limit: GuestAddr,
    /// Whether host address = guest address is wanted.
    pub identity: bool,
}

/// Where a mapping goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anywhere there is room, from the top of the mmap area down; at the hint if that is free.
    Anywhere {
        /// The address asked for, page-aligned or rounded down.
        hint: Option<GuestAddr>,
    },
    /// At this address, over whatever is there (MAP_FIXED).
    Fixed(GuestAddr),
    /// At this address, or not at all if anything is there (MAP_FIXED_NOREPLACE).
    Exactly(GuestAddr),
}

/// What is behind a mapping.
#[derive(Clone, Debug)]
pub enum Backing<'a> {
    /// Zeroes; with a name for /proc/self/maps or none.
    Anonymous(Option<&'static str>),
    /// A file from `offset` (page-aligned).
    File {
        /// The open file.
        fd: BorrowedFd<'a>,
        /// Page-aligned offset in bytes.
        offset: u64,
        /// The path the guest knows it by.
        path: Arc<std::path::Path>,
    },
}

/// One mmap.
#[derive(Clone, Debug)]
pub struct MapRequest<'a> {
    /// Where.
    pub place: Place,
    /// Bytes, rounded up to pages.
    pub len: u64,
    /// The guest's permissions. WRITE implies READ, as on the kernel's riscv64.
    pub prot: Prot,
    /// MAP_SHARED.
    pub shared: bool,
    /// MAP_GROWSDOWN.
    pub grows_down: bool,
    /// MAP_NORESERVE.
    pub noreserve: bool,
    /// MAP_POPULATE.
    pub populate: bool,
    /// What is behind it.
    pub backing: Backing<'a>,
}

/// Why a mapping call failed, by the errno that the kernel would give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot map guest memory: {0}")]
pub struct MapError(pub rustix::io::Errno);
