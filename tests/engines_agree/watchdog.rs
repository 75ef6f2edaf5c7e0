//! Ends a run with a program that does not end, and says which it is: an engine that hangs cannot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Seconds that a program and its shrinking may take. They take milliseconds, and seconds.
const LIMIT: u32 = 300;

/// Watches the programs of one pair of engines until it is dropped.
pub struct Watchdog(Arc<AtomicU64>);

impl Watchdog {
    pub fn new(engine: &'static str) -> Self {
        let seed = Arc::new(AtomicU64::new(0));
        let watched = Arc::downgrade(&seed);
        thread::spawn(move || {
            let (mut last, mut seconds) = (0, 0);
            while let Some(seed) = watched.upgrade().map(|seed| seed.load(Ordering::Relaxed)) {
                seconds = if seed == last { seconds + 1 } else { 0 };
                last = seed;
                if seconds == LIMIT {
                    eprintln!("{engine} hangs: seed {seed} runs for {LIMIT} seconds");
                    std::process::abort();
                }
                thread::sleep(Duration::from_secs(1));
            }
        });
        Self(seed)
    }

    /// The program of this seed runs now.
    pub fn begins(&self, seed: u64) {
        self.0.store(seed, Ordering::Relaxed);
    }
}
