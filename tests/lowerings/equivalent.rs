//! Mutants that compute the same, with the reason for each. They are not tried.

use crate::mutant::{Change, Mutant};
use remu_isa::{Op, RegClass};

/// Instructions of vectors that differ in the type of the elements only, with others that do.
const SAME_BITS: [[&str; 2]; 6] = [
    ["vmovaps", "vmovapd"],
    ["vandps", "vandpd"],
    ["vandnps", "vandnpd"],
    ["vorps", "vorpd"],
    ["vxorps", "vxorpd"],
    ["vmovsd", "vmovddup"],
];

/// Why no program can tell the mutant from the compiler; `None` if one can.
pub fn reason(mutant: &Mutant) -> Option<&'static str> {
    let (op, is_rare) = mutant.op();
    let (before, after) = mutant.texts();
    let [was, is] = [before, after].map(|text| text.split(' ').next().unwrap_or(text));
    let change = mutant.change();
    if change == Change::Mnemonic && SAME_BITS.contains(&[was, is]) {
        return Some("the lower 64 bits are the same, and nothing reads the others");
    }
    if change == Change::Mnemonic && (was, is) == ("movzx", "movsx") && before.ends_with("al") && !is_extension(op) {
        return Some("the byte is 0 or 1");
    }
    if change == Change::Mnemonic && (was, is) == ("cmp", "sub") && before.starts_with("cmp r") && is_scratch(before) {
        return Some("the flags are the same, and the register is not read any more");
    }
    if is_float(op) && before.starts_with("mov eax, 0x") {
        return Some("the instruction that its definition executes neither stops nor reads the pc");
    }
    if is_float(op) && !is_rare && leaves_more(change, before, after) {
        return Some("more operands are left to the definition, which is right for all");
    }
    if is_amo(op) && !is_rare && was == "mov" && before.starts_with("mov ") && before.contains(", ") {
        let loads_guess = before.contains("ptr [r") && is_scratch(before);
        if loads_guess && matches!(change, Change::Missing | Change::Mnemonic | Change::Register(0)) {
            return Some(
                "the first guess of what is in memory may be wrong: the exchange fails, and says what is there",
            );
        }
    }
    let accesses = op.info().may_fault || op.info().is_atomic;
    if accesses && !is_rare && (before.contains("[Space]") || was == "jae") {
        return Some("what is refused is left to the definition, and beyond the address space the host refuses all");
    }
    if was == "vcvtps2ph" && matches!(change, Change::Number(2)) && ["5", "6", "7"].iter().any(|n| after.ends_with(n)) {
        return Some("the other bits of the mode are not used");
    }
    let merges = ["vcvtsi2ss", "vcvtsi2sd", "vcvtsd2ss", "vroundsd", "vroundss"].contains(&was);
    let is_half = op.mnemonic().starts_with("fcvt.h");
    if !is_half && (merges && change == Change::Register(1) || was == "vxorps" && change == Change::Missing) {
        return Some("the upper bits come from this operand, and are replaced or not read");
    }
    if was == "cmp" && is == "xor" && is_rare && op.info().is_atomic {
        return Some("both tell whether the operands are equal, and the register is not read any more");
    }
    None
}

/// Whether a check of operands or of a result fails for some that it would not need to.
fn leaves_more(change: Change, before: &str, after: &str) -> bool {
    // Whether a register holds a NaN-boxed number: its upper bits are all ones.
    let is_box_check = before.starts_with("cmp ") && before.ends_with(", -1");
    if is_box_check {
        return matches!(change, Change::Number(_) | Change::Register(_));
    }
    if before.starts_with("sar r") && ["0x20", "0x10"].iter().any(|count| before.ends_with(count)) {
        return matches!(change, Change::Missing | Change::Mnemonic);
    }
    if before.starts_with("btr ") {
        return change == Change::Mnemonic && after.starts_with("btc ");
    }
    // Whether the result is a NaN: it is one if an operand is.
    let compares_itself = ["vucomiss xmm15, xmm15", "vucomisd xmm15, xmm15"].contains(&before);
    compares_itself && (matches!(change, Change::Register(_)) || after.starts_with("vucomisd"))
}

/// Whether the first operand is a scratch register.
fn is_scratch(text: &str) -> bool {
    let operand = text.split([' ', ',']).nth(1).unwrap_or("");
    ["rax", "rcx", "rdx", "eax", "ecx", "edx"].contains(&operand)
}

fn is_extension(op: Op) -> bool {
    matches!(op, Op::SextB | Op::SextH | Op::ZextH | Op::Andi | Op::Lb | Op::Lbu)
}

fn is_float(op: Op) -> bool {
    let info = op.info();
    [info.rd, info.rs1, info.rs2].contains(&RegClass::F)
}

fn is_amo(op: Op) -> bool {
    op.info().is_atomic && op.mnemonic().starts_with("amo")
}
