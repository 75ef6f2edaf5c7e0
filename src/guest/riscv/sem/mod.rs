//! What instructions mean: one small function for each [`Op`](remu_isa::Op), written over an abstract
//! value, by the name of the mnemonic with `_` for `.`. Interpreter and compilers are instances.
//!
//! Compressed instructions are expanded before they get here. An engine may replace a destination x0
//! by a register of its own that nobody reads; functions that treat x0 specially use [`discards`].

#[macro_use]
mod forms;

mod atomic;
mod bits;
mod control;
mod float;
mod integer;
mod memory;
mod system;

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

/// Whether a write to `rd` is to x0, or to what an engine has put in its place.
const fn discards(rd: u8) -> bool {
    rd & 0x1f == 0
}
