//! The host's clocks, read through its vDSO without a system call where possible.

use super::Timespec;
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Monotonic time since an arbitrary start, in ticks of `hz` per second.
pub fn ticks(hz: u64) -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanoseconds) = (now.tv_sec as u64, now.tv_nsec as u64);
    seconds.wrapping_mul(hz).wrapping_add(nanoseconds * hz / 1_000_000_000)
}

/// The time of a clock, by clock number.
pub fn now(clock: i32) -> Result<Timespec, Errno> {
    read(clock, libc::clock_gettime)
}

/// The resolution of a clock, by clock number.
pub fn resolution(clock: i32) -> Result<Timespec, Errno> {
    read(clock, libc::clock_getres)
}

fn read(
    clock: i32,
    function: unsafe extern "C" fn(libc::clockid_t, *mut libc::timespec) -> libc::c_int,
) -> Result<Timespec, Errno> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both functions write one timespec, which `time` is, and reject unknown clocks.
    let done = unsafe { function(clock, &mut time) };
    if done == 0 {
        Ok(Timespec { sec: time.tv_sec, nsec: time.tv_nsec })
    } else {
        Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL))
    }
}

/// The time of a clock that is never negative.
fn reading(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Monotonic time since an arbitrary start.
pub fn monotonic() -> Duration {
    reading(ClockId::Monotonic)
}

/// Time since 1970.
pub fn real_time() -> Duration {
    reading(ClockId::Realtime)
}

/// The CPU time of this thread.
pub fn thread_time() -> Duration {
    reading(ClockId::ThreadCPUTime)
}

/// A local date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// The year.
    pub year: i64,
    /// The month, from 1.
    pub month: i32,
    /// The day of the month, from 1.
    pub day: i32,
    /// The hour.
    pub hour: i32,
    /// The minute.
    pub minute: i32,
    /// The second.
    pub second: i32,
    /// Seconds ahead of UTC.
    pub offset: i64,
}

/// The local date and time `seconds` after the start of 1970, in the time zone of the environment; `None` if the year
/// is out of range.
pub fn local_time(seconds: i64) -> Option<LocalTime> {
    // SAFETY: all-zero is valid for a structure of integers and a pointer that may be null.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both point to live values, and the environment does not change while remu runs.
    if unsafe { libc::localtime_r(&seconds, &mut tm) }.is_null() {
        return None;
    }
    Some(LocalTime {
        year: 1900 + i64::from(tm.tm_year),
        month: tm.tm_mon + 1,
        day: tm.tm_mday,
        hour: tm.tm_hour,
        minute: tm.tm_min,
        second: tm.tm_sec,
        offset: tm.tm_gmtoff,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_differs_from_utc_by_its_offset() {
        for seconds in [0, 1_700_000_000, -1, 253_402_300_799] {
            let t = local_time(seconds).unwrap();
            let day = 24 * 3600;
            let of_day = i64::from(t.hour * 3600 + t.minute * 60 + t.second);
            assert_eq!((seconds + t.offset).rem_euclid(day), of_day, "{seconds}: {t:?}");
            assert!((1..=12).contains(&t.month) && (1..=31).contains(&t.day));
        }
        assert_eq!((local_time(i64::MAX), local_time(i64::MIN)), (None, None));
    }
}
