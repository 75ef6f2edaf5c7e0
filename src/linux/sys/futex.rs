//! futex(2).

use crate::host::{self, Sys, SysArg};
use crate::linux::call::{Call, SysResult};
use crate::linux::strace::structs::TIMESPEC;
use rustix::io::Errno;

const FUTEX_WAIT: u64 = 0;
const FUTEX_WAKE: u64 = 1;
const FUTEX_REQUEUE: u64 = 3;
const FUTEX_CMP_REQUEUE: u64 = 4;
const FUTEX_WAKE_OP: u64 = 5;
const FUTEX_WAIT_BITSET: u64 = 9;
const FUTEX_WAKE_BITSET: u64 = 10;
/// FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME.
const MODIFIERS: u64 = 0x180;

/// The host's futexes serve: threads of the guest are threads of the host, and a word of guest memory
/// has one place in host memory. Operations that write thread numbers into the word, the
/// priority-inheriting ones, are left out until there are threads.
pub(in crate::linux) fn futex(c: &mut Call<'_>) -> SysResult {
    let [word, op, value, fourth, second, last] = c.args;
    let op = u64::from(op as u32);
    let target = c.guest(word, 4);
    let (op_arg, value) = (SysArg::Val(op), SysArg::Val(value));
    match op & !MODIFIERS {
        FUTEX_WAIT | FUTEX_WAIT_BITSET => {
            let timeout = c.guest(fourth, TIMESPEC.size);
            let mut args = [target, op_arg, value, timeout, SysArg::Val(0), SysArg::Val(last)];
            host::pass(Sys::FutexWait, &mut args)
        }
        FUTEX_WAKE | FUTEX_WAKE_BITSET => {
            let mut args = [target, op_arg, value, SysArg::Null, SysArg::Val(0), SysArg::Val(last)];
            host::pass(Sys::FutexWait, &mut args)
        }
        FUTEX_REQUEUE | FUTEX_CMP_REQUEUE | FUTEX_WAKE_OP => {
            let second = c.guest(second, 4);
            let mut args = [target, op_arg, value, SysArg::Val(fourth), second, SysArg::Val(last)];
            host::pass(Sys::FutexTwo, &mut args)
        }
        other => {
            c.unimplemented(format!("futex operation {other}"));
            Err(Errno::NOSYS)
        }
    }
}
