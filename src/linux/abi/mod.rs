//! What the riscv64 kernel and its programs exchange in memory: one module per group of kernel
//! headers, each structure with its size and the offsets that are easily got wrong asserted at
//! compile time.
//!
//! Structures are copied in and out by value, never referred to in place: the guest may change or
//! unmap them at any time. Numbers that are the same on every Linux architecture (errno values,
//! signal numbers, most flags) are taken from `libc`; what differs is written here.

pub mod file;
pub mod futex;
pub mod ipc;
pub mod mount;
pub mod net;
pub mod poll;
pub mod process;
pub mod riscv;
pub mod signal;
pub mod structs;
pub mod time;
pub mod tty;

/// Asserts the size of a structure and the offsets of some of its fields.
macro_rules! layout {
    ($t:ty: $size:literal $(, $field:ident @ $offset:literal)* $(,)?) => {
        const _: () = {
            assert!(size_of::<$t>() == $size);
            $(assert!(std::mem::offset_of!($t, $field) == $offset);)*
        };
    };
}
use layout;

/// Declares structures in the guest's layout: plain data, copied by value.
macro_rules! guest_structs {
    ($($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $ty:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)]
        #[repr(C)]
        #[allow(missing_docs, reason = "the fields are those of the kernel's structure, documented in its manual page")]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty,)* }
    )*};
}
use guest_structs;
