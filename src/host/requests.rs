//! Calls whose arguments depend on a request argument: the closed lists of requests of fcntl(2), prctl(2), keyctl(2),
//! semctl(2) and kcmp(2), by the kind of their arguments.
//!
//! [`super::pass`] accepts a request only in the row of [`Sys`] that fits it. So the kernel never uses a number as an
//! address, whatever the caller does.

use super::ioctl_table::IoctlArg;
use super::sys::Sys;

/// What the argument of an fcntl(2) command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FcntlArg {
    /// A number, or no argument.
    Number,
    /// A structure of this size without addresses.
    Struct(u64),
}

impl FcntlArg {
    /// The argument of a command; `None` if it is not known.
    pub fn of(command: i32) -> Option<Self> {
        Some(match command {
            libc::F_DUPFD
            | libc::F_DUPFD_CLOEXEC
            | libc::F_GETFD
            | libc::F_SETFD
            | libc::F_GETFL
            | libc::F_SETFL
            | libc::F_GETOWN
            | libc::F_SETOWN
            | F_SETSIG
            | F_GETSIG
            | libc::F_SETLEASE
            | libc::F_GETLEASE
            | libc::F_NOTIFY
            | F_CANCELLK
            | libc::F_GETPIPE_SZ
            | libc::F_SETPIPE_SZ
            | libc::F_GET_SEALS
            | libc::F_ADD_SEALS
            | F_DUPFD_QUERY
            | F_CREATED_QUERY => FcntlArg::Number,
            // `struct flock`.
            libc::F_GETLK
            | libc::F_SETLK
            | libc::F_SETLKW
            | libc::F_OFD_GETLK
            | libc::F_OFD_SETLK
            | libc::F_OFD_SETLKW => FcntlArg::Struct(32),
            F_GETOWN_EX | F_SETOWN_EX | F_GETOWNER_UIDS | F_GET_RW_HINT..=F_SET_FILE_RW_HINT => FcntlArg::Struct(8),
            _ => return None,
        })
    }
}

// From `linux/fcntl.h`; not all of them are in libc for every target.
const F_SETSIG: i32 = 10;
const F_GETSIG: i32 = 11;
const F_SETOWN_EX: i32 = 15;
const F_GETOWN_EX: i32 = 16;
const F_GETOWNER_UIDS: i32 = 17;
const F_DUPFD_QUERY: i32 = 1027;
const F_CREATED_QUERY: i32 = 1028;
const F_CANCELLK: i32 = 1029;
const F_GET_RW_HINT: i32 = 1035;
const F_SET_FILE_RW_HINT: i32 = 1038;

// From `linux/prctl.h`; libc does not have them.
const PR_SET_IO_FLUSHER: i32 = 57;
const PR_GET_IO_FLUSHER: i32 = 58;

/// The row of [`Sys`] for an option of prctl(2); `None` if the option must not be passed.
pub fn prctl_row(option: i32) -> Option<Sys> {
    Some(match option {
        libc::PR_GET_NAME | libc::PR_GET_PDEATHSIG | libc::PR_GET_CHILD_SUBREAPER => Sys::PrctlPointer,
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
        | libc::PR_TASK_PERF_EVENTS_DISABLE
        | libc::PR_TASK_PERF_EVENTS_ENABLE
        | PR_SET_IO_FLUSHER
        | PR_GET_IO_FLUSHER
        | libc::PR_SET_MEMORY_MERGE
        | libc::PR_GET_MEMORY_MERGE
        | libc::PR_SET_PTRACER => Sys::Prctl,
        _ => return None,
    })
}

/// The row of [`Sys`] for an operation of keyctl(2); `None` if it is not known.
pub fn keyctl_row(operation: i32) -> Option<Sys> {
    Some(match operation {
        // JOIN_SESSION_KEYRING, CAPABILITIES.
        1 | 31 => Sys::KeyctlFirst,
        // UPDATE, DESCRIBE, READ, INSTANTIATE, GET_SECURITY.
        2 | 6 | 11 | 12 | 17 => Sys::KeyctlSecond,
        // INSTANTIATE_IOV.
        20 => Sys::KeyctlPieces,
        // SEARCH, RESTRICT_KEYRING.
        10 | 29 => Sys::KeyctlStrings,
        // DH_COMPUTE; PKEY_QUERY; PKEY_ENCRYPT to PKEY_VERIFY.
        23 => Sys::KeyctlAgree,
        24 => Sys::KeyctlQuery,
        25..=28 => Sys::KeyctlCrypt,
        // GET_KEYRING_ID; REVOKE, CHOWN, SETPERM; CLEAR, LINK, UNLINK; NEGATE, SET_REQKEY_KEYRING, SET_TIMEOUT,
        // ASSUME_AUTHORITY; SESSION_TO_PARENT, REJECT; INVALIDATE, GET_PERSISTENT; MOVE; WATCH_KEY.
        0 | 3..=5 | 7..=9 | 13..=16 | 18 | 19 | 21 | 22 | 30 | 32 => Sys::Keyctl,
        _ => return None,
    })
}

/// The row of [`Sys`] for a command of semctl(2); `None` if it is not known.
pub fn semctl_row(command: i32) -> Option<Sys> {
    Some(match command {
        // IPC_SET, IPC_STAT; SEM_STAT, SEM_STAT_ANY.
        1 | 2 | 18 | 20 => Sys::SemctlStatus,
        // IPC_INFO, SEM_INFO; GETALL, SETALL.
        3 | 19 | 13 | 17 => Sys::SemctlPointer,
        // IPC_RMID; GETPID, GETVAL; GETNCNT, GETZCNT, SETVAL.
        0 | 11 | 12 | 14..=16 => Sys::Semctl,
        _ => return None,
    })
}

/// The row of [`Sys`] for a comparison type of kcmp(2); `None` if it is not known.
pub fn kcmp_row(kind: i32) -> Option<Sys> {
    match kind {
        0..=6 => Some(Sys::Kcmp),
        7 => Some(Sys::KcmpEpoll),
        _ => None,
    }
}

/// Whether a call with these numbers belongs in its row: whether the kernel's use of the arguments agrees with the row.
pub(super) fn fits(call: Sys, numbers: &[u64; 6]) -> bool {
    let int = |i: usize| numbers[i] as i32;
    match call {
        Sys::Ioctl => match IoctlArg::of(numbers[1] as u32) {
            Some(IoctlArg::Number) => true,
            Some(IoctlArg::Nothing) => numbers[2] == 0,
            _ => false,
        },
        Sys::IoctlStruct => matches!(IoctlArg::of(numbers[1] as u32), Some(IoctlArg::Struct(_))),
        Sys::Fcntl => FcntlArg::of(int(1)) == Some(FcntlArg::Number),
        Sys::FcntlStruct => matches!(FcntlArg::of(int(1)), Some(FcntlArg::Struct(_))),
        Sys::Prctl | Sys::PrctlPointer => prctl_row(int(0)) == Some(call),
        // With a key derivation function, the fourth argument is a structure with addresses.
        Sys::KeyctlAgree if numbers[4] != 0 => false,
        Sys::Keyctl
        | Sys::KeyctlFirst
        | Sys::KeyctlSecond
        | Sys::KeyctlPieces
        | Sys::KeyctlStrings
        | Sys::KeyctlQuery
        | Sys::KeyctlCrypt
        | Sys::KeyctlAgree => keyctl_row(int(0)) == Some(call),
        Sys::Semctl | Sys::SemctlPointer | Sys::SemctlStatus => semctl_row(int(2)) == Some(call),
        Sys::Kcmp | Sys::KcmpEpoll => kcmp_row(int(2)) == Some(call),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SysArg, pass};
    use super::*;

    /// The requests whose number the kernel would use as an address, each in the row for numbers.
    #[test]
    fn a_number_in_place_of_an_address_is_rejected() {
        let followed: [(Sys, &[u64]); 8] = [
            (Sys::Ioctl, &[0, 0x89e0, 8]),
            (Sys::Ioctl, &[0, libc::TIOCGWINSZ, 8]),
            (Sys::Fcntl, &[0, libc::F_GETLK as u64, 8]),
            (Sys::Prctl, &[libc::PR_GET_NAME as u64, 8]),
            (Sys::Keyctl, &[11, 0, 8, 8]),
            (Sys::KeyctlAgree, &[23, 0, 0, 0, 8]),
            (Sys::Semctl, &[0, 0, libc::GETALL as u64, 8]),
            (Sys::Kcmp, &[0, 0, 7, 0, 8]),
        ];
        for (call, numbers) in followed {
            let mut six = [0; 6];
            six[..numbers.len()].copy_from_slice(numbers);
            assert!(!fits(call, &six), "{call:?}");
            let mut args: Vec<_> = numbers.iter().map(|&n| SysArg::Val(n)).collect();
            let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pass(call, &mut args)));
            assert!(made.is_err(), "{call:?}");
        }
    }

    #[test]
    fn unlisted_requests_have_no_row() {
        assert_eq!(IoctlArg::of(0xdead_beef), None);
        assert_eq!(FcntlArg::of(12345), None);
        // PR_SET_MM takes addresses.
        assert_eq!(prctl_row(35), None);
        assert_eq!(keyctl_row(33), None);
        assert_eq!(semctl_row(21), None);
        assert_eq!(kcmp_row(8), None);
        assert!(!fits(Sys::IoctlStruct, &[0, 0x8946, 0, 0, 0, 0]), "SIOCETHTOOL's structure contains an address");
    }

    #[test]
    fn a_request_in_its_row_is_made() {
        let mut args = [0, libc::F_GETFD as u64, 0].map(SysArg::Val);
        assert!(pass(Sys::Fcntl, &mut args).is_ok());
    }
}
