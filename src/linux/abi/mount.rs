//! `linux/mount.h` and `linux/nsfs.h`.

use super::{guest_structs, layout};

guest_structs! {
    /// `struct mount_attr`, first version.
    MountAttr { set: u64, clear: u64, propagation: u64, userns_fd: u64, }

    /// `struct mnt_id_req`, first version.
    MntIdReq { size: u32, spare: u32, mnt_id: u64, param: u64, }

    /// The fixed part of `struct statmount`.
    StatmountHead { size: u32, opts: u32, mask: u64, }

    /// `struct ns_id_req`.
    NsIdReq { size: u32, spare: u32, ns_id: u64, ns_type: u32, spare2: u32, user_ns_id: u64, }
}

layout!(MountAttr: 32, propagation @ 16);
layout!(MntIdReq: 24, mnt_id @ 8, param @ 16);
layout!(StatmountHead: 16, mask @ 8);
layout!(NsIdReq: 32, ns_id @ 8, ns_type @ 16, user_ns_id @ 24);
