//! futex(2), and the newer calls for single futex operations.

use crate::host::{self, CallError, FutexRequest, FutexWaiter, Sys, SysArg};
use crate::linux::abi::futex::FutexWaitv;
use crate::linux::abi::structs::TIMESPEC;
use crate::linux::call::{Call, pass};
use crate::linux::outcome::{CallEnd, SysResult};
use rustix::io::Errno;

/// Passed to the host: guest threads are host threads with the same thread IDs, and a guest word has one address in
/// host memory.
pub(in crate::linux) fn futex(c: &mut Call<'_>) -> SysResult {
    let [word, op, value, fourth, second, last] = c.args;
    let (word, second) = (c.nullable(word, 4), c.nullable(second, 4));
    let timeout = || c.nullable(fourth, TIMESPEC.size);
    let result = match FutexRequest::new(op as u32) {
        FutexRequest::Wait(request) => request.make(word, value, timeout(), last),
        FutexRequest::WaitRequeue(request) => request.make([word, second], value, timeout(), last),
        FutexRequest::Requeue(request) => request.make([word, second], [value, fourth], last),
        FutexRequest::Wake(request) => request.make(word, value, last),
    };
    match op as i32 & libc::FUTEX_CMD_MASK {
        // A wait for a lock with priority inheritance always restarts (ERESTARTNOINTR).
        libc::FUTEX_LOCK_PI | libc::FUTEX_LOCK_PI2 | libc::FUTEX_WAIT_REQUEUE_PI => {
            result.map_err(|error| match error {
                CallError::MayRestart => CallEnd::NotBegun,
                other => other.into(),
            })
        }
        _ => Ok(result?),
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
