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

/// A reason, and whether it is one for a mutant.
type Rule = (&'static str, fn(&Case<'_>) -> bool);

/// What the rules look at.
struct Case<'a> {
    op: Op,
    name: &'static str,
    is_rare: bool,
    loads_pc: bool,
    change: Change,
    before: &'a str,
    after: &'a str,
    /// The mnemonics.
    was: &'a str,
    is: &'a str,
}

const RULES: &[Rule] = &[
    ("the lower 64 bits are the same, and nothing reads the others", |c| {
        c.change == Change::Mnemonic && SAME_BITS.contains(&[c.was, c.is])
    }),
    ("the byte is 0 or 1", |c| {
        let is_condition = matches!(c.op, Op::Slt | Op::Slti | Op::Sltu | Op::Sltiu | Op::Bext);
        is_condition && (c.was, c.is) == ("movzx", "movsx") && !c.before.contains('[')
    }),
    ("the flags are the same, and the bound of a conversion is not read any more", |c| {
        (c.was, c.is) == ("cmp", "sub") && (is_to_integer(c) || is_from_integer(c)) && are_scratch(c.before)
    }),
    ("the instruction that its definition executes neither stops nor reads the pc", |c| {
        is_float(c.op) && c.is_rare && c.loads_pc && matches!(c.change, Change::Number(_) | Change::Missing)
    }),
    ("more operands are left to the definition, which is right for all", |c| {
        is_float(c.op) && !c.is_rare && leaves_more(c)
    }),
    ("the first guess of what is in memory may be wrong: the exchange fails, and says what is there", |c| {
        let loads_guess = c.was == "mov" && is_guest_memory(c.before) && writes(c.before, &["rax", "eax", "ax", "al"]);
        let is_wrong = match c.change {
            Change::Missing => true,
            Change::Mnemonic => c.is != "xchg",
            // The new value is computed there from what the exchange finds.
            Change::Register(0) => writes(c.after, &["rcx", "ecx", "cx", "cl"]),
            _ => false,
        };
        is_loop(c.name) && !c.is_rare && loads_guess && is_wrong
    }),
    ("the other bits of the mode are not used", |c| {
        let others = ["5", "6", "7"];
        c.was == "vcvtps2ph" && c.change == Change::Number(2) && others.iter().any(|n| c.after.ends_with(n))
    }),
    ("the upper bits come from this operand, and are replaced or not read", |c| {
        let is_merge = match c.was {
            "vcvtsi2ss" | "vcvtsi2sd" | "vcvtsd2ss" | "vroundsd" => true,
            "vroundss" => is_to_integer(c),
            _ => false,
        };
        is_merge && c.change == Change::Register(1) && !is_from_integer_to_half(c)
    }),
    ("the upper bits come from this register, whatever they are, and are replaced or not read", |c| {
        let operands: Vec<&str> = operands(c.before).collect();
        let is_zero = c.was == "vxorps" && operands.iter().all(|operand| *operand == operands[0]);
        let stays_scratch = c.change == Change::Missing || writes(c.after, &["xmm13", "xmm14", "xmm15"]);
        is_from_integer(c) && !is_from_integer_to_half(c) && is_zero && stays_scratch
    }),
    ("both tell whether the operands are equal, and the register is not read any more", |c| {
        (c.was, c.is) == ("cmp", "xor") && c.is_rare && c.op.info().is_atomic
    }),
];

/// Why no program can tell the mutant from the compiler; `None` if one can.
pub fn reason(mutant: &Mutant) -> Option<&'static str> {
    let (op, is_rare) = mutant.op();
    let (before, after) = mutant.texts();
    let [was, is] = [before, after].map(|text| text.split(' ').next().unwrap_or(text));
    let (loads_pc, change) = (mutant.loads_pc(), mutant.change());
    let c = Case { op, name: op.mnemonic(), is_rare, loads_pc, change, before, after, was, is };
    RULES.iter().find(|(_, holds)| holds(&c)).map(|(reason, _)| *reason)
}

/// Whether a check of operands or of a result fails for some that it would not need to.
fn leaves_more(c: &Case<'_>) -> bool {
    // A register whose upper bits are compared with ones. The comparison is one of 64 bits.
    if c.before.starts_with("sar r") && ["0x20", "0x10"].iter().any(|count| c.before.ends_with(count)) {
        return matches!(c.change, Change::Missing | Change::Mnemonic)
            || c.change == Change::Register(0) && c.after.starts_with("sar e");
    }
    // A boxed single or half is a NaN as a double, and a quiet one, so the numbers seem unordered.
    let is_boxed = (c.was, c.is) == ("vucomiss", "vucomisd");
    let settles = ["vucomiss xmm15, xmm15", "vucomisd xmm15, xmm15"].contains(&c.before);
    let chooses = c.name.starts_with("fmin") || c.name.starts_with("fmax");
    // Whether the result is a NaN: it is one if an operand is.
    is_boxed && (settles || chooses) || settles && matches!(c.change, Change::Register(_))
}

fn operands(text: &str) -> impl Iterator<Item = &str> {
    text.split_once(' ').map_or("", |(_, operands)| operands).split(", ")
}

/// Whether the first operand is one of these registers.
fn writes(text: &str, registers: &[&str]) -> bool {
    operands(text).next().is_some_and(|operand| registers.contains(&operand))
}

/// Whether all operands are scratch registers.
fn are_scratch(text: &str) -> bool {
    operands(text).all(|operand| ["rax", "rcx", "rdx", "eax", "ecx", "edx"].contains(&operand))
}

/// Whether an operand is memory at a guest address, which is in a register of the host. What is at a displacement from
/// rbp has a name instead; that of the return address begins with an r, too.
fn is_guest_memory(text: &str) -> bool {
    text.contains("[r") && !text.contains("[ra]")
}

fn is_float(op: Op) -> bool {
    let info = op.info();
    [info.rd, info.rs1, info.rs2].contains(&RegClass::F)
}

fn is_to_integer(c: &Case<'_>) -> bool {
    c.name.starts_with("fcvt") && c.op.info().rd == RegClass::X
}

fn is_from_integer(c: &Case<'_>) -> bool {
    c.name.starts_with("fcvt") && c.op.info().rs1 == RegClass::X
}

/// The upper bits of the single on the way stay above the half.
fn is_from_integer_to_half(c: &Case<'_>) -> bool {
    is_from_integer(c) && c.name.starts_with("fcvt.h")
}

/// Whether the atomic operation is a loop around an exchange.
fn is_loop(name: &str) -> bool {
    ["amoand", "amoor", "amoxor", "amomin", "amomax"].iter().any(|start| name.starts_with(start))
}
