//! The Linux kernel as a RISC-V program sees it.
//!
//! An engine runs guest code until it has a reason to stop; [`task::Task::answer`] is told the reason
//! and does what the kernel would: makes the system call, or turns a fault into a signal. Calls are
//! rows of one [table], from which `strace` lines come too. Knows guest state, guest memory
//! and the host; never engines.

pub mod abi;
pub mod call;
pub mod proc;
mod rows;
pub mod signal;
pub mod strace;
mod sys;
pub mod sysroot;
pub mod table;
pub mod task;
#[cfg(test)]
mod tests;
pub mod vdso;

pub use signal::FatalSignal;
pub use strace::{TraceConfig, TraceSink, Tracer};
pub use task::{Outcome, Task, TaskConfig, TaskError};
pub use vdso::Vdso;
