//! futex(2), and the newer calls for single futex operations.

use crate::host::{self, FutexWaiter, Sys, SysArg};
use crate::linux::abi::futex::FutexWaitv;
use crate::linux::abi::structs::TIMESPEC;
use crate::linux::call::{Call, pass};
use crate::linux::outcome::SysResult;
use rustix::io::Errno;

const FUTEX_WAIT: u64 = 0;
const FUTEX_REQUEUE: u64 = 3;
const FUTEX_CMP_REQUEUE: u64 = 4;
const FUTEX_WAKE_OP: u64 = 5;
const FUTEX_LOCK_PI: u64 = 6;
const FUTEX_WAIT_BITSET: u64 = 9;
const FUTEX_WAIT_REQUEUE_PI: u64 = 11;
const FUTEX_CMP_REQUEUE_PI: u64 = 12;
const FUTEX_LOCK_PI2: u64 = 13;
/// FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME.
const MODIFIERS: u64 = 0x180;

/// Passed to the host: guest threads are host threads with the same thread IDs, and a guest word has one address in
/// host memory.
pub(in crate::linux) fn futex(c: &mut Call<'_>) -> SysResult {
    let [word, op, value, fourth, second, last] = c.args;
    let op = u64::from(op as u32);
    let (op_arg, value, last) = (SysArg::Val(op), SysArg::Val(value), SysArg::Val(last));
    let (word, second) = (c.guest(word, 4), c.guest(second, 4));
    let timeout = || c.guest(fourth, TIMESPEC.size);
    match op & !MODIFIERS {
        FUTEX_WAIT | FUTEX_WAIT_BITSET | FUTEX_LOCK_PI | FUTEX_LOCK_PI2 => {
            pass(Sys::FutexWait, &mut [word, op_arg, value, timeout(), SysArg::Val(0), last])
        }
        FUTEX_WAIT_REQUEUE_PI => pass(Sys::FutexWaitTwo, &mut [word, op_arg, value, timeout(), second, last]),
        FUTEX_REQUEUE | FUTEX_CMP_REQUEUE | FUTEX_WAKE_OP | FUTEX_CMP_REQUEUE_PI => {
            pass(Sys::FutexTwo, &mut [word, op_arg, value, SysArg::Val(fourth), second, last])
        }
        // Operations without a wait and a second word, and unknown operations.
        _ => pass(Sys::FutexWait, &mut [word, op_arg, value, SysArg::Null, SysArg::Val(0), last]),
    }
}

/// A futex_waitv entry of the guest, converted for the host.
fn waiter<'c>(c: &'c Call<'_>, list: u64, i: u64) -> Result<FutexWaiter<'c>, Errno> {
    let FutexWaitv { value, word, flags, reserved } = c.read(list.wrapping_add(i * size_of::<FutexWaitv>() as u64))?;
    Ok(FutexWaiter::new(value, c.pointer(word, 4), flags, reserved))
}

pub(in crate::linux) fn futex_waitv(c: &mut Call<'_>) -> SysResult {
    const MOST: u64 = 128;
    let [list, count, flags, timeout, ..] = c.args;
    let count = u64::from(count as u32);
    if flags as u32 != 0 || count == 0 || count > MOST || list == 0 {
        return Err(Errno::INVAL.into());
    }
    let words = (0..count).map(|i| waiter(c, list, i)).collect::<Result<Vec<_>, _>>()?;
    let timeout = (timeout != 0).then(|| c.pointer(timeout, TIMESPEC.size));
    Ok(host::futex_wait_any(&words, timeout, c.int(4))?)
}

pub(in crate::linux) fn futex_requeue(c: &mut Call<'_>) -> SysResult {
    let list = c.args[0];
    if c.args[1] as u32 != 0 || list == 0 {
        return Err(Errno::INVAL.into());
    }
    Ok(host::futex_requeue(&[waiter(c, list, 0)?, waiter(c, list, 1)?], c.int(2), c.int(3))?)
}

pub(in crate::linux) fn futex_wake(c: &mut Call<'_>) -> SysResult {
    let word = c.guest(c.args[0], 4);
    let [mask, count, flags] = [c.args[1], c.args[2], c.args[3]].map(SysArg::Val);
    pass(Sys::FutexWake, &mut [word, mask, count, flags])
}

pub(in crate::linux) fn futex_wait(c: &mut Call<'_>) -> SysResult {
    let (word, timeout) = (c.guest(c.args[0], 4), c.guest(c.args[4], TIMESPEC.size));
    let [value, mask, flags, clock] = [c.args[1], c.args[2], c.args[3], c.args[5]].map(SysArg::Val);
    pass(Sys::FutexWaitOne, &mut [word, value, mask, flags, timeout, clock])
}
