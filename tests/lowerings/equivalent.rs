//! Mutants that compute the same, with the reason for each. They are not tried.

use crate::mutant::{Change, Context, Mutant};
use remu_isa::{Op, Operand, RegClass};

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
    context: Context,
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
        let is_condition = matches!(c.op, Op::Slt | Op::Slti | Op::Sltu | Op::Sltiu | Op::Bext | Op::ScW | Op::ScD);
        is_condition && (c.was, c.is) == ("movzx", "movsx") && !c.before.contains('[')
    }),
    ("the upper bits are set afterwards, whatever they are", |c| {
        c.op == Op::FmvHX && (c.was, c.is) == ("movzx", "movsx")
    }),
    ("all bits are set, in elements of any size", |c| {
        let mut operands = operands(c.before);
        let first = operands.next();
        [c.was, c.is].iter().all(|name| name.starts_with("vpcmpeq")) && operands.all(|operand| Some(operand) == first)
    }),
    ("the rounding mode is below 8", |c| {
        c.name.starts_with("csrr") && (c.was, c.is) == ("movzx", "movsx") && c.before.ends_with("byte ptr [frm]")
    }),
    ("the flags are the same, and the bound of a conversion is not read any more", |c| {
        (c.was, c.is) == ("cmp", "sub") && (is_to_integer(c) || is_from_integer(c)) && are_scratch(c.before)
    }),
    ("the instruction that its definition executes neither stops nor reads the pc", |c| {
        let is_wrong_pc = match c.change {
            Change::Number(1) | Change::Missing => true,
            Change::Register(0) => writes(c.after, &["ecx"]),
            _ => false,
        };
        // The rare parts are those of instructions whose rounding mode is valid.
        (is_float(c.op) && c.is_rare || never_stops(c.op)) && c.context.loads_pc && is_wrong_pc
    }),
    ("the definition of this instruction never stops", |c| {
        never_stops(c.op) && c.context.follows_call && c.change == Change::Missing
    }),
    ("the flags are the same, and what was checked is not read any more", |c| {
        is_float(c.op) && (c.was, c.is) == ("cmp", "sub") && is_box_check(c)
    }),
    ("the lower half is what is compared: the other one is its sign", |c| {
        is_box_check(c) && reads_singles(c.name) && c.change == Change::Register(0) && c.after.starts_with("cmp e")
    }),
    ("no two bits are added", |c| {
        let merges_flags = c.name.starts_with("csrr") && c.before.starts_with("or e") && are_scratch(c.before);
        let packs = matches!(c.op, Op::Pack | Op::Packh | Op::Packw | Op::Brev8);
        (c.was, c.is) == ("or", "add") && c.change == Change::Mnemonic && (merges_flags || packs)
    }),
    ("the byte comes from a table of numbers below 64", |c| {
        c.name.starts_with("csrr") && (c.was, c.is) == ("movzx", "movsx") && c.before.contains("byte ptr [r")
    }),
    ("both tell whether the modes are equal, and the register is not read any more", |c| {
        c.name.starts_with("csrr") && (c.was, c.is) == ("cmp", "xor") && c.before.ends_with("byte ptr [frm]")
    }),
    ("an immediate has no bits of the rounding mode: it stays, or is written by the definition", |c| {
        let is_check =
            c.before == "shr edx, 5" && matches!(c.change, Change::Missing | Change::Mnemonic | Change::Number(1));
        ["csrrsi", "csrrci"].contains(&c.name) && is_check
    }),
    ("an immediate sets no bits of the rounding mode, which is only compared here", |c| {
        // csrrsi and csrrci of fcsr.
        let is_small = operands(c.after).nth(1).and_then(number).is_some_and(|n| n < 32);
        let is_immediate = c.change == Change::Number(1) && ["or", "and"].contains(&c.was) && is_small;
        ["csrrsi", "csrrci"].contains(&c.name) && c.context.checks_mode == Some(true) && is_immediate
    }),
    ("written modes that are not equal are left to the definition; what is equal has set or cleared no bit", |c| {
        // The register is or-ed into something else than the old value, or its bits are cleared there. If the result is
        // the old mode, the register has no others, or none of it.
        let copies_old = ["csrrs", "csrrc", "csrrsi", "csrrci"].contains(&c.name) && c.before == "mov rdx, rax";
        let is_wrong_old = copies_old
            && (matches!(c.change, Change::Missing | Change::Register(1))
                || c.change == Change::Mnemonic && c.is != "xchg");
        // A sum of the old mode and a number is the old mode only if the number has no bits of it.
        let is_sum = c.name == "csrrs" && (c.was, c.is) == ("or", "add");
        let is_frm = c.context.checks_mode == Some(false);
        c.context.checks_mode.is_some() && is_wrong_old || is_frm && is_sum
    }),
    ("more values than the old mode are left to the definition; the old mode is below 8", |c| {
        let is_mask = c.before == "and edx, 7" && c.context.checks_mode.is_some();
        let masks_old = c.context.checks_mode == Some(false) && c.after == "and eax, 7";
        // Seven less than a part of the old mode is not the old mode.
        let clears = ["csrrc", "csrrci"].contains(&c.name);
        is_mask && (c.change == Change::Missing || clears && (masks_old || c.is == "sub"))
    }),
    ("writing the lower half clears the upper one", |c| {
        c.was == "movzx" && c.change == Change::Register(0) && c.before.replacen("movzx e", "movzx r", 1) == c.after
    }),
    ("it is a hint to the host's processor", |c| c.before == "pause" && c.change == Change::Missing),
    ("zero is the old mode only if that is zero, of which nothing can be cleared", |c| {
        let is_shift = c.before == "shr edx, 5" && c.context.checks_mode.is_some();
        ["csrrc", "csrrci"].contains(&c.name) && is_shift && c.is == "shl"
    }),
    ("MXCSR is loaded with what it holds: no other register holds it, and it is not zero, as the flags say", |c| {
        let is_check = c.was == "cmp" && c.before.ends_with("dword ptr [rsp]") && !c.is_rare;
        // csrrw can compare what it has read before, without other flags.
        let is_missing = c.change == Change::Missing && c.name != "csrrw";
        c.name.starts_with("csrr") && is_check && (c.change == Change::Register(0) || is_missing)
    }),
    ("the flags say whether the new mode is zero; then the old one is, as no bit was cleared", |c| {
        let is_check = c.was == "cmp" && c.before.ends_with("byte ptr [frm]") && c.change == Change::Missing;
        ["csrrs", "csrrsi"].contains(&c.name) && is_check
    }),
    ("rax holds the address, too, with a mark in bits that are shifted out", |c| {
        let is_hash = c.before.starts_with("xor ecx, ") || c.before.starts_with("mov ecx, ");
        let is_marked = c.change == Change::Register(1) && c.after.ends_with(", eax");
        matches!(c.op, Op::ScW | Op::ScD) && !c.is_rare && is_hash && is_marked
    }),
    ("a half is less than the largest integer of 32 bits, and its sign has been looked at", |c| {
        let is_conversion = c.was.starts_with("vcvt") && c.change == Change::Register(0) && c.after.contains(" e");
        ["fcvt.wu.h", "fcvt.lu.h"].contains(&c.name) && is_conversion
    }),
    ("the pc of another entry is another one: the target is looked up", |c| {
        let is_index = ["shr ecx, ", "rorx ecx, ", "xor ecx, "].iter().any(|start| c.before.starts_with(start));
        let is_other = matches!(c.change, Change::Missing | Change::Number(_)) || (c.was, c.is) == ("shr", "shl");
        c.op == Op::Jalr && !c.is_rare && is_index && is_other
    }),
    ("if the old mode is not zero, what an immediate writes is left to the definition; zero is zero shifted", |c| {
        let is_shift = c.before.starts_with("shl e") && c.before.ends_with(", 5");
        let is_wrong_shift = is_shift && matches!(c.change, Change::Missing | Change::Mnemonic | Change::Number(1));
        let is_missing = c.before == "or eax, edx" && c.change == Change::Missing;
        c.name == "csrrwi" && (is_wrong_shift || is_missing)
    }),
    ("the check of a box has left the flags of an unordered comparison, which finds a NaN or leaves more to it", |c| {
        let is_check = ["vucomiss", "vucomisd"].contains(&c.was) && c.change == Change::Missing;
        is_check && c.context.follows_box_check && is_float(c.op) && !c.is_rare && !is_comparison(c.name)
    }),
    (
        "the definition, which follows, does the same: the result is a canonical NaN or one of equal numbers again",
        |c| is_float(c.op) && c.was == "jmp" && c.change == Change::Missing && c.context.is_before_definition,
    ),
    ("the upper half is the box, a quiet NaN as a single; what is made of it is not read", |c| {
        c.name == "fcvt.h.s" && (c.was, c.is) == ("vmovss", "vmovsd")
    }),
    ("numbers whose sign is not cleared are left to the definition", |c| {
        // Another register gets the limit next.
        let is_other = c.change == Change::Register(0) && writes(c.after, &["rax", "rcx", "rdx", "eax", "ecx", "edx"]);
        let is_wrong = c.change == Change::Missing || is_other || ["btc", "bts"].contains(&c.is);
        is_to_integer(c) && !c.is_rare && c.was == "btr" && is_wrong
    }),
    ("of a normal number, only copies of the sign are used", |c| {
        let is_next = ["0x1f", "0x3f"]
            .iter()
            .zip(["0x1e", "0x3e"])
            .any(|(was, is)| c.before.ends_with(was) && c.after.ends_with(is));
        c.name.starts_with("fclass") && !c.is_rare && c.was == "sar" && c.change == Change::Number(1) && is_next
    }),
    ("the call leaves no carry", |c| {
        c.context.follows_call && (c.was, c.is) == ("add", "adc") && c.before.ends_with("qword ptr [instret], -1")
    }),
    (
        "a place that is reserved was in the address space when it was loaded from; others are refused without an access",
        |c| {
            let is_check = c.was == "cmp" && c.before.ends_with("qword ptr [Space]");
            let is_wrong_check = is_check && matches!(c.change, Change::Missing | Change::Register(0));
            let is_wrong_jump = c.was == "jae" && (c.change == Change::Missing || c.is == "jb");
            matches!(c.op, Op::ScW | Op::ScD) && !c.is_rare && (is_wrong_check || is_wrong_jump)
        },
    ),
    ("the first guess of what is in the bucket may be wrong: the exchange fails, and says what is there", |c| {
        // What is there instead is the address of the table, which is even.
        is_load_reserved(c.op) && !c.is_rare && c.before == "mov rax, qword ptr [rcx]" && c.change == Change::Missing
    }),
    ("more numbers are left to the definition, which is right for all", |c| {
        let lowers = |text: &str| operands(text).nth(1).and_then(number);
        let is_bound = c.was.starts_with("mov") && c.change == Change::Number(1) && lowers(c.after) < lowers(c.before);
        // Behind `xor`, "above" means not equal.
        let is_equality = (c.was, c.is) == ("cmp", "xor");
        !c.is_rare && is_to_integer(c) && (is_bound || is_equality) && operands_are_scratch_or_numbers(c.before)
    }),
    ("a NaN that is in the register anyway is found again", |c| {
        let is_found = ["vucomiss xmm15, xmm15", "vucomisd xmm15, xmm15"].contains(&c.before);
        let is_wrong = match c.change {
            Change::Missing | Change::Register(_) => true,
            Change::Mnemonic => c.is == "vucomisd",
            Change::Number(_) | Change::Unlocked => false,
        };
        c.is_rare && is_found && is_wrong
    }),
    ("more registers are looked at for NaNs, which is done again before one is made canonical", |c| {
        let operands: Vec<&str> = operands(c.before).collect();
        let is_check = !c.is_rare && ["vucomiss", "vucomisd"].contains(&c.was) && !is_comparison(c.name);
        let one_stays = operands.len() == 2 && operands[0] == operands[1] && matches!(c.change, Change::Register(_));
        // A boxed single is a NaN as a double.
        is_check && (one_stays || c.is == "vucomisd" && c.was == "vucomiss")
    }),
    ("what is not refused is accessed; what is, is done by the definition", |c| {
        // The test of the alignment, which comes before, leaves no carry, and neither does `xor`.
        let is_check = c.was == "cmp" && c.before.ends_with("qword ptr [Space]") && !c.is_rare;
        let is_never_below = match c.change {
            Change::Missing => c.op.info().is_atomic && !c.name.ends_with(".b"),
            Change::Mnemonic => c.is == "xor" && writes(c.before, &["rax", "rcx", "rdx"]),
            _ => false,
        };
        is_check && is_never_below
    }),
    ("only another hart can have claimed the bucket, or changed what is exchanged", |c| {
        let is_check = c.op.info().is_atomic && c.is_rare && c.was == "jne" && c.change == Change::Missing;
        let is_again = is_loop(c.name) && !c.is_rare && c.before.starts_with("jne 0xfffffffffffffff");
        let is_again = is_again || is_loop(c.name) && c.before.starts_with("jne 0xffffffffffffffe");
        // Making a reservation, the exchange has failed.
        let is_failure = c.before == "test al, 1" && c.change == Change::Missing;
        let is_failure = is_failure || c.was == "je" && (c.change == Change::Missing || c.is == "jne");
        is_check || is_again && c.change == Change::Missing || is_load_reserved(c.op) && c.is_rare && is_failure
    }),
    ("the version of a bucket has 32 bits, unless a process is killed in a store-conditional", |c| {
        let is_version = c.was == "lea" && c.change == Change::Register(0) && c.after.starts_with("lea e");
        let is_next = (c.before, c.after) == ("add rdx, 3", "add edx, 3");
        is_next && matches!(c.op, Op::ScW | Op::ScD)
            || c.op.info().is_atomic && is_version && ["+ 1]", "+ 2]", "+ 3]"].iter().any(|end| c.before.ends_with(end))
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
            "vcvtsi2ss" | "vcvtsi2sd" | "vcvtsd2ss" | "vcvtss2sd" | "vroundsd" | "vsqrtsd" => true,
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
        let is_place = c.before == "cmp rax, qword ptr [reserved.place]";
        (c.was, c.is) == ("cmp", "xor") && (c.is_rare || is_place) && c.op.info().is_atomic
    }),
];

/// Why no program can tell the mutant from the compiler; `None` if one can.
pub fn reason(mutant: &Mutant) -> Option<&'static str> {
    let (op, is_rare) = mutant.op();
    let (before, after) = mutant.texts();
    let [was, is] = [before, after].map(|text| text.split(' ').next().unwrap_or(text));
    let (context, change) = (mutant.context(), mutant.change());
    let c = Case { op, name: op.mnemonic(), is_rare, context, change, before, after, was, is };
    RULES.iter().find(|(_, holds)| holds(&c)).map(|(reason, _)| *reason)
}

/// Whether a check of operands or of a result fails for some that it would not need to.
fn leaves_more(c: &Case<'_>) -> bool {
    // A register whose upper bits are compared with ones. The comparison is one of 64 bits.
    if c.before.starts_with("sar r") && ["0x20", "0x10"].iter().any(|count| c.before.ends_with(count)) {
        return matches!(c.change, Change::Missing | Change::Mnemonic)
            || c.change == Change::Register(0) && c.after.starts_with("sar e");
    }
    false
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

fn is_load_reserved(op: Op) -> bool {
    matches!(op, Op::LrW | Op::LrD)
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

/// Whether the definition of an instruction neither stops nor says where execution continues.
fn never_stops(op: Op) -> bool {
    let info = op.info();
    let is_plain = !info.may_fault && !info.is_atomic && !info.has_rm && info.rd != RegClass::None;
    is_plain && ![Operand::Csr, Operand::Target].iter().any(|o| info.operands.contains(o)) && op != Op::Jalr
}

/// Whether the upper bits of a number are compared with ones.
fn is_box_check(c: &Case<'_>) -> bool {
    is_float(c.op) && !c.is_rare && c.before.starts_with("cmp r") && c.before.ends_with(", -1")
}

/// Whether the numbers that the instruction reads are singles.
fn reads_singles(name: &str) -> bool {
    if name.starts_with("fcvt") { name.ends_with(".s") } else { name.contains(".s") }
}

fn is_comparison(name: &str) -> bool {
    ["feq", "flt", "fle"].iter().any(|start| name.starts_with(start))
}

fn operands_are_scratch_or_numbers(text: &str) -> bool {
    operands(text).all(|operand| number(operand).is_some() || are_scratch(&format!("- {operand}")))
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}
