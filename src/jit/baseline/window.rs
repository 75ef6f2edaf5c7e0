//! LR and SC with nothing between them but arithmetic on registers and branches out.
//!
//! Until the SC, the hart does nothing that depends on when the LR was executed. So the LR may as well be executed just
//! before the SC, atomically with it: the pair is a load and a compare-and-exchange of the value that was loaded, and no
//! other value that memory held meanwhile matters. No reservation is made, and nothing can be between LR and SC but what
//! is compiled here.
//!
//! A branch out of the pair makes the reservation, late for the same reason, because an SC may follow there. So does a
//! fault of the SC, for its definition.

use crate::guest::MemType;
use crate::guest::Reg;
use remu_isa::{Insn, Op};

/// The most instructions from LR to SC, both included: as many as a loop may have that is guaranteed to succeed.
const MOST: usize = 16;

/// A pair of LR and SC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The register that holds the address, from the LR to the SC.
    pub addr: Reg,
    /// The register that holds what the LR has loaded, from then to the SC.
    pub value: Reg,
    /// What is accessed.
    pub ty: MemType,
    /// The number of instructions from the LR to the SC.
    pub len: usize,
}

/// The pair that begins with the first of these instructions, if it is one. `is_target` tells which of them execution
/// comes to from elsewhere.
pub fn at(insns: &[(u64, Insn)], is_target: impl Fn(usize) -> bool) -> Option<Window> {
    let (_, lr) = insns.first()?;
    let (sc, ty) = match lr.op {
        Op::LrW => (Op::ScW, MemType::I32),
        Op::LrD => (Op::ScD, MemType::I64),
        _ => return None,
    };
    let (addr, value) = (lr.rs1, lr.rd);
    if value == 0 || value == addr {
        return None;
    }
    for (len, (_, insn)) in insns.iter().enumerate().take(MOST).skip(1) {
        if is_target(len) {
            return None;
        }
        if insn.op == sc && insn.rs1 == addr {
            return Some(Window { addr, value, ty, len });
        }
        let is_kept = insn.rd == 0 || insn.rd != addr && insn.rd != value;
        if !(is_branch(insn.op) || is_arithmetic(insn.op) && is_kept) {
            return None;
        }
    }
    None
}

fn is_branch(op: Op) -> bool {
    matches!(op, Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu)
}

/// Whether the op computes with integer registers only, and is used in such pairs.
fn is_arithmetic(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        Lui | Addi
            | Addiw
            | Add
            | Addw
            | AddUw
            | Sub
            | Subw
            | Andi
            | And
            | Andn
            | Ori
            | Or
            | Orn
            | Xori
            | Xor
            | Xnor
            | Slli
            | Slliw
            | Sll
            | Sllw
            | Srli
            | Srliw
            | Srl
            | Srlw
            | Srai
            | Sraiw
            | Sra
            | Sraw
            | Slti
            | Sltiu
            | Slt
            | Sltu
            | Min
            | Minu
            | Max
            | Maxu
            | SextB
            | SextH
            | ZextH
    )
}

#[cfg(test)]
mod tests {
    use super::super::test_insn as insn;
    use super::*;

    #[test]
    fn only_arithmetic_and_branches_are_between() {
        let lr = insn(Op::LrW, 15, 10, 0);
        let sc = insn(Op::ScW, 14, 10, 12);
        let pair = |between: &[_]| at(&[&[lr], between, &[sc]].concat(), |_| false).map(|window| window.len);
        assert_eq!(pair(&[]), Some(1));
        assert_eq!(pair(&[insn(Op::Bne, 0, 15, 11), insn(Op::Or, 14, 15, 13)]), Some(3));
        assert_eq!(pair(&[insn(Op::Addi, 13, 13, 0); 14]), Some(15));
        assert_eq!(pair(&[insn(Op::Addi, 13, 13, 0); 15]), None, "too long");
        for other in [
            insn(Op::Lw, 14, 11, 0),
            insn(Op::Sw, 0, 11, 12),
            insn(Op::LrW, 14, 11, 0),
            insn(Op::ScD, 14, 10, 12),
            insn(Op::ScW, 14, 11, 12),
            insn(Op::Csrrs, 14, 0, 0),
            insn(Op::Jal, 0, 0, 0),
            insn(Op::Fence, 0, 0, 0),
            insn(Op::FaddD, 14, 1, 2),
            insn(Op::Addi, 10, 10, 0),
            insn(Op::Addi, 15, 15, 0),
        ] {
            assert_eq!(pair(&[other]), None, "{}", other.1.op);
        }
        assert_eq!(at(&[lr, sc], |index| index == 1), None, "jumped to");
        assert_eq!(at(&[insn(Op::LrW, 10, 10, 0), sc], |_| false), None, "the address is lost");
        assert_eq!(at(&[insn(Op::LrW, 0, 10, 0), sc], |_| false), None, "the value is lost");
        assert_eq!(at(&[insn(Op::LrD, 15, 10, 0), sc], |_| false), None, "another size");
    }
}
