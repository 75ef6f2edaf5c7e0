//! Guest memory as engines access it: the address space of a process or the memory of a machine.

use super::{Access, AtomicRmw, AtomicSize, BadAddress, GuestAddr, GuestFault, Reservations};

/// Memory as one hart sees it.
pub trait GuestMemory {
    /// Loads 1, 2, 4 or 8 bytes, zero-extended.
    fn load(&self, size: u64, addr: GuestAddr) -> Result<u64, BadAddress>;

    /// Stores the low 1, 2, 4 or 8 bytes of `value`.
    fn store(&self, size: u64, addr: GuestAddr, value: u64) -> Result<(), BadAddress>;

    /// An atomic read-modify-write at an aligned address; yields the old value, zero-extended.
    fn read_modify_write(
        &self,
        op: AtomicRmw,
        size: AtomicSize,
        addr: GuestAddr,
        operand: u64,
    ) -> Result<u64, BadAddress>;

    /// An atomic compare-and-exchange at an aligned address; yields the old value, zero-extended.
    fn compare_exchange(&self, size: AtomicSize, addr: GuestAddr, expected: u64, new: u64) -> Result<u64, BadAddress>;

    /// An atomic compare-and-exchange of 16 bytes at an address aligned to 16, low half first.
    fn compare_exchange_pair(&self, addr: GuestAddr, expected: [u64; 2], new: [u64; 2])
    -> Result<[u64; 2], BadAddress>;

    /// The reservations of LR/SC, which all harts of the address space share.
    fn reservations(&self) -> &Reservations;

    /// Fills memory with zeroes.
    fn fill_zero(&self, addr: GuestAddr, len: u64) -> Result<(), BadAddress>;

    /// Whether a load or a store of `len` bytes within one page would succeed. Performs neither.
    fn probe(&self, addr: GuestAddr, len: u64) -> Result<(), BadAddress>;

    /// Copies code into `to`: as many bytes as can be fetched, possibly from two pages.
    ///
    /// # Errors
    /// If no byte can be fetched.
    fn fetch(&self, addr: GuestAddr, to: &mut [u8]) -> Result<usize, GuestFault>;

    /// Explains why an access was refused.
    fn classify(&self, addr: GuestAddr, size: u64, access: Access) -> Refusal;
}

/// What a refused access means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot succeed.
    Fault(GuestFault),
    /// It can succeed now: execute the instruction again.
    Again,
    /// Completed; stop after it for a device event.
    Completed,
}
