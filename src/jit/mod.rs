//! The compiler to x86-64.
//!
//! [`x64`] is the assembler, [`baseline`] compiles guest code with it, and [`runtime`] keeps the code, enters it and handles
//! what it is left for.

pub mod baseline;
pub mod runtime;
pub mod x64;

pub use runtime::{Jit, JitConfig, MachineCompiler, SharedCode};
