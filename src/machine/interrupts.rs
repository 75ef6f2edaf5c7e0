//! The interrupt lines from the devices to the harts.

use crate::guest::riscv::privileged::Interrupts;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// For each hart, the bits of `mip` that devices set. Devices may change them on any thread.
#[derive(Debug)]
pub struct InterruptLines {
    harts: Box<[AtomicU64]>,
    /// A line has changed since the last call of [`InterruptLines::take_event`].
    event: AtomicBool,
}

impl InterruptLines {
    /// The lines of `harts` harts, none pending.
    pub fn new(harts: usize) -> Self {
        Self { harts: (0..harts).map(|_| AtomicU64::new(0)).collect(), event: AtomicBool::new(false) }
    }

    /// Sets or clears the lines `which` of a hart.
    pub fn set(&self, hart: usize, which: Interrupts, pending: bool) {
        let Some(lines) = self.harts.get(hart) else { return };
        let (before, after) = if pending {
            let before = lines.fetch_or(which.0, Ordering::AcqRel);
            (before, before | which.0)
        } else {
            let before = lines.fetch_and(!which.0, Ordering::AcqRel);
            (before, before & !which.0)
        };
        if before != after {
            self.raise_event();
        }
    }

    /// The pending interrupts of a hart.
    pub fn pending(&self, hart: usize) -> Interrupts {
        Interrupts(self.harts.get(hart).map_or(0, |lines| lines.load(Ordering::Acquire)))
    }

    /// Makes the hart that is accessing a device stop after the access.
    pub fn raise_event(&self) {
        self.event.store(true, Ordering::Release);
    }

    /// Whether there was an event since the last call.
    pub fn take_event(&self) -> bool {
        self.event.swap(false, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_set_and_cleared_and_changes_are_events() {
        let lines = InterruptLines::new(2);
        lines.set(1, Interrupts::TIMER, true);
        assert_eq!((lines.pending(0), lines.pending(1)), (Interrupts(0), Interrupts::TIMER));
        assert_eq!((lines.take_event(), lines.take_event()), (true, false));
        lines.set(1, Interrupts::TIMER, true);
        assert!(!lines.take_event(), "no change");
        lines.set(1, Interrupts::SOFTWARE, true);
        lines.set(1, Interrupts::TIMER, false);
        assert_eq!((lines.pending(1), lines.take_event()), (Interrupts::SOFTWARE, true));
    }
}
