//! What helps to see what a guest does: logs, traces, symbols, and the line that explains its death.
//!
//! Sees guest state and guest memory, and knows nothing of the kernel interface or of engines'
//! insides. Writes to logs it is given; what goes to the user's terminal on its own account is the
//! command line's to print.

mod fatal;
mod filter;
mod log;
mod maps;
mod symbols;
mod trace;

pub use fatal::{Death, FatalReport};
pub use filter::AddressFilter;
pub use log::Log;
pub use maps::MapLog;
pub use symbols::{Location, MappedFiles, Symbols};
pub use trace::{Names, TraceItems, Tracer};
