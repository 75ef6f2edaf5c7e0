//! The memory of a whole machine: RAM, memory-mapped devices, and how a hart accesses both.
//!
//! Engines run on [`HartMemory`]. Its TLB maps pages of RAM to host memory. A miss takes the slow path, which walks the
//! page tables, checks the memory protection and distinguishes RAM from devices. The module knows no particular device: the
//! machine passes them in as [`Mmio`].

mod code;
mod hart;
mod pmp;
mod ram;
mod tlb;
mod walk;

pub use code::MachineCode;
pub use hart::HartMemory;
pub use pmp::{PmpView, Region};
pub use ram::{Ram, RamError};
pub use tlb::layout as tlb_layout;
pub use walk::{Level, Paging, Regime, WalkOptions};

/// Memory-mapped devices, at physical addresses outside RAM.
pub trait Mmio: Send + Sync {
    /// A load of 1, 2, 4 or 8 bytes at an aligned address; `None` is an access fault.
    fn read(&self, addr: u64, size: u64) -> Option<u64>;

    /// A store of 1, 2, 4 or 8 bytes at an aligned address; `None` is an access fault.
    fn write(&self, addr: u64, size: u64, value: u64) -> Option<()>;

    /// Whether a device is at an address.
    fn has_device(&self, addr: u64) -> bool;

    /// Whether some device is told of stores to a page of RAM. It is the same as long as the machine exists.
    fn watches(&self, _page: u64) -> bool {
        false
    }

    /// Called after a store of `len` bytes to such a page.
    fn stored(&self, _addr: u64, _len: u64) {}
}

/// A bus without devices.
#[derive(Clone, Copy, Debug)]
pub struct NoDevices;

impl Mmio for NoDevices {
    fn read(&self, _: u64, _: u64) -> Option<u64> {
        None
    }

    fn write(&self, _: u64, _: u64, _: u64) -> Option<()> {
        None
    }

    fn has_device(&self, _: u64) -> bool {
        false
    }
}
