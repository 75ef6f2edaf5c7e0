//! What happens in a machine beside its harts: deadlines of timers, input and output of the console, and the end.
//!
//! With the host's clock, a thread sleeps until the next deadline or input, and then polls the devices. Devices tell it of
//! earlier deadlines and of output. With a clock that counts instructions, the thread that runs the harts polls the devices
//! between turns; there, a new deadline ends the turn, whose length depends on it.

use super::console::Input;
use super::{Clock, Ending, InterruptLines};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The events of a machine.
pub struct Events {
    lines: Arc<InterruptLines>,
    input: Arc<dyn Input>,
    /// Whether the clock counts instructions.
    counted: bool,
    /// The hart whose turn it is, where they run in turn.
    running: AtomicUsize,
    /// The deadline until which the thread of the devices sleeps: it is told of earlier ones. Zero while it does not sleep.
    asleep_until: AtomicU64,
    /// There is output.
    output: AtomicBool,
    ended: AtomicBool,
    ending: Mutex<Option<Ending>>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("ending", &self.ending).finish_non_exhaustive()
    }
}

impl Events {
    /// The events of a machine that runs.
    pub fn new(lines: Arc<InterruptLines>, input: Arc<dyn Input>, clock: &Clock) -> Self {
        Self {
            lines,
            input,
            counted: clock.counts_instructions(),
            running: AtomicUsize::new(0),
            asleep_until: AtomicU64::new(0),
            output: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            ending: Mutex::new(None),
        }
    }

    /// Ends the machine. The first reason counts.
    pub fn end(&self, ending: Ending) {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(ending);
        self.abort();
    }

    /// Ends the machine without a reason: a thread of it has panicked.
    pub fn abort(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.lines.stop_all();
        self.input.interrupt();
    }

    /// Whether the machine has ended.
    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Why the machine ended, if it did.
    pub fn ending(&self) -> Option<Ending> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says which hart's turn it is.
    pub fn begin_turn(&self, hart: usize) {
        self.running.store(hart, Ordering::Relaxed);
    }

    /// Ends the turn of the hart that runs, if they run in turn.
    pub fn end_turn(&self) {
        self.lines.stop(self.running.load(Ordering::Relaxed));
    }

    /// A device has a deadline: it is to be polled when the machine's clock shows `nanos`.
    pub fn expect_at(&self, nanos: u64) {
        if self.counted {
            self.end_turn();
        } else if nanos < self.asleep_until.load(Ordering::SeqCst) {
            self.input.interrupt();
        }
    }

    /// The guest accepts input from now on.
    pub fn accepts_input(&self) {
        if !self.counted {
            self.input.interrupt();
        }
    }

    /// There is output to be written.
    pub fn has_output(&self) {
        if !self.output.swap(true, Ordering::SeqCst) && !self.counted {
            self.input.interrupt();
        }
    }

    /// Whether there was output since the last call.
    pub fn take_output(&self) -> bool {
        self.output.swap(false, Ordering::SeqCst)
    }

    /// Sleeps until the deadline, until input arrives that the guest accepts, or until something happens. `next` finds the
    /// two, while every new deadline ends the sleep that follows.
    pub fn sleep(&self, clock: &Clock, next: impl FnOnce() -> (Option<u64>, bool)) {
        self.asleep_until.store(u64::MAX, Ordering::SeqCst);
        let (deadline, accepts_input) = next();
        self.asleep_until.store(deadline.unwrap_or(u64::MAX), Ordering::SeqCst);
        clock.wait_until(deadline, |time| self.input.wait(time, accepts_input));
        self.asleep_until.store(0, Ordering::SeqCst);
    }
}
