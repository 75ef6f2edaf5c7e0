//! The variants of an instruction that are run (registers and aliases, immediates, rounding modes) and their operands.

use crate::operands::{Fmt, conversion_integers, integer, integer_edges};
use crate::program::{Program, Record, SCRATCH, TEMP, Variant, insn, is_free};
use crate::rng::Rng;
use remu_isa::{Insn, Op, OpInfo, Operand, RegClass, Xlen, encode};

/// rd, rs1, rs2, rs3. The first encodable choice gets the most operands and every immediate.
const REGISTERS: &[[u8; 4]] = &[
    [10, 11, 12, 13],
    [14, 11, 12, 13],
    [11, 11, 12, 13],
    [12, 11, 12, 13],
    [13, 11, 12, 13],
    [10, 11, 11, 11],
    [10, 11, 12, 12],
    [11, 11, 11, 11],
    [8, 8, 8, 8],
    [15, 15, 8, 9],
    [9, 9, 14, 15],
    [10, 11, 0, 13],
    [0, 11, 12, 13],
    [10, 0, 12, 13],
    [10, 0, 31, 13],
    [10, 11, 12, 0],
    [0, 0, 12, 0],
    [0, 0, 0, 0],
    [31, 28, 29, 30],
    [1, 2, 5, 6],
    [5, 5, 18, 7],
    [2, 2, 2, 2],
    [1, 1, 31, 1],
    [31, 31, 1, 16],
    // Even numbers for pairs, also with the base inside a pair.
    [14, 15, 12, 0],
    [14, 13, 12, 0],
    [12, 11, 12, 0],
    [14, 14, 12, 0],
    [0, 11, 14, 0],
    [14, 11, 0, 0],
    [28, 5, 30, 0],
];

/// For each CSR instruction.
const CSRS: [i32; 3] = [1, 2, 3];

fn has(info: &OpInfo, operand: Operand) -> bool {
    info.operands.contains(&operand)
}

fn is_jump(op: Op) -> bool {
    matches!(op, Op::Jal | Op::Jalr | Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu)
}

/// Whether the instruction accesses memory at rs1.
fn accesses(e: &Insn) -> bool {
    let info = e.op.info();
    info.is_load || info.is_store || info.may_fault
}

fn immediates(rng: &mut Rng, op: Op) -> Vec<i32> {
    if has(op.info(), Operand::Csr) {
        return CSRS.to_vec();
    }
    let mut v: Vec<i32> = (-64..=128).collect();
    for k in 3..31 {
        v.extend([1 << k, -1 << k, (1 << k) - 1, (1 << k) - 2, (-1 << k) + 2, (1 << k) + 4, (1 << k) - 16]);
    }
    v.extend([i32::MIN, 0x7fff_f000, 0x1234_5000, -0x1234_5000, -0x1000, 0x33, 0xff, 0x8ff, 0x4ff]);
    v.extend((0..16).flat_map(|_| [12, 21, 23, 26].map(|up| (rng.next() as i32) >> up)));
    v.extend((0..8).flat_map(|_| [rng.next() as i32 & !0xfff, rng.below(512) as i32 & !7]));
    v.sort_unstable();
    v.dedup();
    v
}

fn can_run(i: &Insn, xlen: Xlen) -> bool {
    if encode(i, xlen).is_err() {
        return false;
    }
    let e = i.expand(xlen);
    let info = e.op.info();
    let fields = [(info.rd, e.rd), (info.rs1, e.rs1), (info.rs2, e.rs2), (info.rs3, e.rs3)];
    if fields.iter().any(|&(class, r)| class == RegClass::X && !is_free(r)) {
        return false;
    }
    // Address 0 is not mapped, and a jump to itself never ends.
    let based = accesses(&e) || e.op == Op::Jalr;
    let lands = !is_jump(e.op) || e.op == Op::Jalr || e.imm.abs() >= 4 || e.imm == i32::from(i.len);
    !(based && e.rs1 == 0) && lands
}

/// A variant and its number of runs.
fn variants(op: Op, xlen: Xlen, rng: &mut Rng) -> Vec<(Insn, usize)> {
    let info = op.info();
    let zimm = has(info, Operand::Zimm);
    let all = immediates(rng, op);
    let modes: &[u8] = match (info.has_rm, info.has_aqrl) {
        (true, _) => &[0, 1, 2, 3, 4, 7],
        (_, true) => &[0, 1, 2, 3],
        _ => &[0],
    };
    let mut out = Vec::new();
    let mut seen = Vec::new();
    for registers in REGISTERS {
        let [rd, rs1, rs2, rs3] = *registers;
        let only = |class, r: u8| if class == RegClass::None { 0 } else { r };
        let base = Insn {
            rd: only(info.rd, rd),
            rs1: if zimm { rs1 } else { only(info.rs1, rs1) },
            rs2: only(info.rs2, rs2),
            rs3: only(info.rs3, rs3),
            ..insn(op, 0, 0, 0, 0)
        };
        if seen.contains(&base) {
            continue;
        }
        seen.push(base);
        let mut imms: Vec<i32> = all.iter().copied().filter(|&imm| can_run(&Insn { imm, ..base }, xlen)).collect();
        if imms.is_empty() {
            continue;
        }
        let limit = if out.is_empty() { 64 } else { 3 };
        while imms.len() > limit {
            // The first and the last are the extremes, so they stay.
            imms.remove(1 + rng.below(imms.len() - 2));
        }
        let first = out.is_empty();
        let total = if info.has_rm { 9000 } else { 1800 };
        let each = if first { (total / (imms.len() * modes.len())).max(24) } else { 24 };
        for &imm in &imms {
            for &rm in modes {
                // Aliased registers do not depend on the mode.
                if first || rm == modes[0] || rm == modes[modes.len() - 1] {
                    out.push((Insn { imm, rm, ..base }, each));
                }
            }
        }
    }
    assert!(!out.is_empty(), "{op}: no variant can be encoded");
    out
}

/// The format of an instruction's floating-point sources: the last format in its name.
fn source_format(op: Op) -> Fmt {
    let of = |part: &str| match part {
        "h" => Some(Fmt::H),
        "s" | "w" if part == "s" || op.mnemonic() == "fmv.x.w" => Some(Fmt::S),
        "d" => Some(Fmt::D),
        _ => None,
    };
    op.mnemonic().split('.').rev().find_map(of).unwrap_or(match op {
        Op::Fsh | Op::Flh => Fmt::H,
        Op::Fsw | Op::Flw => Fmt::S,
        _ => Fmt::D,
    })
}

/// The size of an atomic's operand in bytes.
fn atomic_size(op: Op) -> u64 {
    match op.mnemonic().rsplit('.').next() {
        Some("b") => 1,
        Some("h") => 2,
        Some("w") => 4,
        Some("d") => 8,
        _ => 16,
    }
}

/// Fills in operands of a variant.
struct Filler<'a> {
    rng: &'a mut Rng,
    xlen: Xlen,
    integers: Vec<u64>,
    format: Fmt,
    floats: Vec<u64>,
}

impl Filler<'_> {
    fn integer(&mut self, edge: Option<usize>) -> u64 {
        match edge {
            Some(n) => self.integers[n % self.integers.len()],
            None if self.rng.one_in(2) => self.rng.of(&self.integers),
            None => integer(self.rng),
        }
    }

    fn float(&mut self, edge: Option<usize>) -> u64 {
        let v = match edge {
            Some(n) => self.floats[n % self.floats.len()],
            None if self.rng.one_in(2) => self.rng.of(&self.floats),
            None => self.format.random(self.rng),
        };
        match edge {
            Some(_) => self.format.boxed(v),
            None => self.format.in_register(v, self.rng),
        }
    }

    fn fcsr(&mut self, i: &Insn) -> u64 {
        let flags = if self.rng.one_in(2) { 0 } else { self.rng.next() & 31 };
        let dynamic = i.op.info().has_rm && i.rm == 7;
        // An unused mode may have any value.
        flags | (self.rng.below(if dynamic { 5 } else { 8 }) as u64) << 5
    }

    /// The n-th of `count` records; `target` is the target of an indirect jump.
    fn record(&mut self, v: &Variant, n: usize, count: usize, target: u64) -> Record {
        let e = v.insn.expand(self.xlen);
        let info = e.op.info();
        // All pairs of edge values if there is room, otherwise random ones.
        let ints = [(info.rs1, e.rs1), (info.rs2, e.rs2)].iter().filter(|s| s.0 == RegClass::X && s.1 != 0).count();
        let (k, sources) = match ints {
            0 => (self.floats.len(), v.f.len() - usize::from(info.rd == RegClass::F && v.f.len() > 1)),
            _ => (self.integers.len(), ints),
        };
        let exhaustive =
            v.window == 0 && n < k.pow(sources.min(4) as u32) && k.pow(sources.min(4) as u32) <= count * 4 / 5;
        let mut rest = n;
        let mut edge = || {
            let this = rest % k;
            rest /= k;
            exhaustive.then_some(this)
        };
        let mut r = Record { fcsr: self.fcsr(&v.insn), ..Record::default() };
        let sources = [(info.rs1, e.rs1), (info.rs2, e.rs2), (info.rs3, e.rs3)];
        let mut chosen: Vec<(RegClass, u8, u64)> = Vec::new();
        for (class, number) in sources {
            if class == RegClass::None || chosen.iter().any(|c| (c.0, c.1) == (class, number)) {
                continue;
            }
            let value = if class == RegClass::X { self.integer(edge()) } else { self.float(edge()) };
            // Equal and adjacent operands are too rare among random ones.
            let value = match chosen.last() {
                Some(last) if !exhaustive && last.0 == class && self.rng.one_in(6) => {
                    let value = last.2.wrapping_add(self.rng.below(3) as u64).wrapping_sub(1);
                    if class == RegClass::F && self.rng.one_in(2) {
                        value ^ 1 << (self.format.bits() - 1)
                    } else {
                        value
                    }
                }
                _ => value,
            };
            chosen.push((class, number, value));
        }
        let find = |class, number| chosen.iter().find(|c| (c.0, c.1) == (class, number)).map(|c| c.2);
        r.x = v.x.iter().map(|&x| find(RegClass::X, x).unwrap_or_else(|| integer(self.rng))).collect();
        r.f = v.f.iter().map(|&f| find(RegClass::F, f).unwrap_or_else(|| self.rng.next())).collect();
        if e.op == Op::Jalr {
            let base = target.wrapping_sub(e.imm as u64);
            // Bit 0 of the sum is cleared.
            let odd = u64::from(self.rng.one_in(2));
            self.set(v, &mut r, e.rs1, base.wrapping_add(odd));
        }
        if v.window != 0 {
            self.memory(v, &e, &mut r);
        }
        r
    }

    fn set(&self, v: &Variant, r: &mut Record, x: u8, value: u64) {
        if let Some(at) = v.x.iter().position(|&n| n == x) {
            r.x[at] = value;
        }
    }

    /// Sets the window, its contents and the base register.
    fn memory(&mut self, v: &Variant, e: &Insn, r: &mut Record) {
        let info = e.op.info();
        r.memory = (0..v.window).map(|_| self.rng.next() as u8).collect();
        let (window, offset) = if info.is_atomic {
            let size = atomic_size(e.op);
            (SCRATCH + 64, 16 + self.rng.below(8) as u64 / size * size)
        } else if v.window > 32 {
            (SCRATCH + 256, 64 + self.rng.below(64) as u64)
        } else {
            // Within a page, and across a page boundary at every offset.
            (if self.rng.one_in(2) { SCRATCH + 64 } else { SCRATCH + 0x1000 - 16 }, 8 + self.rng.below(9) as u64)
        };
        r.window = window;
        if info.is_atomic {
            for (at, number) in [(16, e.rs2), (24, e.rs2 + 1)] {
                // Edge values in memory, and values equal to an operand.
                let value = match v.x.iter().position(|&x| x == number) {
                    Some(x) if self.rng.one_in(4) => r.x[x],
                    _ => self.integer(None),
                };
                r.memory[at..at + 8].copy_from_slice(&value.to_le_bytes());
            }
        }
        if info.reads_rd && e.rd != 0 && self.rng.one_in(2) {
            // A comparison that succeeds regardless of the upper bits of the register.
            let size = atomic_size(e.op) as usize;
            let at = offset as usize;
            let each = size.min(self.xlen.bits() as usize / 8);
            for (n, part) in r.memory[at..at + size].to_vec().chunks(each).enumerate() {
                let mut bytes = if self.rng.one_in(2) { [0; 8] } else { self.rng.next().to_le_bytes() };
                bytes[..each].copy_from_slice(part);
                self.set(v, r, e.rd + n as u8, u64::from_le_bytes(bytes));
            }
        }
        self.set(v, r, e.rs1, (window + offset).wrapping_sub(e.imm as u64));
    }
}

/// Setup code before a store-conditional, which succeeds after the first and fails after the others.
fn reservations(i: &Insn) -> Vec<Vec<Insn>> {
    let (lr, store) = if i.op == Op::ScD { (Op::LrD, Op::Sd) } else { (Op::LrW, Op::Sw) };
    let lr = insn(lr, TEMP, i.rs1, 0, 0);
    let sc = insn(i.op, TEMP, i.rs1, TEMP, 0);
    let changed = [insn(Op::Addi, TEMP, TEMP, 0, 1), insn(store, 0, i.rs1, TEMP, 0)];
    vec![vec![lr], vec![lr, sc], vec![sc], [&[lr][..], &changed].concat()]
}

/// Adds all runs of an op to a program.
pub fn add(program: &mut Program, op: Op) {
    let xlen = program.xlen;
    let mut rng = Rng(u64::from(xlen.bits()) << 32 | op as u64);
    let format = source_format(op);
    let converts = op.mnemonic().starts_with("fcvt") || op.mnemonic().starts_with("fround");
    for (i, count) in variants(op, xlen, &mut rng) {
        let befores = if matches!(op, Op::ScW | Op::ScD) { reservations(&i) } else { vec![Vec::new()] };
        for before in befores {
            let mut v = Variant { before, ..Variant::new(i, xlen) };
            let e = i.expand(xlen);
            v.window = match e.op {
                _ if !accesses(&e) => 0,
                Op::CboZero | Op::CboClean | Op::CboFlush => 192,
                _ => 32,
            };
            let count = if v.x.is_empty() && v.f.is_empty() { 2 } else { count };
            program.add(v.clone(), |target| {
                let floats = if converts { format.conversion_edges() } else { format.edges() };
                let integers = if converts { conversion_integers() } else { integer_edges() };
                let mut filler = Filler { rng: &mut rng, xlen, integers, format, floats };
                (0..count).map(|n| filler.record(&v, n, count, target)).collect()
            });
        }
    }
}
