//! Memory and futexes in words: the newer calls.

use super::Shown;
use super::flags::{Names, values};
use super::structs::{Struct, structs};
use crate::linux::abi::futex::FutexWaitv;

values! {
    /// Flags of a futex in the calls that name its size.
    FUTEX2 "FUTEX2_???" [
        FUTEX2_SIZE_U64 = 3, FUTEX2_SIZE_U16 = 1, FUTEX2_SIZE_U32 = 2, FUTEX2_NUMA = 4, FUTEX2_MPOL = 8,
        FUTEX2_PRIVATE = 128,
    ];
    /// memfd_secret(2).
    MEMFD_SECRET "O_???" [O_CLOEXEC = 0o2000000];
}

structs! {
    /// struct futex_waitv
    FUTEX_WAITV: FutexWaitv => |_, w| waiter(w);
    /// Two of them.
    FUTEX_PAIR: [FutexWaitv; 2] => |_, w| format!("[{}, {}]", waiter(&w[0]), waiter(&w[1]));
}

fn waiter(w: &FutexWaitv) -> String {
    let flags = FUTEX2.show_flags(w.flags.into());
    format!("{{val={:#x}, uaddr={}, flags={flags}}}", w.value, Shown::pointer(w.word))
}
