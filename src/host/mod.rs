//! The host: its kernel and its CPU. The bottom layer, which knows nothing of guests.
//!
//! What is unsafe about talking to the host is closed over here, so that the kernel interface above
//! is safe code: system calls that can only touch memory their caller names, and faults that come
//! back as values.

pub mod clock;
mod die;
pub mod fault;
pub mod fd;
pub mod fp;
mod pass;

pub use die::{die_by_signal, exit_now};
pub use pass::{GuestPtr, IoVec, Sys, SysArg, pass, pass_vectored};
