//! Programs that aim at one op: a few of its instructions, with operands that tell wrong results from right ones.

use crate::bench::{CODE, DATA, PAGE};
use crate::generate::Ops;
use crate::operands::Fmt;
use crate::program::{Imm, Program, Slot, Target};
use crate::rng::Rng;
use remu_isa::{Insn, Isa, Op, Operand, RegClass, Xlen, decode, encode};

/// Registers of a program: those that are in registers of the host, those that are in memory, and of both kinds.
const POOLS: [&[u8]; 3] = [&[10, 11, 12, 13], &[28, 29, 30, 31], &[10, 30, 12, 28]];

/// What a load-reserved loads, and the result of a store-conditional.
const LOADED: u8 = 7;
const STORED: u8 = 5;

/// A program for an op; `None` if 64-bit user programs do not have it.
pub fn program(ops: &Ops, op: Op, seed: u64) -> Option<Program> {
    let mut rng = Rng(seed << 16 | op as u64);
    let rng = &mut rng;
    let info = op.info();
    let fmt = match op.mnemonic() {
        name if name.contains(".h") => Some(Fmt::H),
        name if name.contains(".s") || name == "fmv.w.x" || name == "fmv.x.w" => Some(Fmt::S),
        name if name.contains(".d") => Some(Fmt::D),
        _ => None,
    };
    let (mut x, mut f) = ([0; 32], [0; 32]);
    x[1..].fill_with(|| integer(ops, rng));
    f.fill_with(|| {
        let v = ops.values.float(fmt, rng);
        match (fmt, rng.below(6)) {
            // Boxed but for one bit.
            (Some(Fmt::H), 0) => v ^ 1 << rng.of(&[16, 17, 63, 40]),
            (Some(Fmt::S), 0) => v ^ 1 << rng.of(&[32, 32, 63, 47]),
            _ => v,
        }
    });
    let pool = rng.of(&POOLS);
    let mut slots = Vec::new();
    for _ in 0..1 + rng.below(3) {
        let insn = with_registers(ops.with_random_fields(op, rng), pool, rng)?;
        let full = insn.expand(Xlen::Rv64);
        if info.may_fault || info.is_atomic {
            // Most often an address that is mapped and aligned; the offset may be that of an access.
            let at = DATA + PAGE + 16 * rng.below(32) as u64;
            let offset = if info.is_atomic { 0 } else { full.imm as u64 };
            let at = if rng.one_in(6) { at + rng.below(8) as u64 } else { at };
            if slots.is_empty() {
                x[usize::from(full.rs1)] = at.wrapping_sub(offset);
            } else {
                load_address(full.rs1, at, &mut slots);
            }
        } else if rng.one_in(3) {
            slots.extend(prepare(&full, rng).map(given));
        }
        // Between a reservation and its use, an atomic operation ends the reservation of what it writes.
        let reserves = info.is_atomic && rng.one_in(2) && !(info.rd == RegClass::X && full.rd == full.rs1);
        let (lr, sc) = if op.mnemonic().ends_with(".w") { (Op::LrW, Op::ScW) } else { (Op::LrD, Op::ScD) };
        // Not arithmetic that the compiler lets be between LR and SC that it makes one of.
        let apart = plain(Op::Mul, 6, 6, 6, 0);
        let is_apart = rng.one_in(2);
        if reserves && !matches!(op, Op::LrW | Op::LrD) {
            let value = rng.of(pool);
            let value = if [full.rs1, full.rs2].contains(&value) { LOADED } else { value };
            slots.push(given(plain(lr, value, full.rs1, 0, 0)));
            slots.extend(is_apart.then_some(given(apart)));
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
    let random_flags = rng.of(&[0, 0, 0x1f, 0x15, 0x0a]);
    let mode = if rng.one_in(2) { 0 } else { rng.below(5) as u32 };
    Some(Program {
        shape: "aimed",
        base: CODE + 2 * rng.below(8) as u64,
        slots,
        tables: Vec::new(),
        x,
        f,
        fcsr: mode << 5 | random_flags,
        reserved: 0,
        memory: Some(rng.next()),
    })
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
        let rm = if rng.one_in(4) { rng.below(5) as u8 } else { 7 };
        attempt(&|i| i.rm = rm);
    }
    if info.operands.contains(&Operand::Csr) {
        let csr = 1 + rng.below(3) as i32;
        attempt(&|i| i.imm = csr);
    } else if rng.one_in(2) {
        let imm = rng.of(&[0, 1, -1, 8, 31, 32, 63, 255, 2047, -2048, 0x7fff_f000, i32::MIN]);
        attempt(&|i| i.imm = imm);
    }
    let bits = encode(&best, Xlen::Rv64).ok()?;
    decode(bits, Isa::rv64_max()).ok().filter(|insn| insn.op == best.op)
}
