//! Pairs of instructions that compute one value. The second overwrites the register that the first writes, and execution
//! never comes to the second from elsewhere, so the value between them is never seen. If the second faults, execution
//! goes back to the first.

use crate::guest::{MemType, Reg};
use remu_isa::{Insn, Op};

/// What a pair computes into the register that both write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    /// The second adds to a constant, which is not written.
    Constant(i64),
    /// The second loads from or jumps to a place relative to a constant, which is not written.
    Address(i64),
    /// The register's low bytes, extended.
    Extension(MemType, Reg),
}

/// The pair that these two instructions are. `pc` is the address of the first.
pub fn of(first: &Insn, second: &Insn, pc: u64) -> Option<Pair> {
    let rd = first.rd;
    if rd == 0 || second.rd != rd || second.rs1 != rd {
        return None;
    }
    let constant = match first.op {
        Op::Lui => Some(first.imm.into()),
        Op::Auipc => Some(pc.wrapping_add_signed(first.imm.into()) as i64),
        _ => None,
    };
    match (first.op, second.op) {
        (_, Op::Addi | Op::Addiw) => constant.map(Pair::Constant),
        (_, Op::Lb | Op::Lbu | Op::Lh | Op::Lhu | Op::Lw | Op::Lwu | Op::Ld | Op::Jalr) => constant.map(Pair::Address),
        (Op::Slli, Op::Srli | Op::Srai) if first.imm == second.imm => {
            let ty = match (second.op, first.imm) {
                (Op::Srli, 56) => MemType::U8,
                (Op::Srli, 48) => MemType::U16,
                (Op::Srli, 32) => MemType::U32,
                (Op::Srai, 56) => MemType::I8,
                (Op::Srai, 48) => MemType::I16,
                (Op::Srai, 32) => MemType::I32,
                _ => return None,
            };
            Some(Pair::Extension(ty, first.rs1))
        }
        _ => None,
    }
}
