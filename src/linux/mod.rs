//! The Linux kernel as a RISC-V program sees it.
//!
//! An engine runs guest code until it stops. [`task::Task::handle_exit`] then does what the kernel would: it makes the
//! system call, or turns a fault into a signal. System calls are rows of one [table], which `strace` uses too. This
//! module knows guest state, guest memory and the host, never engines.

pub mod abi;
mod arch;
pub mod call;
pub mod exec;
mod fork;
pub mod limits;
pub mod outcome;
pub mod proc;
pub mod process;
mod refusal;
mod rings;
mod rows;
pub mod seccomp;
pub mod signal;
pub mod sockaddr;
pub mod strace;
mod sys;
pub mod sysroot;
pub mod table;
pub mod task;
#[cfg(test)]
mod tests;
pub mod thread;
pub mod vdso;

pub use outcome::Outcome;
pub use signal::FatalSignal;
pub use strace::{TraceConfig, TraceSink, Tracer};
pub use task::{Services, Task, TaskConfig};
pub use vdso::Vdso;
