//! Waiting for files: `linux/poll.h`, `linux/eventpoll.h`.

use super::{guest_structs, layout};

guest_structs! {
    /// `struct pollfd`.
    Pollfd { fd: i32, events: i16, revents: i16, }

    /// `struct epoll_event`: naturally aligned here, packed on x86-64.
    EpollEvent { events: u32, pad: u32, data: u64, }

    /// The last argument of pselect6: the address and the size of a signal set.
    SigmaskArg { set: u64, size: u64, }
}

layout!(Pollfd: 8);
layout!(EpollEvent: 16, data @ 8);
layout!(SigmaskArg: 16);
