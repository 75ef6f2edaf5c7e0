//! Calls whose arguments mean what a request among them says: ioctl(2), fcntl(2), prctl(2), keyctl(2), semctl(2),
//! kcmp(2), futex(2), socket options, quotas and mounts.
//!
//! Each request is a type by the shape of its arguments, and only this module makes one, from closed lists. The caller
//! matches on the shape and has to give what it asks for. No number is therefore followed as an address, and no memory
//! that is lent is too short. What is in no list cannot be asked of the kernel.

mod descriptors;
mod futex;
mod ioctl_table;
mod keys;
mod mounts;
mod processes;
mod semaphores;
mod sockets;
mod through;

pub use descriptors::{FcntlRequest, IoctlRequest, NumberRequest, PlainRequest, StructRequest};
pub use futex::{FutexRequest, FutexRequeue, FutexWait, FutexWaitRequeue, FutexWake};
pub use keys::{
    KeyctlAgree, KeyctlBuffer, KeyctlCapabilities, KeyctlCrypt, KeyctlIovecs, KeyctlNumbers, KeyctlQuery,
    KeyctlRequest, KeyctlSession, KeyctlStrings,
};
pub use mounts::{FsconfigBinary, FsconfigPath, FsconfigRequest, FsconfigValue, QuotaFile, QuotaPlain, QuotaRequest};
pub use processes::{KcmpEpoll, KcmpNumbers, KcmpRequest, PrctlNumbers, PrctlPointer, PrctlRequest};
pub use semaphores::{SEMID_DS, SemctlArray, SemctlNumber, SemctlRequest, SemctlStatus};
pub use sockets::{FilterOption, FlatOption, GetOption, SetOption};
pub use through::{Through, ioctl_refused, ioctl_through};

use super::pointer::{GuestPtr, SysArg};

/// Guest memory, or null.
fn guest(p: Option<GuestPtr<'_>>) -> SysArg<'_> {
    p.into()
}

/// The same, of which the kernel accesses so many bytes at most.
///
/// # Panics
/// If there are fewer: a bug in the caller.
fn guest_of(p: Option<GuestPtr<'_>>, len: u64) -> SysArg<'_> {
    p.map(|p| p.first(len)).into()
}

/// An `int`.
fn int(value: i32) -> SysArg<'static> {
    SysArg::Val(value as u64)
}
