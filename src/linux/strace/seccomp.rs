//! Formats the arguments of seccomp(2), and filters in prctl(2).

use super::CallPrinter;
use super::flags::{Names, values};
use super::special::specials;
use crate::linux::abi::seccomp::{SeccompNotifSizes, SockFprog};
use crate::linux::table::Special;
use crate::memory::GuestAddr;

values! {
    /// seccomp(2): the operations.
    SECCOMP_OPERATION "SECCOMP_SET_MODE_???" [
        SECCOMP_SET_MODE_STRICT = 0, SECCOMP_SET_MODE_FILTER = 1, SECCOMP_GET_ACTION_AVAIL = 2,
        SECCOMP_GET_NOTIF_SIZES = 3,
    ];
    /// The flags of a filter.
    FILTER_FLAGS "SECCOMP_FILTER_FLAG_???" [
        SECCOMP_FILTER_FLAG_TSYNC = 1, SECCOMP_FILTER_FLAG_LOG = 2, SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4,
        SECCOMP_FILTER_FLAG_NEW_LISTENER = 8, SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16,
        SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32,
    ];
    /// The actions of a filter.
    ACTION "SECCOMP_RET_???" [
        SECCOMP_RET_KILL_PROCESS = 0x8000_0000, SECCOMP_RET_KILL_THREAD = 0, SECCOMP_RET_TRAP = 0x3_0000,
        SECCOMP_RET_ERRNO = 0x5_0000, SECCOMP_RET_USER_NOTIF = 0x7fc0_0000, SECCOMP_RET_TRACE = 0x7ff0_0000,
        SECCOMP_RET_LOG = 0x7ffc_0000, SECCOMP_RET_ALLOW = 0x7fff_0000,
    ];
}

// The operations as arguments.
const SET_MODE_FILTER: u32 = libc::SECCOMP_SET_MODE_FILTER;
const GET_ACTION_AVAIL: u32 = libc::SECCOMP_GET_ACTION_AVAIL;
const GET_NOTIF_SIZES: u32 = libc::SECCOMP_GET_NOTIF_SIZES;

/// `struct sock_fprog`.
pub(super) fn program(s: &CallPrinter<'_>, addr: u64) -> String {
    match s.mem.read::<SockFprog>(GuestAddr(addr)) {
        Ok(program) => format!("{{len={}, filter={}}}", program.len, CallPrinter::pointer(program.filter)),
        Err(_) => CallPrinter::pointer(addr),
    }
}

specials! {
    /// seccomp: the flags, which only filters have.
    SECCOMP_FLAGS_ARG before |s, i| {
        let flags = u64::from(s.args[i] as u32);
        Some(match s.args[0] as u32 {
            SET_MODE_FILTER => FILTER_FLAGS.show_flags(flags),
            _ => CallPrinter::number(flags),
        })
    };
    /// seccomp: the argument of the operation.
    SECCOMP_ARG after |s, i| {
        let addr = s.args[i];
        Some(match s.args[0] as u32 {
            SET_MODE_FILTER => program(s, addr),
            GET_ACTION_AVAIL => match s.mem.read::<u32>(GuestAddr(addr)) {
                Ok(action) => format!("[{}]", ACTION.show_value(action.into())),
                Err(_) => CallPrinter::pointer(addr),
            },
            GET_NOTIF_SIZES => s.written(addr, || match s.mem.read::<SeccompNotifSizes>(GuestAddr(addr)) {
                Ok(SeccompNotifSizes { notif, response, data }) => {
                    format!("{{seccomp_notif={notif}, seccomp_notif_resp={response}, seccomp_data={data}}}")
                }
                Err(_) => CallPrinter::pointer(addr),
            }),
            _ => CallPrinter::pointer(addr),
        })
    };
}
