//! Chains of instructions that compute one value. Each but the first overwrites the register that the one before has
//! written, and execution never comes to it from elsewhere, so the values between them are never seen: the chain is
//! compiled as one expression. Only the last can fault. Execution then goes back to the first.

use crate::guest::Reg;
use remu_isa::{Insn, Op};

/// The most instructions of a chain: as many as a constant of 64 bits takes.
const MOST: usize = 8;

/// What the instructions so far compute, which says what the host can do in the same instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A constant.
    Constant,
    /// A register shifted to the left.
    Shifted,
    /// Bits of a register, extended.
    Field,
    /// A sum.
    Sum,
}

/// The number of instructions in the chain that begins with the first of these; 1 if there is none. `is_target` tells
/// which of them execution comes to from elsewhere.
pub fn len(insns: &[(u64, Insn)], is_target: impl Fn(usize) -> bool) -> usize {
    let Some(&(_, first)) = insns.first() else { return 0 };
    let Some(mut shape) = shape_of(&first).filter(|_| first.rd != 0) else { return 1 };
    let mut len = 1;
    for (index, &(_, insn)) in insns.iter().enumerate().take(MOST).skip(1) {
        if is_target(index) || insn.rd != first.rd || !reads_once(&insn, first.rd) {
            break;
        }
        if is_load(insn.op) || insn.op == Op::Jalr && shape == Shape::Constant {
            return index + 1;
        }
        match continued(shape, insn.op) {
            Some(next) => shape = next,
            None => break,
        }
        len = index + 1;
    }
    len
}

/// What an instruction computes that can begin a chain.
fn shape_of(insn: &Insn) -> Option<Shape> {
    match insn.op {
        Op::Lui | Op::Auipc => Some(Shape::Constant),
        Op::Addi if insn.rs1 == 0 => Some(Shape::Constant),
        Op::Slli => Some(Shape::Shifted),
        Op::SlliUw => Some(Shape::Field),
        op if is_sum(op) => Some(Shape::Sum),
        _ => None,
    }
}

/// What is computed after another instruction; `None` if both are better compiled apart.
fn continued(shape: Shape, op: Op) -> Option<Shape> {
    match (shape, op) {
        (Shape::Constant, Op::Addi | Op::Addiw | Op::Slli) => Some(Shape::Constant),
        (Shape::Shifted, Op::Srli | Op::Srai) => Some(Shape::Field),
        (_, op) if is_sum(op) => Some(Shape::Sum),
        _ => None,
    }
}

fn is_sum(op: Op) -> bool {
    use Op::*;
    matches!(op, Add | Addi | AddUw | Sh1add | Sh2add | Sh3add | Sh1addUw | Sh2addUw | Sh3addUw)
}

/// Whether the instruction is a load that can be the last of a chain.
pub fn is_load(op: Op) -> bool {
    use Op::*;
    matches!(op, Lb | Lbu | Lh | Lhu | Lw | Lwu | Ld)
}

/// Whether exactly one operand is this register.
fn reads_once(insn: &Insn, r: Reg) -> bool {
    let has_two = is_sum(insn.op) && insn.op != Op::Addi;
    (insn.rs1 == r) != (has_two && insn.rs2 == r)
}

#[cfg(test)]
mod tests {
    use super::super::test_insn as insn;
    use super::*;

    #[test]
    fn a_chain_overwrites_one_register() {
        let len = |insns: &[_]| len(insns, |_| false);
        let shift = insn(Op::Slli, 15, 11, 0);
        let add = insn(Op::Add, 15, 10, 15);
        assert_eq!(len(&[shift, add]), 2);
        assert_eq!(len(&[shift, add, insn(Op::Lw, 15, 15, 0)]), 3);
        assert_eq!(len(&[shift, add, insn(Op::Lw, 14, 15, 0)]), 2, "the address is kept");
        assert_eq!(len(&[shift, insn(Op::Srli, 15, 15, 0), add, insn(Op::Lbu, 15, 15, 0)]), 4);
        assert_eq!(len(&[shift, insn(Op::Add, 15, 10, 11)]), 1, "the shift is not read");
        assert_eq!(len(&[shift, insn(Op::Add, 15, 15, 15)]), 1, "it would be computed twice");
        assert_eq!(len(&[shift, insn(Op::Add, 14, 10, 15)]), 1, "the shift is kept");
        assert_eq!(len(&[shift, insn(Op::Sub, 15, 15, 10)]), 1);
        assert_eq!(len(&[insn(Op::Auipc, 1, 0, 0), insn(Op::Jalr, 1, 1, 0)]), 2);
        assert_eq!(len(&[insn(Op::Add, 1, 5, 6), insn(Op::Jalr, 1, 1, 0)]), 1);
        assert_eq!(len(&[insn(Op::Slli, 0, 11, 0), insn(Op::Addi, 0, 0, 0)]), 1);
        let constant = [insn(Op::Lui, 10, 0, 0), insn(Op::Addiw, 10, 10, 0), insn(Op::Slli, 10, 10, 0)];
        assert_eq!(len(&constant), 3);
        assert_eq!(len(&[&constant[..], &[insn(Op::Add, 10, 10, 11), insn(Op::Lw, 10, 10, 0)]].concat()), 5);
        assert_eq!(super::len(&[shift, add], |index| index == 1), 1, "jumped to");
    }
}
