//! Programs that aim at one op: a few of its instructions, with operands that tell wrong results from right ones.

use crate::bench::{CODE, DATA, LIMIT, PAGE};
use crate::generate::Ops;
use crate::operands::{Fmt, conversion_integers};
use crate::program::{Imm, Program, Slot, Target};
use crate::rng::Rng;
use remu_isa::{Insn, Isa, Op, Operand, RegClass, Xlen, decode, encode};

/// Registers of a program: those that are in registers of the host, those that are in memory, and of both kinds.
const POOLS: [&[u8]; 3] = [&[10, 11, 12, 13], &[28, 29, 30, 31], &[10, 30, 12, 28]];

/// What a load-reserved loads, and the result of a store-conditional.
const LOADED: u8 = 7;
const STORED: u8 = 5;

/// An address whose bucket of the reservations is the first one.
const FIRST_BUCKET: u64 = DATA + 0x200;

/// What the accrued exceptions are kept in.
const FLAGS: u8 = 26;
/// The address of some memory, twice this number, and the sign bit.
const ADDRESS: u8 = 23;
const TWICE: u8 = 24;
const SIGN: u8 = 25;

/// Registers that are zero, one and all ones, and one that no aimed instruction reads.
const ZERO: u8 = 20;
const ONE: u8 = 21;
const ONES: u8 = 22;
const UNREAD: u8 = 6;

/// A program for an op; `None` if 64-bit user programs do not have it. All variants have the same instructions.
pub fn program(ops: &Ops, op: Op, seed: u64, variant: u64) -> Option<Program> {
    let mut rng = Rng(seed << 16 | op as u64);
    let rng = &mut rng;
    let info = op.info();
    let (mut x, mut f) = ([0; 32], [0; 32]);
    fill(ops, op, rng, (&mut x, &mut f));
    let pool = rng.of(&POOLS);
    let mut slots = Vec::new();
    // The registers that hold addresses.
    let mut addresses = 0;
    if rng.one_in(2) {
        slots.extend(stale_registers(rng).into_iter().map(given));
    }
    // Nothing between disturbs what is kept for writing the flags back.
    let keeps_flags = rng.one_in(8);
    slots.extend(keeps_flags.then(|| given(plain(Op::Csrrs, FLAGS, 0, 0, 1))));
    let before = slots.len();
    for _ in 0..1 + rng.below(3) {
        let mut insn = with_registers(ops.with_random_fields(op, rng), pool, rng)?;
        let full = insn.expand(Xlen::Rv64);
        if info.may_fault || info.is_atomic {
            // Most often an address that is mapped and aligned; the offset may be that of an access.
            let at = if rng.one_in(3) { FIRST_BUCKET } else { DATA + PAGE + 16 * rng.below(32) as u64 };
            let offset = if info.is_atomic { 0 } else { full.imm as u64 };
            let at = if rng.one_in(if info.is_atomic { 4 } else { 6 }) { at + rng.below(8) as u64 } else { at };
            let at = if rng.one_in(6) { beyond(rng) } else { at };
            if slots.len() == before || at >= LIMIT {
                x[usize::from(full.rs1)] = at.wrapping_sub(offset);
                addresses |= 1 << full.rs1;
            } else {
                load_address(full.rs1, at, &mut slots);
            }
        } else if rng.one_in(3) {
            slots.extend(prepare(&full, rng).map(given));
        }
        // Between a reservation and its use, an atomic operation ends the reservation of what it writes.
        let reserves = info.is_atomic && rng.one_in(2) && !(info.rd == RegClass::X && full.rd == full.rs1);
        let (lr, sc) = if op.mnemonic().ends_with(".w") { (Op::LrW, Op::ScW) } else { (Op::LrD, Op::ScD) };
        // Not arithmetic that the compiler lets be between LR and SC that it makes one of. At the call, the neighbour
        // takes its turn.
        let apart = rng.of(&[plain(Op::Mul, 6, 6, 6, 0), plain(Op::Ecall, 0, 0, 0, 0)]);
        let is_apart = rng.one_in(2);
        if reserves && !matches!(op, Op::LrW | Op::LrD) {
            let value = rng.of(pool);
            let value = if [full.rs1, full.rs2].contains(&value) { LOADED } else { value };
            // At times a reservation of the other size, though memory holds what it has loaded.
            let is_other = matches!(op, Op::ScW | Op::ScD) && rng.one_in(3);
            let other = if lr == Op::LrW { Op::LrD } else { Op::LrW };
            slots.extend((is_other && lr == Op::LrD).then(|| given(plain(Op::Sd, 0, full.rs1, 0, 0))));
            slots.push(given(plain(if is_other { other } else { lr }, value, full.rs1, 0, 0)));
            slots.extend(is_apart.then_some(given(apart)));
            insn = rng.one_in(2).then(|| without_effect(&insn, value, rng)).flatten().unwrap_or(insn);
        }
        let is_flow = info.operands.contains(&Operand::Target);
        let imm = if is_flow { Imm::To(Target::Slot(slots.len() + 2)) } else { Imm::Given };
        slots.push(Some(Slot { insn, imm }));
        if reserves && !matches!(op, Op::ScW | Op::ScD) {
            slots.extend(is_apart.then_some(given(apart)));
            slots.push(given(plain(sc, STORED, full.rs1, rng.of(pool), 0)));
        }
        if is_flow || info.rd == RegClass::X && rng.one_in(4) {
            if !is_flow {
                let branch = plain(rng.of(&[Op::Beq, Op::Bne]), 0, full.rd, 0, 0);
                slots.push(Some(Slot { insn: branch, imm: Imm::To(Target::Slot(slots.len() + 2)) }));
            }
            slots.push(given(plain(Op::Addi, 6, 6, 0, 1)));
        }
    }
    slots.extend(keeps_flags.then(|| given(plain(Op::Csrrw, 0, FLAGS, 0, 1))));
    let random_flags = rng.of(&[0, 0, 0x1f, 0x15, 0x0a]);
    let mode = if rng.one_in(2) { 0 } else { rng.below(6) as u32 };
    let mut program = Program {
        shape: "aimed",
        base: CODE + 2 * rng.below(8) as u64,
        slots,
        tables: Vec::new(),
        x,
        f,
        fcsr: mode << 5 | random_flags,
        reserved: 0,
        memory: Some(rng.next()),
        instret: 0,
    };
    if variant > 0 {
        let mut rng = Rng(seed << 16 | op as u64 | variant << 48);
        let before = program.x;
        fill(ops, op, &mut rng, (&mut program.x, &mut program.f));
        for r in (0..32).filter(|r| addresses >> r & 1 != 0) {
            program.x[r] = before[r];
        }
        start_otherwise(&mut program, &mut rng);
    }
    let address = DATA + 0x840;
    for (r, v) in [(ZERO, 0), (ONE, 1), (ONES, u64::MAX), (ADDRESS, address), (TWICE, 2 * address), (SIGN, 1 << 63)] {
        program.x[usize::from(r)] = v;
    }
    Some(program)
}

/// The program with other numbers in floating-point registers and other contents of memory.
pub fn varied(ops: &Ops, mut program: Program, variant: u64) -> Program {
    if variant > 0 {
        let mut rng = Rng(program.base ^ program.x[10] ^ variant << 48);
        let fmt = rng.of(&[None, Some(Fmt::H), Some(Fmt::S), Some(Fmt::D)]);
        program.f.fill_with(|| ops.values.float(fmt, &mut rng));
        start_otherwise(&mut program, &mut rng);
    }
    program
}

/// Gives a program other accrued exceptions, memory and counts than it has.
fn start_otherwise(program: &mut Program, rng: &mut Rng) {
    program.fcsr = program.fcsr & !0x1f
        | match rng.below(3) {
            0 => 0,
            1 => 0x1f,
            _ => 1 << rng.below(5),
        };
    program.memory = Some(rng.next());
    program.instret = rng.of(&[0, 1, 3, 0xffff_ffff]);
}

/// Fills the registers with operands for an op.
fn fill(ops: &Ops, op: Op, rng: &mut Rng, (x, f): (&mut [u64; 32], &mut [u64; 32])) {
    let info = op.info();
    let fmt = match op.mnemonic() {
        name if name.contains(".h") => Some(Fmt::H),
        name if name.contains(".s") || name == "fmv.w.x" || name == "fmv.x.w" => Some(Fmt::S),
        name if name.contains(".d") => Some(Fmt::D),
        _ => None,
    };
    let is_number = info.rd == RegClass::F && info.rs1 == RegClass::X;
    let integers = if is_number { conversion_integers() } else { Vec::new() };
    for v in &mut x[1..] {
        *v = match rng.below(4) {
            0 if is_number => {
                // About as many bits as a number holds.
                let bits = rng.of(&[11, 24, 53, 31, 32]);
                let v = (1u64 << bits).wrapping_add((rng.next() >> 1 >> (63 - bits)) | 1);
                if rng.one_in(2) { v } else { v.wrapping_neg() }
            }
            1 if is_number && rng.one_in(4) => {
                // The largest integer up to which all are exact.
                let v = 1u64 << rng.of(&[11, 24, 53]);
                rng.of(&[v, v + 1, v.wrapping_neg(), !v])
            }
            1 if is_number => rng.of(&integers),
            _ => integer(ops, rng),
        };
    }
    if info.operands.contains(&Operand::Csr) && rng.one_in(2) {
        x[1..].fill_with(|| rng.below(256) as u64);
    }
    if (op.mnemonic().starts_with("div") || op.mnemonic().starts_with("rem")) && rng.one_in(4) {
        x[1..].fill_with(|| rng.of(&[1 << 63, u64::MAX << 31, u64::MAX, u64::MAX, 0]));
    }
    // What an instruction of the op reads, which the last letters of its name say for a conversion.
    let source = match op.mnemonic().rsplit('.').next() {
        Some("h") => Some(Fmt::H),
        Some("s") => Some(Fmt::S),
        Some("d") => Some(Fmt::D),
        _ => fmt,
    };
    // Equal numbers and those that differ in the sign only are frequent at times.
    let alike = fmt.filter(|_| rng.one_in(4)).map(|fmt| rng.of(&fmt.edges()));
    let is_integer = info.rd == RegClass::X && op.mnemonic().starts_with("fcvt");
    f.fill_with(|| {
        if let (Some(fmt), Some(v)) = (fmt, alike) {
            return fmt.boxed(v ^ u64::from(rng.one_in(2)) << (fmt.bits() - 1));
        }
        if let Some(v) = source.filter(|_| is_integer && rng.one_in(3)).and_then(|fmt| near_limit(fmt, rng)) {
            return v;
        }
        if let Some(fmt) = source.filter(|_| is_integer && rng.one_in(2)) {
            return fmt.boxed(rng.of(&fmt.conversion_edges()));
        }
        let v = ops.values.float(source, rng);
        let bits = match fmt {
            Some(fmt @ (Fmt::H | Fmt::S)) if rng.one_in(3) => fmt.bits(),
            _ => return v,
        };
        // Not boxed: but for one bit, or not at all.
        match rng.below(3) {
            0 => v | 1 << rng.of(&[bits, bits + 1, 40, 63]),
            1 => v & ((1 << bits) - 1),
            _ => (v | u64::MAX << bits) ^ 1 << rng.of(&[bits, bits, bits + 1, 40, 63]),
        }
    });
}

/// Instructions that leave all ones or an address in the scratch registers of the host, no boxed numbers in those for
/// floating point, and flags of any kind.
fn stale_registers(rng: &mut Rng) -> Vec<Insn> {
    let unread = |op, rs1, rs2| plain(op, UNREAD, rs1, rs2, 0);
    let flags = unread(rng.of(&[Op::Sltu, Op::Add]), rng.of(&[0, ZERO]), rng.of(&[ZERO, ONE]));
    let ones = [unread(Op::Xperm8, ONE, ONES), unread(Op::Div, ONE, ONES), unread(Op::Mulh, ONE, ONES)];
    // For rcx, rdx and rax.
    let addresses = [unread(Op::Div, ADDRESS, ADDRESS), unread(Op::Mulhu, TWICE, SIGN), unread(Op::Add, ADDRESS, 0)];
    match rng.below(4) {
        0 => [&[flags][..], &ones].concat(),
        1 => [&[ones[0], flags][..], &addresses].concat(),
        _ => [&ones[..], &[flags]].concat(),
    }
}

/// A number at the limits of integers; `None` for a half, which is smaller than most.
fn near_limit(fmt: Fmt, rng: &mut Rng) -> Option<u64> {
    let power = f64::powi(2.0, rng.of(&[31, 31, 32, 63, 64, 8, 16]));
    let size = match rng.below(4) {
        0 => match fmt {
            Fmt::D => f64::from_bits((power - 1.0).to_bits() + rng.below(4) as u64 - 1),
            _ => f32::from_bits((power as f32).to_bits() + rng.below(4) as u32 - 2).into(),
        },
        1 => power + rng.of(&[-1.5, -1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0]),
        2 => power * (1.0 + rng.below(1 << 20) as f64 / f64::from(1 << 20)),
        _ => power * (1.0 - 1.0 / f64::powi(2.0, rng.of(&[24, 25, 53]))),
    };
    let v = if rng.one_in(2) { size } else { -size };
    match fmt {
        Fmt::H => None,
        Fmt::S => Some(fmt.boxed((v as f32).to_bits().into())),
        Fmt::D => Some(v.to_bits()),
    }
}

/// An address of 16 bytes that are not in the guest's address space, close to it.
fn beyond(rng: &mut Rng) -> u64 {
    rng.of(&[LIMIT, LIMIT + 16, LIMIT + 256, (-16i64) as u64, (-256i64) as u64])
}

/// The atomic operation such that it writes what is in memory, which register `value` holds: only its having written ends
/// a reservation.
fn without_effect(insn: &Insn, value: u8, rng: &mut Rng) -> Option<Insn> {
    let name = insn.op.mnemonic();
    let rs2 = match name.split('.').next()? {
        "amoadd" | "amoxor" => rng.of(&[0, ZERO]),
        "amoor" => rng.of(&[0, ZERO, value]),
        "amoand" => rng.of(&[ONES, value]),
        "amoswap" | "amomin" | "amomax" | "amominu" | "amomaxu" | "amocas" => value,
        _ => return None,
    };
    Some(Insn { rs2, ..*insn }).filter(|insn| encode(insn, Xlen::Rv64).is_ok())
}

/// A value that is at the edge of something, or that has other bits everywhere.
fn integer(ops: &Ops, rng: &mut Rng) -> u64 {
    match rng.below(4) {
        0 => rng.next(),
        1 => rng.next() >> rng.below(64),
        _ => ops.values.integer(rng),
    }
}

fn plain(op: Op, rd: u8, rs1: u8, rs2: u8, imm: i32) -> Insn {
    Insn { op, rd, rs1, rs2, rs3: 0, rm: 0, len: 4, imm }
}

fn given(insn: Insn) -> Option<Slot> {
    Some(Slot { insn, imm: Imm::Given })
}

/// Puts an address of the lowest 31 bits into a register.
fn load_address(r: u8, at: u64, slots: &mut Vec<Option<Slot>>) {
    let low = (at as i32) << 20 >> 20;
    slots.push(given(plain(Op::Lui, r, 0, 0, at as i32 - low)));
    slots.push(given(plain(Op::Addi, r, r, 0, low)));
}

/// Something that lets the compiler know of an operand.
fn prepare(insn: &Insn, rng: &mut Rng) -> Option<Insn> {
    let info = insn.op.info();
    let operands = [(info.rs1, insn.rs1), (info.rs2, insn.rs2)];
    let known: Vec<u8> =
        operands.into_iter().filter(|&(class, r)| class == RegClass::X && r != 0).map(|o| o.1).collect();
    if known.is_empty() {
        return None;
    }
    let r = rng.of(&known);
    Some(match rng.below(4) {
        0 => plain(Op::Addi, r, 0, 0, rng.of(&[0, 1, -1, 2, 31, 32, 33, 63, -2048, 2047])),
        1 => plain(Op::Addiw, r, r, 0, 0),
        2 => plain(Op::AddUw, r, r, 0, 0),
        _ => plain(Op::Lui, r, 0, 0, i32::MIN),
    })
}

/// The instruction with registers of the pool, which coincide at times, and immediates at the edges.
fn with_registers(insn: Insn, pool: &[u8], rng: &mut Rng) -> Option<Insn> {
    let info = insn.op.info();
    let mut best = insn;
    let mut attempt = |change: &dyn Fn(&mut Insn)| {
        let mut next = best;
        change(&mut next);
        if encode(&next, Xlen::Rv64).is_ok() {
            best = next;
        }
    };
    let even = |r: u8| if info.pair == Some(Xlen::Rv64) { r & !1 } else { r };
    let mut take = |class| if class == RegClass::F && rng.one_in(8) { rng.below(32) as u8 } else { even(rng.of(pool)) };
    let (rd, rs1, rs2, rs3) = (take(info.rd), take(info.rs1), take(info.rs2), take(RegClass::F));
    attempt(&|i| i.rd = rd);
    attempt(&|i| i.rs1 = rs1);
    attempt(&|i| i.rs2 = rs2);
    attempt(&|i| i.rs3 = rs3);
    if info.has_rm {
        let rm = if rng.one_in(2) { rng.below(5) as u8 } else { 7 };
        attempt(&|i| i.rm = rm);
    }
    if info.operands.contains(&Operand::Csr) {
        let csr = 1 + rng.below(3) as i32;
        attempt(&|i| i.imm = csr);
        // What only reads.
        if info.rs1 == RegClass::X && rng.one_in(4) {
            attempt(&|i| i.rs1 = 0);
        } else if info.rs1 != RegClass::X {
            let imm = rng.of(&[0, 0, 1, 2, 4, 7, 8, 16, 31]);
            attempt(&|i| i.rs1 = imm);
        }
    } else if rng.one_in(2) {
        let imm = rng.of(&[0, 1, -1, 8, 31, 32, 63, 255, 2047, -2048, 0x7fff_f000, i32::MIN]);
        attempt(&|i| i.imm = imm);
    }
    let bits = encode(&best, Xlen::Rv64).ok()?;
    decode(bits, Isa::rv64_max()).ok().filter(|insn| insn.op == best.op)
}
