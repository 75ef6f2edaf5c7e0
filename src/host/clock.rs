//! The host's clocks.

use rustix::time::{ClockId, clock_gettime};

/// Monotonic time since an arbitrary start, in ticks of `hz` per second.
pub fn ticks(hz: u64) -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanoseconds) = (now.tv_sec as u64, now.tv_nsec as u64);
    seconds.wrapping_mul(hz).wrapping_add(nanoseconds * hz / 1_000_000_000)
}
