//! The mutation operators: they generate the mutants of an instruction. They skip mutants known to be equivalent:
//! swapped operands of a commutative operation, the upper half of a 32-bit hart's registers, fields without effect.

use crate::call::{Binary, Call, Unary};
use crate::common::rng::Rng;
use crate::mutant::{Act, Change, Field, FlowChange, Mutant};
use remu::guest::riscv::Trap;
use remu::guest::riscv::fp::Fmt;
use remu::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType, Sgnj};
use remu::guest::{AmoOp, BitOp, Cond, MemType, Width};
use remu_isa::{Insn, Isa, Op, Operand, RegClass, Xlen, decode};

/// The number of sampled encodings that determine the bits of a row's fields.
const SAMPLES: u32 = 4000;

/// The minimum number of mutants per instruction.
pub const EACH: usize = 5;

/// All mutants of an op with these calls. A compressed op has no semantics of its own.
pub fn mutants(op: Op, isa: Isa, calls: &[Call]) -> Vec<Mutant> {
    let xlen = isa.xlen;
    let mut changes = row(op, isa);
    let calls = if is_privileged(op) { &[] } else { calls };
    if calls.is_empty() && changes.len() < EACH {
        changes = constant_bits(op, isa, false).chain(changes).collect();
    }
    for (n, call) in calls.iter().enumerate() {
        changes.extend(acts(op, xlen, *call).into_iter().map(|act| Change::Call(n, *call, act)));
    }
    changes.extend(flow_changes(op, xlen, calls).into_iter().map(Change::Flow));
    changes.into_iter().map(|change| Mutant { op, xlen, change }).collect()
}

// --- table rows ---

/// Random encodings of an op.
pub fn words(op: Op, isa: Isa) -> impl Iterator<Item = (u32, Insn)> {
    let pattern = op.pattern(isa.xlen).expect("only called for ops that exist at this width");
    let width = if op.info().compressed { 0xffff } else { u32::MAX };
    let mut rng = Rng(op as u64);
    (0..SAMPLES).filter_map(move |_| {
        let random = (rng.next() >> 32) as u32;
        let word = (pattern.value | random & !pattern.mask) & width;
        decode(word, isa).ok().filter(|insn| insn.op == op).map(|insn| (word, insn))
    })
}

/// The fields whose bits make a difference.
fn fields(op: Op) -> Vec<Field> {
    let info = op.info();
    let has = |operand| info.operands.contains(&operand);
    Field::ALL
        .into_iter()
        .filter(|field| match field {
            Field::Rd => info.rd != RegClass::None,
            Field::Rs1 => (info.rs1 != RegClass::None || has(Operand::Zimm)) && !is_hint(op),
            Field::Rs2 => info.rs2 != RegClass::None && !is_hint(op),
            Field::Rs3 => info.rs3 != RegClass::None,
            Field::Rm => info.has_rm && !has(Operand::RmExact),
            Field::Imm => IMMEDIATES.into_iter().any(has) && !is_hint(op),
        })
        .collect()
}

/// Operands that are in the immediate and have an effect.
const IMMEDIATES: [Operand; 9] = [
    Operand::Imm,
    Operand::Uimm,
    Operand::Hi20,
    Operand::Target,
    Operand::ImmRs1,
    Operand::UimmRs1,
    Operand::UimmSp,
    Operand::Csr,
    Operand::Fli,
];

/// The constant bits that, inverted, turn a word of the row into another instruction, or into none.
fn constant_bits(op: Op, isa: Isa, of_another: bool) -> impl Iterator<Item = Change> {
    let mask = op.pattern(isa.xlen).expect("as above").mask;
    let len = if op.info().compressed { 2 } else { 4 };
    let words: Vec<u32> = words(op, isa).map(|(word, _)| word).collect();
    let is_another = move |bit: u8| {
        let other = |word: &u32| decode(word ^ 1 << bit, isa).is_ok_and(|other| other.op != op && other.len == len);
        words.iter().any(other)
    };
    let constant = (2..32u8).filter(move |bit| mask >> bit & 1 != 0);
    constant.filter(move |bit| is_another(*bit) == of_another).map(Change::ConstantBit)
}

/// Hints, whose operands have no effect, or that have no effect at all.
fn is_hint(op: Op) -> bool {
    matches!(op, Op::PrefetchI | Op::PrefetchR | Op::PrefetchW | Op::MopRN | Op::MopRrN | Op::CMopN)
}

/// Privileged instructions. Only their rows can be mutated: engines leave the rest to the privileged architecture.
fn is_privileged(op: Op) -> bool {
    use Op::{CboInval, FenceI, Mret, SfenceInvalIr, SfenceVma, SfenceWInval, SinvalVma, Sret, Wfi};
    [CboInval, FenceI, Mret, SfenceInvalIr, SfenceVma, SfenceWInval, SinvalVma, Sret, Wfi].contains(&op)
}

fn row(op: Op, isa: Isa) -> Vec<Change> {
    let mut changes = vec![Change::NoRow];
    let words: Vec<(u32, Insn)> = words(op, isa).collect();
    changes.extend(constant_bits(op, isa, true));
    let fields = fields(op);
    for field in &fields {
        let values = || words.iter().map(|(_, insn)| field.get(insn));
        let varying = values().fold(0, |bits, v| bits | v) & !values().fold(u32::MAX, |bits, v| bits & v);
        let signed = varying >> 31 != 0;
        // One bit of a sign extension stands for all bits above it.
        let width = if signed {
            values().map(|v| 33 - v.leading_zeros().max(v.leading_ones())).max()
        } else {
            Some(32 - varying.leading_zeros())
        };
        let width = width.unwrap_or(0).min(32);
        let below = if signed { width - 1 } else { width };
        let bits: Vec<u8> = (0..below as u8).filter(|bit| varying >> bit & 1 != 0).collect();
        changes.extend(bits.iter().map(|&bit| Change::FieldBit(*field, bit)));
        if *field == Field::Imm {
            let pairs = bits.windows(2).filter(|pair| pair[0] + 1 == pair[1]);
            changes.extend(pairs.map(|pair| Change::BitsSwapped(Field::Imm, pair[0])));
            if signed && width < 32 {
                changes.push(Change::NoSign(width as u8));
            }
            if let Some(&lowest) = bits.first() {
                changes.extend([1, -1].map(|by| Change::ImmOff(by << lowest)));
            }
        }
    }
    for (i, a) in fields.iter().enumerate() {
        for b in &fields[i + 1..] {
            let registers = ![Field::Rm, Field::Imm].contains(b);
            let no_matter = (*a, *b) == (Field::Rs1, Field::Rs2) && commutes(op);
            let one = words.iter().all(|(_, insn)| a.get(insn) == b.get(insn));
            if registers && !no_matter && !one {
                changes.push(Change::Swapped(*a, *b));
            }
        }
    }
    changes
}

/// Whether the first two sources are interchangeable.
fn commutes(op: Op) -> bool {
    let name = op.mnemonic();
    let stem = name.split('.').next().unwrap_or(name);
    let float = ["fadd", "fmul", "fmin", "fmax", "fminm", "fmaxm", "feq", "fmadd", "fmsub", "fnmadd", "fnmsub"];
    let integer = [
        "add", "addw", "and", "or", "xor", "xnor", "mul", "mulw", "mulh", "mulhu", "min", "minu", "max", "maxu",
        "clmul", "clmulh", "clmulr", "beq", "bne", "c.and", "c.or", "c.xor", "c.add", "c.addw", "c.mul",
    ];
    float.contains(&stem) || integer.contains(&name)
}

// --- control flow ---

/// The condition of a branch.
fn condition(op: Op) -> Option<Cond> {
    Some(match op {
        Op::Beq => Cond::Eq,
        Op::Bne => Cond::Ne,
        Op::Blt => Cond::Lt,
        Op::Bge => Cond::Ge,
        Op::Bltu => Cond::Ltu,
        Op::Bgeu => Cond::Geu,
        _ => return None,
    })
}

fn flow_changes(op: Op, xlen: Xlen, calls: &[Call]) -> Vec<FlowChange> {
    if let Some(cond) = condition(op) {
        let mut changes = conditions(cond).map(FlowChange::Compares).to_vec();
        changes.extend([FlowChange::Always, FlowChange::Never]);
        changes.extend([2, -2, 4].map(FlowChange::Off));
        if ![Cond::Eq, Cond::Ne].contains(&cond) {
            changes.push(FlowChange::Swapped);
        }
        // A 32-bit hart sign-extends its registers.
        if xlen == Xlen::Rv64 {
            changes.push(FlowChange::Narrow);
        }
        return changes;
    }
    match op {
        Op::Jal | Op::Jalr => vec![FlowChange::Off(2), FlowChange::Off(-2), FlowChange::Off(4)],
        _ if is_privileged(op) => vec![],
        // No other fault is possible in these.
        _ if calls.is_empty() && !op.info().compressed => vec![
            FlowChange::Off(2),
            FlowChange::Off(-2),
            FlowChange::Off(4),
            FlowChange::Traps(Trap::Breakpoint),
            FlowChange::Traps(Trap::EnvironmentCall),
        ],
        _ => vec![],
    }
}

// --- semantics ---

fn acts(op: Op, xlen: Xlen, call: Call) -> Vec<Act> {
    let rv64 = xlen == Xlen::Rv64;
    let mut acts = Vec::new();
    let mut instead = |calls: &[Call]| acts.extend(calls.iter().filter(|c| **c != call).map(|c| Act::Instead(*c)));
    match call {
        Call::Binary(operation, w) => {
            let others = swapped(operation).into_iter().filter(|other| !is_the_same(op, operation, *other));
            instead(&others.map(|other| Call::Binary(other, w)).collect::<Vec<_>>());
            let narrow = op == Op::Packh || !rv64 && op == Op::Srai;
            if !narrow {
                instead(&widths(operation, w, rv64).map(|w| Call::Binary(operation, w)));
            }
        }
        Call::ShiftAdd(w, shift) => {
            instead(&[shift ^ 1, shift ^ 2, 0].map(|other| Call::ShiftAdd(w, other)));
            if rv64 {
                instead(&[Call::ShiftAdd(Width::W32, shift)]);
            }
        }
        Call::Bit(w, operation) => {
            instead(&[BitOp::Set, BitOp::Clear, BitOp::Invert, BitOp::Extract].map(|other| Call::Bit(w, other)));
            if rv64 {
                instead(&[Call::Bit(Width::W32, operation)]);
            }
        }
        Call::Compare(w, cond) => {
            instead(&conditions(cond).map(|other| Call::Compare(w, other)));
            if rv64 {
                instead(&[Call::Compare(Width::W32, cond)]);
            }
        }
        Call::Unary(op, w) => {
            instead(&unary(op).map(|other| Call::Unary(other, w)));
            if !matches!(op, Unary::Zip | Unary::Unzip | Unary::Brev8 | Unary::OrcB) || rv64 {
                instead(&[Call::Unary(op, other_width(w))]);
            }
        }
        // NaN-boxing hides the upper bits of the result.
        Call::Extend(ty) if is_boxed(op) => instead(&sizes(ty).map(Call::Extend)[..1]),
        Call::Extend(ty) => instead(&types(ty, rv64).map(Call::Extend)),
        Call::Load(ty) => instead(&types(ty, rv64).map(Call::Load)),
        Call::Store(ty) => instead(&sizes(ty).map(Call::Store)),
        // NaN-boxing hides the upper bits of a longer load.
        Call::FpLoad(fmt) => instead(
            &formats(fmt).into_iter().filter(|other| other.bits() < fmt.bits()).map(Call::FpLoad).collect::<Vec<_>>(),
        ),
        Call::FpStore(fmt) => instead(&formats(fmt).map(Call::FpStore)),
        Call::Amo(op, ty) => {
            instead(&amos(op).map(|other| Call::Amo(other, ty)));
            instead(&types(ty, rv64).map(|other| Call::Amo(op, other)));
            instead(&[Call::Load(ty)]);
        }
        Call::Cas(ty) => {
            instead(&types(ty, rv64).map(Call::Cas));
            instead(&[Call::Load(ty), Call::Amo(AmoOp::Swap, ty)]);
        }
        Call::LoadReserved(ty) => {
            instead(&types(ty, rv64).map(Call::LoadReserved));
            instead(&[Call::Load(ty)]);
        }
        Call::StoreConditional(ty) => instead(&sizes(ty).map(Call::StoreConditional)),
        Call::FpRead(fmt, r) => {
            instead(&formats(fmt).map(|other| Call::FpRead(other, r)));
            if fmt != Fmt::D {
                instead(&[Call::FpReadBits(r)]);
            }
        }
        Call::FpWrite(fmt, r) => instead(&formats(fmt).map(|other| Call::FpWrite(other, r))),
        Call::FpReadBits(r) => instead(&[Call::FpRead(Fmt::H, r), Call::FpRead(Fmt::S, r)]),
        Call::FpArith(op, fmt) => {
            instead(&[FpOp::Add, FpOp::Sub, FpOp::Mul, FpOp::Div].map(|other| Call::FpArith(other, fmt)));
            instead(&formats(fmt).map(|other| Call::FpArith(op, other)));
        }
        Call::FpSqrt(fmt) => instead(&formats(fmt).map(Call::FpSqrt)),
        Call::FpFma { fmt, neg_product: p, neg_addend: a } => {
            for (neg_product, neg_addend) in [(!p, a), (p, !a), (!p, !a)] {
                instead(&[Call::FpFma { fmt, neg_product, neg_addend }]);
            }
            instead(&formats(fmt).map(|fmt| Call::FpFma { fmt, neg_product: p, neg_addend: a }));
        }
        Call::FpSgnj(fmt, kind) => {
            instead(&[Sgnj::Copy, Sgnj::Negate, Sgnj::Xor].map(|other| Call::FpSgnj(fmt, other)));
            instead(&formats(fmt).map(|other| Call::FpSgnj(other, kind)));
        }
        Call::FpMinMax(op, fmt) => {
            let all = [FpMinMax::Min, FpMinMax::Max, FpMinMax::MinM, FpMinMax::MaxM];
            instead(&all.map(|other| Call::FpMinMax(other, fmt)));
            instead(&formats(fmt).map(|other| Call::FpMinMax(op, other)));
        }
        Call::FpCompare(op, fmt) => {
            let all = [FpCmp::Eq, FpCmp::Lt, FpCmp::Le, FpCmp::LtQuiet, FpCmp::LeQuiet];
            instead(&all.map(|other| Call::FpCompare(other, fmt)));
            instead(&formats(fmt).map(|other| Call::FpCompare(op, other)));
        }
        Call::FpClass(fmt) => instead(&formats(fmt).map(Call::FpClass)),
        Call::FpConvert(from, to) => {
            instead(&formats(from).map(|other| Call::FpConvert(other, to)));
            instead(&formats(to).map(|other| Call::FpConvert(from, other)));
        }
        Call::FpToInt(fmt, ty) => {
            instead(&INTEGERS.map(|other| Call::FpToInt(fmt, other)));
            instead(&formats(fmt).map(|other| Call::FpToInt(other, ty)));
        }
        Call::FpFromInt(fmt, ty) => {
            // A 32-bit hart sign-extends its registers.
            let others = INTEGERS.into_iter().filter(|other| rv64 || (ty, *other) != (IntType::I32, IntType::I64));
            instead(&others.map(|other| Call::FpFromInt(fmt, other)).collect::<Vec<_>>());
            instead(&formats(fmt).map(|other| Call::FpFromInt(other, ty)));
        }
        Call::FpRound(fmt, exact) => {
            instead(&[Call::FpRound(fmt, !exact)]);
            instead(&formats(fmt).map(|other| Call::FpRound(other, exact)));
        }
        Call::FpToIntModular => instead(&[Call::FpToInt(Fmt::D, IntType::I32), Call::FpToInt(Fmt::D, IntType::I64)]),
        Call::Trap(_) => instead(&[Trap::EnvironmentCall, Trap::Breakpoint].map(Call::Trap)),
        Call::CasPair(w) => instead(&[Call::CasPair(other_width(w))]),
        _ => {}
    }
    acts.extend(plain_acts(op, xlen, call));
    if call.rounds() {
        acts.extend([0, 1, 2, 3, 4, 7].map(Act::Rounds));
    }
    if call.raises() {
        acts.push(Act::NoFlags);
    }
    acts
}

/// Acts that keep the operation of the call.
fn plain_acts(op: Op, xlen: Xlen, call: Call) -> Vec<Act> {
    match call {
        Call::Read(_) | Call::FpRead(..) | Call::FpReadBits(_) => {
            let info = op.info();
            let registers =
                [info.rd, info.rs1, info.rs2, info.rs3].into_iter().filter(|class| *class != RegClass::None);
            if registers.count() > 1 { vec![Act::OtherRegister] } else { vec![] }
        }
        Call::Write(_) | Call::FpWrite(..) => vec![Act::Yield(0), Act::NeighbouringRegister, Act::Off(1)],
        Call::Imm(_) | Call::Pc(_) => vec![Act::Off(1), Act::Off(-1)],
        // Without an offset, a difference shows only at the end of a 32-bit address space.
        Call::Address(0) if xlen == Xlen::Rv64 => vec![Act::Off(1), Act::Off(-1), Act::Off(64)],
        Call::Address(_) => vec![Act::Off(1), Act::Off(-1), Act::Off(64), Act::Yield(0)],
        Call::Binary(operation, _) => {
            use Binary::{Add, And, Clmul, Clmulh, Clmulr, Mul, Mulh, Mulhu, Or, Xor, XorNot};
            let commutes = [Add, And, Or, Xor, XorNot, Mul, Mulh, Mulhu, Clmul, Clmulh, Clmulr].contains(&operation);
            if commutes { vec![Act::Yield(0)] } else { vec![Act::Swap(0, 1), Act::Yield(0)] }
        }
        Call::ShiftAdd(_, 0) => vec![Act::Yield(0), Act::Yield(1)],
        Call::ShiftAdd(..) => vec![Act::Swap(0, 1), Act::Yield(0), Act::Yield(1)],
        Call::Bit(..) => vec![Act::Swap(0, 1), Act::Yield(0)],
        Call::Compare(_, cond) if ![Cond::Eq, Cond::Ne].contains(&cond) => vec![Act::Swap(0, 1)],
        Call::Select => vec![Act::Swap(1, 2), Act::Yield(1), Act::Yield(2)],
        // An unboxed value of register width loses no bits.
        Call::Extend(MemType::I64) => vec![],
        Call::Extend(MemType::I32) if xlen == Xlen::Rv32 => vec![],
        Call::Extend(_) if is_boxed(op) => vec![],
        Call::Extend(_) | Call::Unary(..) | Call::FpSqrt(_) | Call::FpRound(..) => vec![Act::Yield(0)],
        Call::Store(_) | Call::FpStore(_) | Call::ZeroBlock | Call::ManageBlock | Call::CsrWrite(_) => {
            vec![Act::Yield(0)]
        }
        Call::CsrRead(_) => vec![Act::Off(1), Act::YieldConstant(0)],
        Call::Load(_) | Call::FpLoad(_) | Call::Amo(..) | Call::LoadReserved(_) => vec![Act::Off(1)],
        Call::Cas(_) => vec![Act::Swap(1, 2)],
        Call::CasPair(_) => vec![Act::Swap(1, 2), Act::Yield(0), Act::NoHigh, Act::HalvesSwapped],
        Call::StoreConditional(_) => vec![Act::YieldConstant(0), Act::YieldConstant(1), Act::Off(1)],
        Call::FpArith(FpOp::Sub | FpOp::Div, _) => vec![Act::Swap(0, 1)],
        Call::FpFma { .. } => vec![Act::Swap(0, 2), Act::Swap(1, 2), Act::RoundsTwice],
        Call::FpSgnj(..) => vec![Act::Swap(0, 1)],
        Call::FpCompare(kind, _) if kind != FpCmp::Eq => vec![Act::Swap(0, 1)],
        Call::FpClass(_) | Call::FpConvert(..) | Call::FpToInt(..) | Call::FpFromInt(..) | Call::FpToIntModular => {
            vec![Act::Off(1)]
        }
        _ => vec![],
    }
}

/// Instructions that move the bits of a number narrower than a register.
fn is_boxed(op: Op) -> bool {
    matches!(op, Op::FmvHX | Op::FmvWX)
}

/// Whether the two operations agree on this instruction's operands: disjoint halves and bits, a bit or a word below the
/// top, the lowest bit or half of a shifted value, a shift by zero.
fn is_the_same(op: Op, operation: Binary, other: Binary) -> bool {
    use Binary::{Add, Ashr, Lshr, Or, Rotl, Rotr, Shl, Xor};
    match op {
        Op::Pack | Op::Packh | Op::Packw | Op::FmvpDX if operation == Or => [Xor, Add].contains(&other),
        Op::Packh => (operation, other) == (Shl, Rotl),
        Op::FmvhXD => operation == Ashr && [Lshr, Rotr].contains(&other),
        _ => false,
    }
}

/// Operations of the same shape that are most likely to be confused with it.
fn swapped(op: Binary) -> [Binary; 3] {
    use Binary::*;
    match op {
        Add => [Sub, Or, Xor],
        Sub => [Add, Xor, And],
        And => [Or, Xor, Add],
        AndNot => [And, OrNot, XorNot],
        OrNot => [Or, AndNot, XorNot],
        XorNot => [Xor, AndNot, OrNot],
        Or => [And, Xor, Add],
        Xor => [And, Or, Add],
        Shl => [Lshr, Ashr, Rotl],
        Lshr => [Ashr, Shl, Rotr],
        Ashr => [Lshr, Shl, Rotr],
        Rotr => [Rotl, Lshr, Ashr],
        Rotl => [Rotr, Shl, Lshr],
        Mul => [Mulh, Mulhu, Clmul],
        Mulh => [Mul, Mulhu, Mulhsu],
        Mulhu => [Mul, Mulh, Mulhsu],
        Mulhsu => [Mul, Mulh, Mulhu],
        Div => [Divu, Rem, Mul],
        Divu => [Div, Remu, Mul],
        Rem => [Remu, Div, Mul],
        Remu => [Rem, Divu, Mul],
        Clmul => [Clmulh, Clmulr, Mul],
        Clmulh => [Clmul, Clmulr, Mulhu],
        Clmulr => [Clmul, Clmulh, Mulhu],
        Xperm4 => [Xperm8, And, Lshr],
        Xperm8 => [Xperm4, And, Lshr],
    }
}

fn unary(op: Unary) -> [Unary; 2] {
    use Unary::*;
    match op {
        Clz => [Ctz, Cpop],
        Ctz => [Clz, Cpop],
        Cpop => [Clz, Ctz],
        Rev8 => [Brev8, OrcB],
        Brev8 => [Rev8, OrcB],
        OrcB => [Rev8, Brev8],
        Zip => [Unzip, Rev8],
        Unzip => [Zip, Rev8],
    }
}

fn other_width(w: Width) -> Width {
    match w {
        Width::W32 => Width::W64,
        Width::W64 => Width::W32,
    }
}

/// The other width, if the difference is visible. On a 32-bit hart it is visible only if the upper halves of the
/// operands influence the lower half of the result.
fn widths(op: Binary, w: Width, rv64: bool) -> [Width; 1] {
    use Binary::*;
    let all_bits = [And, Or, Xor, AndNot, OrNot, XorNot].contains(&op);
    let low_from_low = [Add, Sub, Mul, Clmul, Div, Rem, Shl].contains(&op);
    [if all_bits || !rv64 && low_from_low { w } else { other_width(w) }]
}

fn conditions(cond: Cond) -> [Cond; 5] {
    let all = [Cond::Eq, Cond::Ne, Cond::Lt, Cond::Ge, Cond::Ltu, Cond::Geu];
    let mut others = all.into_iter().filter(|c| *c != cond);
    std::array::from_fn(|_| others.next().expect("there are five"))
}

/// The other signedness, and the neighbouring sizes.
fn types(ty: MemType, rv64: bool) -> [MemType; 3] {
    use MemType::*;
    match ty {
        I8 => [U8, I16, U16],
        U8 => [I8, I16, U16],
        I16 => [U16, I8, I32],
        U16 => [I16, U8, I32],
        I32 if rv64 => [U32, I16, I64],
        U32 if rv64 => [I32, U16, I64],
        I32 | U32 => [ty, I16, I8],
        I64 => [I32, U32, I16],
    }
}

/// The neighbouring sizes, for stores.
fn sizes(ty: MemType) -> [MemType; 2] {
    use MemType::*;
    match ty {
        I8 | U8 => [U16, U32],
        I16 | U16 => [U8, U32],
        I32 | U32 => [U16, I64],
        I64 => [U32, U16],
    }
}

fn amos(op: AmoOp) -> [AmoOp; 3] {
    use AmoOp::*;
    match op {
        Swap => [Add, Or, Xor],
        Add => [Swap, Or, Xor],
        Xor => [Add, Or, And],
        And => [Or, Xor, Swap],
        Or => [And, Xor, Add],
        Min => [Max, Minu, Swap],
        Max => [Min, Maxu, Swap],
        Minu => [Maxu, Min, Swap],
        Maxu => [Minu, Max, Swap],
    }
}

fn formats(fmt: Fmt) -> [Fmt; 2] {
    match fmt {
        Fmt::H => [Fmt::S, Fmt::D],
        Fmt::S => [Fmt::H, Fmt::D],
        Fmt::D => [Fmt::H, Fmt::S],
    }
}

const INTEGERS: [IntType; 4] = [IntType::I32, IntType::U32, IntType::I64, IntType::U64];
