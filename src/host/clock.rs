//! The host's clocks, read without a system call where its vDSO can.

use super::Timespec;
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

/// Monotonic time since an arbitrary start, in ticks of `hz` per second.
pub fn ticks(hz: u64) -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanoseconds) = (now.tv_sec as u64, now.tv_nsec as u64);
    seconds.wrapping_mul(hz).wrapping_add(nanoseconds * hz / 1_000_000_000)
}

/// What a clock says, by its number.
pub fn now(clock: i32) -> Result<Timespec, Errno> {
    read(clock, libc::clock_gettime)
}

/// The resolution of a clock, by its number.
pub fn resolution(clock: i32) -> Result<Timespec, Errno> {
    read(clock, libc::clock_getres)
}

fn read(
    clock: i32,
    function: unsafe extern "C" fn(libc::clockid_t, *mut libc::timespec) -> libc::c_int,
) -> Result<Timespec, Errno> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both functions write one timespec, which this is, and refuse clocks that there are not.
    let done = unsafe { function(clock, &mut time) };
    if done == 0 {
        Ok(Timespec { sec: time.tv_sec, nsec: time.tv_nsec })
    } else {
        Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL))
    }
}
