//! Filters of system calls: `linux/seccomp.h`, `linux/filter.h`.

use super::{guest_structs, layout};

guest_structs! {
    /// `struct sock_filter`: an instruction of classic BPF.
    SockFilter { code: u16, jt: u8, jf: u8, k: u32, }

    /// `struct sock_fprog`: a program of classic BPF.
    SockFprog { len: u16, pad: [u16; 3], filter: u64, }

    /// `struct seccomp_data`: what a filter sees of a system call.
    SeccompData { nr: i32, arch: u32, instruction_pointer: u64, args: [u64; 6], }

    /// `struct seccomp_notif_sizes`.
    SeccompNotifSizes { notif: u16, response: u16, data: u16, }
}

layout!(SockFilter: 8, k @ 4);
layout!(SockFprog: 16, filter @ 8);
layout!(SeccompData: 64, args @ 16);
layout!(SeccompNotifSizes: 6);
