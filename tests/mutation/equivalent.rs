//! Equivalent mutants: those that no program can distinguish from the original, with the reason.

use crate::call::Call;
use crate::mutant::{Act, Change, Mutant};
use crate::operators::words;
use crate::suite;
use remu::guest::riscv::IntType;
use remu::guest::riscv::fp::Fmt;
use remu_isa::{Insn, Op, RegClass, Xlen, decode};

/// Why the mutant is equivalent, if it is.
pub fn reason(mutant: &Mutant) -> Option<&'static str> {
    let Mutant { op, xlen, change } = *mutant;
    match (op, change) {
        // It has an effect within a block: what follows is decoded anew.
        (Op::FenceI, _) => None,
        (Op::MopRN, Change::ConstantBit(25)) => Some("decodes to mop.rr.n, which also writes zero"),
        (_, Change::ConstantBit(bit)) if becomes(op, xlen, bit, |insn| insn.is_some_and(|i| has_no_effect(&i))) => {
            Some("no effect, and neither has the instruction it decodes to")
        }
        (Op::FcvtWuH | Op::FcvtLuH, Change::Call(_, _, Act::Instead(Call::FpToInt(Fmt::H, to)))) => {
            let unsigned = [IntType::U32, IntType::U64].contains(&to);
            unsigned.then_some(
                "no finite number of the format reaches 2^32, and out-of-range values become all ones in both",
            )
        }
        (Op::FcvtWuH | Op::FcvtLuH, Change::ConstantBit(21)) => Some("decodes to the other of these two; see above"),
        (Op::FcvtHWu, Change::Call(_, _, Act::Instead(Call::FpFromInt(Fmt::H, IntType::U64))))
            if xlen == Xlen::Rv32 =>
        {
            Some("they differ only above 2^31, where both overflow")
        }
        _ => None,
    }
}

/// Whether `such` holds for all encodings of the op, and for what they decode to with this bit inverted.
fn becomes(op: Op, xlen: Xlen, bit: u8, such: impl Fn(Option<Insn>) -> bool) -> bool {
    let isa = suite::isa(xlen);
    words(op, isa).all(|(word, insn)| such(Some(insn)) && such(decode(word ^ 1 << bit, isa).ok()))
}

/// Whether the instruction leaves the state of a single hart unchanged. `fence.i` only guarantees what may hold without
/// it.
fn has_no_effect(insn: &Insn) -> bool {
    use Op::{
        Add, Fence, FenceI, NtlAll, NtlP1, NtlPall, NtlS1, Pause, PrefetchI, PrefetchR, PrefetchW, WrsNto, WrsSto,
    };
    let hints = [Fence, FenceI, NtlAll, NtlP1, NtlPall, NtlS1, Pause, PrefetchI, PrefetchR, PrefetchW, WrsNto, WrsSto];
    // The width only matters to immediates, which are ignored here.
    let insn = insn.expand(Xlen::Rv64);
    let info = insn.op.info();
    let computes = info.rd == RegClass::X && !info.may_fault && !info.ends_block && !info.has_rm;
    hints.contains(&insn.op) || computes && insn.rd == 0 || insn.op == Add && insn.rs1 == 0 && insn.rs2 == insn.rd
}
