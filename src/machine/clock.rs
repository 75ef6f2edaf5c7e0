//! The clock of a machine, from which all its timers derive.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What makes a machine's clock advance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockSource {
    /// The host's clock.
    #[default]
    Host,
    /// The instructions that harts execute, so that a run can be repeated exactly.
    Instructions {
        /// Each instruction takes 2^`shift` nanoseconds.
        shift: u32,
        /// Whether the host sleeps while all harts wait. The clock shows the same either way.
        sleep: bool,
    },
}

/// The date at which a clock that counts instructions starts, in seconds since 1970: 2024-01-01, 00:00 UTC.
const FIXED_DATE: u64 = 1_704_067_200;

/// The clock of a machine: nanoseconds since the machine started.
#[derive(Debug)]
pub struct Clock {
    kind: Kind,
    /// The date at which the machine started, in nanoseconds since 1970.
    start_date: u64,
}

#[derive(Debug)]
enum Kind {
    Host(Instant),
    Instructions { shift: u32, sleep: bool, nanos: AtomicU64 },
}

impl Clock {
    /// A clock that shows zero.
    pub fn new(source: ClockSource) -> Self {
        match source {
            ClockSource::Host => {
                let date = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Self { kind: Kind::Host(Instant::now()), start_date: date.as_nanos() as u64 }
            }
            ClockSource::Instructions { shift, sleep } => Self {
                kind: Kind::Instructions { shift, sleep, nanos: AtomicU64::new(0) },
                start_date: FIXED_DATE * 1_000_000_000,
            },
        }
    }

    /// The nanoseconds since the machine started.
    pub fn nanos(&self) -> u64 {
        match &self.kind {
            Kind::Host(start) => start.elapsed().as_nanos() as u64,
            Kind::Instructions { nanos, .. } => nanos.load(Ordering::Relaxed),
        }
    }

    /// Whether it counts instructions.
    pub fn counts_instructions(&self) -> bool {
        matches!(self.kind, Kind::Instructions { .. })
    }

    /// The number of instructions until the clock shows at least `deadline`; `None` if it does not count them.
    pub fn instructions_until(&self, deadline: u64) -> Option<u64> {
        match &self.kind {
            Kind::Host(_) => None,
            Kind::Instructions { shift, .. } => Some(deadline.saturating_sub(self.nanos()).div_ceil(1 << shift)),
        }
    }

    /// The date at which the machine started, in nanoseconds since 1970.
    pub fn start_date(&self) -> u64 {
        self.start_date
    }

    /// Records that a hart executed this many instructions.
    pub fn count(&self, instructions: u64) {
        if let Kind::Instructions { shift, nanos, .. } = &self.kind {
            nanos.fetch_add(instructions << shift, Ordering::Relaxed);
        }
    }

    /// Lets time pass until `deadline`, while all harts wait. `sleep` sleeps for at most the given time, or without
    /// limit, and returns early for an external event.
    pub fn wait_until(&self, deadline: Option<u64>, sleep: impl FnOnce(Option<Duration>)) {
        let left = deadline.map(|at| at.saturating_sub(self.nanos()));
        match (&self.kind, left) {
            (Kind::Instructions { sleep: false, nanos, .. }, Some(left)) => {
                nanos.fetch_add(left, Ordering::Relaxed);
            }
            (Kind::Instructions { nanos, .. }, Some(left)) => {
                let before = Instant::now();
                let full = Duration::from_nanos(left);
                sleep(Some(full));
                // After the whole time the clock shows exactly the deadline.
                let passed = before.elapsed().min(full);
                nanos.fetch_add(passed.as_nanos() as u64, Ordering::Relaxed);
            }
            _ => sleep(left.map(Duration::from_nanos)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_of_instructions_counts_them_and_jumps_to_deadlines() {
        let clock = Clock::new(ClockSource::Instructions { shift: 3, sleep: false });
        assert_eq!((clock.nanos(), clock.start_date()), (0, FIXED_DATE * 1_000_000_000));
        clock.count(5);
        assert_eq!(clock.nanos(), 40);
        assert_eq!([0, 40, 41, 48, 49].map(|at| clock.instructions_until(at)), [0, 0, 1, 1, 2].map(Some));
        clock.wait_until(Some(1 << 40), |_| panic!("it sleeps"));
        assert_eq!(clock.nanos(), 1 << 40);
        clock.wait_until(Some(5), |_| panic!("it sleeps"));
        assert_eq!(clock.nanos(), 1 << 40, "a deadline in the past");
        clock.wait_until(None, |left| assert_eq!(left, None));
    }

    #[test]
    fn a_clock_of_instructions_may_sleep_and_shows_the_deadline_afterwards() {
        let clock = Clock::new(ClockSource::Instructions { shift: 0, sleep: true });
        clock.wait_until(Some(1000), |left| std::thread::sleep(left.unwrap()));
        assert_eq!(clock.nanos(), 1000);
        clock.wait_until(Some(1 << 60), |_| ());
        assert!(clock.nanos() < 1 << 60, "an event ends the sleep");
    }

    #[test]
    fn a_clock_of_the_host_ignores_instructions() {
        let clock = Clock::new(ClockSource::Host);
        clock.count(1 << 60);
        assert!(clock.nanos() < 1 << 60 && clock.instructions_until(1).is_none());
    }
}
