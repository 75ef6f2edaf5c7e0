//! The power-off device (SiFive's test finisher): one register that ends or resets the machine.

use super::Device;
use crate::machine::{Ending, Events};
use std::sync::Arc;

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
#[derive(Debug)]
pub struct Finisher(Arc<Events>);

impl Finisher {
    /// The device of a machine with these events.
    pub fn new(events: Arc<Events>) -> Self {
        Self(events)
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
        self.0.end(ending);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::console::NoInput;
    use crate::machine::{Clock, ClockSource, InterruptLines};

    fn finisher() -> Finisher {
        let clock = Clock::new(ClockSource::Host);
        Finisher::new(Arc::new(Events::new(Arc::new(InterruptLines::new(1)), Arc::<NoInput>::default(), &clock)))
    }

    fn written(value: u64) -> Option<Ending> {
        let device = finisher();
        device.write(0, 4, value).unwrap();
        assert_eq!(device.0.ended(), device.0.ending().is_some());
        device.0.ending()
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
        let device = finisher();
        device.write(4, 4, PASS).unwrap();
        assert_eq!((device.write(0, 1, 0x55), device.write(0, 8, PASS), device.0.ending()), (None, None, None));
        device.write(0, 2, PASS).unwrap();
        device.write(0, 4, RESET).unwrap();
        assert_eq!(device.0.ending(), Some(Ending::Exited(0)));
    }
}
