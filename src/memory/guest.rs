//! Guest memory as engines access it: the address space of a process or the memory of a machine.

use super::{Access, AtomicRmw, AtomicSize, FaultKind, GuestAddr, GuestFault, Inside, Reservations};
use std::fmt;
use std::ops::Range;

/// Why memory refused an access, in a register.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MemoryError(u64);

impl MemoryError {
    /// The host refused the access. [`GuestMemory::explain`] finds out why.
    pub const BY_HOST: Self = Self(0);

    /// The access faults `offset` bytes after its address.
    pub const fn new(kind: FaultKind, offset: u8) -> Self {
        Self(1 | (kind as u64) << 8 | (offset as u64) << 16)
    }

    /// The kind of fault and the offset of the first byte that could not be accessed; `None` if the host refused it.
    pub fn known(self) -> Option<(FaultKind, u8)> {
        let kind = FaultKind::ALL[usize::from((self.0 >> 8) as u8)];
        (self.0 & 1 != 0).then_some((kind, (self.0 >> 16) as u8))
    }

    /// The fault of an access at `addr`; `None` if the host refused it.
    pub fn fault(self, addr: GuestAddr, access: Access) -> Option<GuestFault> {
        let (kind, offset) = self.known()?;
        Some(GuestFault { addr: addr.offset(offset.into()), access, kind })
    }
}

impl fmt::Debug for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryError").field(&self.known()).finish()
    }
}

/// Where code lies, as far as engines that cache it must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePlace {
    /// The address by which changes of the code are reported: its physical address in a machine.
    pub addr: u64,
    /// Whether the whole page may be fetched, so that code that was decoded from one part may run on into another.
    pub whole_page: bool,
}

/// The translation of fetches that is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchView {
    /// Selects one of [`FetchView::COUNT`] caches of what was translated.
    pub index: usize,
    /// Changes whenever what is in that cache may no longer hold.
    pub generation: u64,
    /// The number of times that the translation of a single page was forgotten in this generation: see
    /// [`GuestMemory::forgotten_page`].
    pub pages: u64,
}

impl FetchView {
    /// The number of views that memory keeps.
    pub const COUNT: usize = 8;

    /// The number of forgotten pages that memory remembers.
    pub const PAGES: u64 = 16;

    /// The pages that were forgotten since this view was `before`, for [`GuestMemory::forgotten_page`]. `None` if more was.
    pub fn forgotten_since(&self, before: &Self) -> Option<Range<u64>> {
        let is_known = self.generation == before.generation && self.pages - before.pages <= Self::PAGES;
        is_known.then_some(before.pages..self.pages)
    }
}

/// Where a store went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Into memory.
    InMemory,
    /// To a device, which may have raised an interrupt or ended the machine: the hart looks before its next instruction.
    ToDevice,
}

/// Memory as one hart sees it.
pub trait GuestMemory {
    /// Whether addresses are translated to others: code then is known by both addresses.
    const TRANSLATES: bool;

    /// Loads 1, 2, 4 or 8 bytes, zero-extended.
    fn load(&self, size: u64, addr: GuestAddr) -> Result<u64, MemoryError>;

    /// Stores the low 1, 2, 4 or 8 bytes of `value`.
    fn store(&self, size: u64, addr: GuestAddr, value: u64) -> Result<Stored, MemoryError>;

    /// [`GuestMemory::load`] without calling a function; `None` if it would have to. All loads of an address space whose
    /// addresses are not translated can do without.
    #[inline(always)]
    fn load_inline(&self, size: u64, addr: GuestAddr) -> Option<Result<u64, MemoryError>> {
        const { assert!(!Self::TRANSLATES) };
        Some(self.load(size, addr))
    }

    /// [`GuestMemory::store`] in the same way. It has had no effect if it yields `None`.
    #[inline(always)]
    fn store_inline(&self, size: u64, addr: GuestAddr, value: u64) -> Option<Result<Stored, MemoryError>> {
        const { assert!(!Self::TRANSLATES) };
        Some(self.store(size, addr, value))
    }

    /// An atomic read-modify-write at an aligned address; yields the old value, zero-extended. Like the other atomic
    /// operations, it ends the reservations of other harts.
    fn read_modify_write(
        &self,
        op: AtomicRmw,
        size: AtomicSize,
        addr: GuestAddr,
        operand: u64,
    ) -> Result<u64, MemoryError>;

    /// An atomic compare-and-exchange at an aligned address; yields the old value, zero-extended.
    fn compare_exchange(&self, size: AtomicSize, addr: GuestAddr, expected: u64, new: u64) -> Result<u64, MemoryError>;

    /// An atomic compare-and-exchange of 16 bytes at an address aligned to 16, low half first.
    fn compare_exchange_pair(
        &self,
        addr: GuestAddr,
        expected: [u64; 2],
        new: [u64; 2],
    ) -> Result<[u64; 2], MemoryError>;

    /// The reservations of LR/SC, which all harts of the address space share.
    fn reservations(&self) -> &Reservations;

    /// The address by which [`GuestMemory::reservations`] know the memory at `addr`: its physical address in a machine.
    fn reservation_addr(&self, addr: GuestAddr, size: u64, access: Access) -> Result<GuestAddr, MemoryError>;

    /// Fills memory with zeroes.
    fn fill_zero(&self, addr: GuestAddr, len: u64) -> Result<(), MemoryError>;

    /// Whether a load or a store of `len` bytes within one page would succeed. Performs neither.
    fn probe(&self, addr: GuestAddr, len: u64) -> Result<(), MemoryError>;

    /// Copies code into `to`: as many bytes as can be fetched, possibly from two pages.
    ///
    /// # Errors
    /// If no byte can be fetched.
    fn fetch(&self, addr: GuestAddr, to: &mut [u8]) -> Result<usize, GuestFault>;

    /// Called before code is decoded from a range, given by the addresses of [`CodePlace::addr`]. True if the hart has
    /// been outside guest code meanwhile: the engine must take the reports to it and look the code up again.
    fn before_decoding(&self, range: &Range<GuestAddr>, inside: &Inside<'_>) -> bool;

    /// Called by the hart's engine after it has taken reports, before it runs anything: pages may have come to hold code.
    fn resume(&self);

    /// Where the code at an address lies, if it may be fetched.
    fn code_place(&self, addr: GuestAddr) -> Result<CodePlace, GuestFault>;

    /// The translation of fetches that is in force.
    fn fetch_view(&self) -> FetchView;

    /// The page of which the translation was forgotten as number `n` in the view that is in force: one of the last
    /// [`FetchView::PAGES`].
    fn forgotten_page(&self, _n: u64) -> GuestAddr {
        unreachable!("nothing is translated")
    }

    /// What compiled loads and stores need: the first address past the address space, or, where addresses are
    /// translated, the address of the TLB's tables in force.
    fn space(&self) -> u64;

    /// Explains why an access was refused. `None` if it can succeed now: the instruction is to be executed again.
    fn explain(&self, error: MemoryError, addr: GuestAddr, size: u64, access: Access) -> Option<GuestFault>;
}
