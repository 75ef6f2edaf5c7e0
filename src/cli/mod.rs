//! The command line: options and environment variables, the errors a user sees, and the exit status.
//!
//! Nothing else in the library prints. QEMU's option syntax is accepted. An unsupported option fails with an error
//! that names it; no option is silently ignored.

mod completions;
mod cpu_list;
mod error;
mod libraries;
mod log_items;
mod options;
mod resolve;
mod run;
mod strace;
mod system;
mod text;
mod words;

pub use error::{CliError, EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, EXIT_OWN_ERROR};
pub use options::Options;
pub use resolve::{Action, Settings, Start, resolve};
pub use run::user_main;
pub use system::{SystemOptions, system_main};
