//! prctl(2) and kcmp(2).

use super::{guest, guest_of, int};
use crate::host::pass::make;
use crate::host::pointer::{GuestPtr, SysArg};
use crate::host::signals::CallError;
use crate::host::sys::ByRequest;

// From `linux/prctl.h`; libc does not have them.
const PR_SET_IO_FLUSHER: i32 = 57;
const PR_GET_IO_FLUSHER: i32 = 58;

/// An option of prctl(2), by what its arguments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrctlRequest {
    /// Numbers only.
    Numbers(PrctlNumbers),
    /// First the place for the result, then numbers.
    Pointer(PrctlPointer),
}

impl PrctlRequest {
    /// The request of an option; `None` if it is not one that the kernel may be given.
    pub fn new(option: i32) -> Option<Self> {
        Some(match option {
            libc::PR_GET_NAME => Self::Pointer(PrctlPointer { option, size: 16 }),
            libc::PR_GET_PDEATHSIG | libc::PR_GET_CHILD_SUBREAPER => Self::Pointer(PrctlPointer { option, size: 4 }),
            libc::PR_SET_PDEATHSIG
            | libc::PR_GET_DUMPABLE
            | libc::PR_SET_DUMPABLE
            | libc::PR_GET_KEEPCAPS
            | libc::PR_SET_KEEPCAPS
            | libc::PR_GET_TIMING
            | libc::PR_SET_TIMING
            | libc::PR_CAPBSET_READ
            | libc::PR_CAPBSET_DROP
            | libc::PR_GET_SECUREBITS
            | libc::PR_SET_SECUREBITS
            | libc::PR_SET_TIMERSLACK
            | libc::PR_GET_TIMERSLACK
            | libc::PR_SET_CHILD_SUBREAPER
            | libc::PR_SET_NO_NEW_PRIVS
            | libc::PR_GET_NO_NEW_PRIVS
            | libc::PR_SET_THP_DISABLE
            | libc::PR_GET_THP_DISABLE
            | libc::PR_CAP_AMBIENT
            | libc::PR_MCE_KILL
            | libc::PR_MCE_KILL_GET
            | libc::PR_GET_SECCOMP
            | libc::PR_TASK_PERF_EVENTS_DISABLE
            | libc::PR_TASK_PERF_EVENTS_ENABLE
            | PR_SET_IO_FLUSHER
            | PR_GET_IO_FLUSHER
            | libc::PR_SET_MEMORY_MERGE
            | libc::PR_GET_MEMORY_MERGE
            | libc::PR_SET_PTRACER => Self::Numbers(PrctlNumbers(option)),
            _ => return None,
        })
    }
}

/// An option of prctl(2) whose arguments are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrctlNumbers(i32);

impl PrctlNumbers {
    /// Makes the call.
    pub fn make(self, args: [u64; 4]) -> Result<u64, CallError> {
        let [a, b, c, d] = args.map(SysArg::Val);
        make(ByRequest::PrctlNumbers, &mut [int(self.0), a, b, c, d])
    }
}

/// An option of prctl(2) whose first argument is the place for the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrctlPointer {
    option: i32,
    size: u64,
}

impl PrctlPointer {
    /// The size of the result.
    pub fn size(self) -> u64 {
        self.size
    }

    /// Makes the call.
    pub fn make(self, target: Option<GuestPtr<'_>>, rest: [u64; 3]) -> Result<u64, CallError> {
        let [a, b, c] = rest.map(SysArg::Val);
        make(ByRequest::PrctlPointer, &mut [int(self.option), guest_of(target, self.size), a, b, c])
    }
}

/// A kind of comparison of kcmp(2), by what its last arguments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KcmpRequest {
    /// Numbers: descriptors, or nothing.
    Numbers(KcmpNumbers),
    /// KCMP_EPOLL_TFD: a descriptor, and a place in an epoll set.
    Epoll(KcmpEpoll),
}

impl KcmpRequest {
    /// The request of a kind; `None` if it is not known.
    pub fn new(kind: i32) -> Option<Self> {
        match kind {
            0..=6 => Some(Self::Numbers(KcmpNumbers(kind))),
            7 => Some(Self::Epoll(KcmpEpoll(kind))),
            _ => None,
        }
    }
}

/// A comparison by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KcmpNumbers(i32);

impl KcmpNumbers {
    /// Makes the call.
    pub fn make(self, pids: [i32; 2], indices: [u64; 2]) -> Result<u64, CallError> {
        let [left, right] = indices.map(SysArg::Val);
        make(ByRequest::KcmpNumbers, &mut [int(pids[0]), int(pids[1]), int(self.0), left, right])
    }
}

/// A comparison with a place in an epoll set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KcmpEpoll(i32);

impl KcmpEpoll {
    /// The size of `struct kcmp_epoll_slot`: two descriptors and a number.
    pub const SLOT: u64 = 12;

    /// Makes the call.
    pub fn make(self, pids: [i32; 2], fd: u64, slot: Option<GuestPtr<'_>>) -> Result<u64, CallError> {
        let slot = guest(slot);
        make(ByRequest::KcmpEpoll, &mut [int(pids[0]), int(pids[1]), int(self.0), SysArg::Val(fd), slot])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_no_list_is_no_request() {
        // PR_SET_MM, which is given addresses.
        assert_eq!(PrctlRequest::new(35), None);
        assert_eq!(KcmpRequest::new(8), None);
        assert!(matches!(PrctlRequest::new(libc::PR_GET_NAME), Some(PrctlRequest::Pointer(p)) if p.size() == 16));
        assert!(matches!(KcmpRequest::new(7), Some(KcmpRequest::Epoll(_))));
    }
}
