//! The power-off device (SiFive's test finisher): one register that ends or resets the machine.

use super::{Device, lock};
use crate::machine::Ending;
use std::sync::Mutex;

/// Its address.
pub const BASE: u64 = 0x10_0000;
/// The size of its registers in bytes.
pub const SIZE: u64 = 0x1000;

/// The low half of what is written: fail with the code in the upper half, succeed, or reset.
const FAIL: u64 = 0x3333;
/// See [`FAIL`].
pub const PASS: u64 = 0x5555;
/// See [`FAIL`].
pub const RESET: u64 = 0x7777;

/// The device.
#[derive(Debug, Default)]
pub struct Finisher {
    ending: Mutex<Option<Ending>>,
}

impl Finisher {
    /// How the machine ended, if it did.
    pub fn ending(&self) -> Option<Ending> {
        lock(&self.ending).clone()
    }
}

impl Device for Finisher {
    fn read(&self, _: u64, size: u64) -> Option<u64> {
        (size <= 4).then_some(0)
    }

    fn write(&self, offset: u64, size: u64, value: u64) -> Option<()> {
        let ending = match value & 0xffff {
            _ if !matches!(size, 2 | 4) => return None,
            _ if offset != 0 => return Some(()),
            PASS => Ending::Exited(0),
            FAIL => Ending::Exited(value >> 16 & 0xffff),
            RESET => Ending::Reset,
            _ => return Some(()),
        };
        // The first of several harts decides.
        lock(&self.ending).get_or_insert(ending);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: u64) -> Option<Ending> {
        let device = Finisher::default();
        device.write(0, 4, value).unwrap();
        device.ending()
    }

    #[test]
    fn it_ends_or_resets_the_machine() {
        assert_eq!(written(PASS), Some(Ending::Exited(0)));
        assert_eq!(written(FAIL), Some(Ending::Exited(0)));
        assert_eq!(written(7 << 16 | FAIL), Some(Ending::Exited(7)));
        assert_eq!(written(RESET), Some(Ending::Reset));
        assert_eq!(written(0x1234), None);
    }

    #[test]
    fn it_has_one_register() {
        let device = Finisher::default();
        device.write(4, 4, PASS).unwrap();
        assert_eq!((device.write(0, 1, 0x55), device.write(0, 8, PASS), device.ending()), (None, None, None));
        device.write(0, 2, PASS).unwrap();
        device.write(0, 4, RESET).unwrap();
        assert_eq!(device.ending(), Some(Ending::Exited(0)));
    }
}
