//! The system calls by topic. There is one function, with the name in the table, for each call that cannot go to the
//! host kernel unchanged.

pub(super) mod admin;
pub(super) mod aio;
pub(super) mod clock;
pub(super) mod exec;
pub(super) mod fd;
pub(super) mod fs;
pub(super) mod futex;
pub(super) mod io_uring;
pub(super) mod ioctl;
pub(super) mod ipc;
pub(super) mod keys;
pub(super) mod mem;
pub(super) mod misc;
pub(super) mod net;
pub(super) mod numa;
pub(super) mod poll;
pub(super) mod prctl;
pub(super) mod process;
pub(super) mod program;
pub(super) mod robust;
pub(super) mod seccomp;
pub(super) mod signal;
pub(super) mod thread;
pub(super) mod vm;
pub(super) mod xattr;
