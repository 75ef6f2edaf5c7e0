//! Time: `linux/time.h`, `linux/times.h`, `linux/timex.h`.

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
    /// `struct timex`.
    Timex {
        modes: u32,
        pad: u32,
        offset: i64,
        freq: i64,
        maxerror: i64,
        esterror: i64,
        status: i32,
        pad2: u32,
        constant: i64,
        precision: i64,
        tolerance: i64,
        time: Timeval,
        tick: i64,
        ppsfreq: i64,
        jitter: i64,
        shift: i32,
        pad3: u32,
        stabil: i64,
        jitcnt: i64,
        calcnt: i64,
        errcnt: i64,
        stbcnt: i64,
        tai: i32,
        unused: [i32; 11],
    }
}

layout!(Timespec: 16);
layout!(Timeval: 16);
layout!(Itimerval: 32, value @ 16);
layout!(Itimerspec: 32, value @ 16);
layout!(Timezone: 8);
layout!(Tms: 32);
layout!(Timex: 208, status @ 40, time @ 72, shift @ 112, tai @ 160);
