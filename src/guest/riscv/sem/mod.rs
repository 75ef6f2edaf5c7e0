//! The meaning of instructions: one small function for each [`Op`](remu_isa::Op), over an abstract value. Each is
//! named after its mnemonic, with `_` for `.`. The interpreter and compilers instantiate these functions.
//!
//! Compressed instructions are expanded before they get here.

#[macro_use]
mod forms;

mod atomic;
mod bits;
mod control;
mod float;
mod integer;
mod memory;
mod system;
#[cfg(test)]
mod tests;

pub use atomic::*;
pub use bits::*;
pub use control::*;
pub use float::*;
pub use integer::*;
pub use memory::*;
pub use system::*;

use crate::guest::{Flow, Semantics};

/// What executing an instruction yields.
pub type ExecResult<S> = Result<Flow<<S as Semantics>::Value>, <S as Semantics>::Stop>;
