//! The memory of a whole machine: physical RAM, what answers elsewhere, and how a hart sees both.
//!
//! [`HartMemory`] is what engines run on. A software TLB leads from a page to host memory; what it does
//! not hold takes the slow path, which asks whether the hart may make the access, and tells RAM from
//! devices. Knows no devices: the machine above hands in what answers as [`Mmio`].

mod hart;
mod ram;

pub use hart::{HartMemory, PmpView, Region};
pub use ram::{Ram, RamError};

/// What answers at physical addresses that are no RAM.
pub trait Mmio {
    /// A load of 1, 2, 4 or 8 bytes at an aligned address; `None` if nothing answers there.
    fn read(&self, addr: u64, size: u64) -> Option<u64>;

    /// A store of 1, 2, 4 or 8 bytes at an aligned address; `None` if nothing answers there.
    fn write(&self, addr: u64, size: u64, value: u64) -> Option<()>;

    /// Whether a device is at an address.
    fn answers(&self, addr: u64) -> bool;

    /// Whether a store since the last call is to be attended to before the hart goes on.
    fn take_news(&self) -> bool;
}

/// Nothing answers outside of memory.
#[derive(Clone, Copy, Debug)]
pub struct NoDevices;

impl Mmio for NoDevices {
    fn read(&self, _: u64, _: u64) -> Option<u64> {
        None
    }

    fn write(&self, _: u64, _: u64, _: u64) -> Option<()> {
        None
    }

    fn answers(&self, _: u64) -> bool {
        false
    }

    fn take_news(&self) -> bool {
        false
    }
}
