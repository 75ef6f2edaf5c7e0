//! Formats the newer calls for memory and futexes.

use super::CallPrinter;
use super::flags::{Names, values};
use super::special::specials;
use super::structs::structs;
use crate::linux::abi::futex::FutexWaitv;
use crate::linux::abi::structs::*;
use crate::linux::table::Special;

values! {
    /// Futex flags of futex_waitv and its like.
    FUTEX2 "FUTEX2_???" [
        FUTEX2_SIZE_U64 = 3, FUTEX2_SIZE_U16 = 1, FUTEX2_SIZE_U32 = 2, FUTEX2_NUMA = 4, FUTEX2_MPOL = 8,
        FUTEX2_PRIVATE = 128,
    ];
    /// Memory policies, without mode flags.
    MPOL "MPOL_???" [
        MPOL_DEFAULT = 0, MPOL_PREFERRED = 1, MPOL_BIND = 2, MPOL_INTERLEAVE = 3, MPOL_LOCAL = 4,
        MPOL_PREFERRED_MANY = 5, MPOL_WEIGHTED_INTERLEAVE = 6,
    ];
    /// Mode flags of memory policies.
    MPOL_MODE "MPOL_F_???" [
        MPOL_F_NUMA_BALANCING = 0x2000, MPOL_F_RELATIVE_NODES = 0x4000, MPOL_F_STATIC_NODES = 0x8000,
    ];
    /// get_mempolicy(2).
    MPOL_F "MPOL_F_???" [MPOL_F_NODE = 1, MPOL_F_ADDR = 2, MPOL_F_MEMS_ALLOWED = 4];
    /// mbind(2) and move_pages(2).
    MPOL_MF "MPOL_???" [MPOL_MF_STRICT = 1, MPOL_MF_MOVE = 2, MPOL_MF_MOVE_ALL = 4];
    /// memfd_secret(2).
    MEMFD_SECRET "O_???" [O_CLOEXEC = 0o2000000];
}

structs! {
    FUTEX_WAITV: FutexWaitv => |_, w| waiter(w);
    POLICY_OUT: u32 => |_, mode| format!("[{}]", policy((*mode).into()));
    PAGE_ADDRESS: u64 => |_, page| CallPrinter::pointer(*page);
    NODE_WORD: u64 => |_, word| if *word == 0 { format!("{word:016x}") } else { format!("{word:#018x}") };
    NODE: i32 => |_, node| node.to_string();
    PAGE_STATUS: i32 => |_, status| match super::errno::errno_name(-status) {
        Some(name) if *status < 0 => format!("-{name}"),
        _ => status.to_string(),
    };
    FUTEX_PAIR: [FutexWaitv; 2] => |_, w| format!("[{}, {}]", waiter(&w[0]), waiter(&w[1]));
}

fn waiter(w: &FutexWaitv) -> String {
    let flags = FUTEX2.show_flags(w.flags.into());
    format!("{{val={:#x}, uaddr={}, flags={flags}}}", w.value, CallPrinter::pointer(w.word))
}

specials! {
    /// mbind, set_mempolicy: the policy.
    POLICY before |s, i| Some(policy(u64::from(s.args[i] as u32)));
}

fn policy(mode: u64) -> String {
    let (name, flags) = (MPOL.show_value(mode & 0x1fff), mode & !0x1fff);
    if flags == 0 { name } else { format!("{name}|{}", MPOL_MODE.show_flags(flags)) }
}

/// A set of memory nodes, in words of 64 bits.
pub(super) fn nodes(s: &CallPrinter<'_>, addr: u64, bits: u64) -> String {
    let words = bits.saturating_sub(1).div_ceil(64);
    if addr == 0 || words == 0 || words > 512 {
        return CallPrinter::pointer(addr);
    }
    s.array(&NODE_WORD, addr, words)
}
