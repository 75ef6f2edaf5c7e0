//! The instruction encodings of RISC-V: decoder, encoder and disassembler.
//!
//! All of it is generated from the tables in `riscv/*.isa`, which define each encoding once: the decision tree of
//! [`decode`], the bits of [`encode`], the text of [`Insn::disassemble`], and the [`OpInfo`] of each [`Op`]. The
//! semantics of instructions are not part of this crate.
//!
//! ```
//! use remu_isa::{Isa, Op, Xlen, decode, encode};
//!
//! let insn = decode(0x0010_0513, Isa::rv64_max()).unwrap();
//! assert_eq!((insn.op, insn.rd, insn.rs1, insn.imm), (Op::Addi, 10, 0, 1));
//! assert_eq!(insn.disassemble(0).to_string(), "addi a0, zero, 1");
//! assert_eq!(encode(&insn, Xlen::Rv64), Ok(0x0010_0513));
//! ```
#![forbid(unsafe_code)]

mod csr;
mod decode;
mod disassemble;
mod encode;
mod ext;
mod insn;
mod op;
mod tables;

pub use csr::{CsrInfo, csr_info, csr_name, csr_number, csrs};
pub use decode::{DecodeError, Illegal, Isa, Xlen, decode};
pub use disassemble::{Disassembly, f_name, x_name};
pub use encode::{EncodeError, encode};
pub use ext::{ExtKind, ExtSet};
pub use insn::Insn;
pub use op::{OpInfo, Operand, Pattern, RegClass};
pub use tables::{Ext, Op};
