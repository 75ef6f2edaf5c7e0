//! Observing a guest: logs, traces, symbols, and the report of a fatal signal.
//!
//! The module knows guest state and guest memory, but no system calls and no engine internals. It writes only to logs.
//! Messages to the user are printed by the command line.

mod code_map;
mod fatal;
mod filter;
mod host_code;
mod libraries;
mod log;
mod maps;
mod symbols;
mod trace;

pub use code_map::{CodeMap, CodeMapFormat};
pub use fatal::{Death, FatalReport};
pub use filter::AddressFilter;
pub use host_code::{Disassembler, HostInsn};
pub use libraries::missing_library;
pub use log::{Log, LogPath};
pub use maps::MapLog;
pub use symbols::{Location, MappedFiles, Symbols};
pub use trace::{Names, TraceItems, Tracer};
