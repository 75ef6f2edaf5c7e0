//! futex(2).

use super::guest;
use crate::host::pass::make;
use crate::host::pointer::{GuestPtr, SysArg};
use crate::host::signals::CallError;
use crate::host::sys::ByRequest;

const FUTEX_WAIT: u32 = 0;
const FUTEX_REQUEUE: u32 = 3;
const FUTEX_CMP_REQUEUE: u32 = 4;
const FUTEX_WAKE_OP: u32 = 5;
const FUTEX_LOCK_PI: u32 = 6;
const FUTEX_WAIT_BITSET: u32 = 9;
const FUTEX_WAIT_REQUEUE_PI: u32 = 11;
const FUTEX_CMP_REQUEUE_PI: u32 = 12;
const FUTEX_LOCK_PI2: u32 = 13;
/// FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME.
const MODIFIERS: u32 = 0x180;

/// An operation of futex(2), by what its fourth and fifth arguments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FutexRequest {
    /// Nothing: an operation that neither waits nor has a second word, or one that is not known.
    Wake(FutexWake),
    /// A time.
    Wait(FutexWait),
    /// A time and a second word.
    WaitRequeue(FutexWaitRequeue),
    /// A second count and a second word.
    Requeue(FutexRequeue),
}

impl FutexRequest {
    /// The request of an operation with its modifiers.
    pub fn new(operation: u32) -> Self {
        match operation & !MODIFIERS {
            FUTEX_WAIT | FUTEX_WAIT_BITSET | FUTEX_LOCK_PI | FUTEX_LOCK_PI2 => Self::Wait(FutexWait(operation)),
            FUTEX_WAIT_REQUEUE_PI => Self::WaitRequeue(FutexWaitRequeue(operation)),
            FUTEX_REQUEUE | FUTEX_CMP_REQUEUE | FUTEX_WAKE_OP | FUTEX_CMP_REQUEUE_PI => {
                Self::Requeue(FutexRequeue(operation))
            }
            _ => Self::Wake(FutexWake(operation)),
        }
    }
}

/// An operation on one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FutexWake(u32);

impl FutexWake {
    /// FUTEX_WAKE.
    pub const WAKE: Self = Self(1);

    /// Makes the call. For an operation that is not known, the arguments in the middle are 0.
    pub fn make(self, word: Option<GuestPtr<'_>>, value: u64, last: u64) -> Result<u64, CallError> {
        let [operation, value, last] = [self.0.into(), value, last].map(SysArg::Val);
        make(ByRequest::FutexWait, &mut [guest(word), operation, value, SysArg::Null, SysArg::Val(0), last])
    }
}

/// An operation with a time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FutexWait(u32);

impl FutexWait {
    /// Makes the call.
    pub fn make(
        self,
        word: Option<GuestPtr<'_>>,
        value: u64,
        timeout: Option<GuestPtr<'_>>,
        last: u64,
    ) -> Result<u64, CallError> {
        let [operation, value, last] = [self.0.into(), value, last].map(SysArg::Val);
        make(ByRequest::FutexWait, &mut [guest(word), operation, value, guest(timeout), SysArg::Val(0), last])
    }
}

/// An operation with a time limit and a second word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FutexWaitRequeue(u32);

impl FutexWaitRequeue {
    /// Makes the call.
    pub fn make(
        self,
        words: [Option<GuestPtr<'_>>; 2],
        value: u64,
        timeout: Option<GuestPtr<'_>>,
        last: u64,
    ) -> Result<u64, CallError> {
        let [operation, value, last] = [self.0.into(), value, last].map(SysArg::Val);
        let [word, second] = words.map(guest);
        make(ByRequest::FutexWaitRequeue, &mut [word, operation, value, guest(timeout), second, last])
    }
}

/// An operation with a second count and a second word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FutexRequeue(u32);

impl FutexRequeue {
    /// Makes the call.
    pub fn make(self, words: [Option<GuestPtr<'_>>; 2], counts: [u64; 2], last: u64) -> Result<u64, CallError> {
        let [operation, first, second, last] = [self.0.into(), counts[0], counts[1], last].map(SysArg::Val);
        let [word, other] = words.map(guest);
        make(ByRequest::FutexRequeue, &mut [word, operation, first, second, other, last])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_what_the_kernel_takes_the_arguments_for() {
        let by_name = |op: i32| FutexRequest::new(op as u32 | MODIFIERS);
        assert!(matches!(by_name(libc::FUTEX_WAIT), FutexRequest::Wait(_)));
        assert!(matches!(by_name(libc::FUTEX_WAKE), FutexRequest::Wake(_)));
        assert!(matches!(by_name(libc::FUTEX_CMP_REQUEUE), FutexRequest::Requeue(_)));
        assert!(matches!(by_name(libc::FUTEX_WAKE_OP), FutexRequest::Requeue(_)));
        assert!(matches!(by_name(libc::FUTEX_WAIT_REQUEUE_PI), FutexRequest::WaitRequeue(_)));
        assert!(matches!(FutexRequest::new(14), FutexRequest::Wake(_)), "not known");
    }
}
