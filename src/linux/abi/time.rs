//! Time: `linux/time.h`, `linux/times.h`.

use super::{guest_structs, layout};

guest_structs! {
    /// `struct timespec`.
    Timespec { sec: i64, nsec: i64, }
    /// `struct timeval`.
    Timeval { sec: i64, usec: i64, }
    /// `struct itimerval`.
    Itimerval { interval: Timeval, value: Timeval, }
    /// `struct itimerspec`.
    Itimerspec { interval: Timespec, value: Timespec, }
    /// `struct timezone`.
    Timezone { minuteswest: i32, dsttime: i32, }
    /// `struct tms`.
    Tms { utime: i64, stime: i64, cutime: i64, cstime: i64, }
}

layout!(Timespec: 16);
layout!(Timeval: 16);
layout!(Itimerval: 32, value @ 16);
layout!(Itimerspec: 32, value @ 16);
layout!(Timezone: 8);
layout!(Tms: 32);
