//! The structures that the riscv64 kernel and its programs exchange in memory, one module per group of kernel headers.
//! Sizes, and offsets that are easy to get wrong, are asserted at compile time.
//!
//! Structures are copied in and out by value, never borrowed: the guest may change or unmap them at any time. Constants
//! that are the same on every Linux architecture (errno values, signal numbers, most flags) come from `libc`; the
//! others are defined here.

pub mod file;
pub mod futex;
pub mod ipc;
pub mod mount;
pub mod net;
pub mod poll;
pub mod process;
pub mod riscv;
pub mod seccomp;
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
