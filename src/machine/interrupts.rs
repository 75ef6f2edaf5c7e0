//! The interrupt lines from the devices to the harts.

use crate::guest::riscv::privileged::Interrupts;
use std::sync::atomic::{AtomicU64, Ordering};

/// For each hart, the bits of `mip` that devices set. Devices may change them on any thread.
#[derive(Debug)]
pub struct InterruptLines(Box<[AtomicU64]>);

impl InterruptLines {
    /// The lines of `harts` harts, none pending.
    pub fn new(harts: usize) -> Self {
        Self((0..harts).map(|_| AtomicU64::new(0)).collect())
    }

    /// Sets or clears the lines `which` of a hart.
    pub fn set(&self, hart: usize, which: Interrupts, pending: bool) {
        let Some(lines) = self.0.get(hart) else { return };
        if pending {
            lines.fetch_or(which.0, Ordering::AcqRel);
        } else {
            lines.fetch_and(!which.0, Ordering::AcqRel);
        }
    }

    /// The pending interrupts of a hart.
    pub fn pending(&self, hart: usize) -> Interrupts {
        Interrupts(self.0.get(hart).map_or(0, |lines| lines.load(Ordering::Acquire)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hart_has_its_own_lines() {
        let lines = InterruptLines::new(2);
        lines.set(1, Interrupts::TIMER, true);
        lines.set(1, Interrupts::SOFTWARE, true);
        assert_eq!((lines.pending(0).0, lines.pending(1).0), (0, Interrupts::TIMER.0 | Interrupts::SOFTWARE.0));
        lines.set(1, Interrupts::TIMER, false);
        lines.set(2, Interrupts::TIMER, true);
        assert_eq!((lines.pending(1), lines.pending(2)), (Interrupts::SOFTWARE, Interrupts(0)));
    }
}
