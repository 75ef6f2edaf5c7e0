//! Mutants that no program can tell from what they are mutants of, and why.

use crate::mutant::{Change, Field, Mutant};
use remu_isa::Op;

/// Why nobody can tell, if that is so.
pub fn reason(mutant: &Mutant) -> Option<&'static str> {
    let Mutant { op, change, .. } = *mutant;
    match (op, change) {
        (
            Op::Csrrw | Op::Csrrs | Op::Csrrc | Op::Csrrwi | Op::Csrrsi | Op::Csrrci,
            Change::BitsExchanged(Field::Imm, 8),
        ) => {
            Some("these two bits of a CSR's number are the least mode that has it: 00 or 11, while there are no others")
        }
        (Op::Fence, Change::ConstantBit(12)) => Some("fence.i does more, and nothing else that a single hart can see"),
        (Op::CNop, Change::ConstantBit(14)) => Some("it becomes c.li of x0, a hint as well"),
        (Op::Sret | Op::SfenceVma | Op::SinvalVma | Op::SfenceWInval | Op::SfenceInvalIr, _) => {
            Some("without a supervisor mode it is illegal, and so is what it is taken for")
        }
        _ => None,
    }
}
