//! Sockets: `linux/socket.h`, `linux/filter.h`.

use super::{guest_structs, layout};

guest_structs! {
    /// `struct user_msghdr`.
    Msghdr {
        name: u64,
        namelen: i32,
        pad1: u32,
        iov: u64,
        iovlen: u64,
        control: u64,
        controllen: u64,
        flags: u32,
        pad2: u32,
    }

    /// `struct mmsghdr`.
    Mmsghdr { hdr: Msghdr, len: u32, pad: u32, }

    /// `struct cmsghdr`, which the data follows.
    Cmsghdr { len: u64, level: i32, kind: i32, }

    /// `struct linger`.
    Linger { onoff: i32, linger: i32, }

    /// `struct sock_fprog`.
    SockFprog { len: u16, pad: [u16; 3], filter: u64, }
}

layout!(Msghdr: 56, iov @ 16, control @ 32, flags @ 48);
layout!(Mmsghdr: 64, len @ 56);
layout!(Cmsghdr: 16, level @ 8, kind @ 12);
layout!(Linger: 8);
layout!(SockFprog: 16, filter @ 8);
