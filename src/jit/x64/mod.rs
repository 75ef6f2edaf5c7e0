//! An assembler for the x86-64 instructions that the compiler emits.
//!
//! [`Assembler`] has one method for each kind of instruction, which picks the shortest encoding of its operands. It does
//! not check that the host has an instruction; its user does, by [`HostFeatures`].
//!
//! Floating point is encoded as VEX only. A form that does not exist, such as a memory operand indexed by rsp, emits
//! nothing and is reported by [`Assembler::finish`].

mod asm;
mod bits;
mod control;
mod encode;
mod features;
mod fp;
mod int;
mod operand;
mod reg;

pub use asm::{AsmError, Assembler, Label};
pub use bits::{BitTest, Shift};
pub use features::{HostFeatures, UnknownFeature};
pub use fp::{CmpPredicate, Fma, FmaOrder, Fp, ToInt, VArith, VLogic};
pub use int::{Alu, Unary};
pub use operand::{Mem, RegMem, Scale, XmmMem};
pub use reg::{Cond, Gpr, Size, Xmm};
