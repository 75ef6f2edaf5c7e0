//! The interrupt lines from the devices to the harts.

use crate::guest::riscv::privileged::Interrupts;
use crate::host::{StopFlag, StopHandle};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread};

/// For each hart, the bits of `mip` that devices set. Devices may change them on any thread.
///
/// Who sets a bit, or ends the machine, then raises the hart's stop flag and unparks its thread. A hart lowers the flag
/// before it looks at its bits, and looks at them between announcing its thread and parking. So it misses nothing.
#[derive(Debug)]
pub struct InterruptLines(Box<[Line]>);

#[derive(Default)]
struct Line {
    pending: AtomicU64,
    /// The hart's flag; there is none in tests of devices.
    stop: OnceLock<StopHandle>,
    /// The thread that runs the hart.
    thread: Mutex<Option<Thread>>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("pending", &self.pending).finish_non_exhaustive()
    }
}

impl Line {
    fn notify(&self, reasons: u32) {
        if let Some(stop) = self.stop.get() {
            (**stop).as_ref().raise(reasons);
        }
        if let Some(thread) = &*self.thread.lock().unwrap_or_else(PoisonError::into_inner) {
            thread.unpark();
        }
    }
}

impl InterruptLines {
    /// The lines of `harts` harts, none pending.
    pub fn new(harts: usize) -> Self {
        Self((0..harts).map(|_| Line::default()).collect())
    }

    /// Makes the flag of a hart known.
    ///
    /// # Panics
    /// If the hart has one already.
    pub fn connect(&self, hart: usize, stop: StopHandle) {
        assert!(self.0[hart].stop.set(stop).is_ok(), "a hart has one flag");
    }

    /// Makes the calling thread the one that runs a hart.
    pub fn attend(&self, hart: usize) {
        *self.0[hart].thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current());
    }

    /// Sets or clears the lines `which` of a hart.
    pub fn set(&self, hart: usize, which: Interrupts, pending: bool) {
        let Some(line) = self.0.get(hart) else { return };
        let was = line.pending.load(Ordering::SeqCst) & which.0;
        if pending && was != which.0 {
            line.pending.fetch_or(which.0, Ordering::SeqCst);
            line.notify(StopFlag::INTERRUPT);
        } else if !pending && was != 0 {
            line.pending.fetch_and(!which.0, Ordering::SeqCst);
        }
    }

    /// The pending interrupts of a hart.
    #[inline]
    pub fn pending(&self, hart: usize) -> Interrupts {
        Interrupts(self.0.get(hart).map_or(0, |line| line.pending.load(Ordering::SeqCst)))
    }

    /// Has a hart leave its engine, and its thread go on.
    pub fn stop(&self, hart: usize) {
        if let Some(line) = self.0.get(hart) {
            line.notify(StopFlag::LEAVE);
        }
    }

    /// Has all harts leave their engines, and their threads go on.
    pub fn stop_all(&self) {
        self.0.iter().for_each(|line| line.notify(StopFlag::LEAVE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

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

    #[test]
    fn a_line_that_rises_raises_the_flag_and_unparks_the_thread() {
        let (lines, flag) = (InterruptLines::new(1), Arc::new(StopFlag::new()));
        lines.connect(0, flag.clone());
        lines.attend(0);
        lines.set(0, Interrupts::TIMER, true);
        assert_eq!(flag.lower(StopFlag::ALL), StopFlag::INTERRUPT);
        lines.set(0, Interrupts::TIMER, true);
        assert!(!flag.is_raised(), "it was high");
        lines.set(0, Interrupts::SOFTWARE, true);
        assert!(flag.is_raised(), "another one was high");
        // Returns at once, since it was unparked before.
        thread::park();
        lines.stop_all();
        assert_eq!(flag.lower(StopFlag::ALL), StopFlag::INTERRUPT | StopFlag::LEAVE);
    }
}
