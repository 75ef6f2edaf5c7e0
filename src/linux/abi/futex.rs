//! `linux/futex.h`.

use super::{guest_structs, layout};

guest_structs! {
    /// `struct futex_waitv`.
    FutexWaitv { value: u64, word: u64, flags: u32, reserved: u32, }
}

layout!(FutexWaitv: 24, word @ 8, flags @ 16);
