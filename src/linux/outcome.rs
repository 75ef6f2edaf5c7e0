//! How system calls end, and the effect on the thread.

use super::signal::FatalSignal;
use crate::host::CallError;
use crate::memory::{BadAddress, MapError};
use rustix::io::Errno;

/// The state of a thread after the kernel layer handled an exit of its engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The thread resumes.
    Resume,
    /// The thread exits with this status. Others of its process go on.
    ThreadExited(i32),
    /// This signal ends the thread. Others of its process go on.
    ThreadKilled(i32),
    /// The process exits with this status.
    Exited(i32),
    /// A signal kills the process.
    Killed(FatalSignal),
}

/// The result of a system call: a value for the guest, or another end of the call.
pub type SysResult = Result<u64, CallEnd>;

/// How a system call ends without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// The call fails.
    Errno(Errno),
    /// A signal arrived before the call began. The call is made after the signal has been delivered (ERESTARTNOINTR).
    NotBegun,
    /// A signal interrupted the call. The row's restart class and the signal's handler decide whether it restarts.
    MayRestart,
    /// The thread exits with this status.
    ExitThread(i32),
    /// The thread group exits with this status.
    ExitGroup(i32),
    /// A signal raised by the call kills the process.
    Killed(FatalSignal),
    /// The same for the thread alone. It kills the process if the thread is the last one.
    ThreadKilled(FatalSignal),
}

impl CallEnd {
    /// Whether the call does not return to the program.
    pub fn is_exit(&self) -> bool {
        matches!(self, Self::ExitThread(_) | Self::ExitGroup(_) | Self::Killed(_) | Self::ThreadKilled(_))
    }
}

impl From<Errno> for CallEnd {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<CallError> for CallEnd {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Errno(errno) => Self::Errno(errno),
            CallError::NotBegun => Self::NotBegun,
            CallError::MayRestart => Self::MayRestart,
        }
    }
}

impl From<BadAddress> for CallEnd {
    fn from(_: BadAddress) -> Self {
        Self::Errno(Errno::FAULT)
    }
}

impl From<MapError> for CallEnd {
    fn from(error: MapError) -> Self {
        Self::Errno(error.0)
    }
}
