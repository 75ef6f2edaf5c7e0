//! remu runs programs built for another CPU.
//!
//! The map of the tree, and who may import whom, is in the README; `tests/imports.rs` holds the
//! modules to it.

pub mod cli;
pub mod debug;
pub mod elf;
pub mod guest;
pub mod host;
pub mod interp;
pub mod jit;
pub mod linux;
pub mod machine;
pub mod memory;
pub mod user;

/// Composes ELF files for the tests of `elf` and `debug`, as the tests in `tests/` do.
#[cfg(test)]
#[path = "../tests/common/elf.rs"]
mod test_elf;
