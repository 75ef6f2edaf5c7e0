//! `mtime`, and the timers that compare with it: for each hart the machine's (`mtimecmp`) and the supervisor's
//! (`stimecmp`).

use super::{Clock, Events, InterruptLines};
use crate::guest::riscv::csr::TIMEBASE_HZ;
use crate::guest::riscv::privileged::Interrupts;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const NANOS_PER_TICK: u64 = 1_000_000_000 / TIMEBASE_HZ;

/// The value of a comparator that no time reaches.
pub const NEVER: u64 = u64::MAX;

/// One of a hart's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `mtimecmp`.
    Machine,
    /// `stimecmp`.
    Supervisor,
}

impl Level {
    const ALL: [Self; 2] = [Self::Machine, Self::Supervisor];

    const fn line(self) -> Interrupts {
        match self {
            Self::Machine => Interrupts::TIMER,
            Self::Supervisor => Interrupts::SUPERVISOR_TIMER,
        }
    }
}

/// `mtime` and its comparators.
#[derive(Debug)]
pub struct Timers {
    clock: Arc<Clock>,
    lines: Arc<InterruptLines>,
    events: Arc<Events>,
    /// For each hart, by [`Level`].
    compare: Mutex<Box<[[u64; 2]]>>,
    /// `mtime` minus the ticks of the clock; changed by writes to `mtime`.
    offset: AtomicU64,
    /// The lowest comparator that is not reached.
    next: AtomicU64,
}

impl Timers {
    /// The timers of `harts` harts, none of them set.
    pub fn new(harts: usize, clock: Arc<Clock>, lines: Arc<InterruptLines>, events: Arc<Events>) -> Self {
        let compare = Mutex::new(vec![[NEVER; 2]; harts].into());
        Self { clock, lines, events, compare, offset: AtomicU64::new(0), next: AtomicU64::new(NEVER) }
    }

    /// `mtime`.
    pub fn time(&self) -> u64 {
        self.offset.load(Ordering::Relaxed).wrapping_add(self.ticks())
    }

    fn ticks(&self) -> u64 {
        self.clock.nanos() / NANOS_PER_TICK
    }

    fn compare(&self) -> MutexGuard<'_, Box<[[u64; 2]]>> {
        self.compare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The comparator of a hart.
    pub fn get(&self, hart: usize, level: Level) -> u64 {
        self.compare()[hart][level as usize]
    }

    /// Changes the comparator of a hart.
    pub fn set(&self, hart: usize, level: Level, change: impl FnOnce(u64) -> u64) {
        let mut compare = self.compare();
        let at = &mut compare[hart][level as usize];
        *at = change(*at);
        // Others may have been reached since the last poll.
        self.update(&compare);
    }

    /// Sets `mtime`.
    pub fn set_time(&self, change: impl FnOnce(u64) -> u64) {
        let compare = self.compare();
        let new = change(self.time());
        self.offset.store(new.wrapping_sub(self.ticks()), Ordering::Relaxed);
        self.update(&compare);
    }

    /// Raises the interrupts that are due.
    #[inline]
    pub fn poll(&self) {
        if self.time() >= self.next.load(Ordering::Relaxed) {
            self.update(&self.compare());
        }
    }

    /// Updates the interrupts of all harts.
    fn update(&self, compare: &[[u64; 2]]) {
        let time = self.time();
        for (hart, of_hart) in compare.iter().enumerate() {
            for level in Level::ALL {
                self.lines.set(hart, level.line(), is_reached(of_hart[level as usize], time));
            }
        }
        self.find_next(compare, time);
    }

    fn find_next(&self, compare: &[[u64; 2]], time: u64) {
        let next = compare.iter().flatten().copied().filter(|&at| !is_reached(at, time)).min().unwrap_or(NEVER);
        if self.next.swap(next, Ordering::SeqCst) != next
            && let Some(at) = self.deadline()
        {
            self.events.expect_at(at);
        }
    }

    /// The machine's clock when the next interrupt is due.
    pub fn deadline(&self) -> Option<u64> {
        let next = self.next.load(Ordering::SeqCst);
        let left = next.saturating_sub(self.time());
        if next == NEVER { None } else { self.ticks().checked_add(left)?.checked_mul(NANOS_PER_TICK) }
    }
}

/// Whether a comparator raises its interrupt.
fn is_reached(compare: u64, time: u64) -> bool {
    time >= compare && compare != NEVER
}
