//! Equivalent mutants: those that no program can distinguish from the original, and why.

use crate::call::Call;
use crate::mutant::{Act, Change, Field, Mutant};
use crate::operators::words;
use crate::suite;
use remu::guest::IntType;
use remu::guest::riscv::fp::Fmt;
use remu_isa::{Insn, Op, RegClass, Xlen, decode};

/// Why the mutant is equivalent, if it is.
pub fn reason(mutant: &Mutant) -> Option<&'static str> {
    use Op::{Csrrc, Csrrci, Csrrs, Csrrsi, Csrrw, Csrrwi};
    let Mutant { op, xlen, change } = *mutant;
    match (op, change) {
        (Csrrw | Csrrs | Csrrc | Csrrwi | Csrrsi | Csrrci, Change::BitsExchanged(Field::Imm, 8)) => {
            Some("these bits of a CSR's number are the least mode that has it, 00 or 11 while there are no others")
        }
        (_, Change::ConstantBit(bit)) if supervises(op) && becomes(op, xlen, bit, is_illegal) => {
            Some("without a supervisor mode it is illegal, and so is what it is taken for")
        }
        (_, Change::ConstantBit(_)) if supervises(op) => None,
        (_, _) if supervises(op) => Some("without a supervisor mode it is illegal, whatever its operands"),
        (Op::FenceI, _) => None,
        (Op::MopRN, Change::ConstantBit(25)) => Some("it becomes mop.rr.n, which writes zero, too"),
        (_, Change::ConstantBit(bit)) if becomes(op, xlen, bit, |insn| insn.is_some_and(|i| has_no_effect(&i))) => {
            Some("it has no effect, and what it is taken for has none")
        }
        (Op::FcvtWuH | Op::FcvtLuH, Change::Call(_, _, Act::Instead(Call::FpToInt(Fmt::H, to)))) => {
            let unsigned = [IntType::U32, IntType::U64].contains(&to);
            unsigned.then_some(
                "no finite number of the format reaches 2^32, and what is out of range becomes all ones in both",
            )
        }
        (Op::FcvtWuH | Op::FcvtLuH, Change::ConstantBit(21)) => Some("it becomes the other of these two, as above"),
        (Op::FcvtHWu, Change::Call(_, _, Act::Instead(Call::FpFromInt(Fmt::H, IntType::U64))))
            if xlen == Xlen::Rv32 =>
        {
            Some("they differ above 2^31, where both overflow")
        }
        _ => None,
    }
}

/// The instructions of supervisor mode.
fn supervises(op: Op) -> bool {
    matches!(op, Op::Sret | Op::SfenceVma | Op::SinvalVma | Op::SfenceWInval | Op::SfenceInvalIr)
}

/// Whether machines without a supervisor mode refuse it: CSRs as well, whose numbers here are all supervisor mode's.
fn is_illegal(insn: Option<Insn>) -> bool {
    use Op::{Csrrc, Csrrci, Csrrs, Csrrsi, Csrrw, Csrrwi};
    insn.is_none_or(|i| supervises(i.op) || [Csrrw, Csrrs, Csrrc, Csrrwi, Csrrsi, Csrrci].contains(&i.op))
}

/// Whether all words of the op, with this bit inverted, are decoded to such; as is the op itself, if it is decoded.
fn becomes(op: Op, xlen: Xlen, bit: u8, such: impl Fn(Option<Insn>) -> bool) -> bool {
    let isa = suite::isa(xlen);
    words(op, isa).all(|(word, insn)| such(Some(insn)) && such(decode(word ^ 1 << bit, isa).ok()))
}

/// Whether the state of a hart by itself is the same afterwards. `fence.i` makes certain what may be so without.
fn has_no_effect(insn: &Insn) -> bool {
    use Op::{
        Add, Fence, FenceI, NtlAll, NtlP1, NtlPall, NtlS1, Pause, PrefetchI, PrefetchR, PrefetchW, WrsNto, WrsSto,
    };
    let hints = [Fence, FenceI, NtlAll, NtlP1, NtlPall, NtlS1, Pause, PrefetchI, PrefetchR, PrefetchW, WrsNto, WrsSto];
    // The width only matters to immediates that are not looked at.
    let insn = insn.expand(Xlen::Rv64);
    let info = insn.op.info();
    let computes = info.rd == RegClass::X && !info.may_fault && !info.ends_block && !info.has_rm;
    hints.contains(&insn.op) || computes && insn.rd == 0 || insn.op == Add && insn.rs1 == 0 && insn.rs2 == insn.rd
}
