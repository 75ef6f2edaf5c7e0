//! The system calls themselves, by topic: one function per call that the host kernel cannot simply be
//! handed, under the name the table knows it by.

pub(super) mod admin;
pub(super) mod clock;
pub(super) mod fd;
pub(super) mod fs;
pub(super) mod futex;
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
pub(super) mod signal;
pub(super) mod vm;
pub(super) mod xattr;
