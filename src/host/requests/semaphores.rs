//! semctl(2).

use super::{guest, int};
use crate::host::pass::make;
use crate::host::pointer::{GuestPtr, SysArg};
use crate::host::signals::CallError;
use crate::host::sys::ByRequest;

/// The size of the host's `struct semid64_ds`.
pub const SEMID_DS: usize = 104;

/// A command of semctl(2), by what its argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SemctlRequest {
    /// A number, or nothing.
    Number(SemctlNumber),
    /// An array as long as the set is large, or a structure that is the same on both CPUs.
    Array(SemctlArray),
    /// The host's `struct semid64_ds`.
    Status(SemctlStatus),
}

impl SemctlRequest {
    /// The request of a command; `None` if it is not known.
    pub fn new(command: i32) -> Option<Self> {
        Some(match command {
            // IPC_SET, IPC_STAT; SEM_STAT, SEM_STAT_ANY.
            1 | 2 | 18 | 20 => Self::Status(SemctlStatus(command)),
            // IPC_INFO, SEM_INFO; GETALL, SETALL.
            3 | 19 | 13 | 17 => Self::Array(SemctlArray(command)),
            // IPC_RMID; GETPID, GETVAL; GETNCNT, GETZCNT, SETVAL.
            0 | 11 | 12 | 14..=16 => Self::Number(SemctlNumber(command)),
            _ => return None,
        })
    }
}

/// A command whose argument is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SemctlNumber(i32);

impl SemctlNumber {
    /// Makes the call.
    pub fn make(self, id: u64, number: u64, value: u64) -> Result<u64, CallError> {
        let [id, number, value] = [id, number, value].map(SysArg::Val);
        make(ByRequest::SemctlNumber, &mut [id, number, int(self.0), value])
    }
}

/// A command whose argument is an array of which only the host knows the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SemctlArray(i32);

impl SemctlArray {
    /// Makes the call. The kernel accesses the array in order.
    pub fn make(self, id: u64, number: u64, array: Option<GuestPtr<'_>>) -> Result<u64, CallError> {
        let [id, number] = [id, number].map(SysArg::Val);
        make(ByRequest::SemctlArray, &mut [id, number, int(self.0), guest(array)])
    }
}

/// A command whose argument is the status of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SemctlStatus(i32);

impl SemctlStatus {
    /// Makes the call.
    pub fn make(self, id: u64, number: u64, status: &mut [u8; SEMID_DS]) -> Result<u64, CallError> {
        let [id, number] = [id, number].map(SysArg::Val);
        make(ByRequest::SemctlStatus, &mut [id, number, int(self.0), SysArg::Out(status)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_what_the_kernel_takes_the_argument_for() {
        assert_eq!(SemctlRequest::new(21), None);
        assert!(matches!(SemctlRequest::new(libc::GETALL), Some(SemctlRequest::Array(_))));
        assert!(matches!(SemctlRequest::new(libc::SETVAL), Some(SemctlRequest::Number(_))));
        assert!(matches!(SemctlRequest::new(libc::IPC_STAT), Some(SemctlRequest::Status(_))));
    }
}
