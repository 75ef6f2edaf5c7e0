//! Single random instructions, and the values that programs start with.

use crate::bench::{AFTER_HOLE, CODE, DATA, FILE, HIGH, LIMIT, PAGE, STACK};
use crate::operands::{self, Fmt};
use crate::rng::Rng;
use remu_isa::{Ext, Insn, Isa, Op, RegClass, Xlen, decode, encode};

/// Which ops an instruction is chosen from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What compilers use most.
    Common,
    /// Computation in integer registers, and hints.
    Integer,
    /// Computation with floating-point registers.
    Float,
    /// Loads, stores and cache blocks.
    Memory,
    Atomic,
    /// Privileged instructions, waits, `fence.i`, `ecall` and `ebreak`.
    Odd,
}

const COMMON: &[&str] = &[
    "add",
    "addi",
    "addiw",
    "addw",
    "and",
    "andi",
    "auipc",
    "c.add",
    "c.addi",
    "c.addiw",
    "c.addw",
    "c.and",
    "c.andi",
    "c.li",
    "c.lui",
    "c.mv",
    "c.or",
    "c.slli",
    "c.srai",
    "c.srli",
    "c.sub",
    "c.subw",
    "c.xor",
    "lui",
    "mul",
    "or",
    "ori",
    "sll",
    "slli",
    "slliw",
    "sllw",
    "slt",
    "slti",
    "sltiu",
    "sltu",
    "sra",
    "srai",
    "sraiw",
    "sraw",
    "srl",
    "srli",
    "srliw",
    "srlw",
    "sub",
    "subw",
    "xor",
    "xori",
    "add.uw",
    "sh1add",
    "sh2add",
    "sh3add",
    "sext.b",
    "sext.h",
    "zext.h",
    "max",
    "min",
    "maxu",
    "minu",
    "czero.eqz",
    "czero.nez",
];

/// The ops of each kind. Jumps, branches and accesses to CSRs are not among them: programs place them with care.
pub struct Ops {
    of: [Vec<Op>; 6],
    isa: Isa,
    pub values: Values,
}

impl Ops {
    pub fn new() -> Self {
        let isa = Isa::rv64_max();
        let mut of = [const { Vec::new() }; 6];
        for op in Op::ALL {
            let info = op.info();
            let expanded =
                Insn { op, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, len: 4, imm: 0 }.expand(Xlen::Rv64).op.info();
            let enabled = info.needs.iter().any(|need| need.is_subset(isa.exts));
            let flow = op.mnemonic().starts_with("csrr")
                || matches!(
                    expanded.op,
                    Op::Jal | Op::Jalr | Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu
                );
            if op.pattern(isa.xlen).is_none() || !enabled || flow {
                continue;
            }
            let float = [expanded.rd, expanded.rs1, expanded.rs2].contains(&RegClass::F);
            let kind = match expanded {
                e if e.is_atomic => Kind::Atomic,
                e if e.is_load || e.is_store || e.may_fault || info.ext == Ext::Zicbop => Kind::Memory,
                e if e.ends_block => Kind::Odd,
                _ if float => Kind::Float,
                _ => Kind::Integer,
            };
            of[kind as usize].push(op);
            if COMMON.contains(&op.mnemonic()) {
                of[Kind::Common as usize].push(op);
            }
        }
        assert_eq!(of[Kind::Common as usize].len(), COMMON.len(), "each has its op");
        assert!(of.iter().all(|ops| !ops.is_empty()));
        Self { of, isa, values: Values::new() }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = Op> {
        self.of.iter().flatten().copied()
    }

    /// An instruction with random fields; of floating-point ops most often one of the format.
    pub fn random(&self, kind: Kind, fmt: Option<Fmt>, rng: &mut Rng) -> Insn {
        loop {
            let op = rng.of(&self.of[kind as usize]);
            let suffix = match fmt.filter(|_| kind == Kind::Float) {
                Some(Fmt::H) => ".h",
                Some(Fmt::S) => ".s",
                Some(Fmt::D) => ".d",
                None => "",
            };
            if op.mnemonic().contains(suffix) || rng.one_in(8) {
                return self.with_random_fields(op, rng);
            }
        }
    }

    /// This op with random fields.
    pub fn with_random_fields(&self, op: Op, rng: &mut Rng) -> Insn {
        let pattern = op.pattern(self.isa.xlen).expect("an op of this ISA");
        loop {
            let bits = pattern.value | rng.next() as u32 & !pattern.mask;
            if let Ok(insn) = decode(bits, self.isa)
                && insn.op == op
            {
                return insn;
            }
        }
    }
}

/// Registers of a program: few, so that instructions depend on each other.
pub struct Pool {
    pub x: Vec<u8>,
    pub f: Vec<u8>,
    /// The format of most floating-point values and operations; `None` if they are mixed.
    pub fmt: Option<Fmt>,
    /// Registers that random instructions do not write: bit `r` for `x[r]`.
    pub reserved: u32,
    /// Whether nothing may stop the program: no fault, no reserved rounding mode.
    pub calm: bool,
}

impl Pool {
    pub fn new(rng: &mut Rng) -> Self {
        // a0-a5, s0 and s1 are those of most compressed instructions.
        let mut some = |most| (0..2 + rng.below(most)).map(|_| rng.below(32) as u8).collect::<Vec<_>>();
        let (mut x, mut f) = (some(5), some(4));
        x.extend((0..1 + rng.below(4)).map(|_| 8 + rng.below(8) as u8));
        f.extend((0..1 + rng.below(3)).map(|_| 8 + rng.below(8) as u8));
        Self { x, f, fmt: None, reserved: 0, calm: false }
    }

    /// Whether random instructions may write the register.
    pub fn free(&self, r: u8) -> bool {
        self.reserved >> r & 1 == 0
    }

    /// A source, which is x0 now and then.
    pub fn source(&self, rng: &mut Rng) -> u8 {
        if rng.one_in(12) { 0 } else { rng.of(&self.x) }
    }

    /// A register that may be written, rarely x0.
    pub fn destination(&self, rng: &mut Rng) -> u8 {
        loop {
            let r = if rng.one_in(20) { rng.below(32) as u8 } else { rng.of(&self.x) };
            if self.free(r) && (r != 0 || rng.one_in(4)) {
                return r;
            }
        }
    }

    /// A register other than x0 that may be written.
    pub fn scratch(&self, rng: &mut Rng) -> u8 {
        loop {
            let r = rng.of(&[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31]);
            if self.free(r) {
                return r;
            }
        }
    }

    pub fn float(&self, rng: &mut Rng) -> u8 {
        if rng.one_in(8) { rng.below(32) as u8 } else { rng.of(&self.f) }
    }

    fn field(&self, class: RegClass, random: u8, written: bool, rng: &mut Rng) -> u8 {
        match class {
            RegClass::None => random,
            RegClass::X if written => self.destination(rng),
            RegClass::X => self.source(rng),
            RegClass::F => self.float(rng),
        }
    }

    /// The instruction with registers of the pool and with edge values as immediates, as far as its encoding can hold
    /// them. `None` if it writes a reserved register.
    pub fn adapt(&self, insn: Insn, rng: &mut Rng) -> Option<Insn> {
        let info = insn.op.info();
        let even = |r: u8| if info.pair == Some(Xlen::Rv64) { r & !1 } else { r };
        let mut best = insn;
        let mut attempt = |change: &dyn Fn(&mut Insn)| {
            let mut next = best;
            change(&mut next);
            if encode(&next, Xlen::Rv64).is_ok() {
                best = next;
            }
        };
        let rd = even(self.field(info.rd, insn.rd, true, rng));
        let rs1 = self.field(info.rs1, insn.rs1, false, rng);
        let rs2 = even(self.field(info.rs2, insn.rs2, false, rng));
        let rs3 = self.field(info.rs3, insn.rs3, false, rng);
        attempt(&|i| i.rd = rd);
        attempt(&|i| i.rs1 = rs1);
        attempt(&|i| i.rs2 = rs2);
        attempt(&|i| i.rs3 = rs3);
        if rng.one_in(2) {
            // In compressed instructions the destination is a source.
            attempt(&|i| (i.rd, i.rs1) = (rd, rd));
        }
        if rng.one_in(8) {
            attempt(&|i| (i.rs1, i.rs2) = (rs1, rs1));
        }
        if info.has_rm {
            let rm = match rng.below(16) {
                n @ 0..5 => n as u8,
                5 if !self.calm => rng.of(&[4, 5, 6]),
                5 | 6 => 4,
                _ => 7,
            };
            attempt(&|i| i.rm = rm);
        }
        if rng.one_in(3) {
            let imm = rng.of(&[0, 1, -1, 2, 4, 8, 16, 31, 32, 63, 255, 2047, -2048, -2047, -8, -16, 0x7ff8]);
            let upper = rng.of(&[0, 0x1000, i32::MIN, i32::MAX & !0xfff, -0x1000, (DATA + PAGE) as i32]);
            attempt(&|i| i.imm = if matches!(i.op, Op::Lui | Op::Auipc) { upper } else { imm });
        }
        // The base instruction may stand for another one, a hint for example, with such fields.
        let bits = encode(&best, Xlen::Rv64).ok()?;
        let insn = decode(bits, Isa::rv64_max()).ok()?;
        let full = insn.expand(Xlen::Rv64);
        let second = full.op.info().pair == Some(Xlen::Rv64) && full.rd != 0;
        let writes = full.op.info().rd == RegClass::X;
        let harmless = !writes || self.free(full.rd) && (!second || self.free((full.rd + 1) & 31));
        harmless.then_some(insn)
    }
}

/// An address in the middle of data.
pub fn calm_address(rng: &mut Rng) -> u64 {
    let at = DATA + PAGE / 2 + rng.below(PAGE as usize) as u64;
    at & !rng.of(&[0, 3, 7, 7])
}

/// An address: near the edges of memory areas, within them, or anywhere.
pub fn address(rng: &mut Rng) -> u64 {
    let page = match rng.below(8) {
        0..4 => DATA + rng.below(8) as u64 * PAGE,
        4 => rng.of(&[FILE, FILE + PAGE]),
        5 => STACK + PAGE,
        6 => rng.of(&[HIGH, HIGH + PAGE]),
        _ => rng.of(&[DATA + PAGE, AFTER_HOLE, CODE, 0, LIMIT, 1 << 63, 1 << 32, 1 << 31]),
    };
    match rng.below(8) {
        0 => page.wrapping_add(rng.below(17) as u64).wrapping_sub(8),
        1 => page.wrapping_add(rng.below(64) as u64 * 8),
        2 => rng.of(&[0, 8, DATA - 1, u64::MAX, u64::MAX - 7, LIMIT - 4, LIMIT - 1, 1 << 63, (1 << 63) - 2, 1 << 47]),
        3 => DATA + rng.below(2 * PAGE as usize) as u64,
        _ => DATA + 16 * rng.below(2 * PAGE as usize / 16) as u64,
    }
}

/// Zeros, ones, what is halfway between one and the next number, infinities, a quiet and a signaling NaN.
pub fn special(fmt: Fmt) -> [u64; 9] {
    let (sign, one, half, infinity) = match fmt {
        Fmt::D => (1 << 63, 0x3ff0_0000_0000_0000, 0x3ca0_0000_0000_0000, 0x7ff0_0000_0000_0000),
        Fmt::S => (1 << 31, 0x3f80_0000, 0x3380_0000, 0x7f80_0000),
        Fmt::H => (1 << 15, 0x3c00, 0x1000, 0x7c00),
    };
    let quiet = (infinity & u64::wrapping_neg(infinity)) >> 1;
    [0, sign, one, sign | one, half, infinity, sign | infinity, infinity | quiet, infinity | 5]
}

/// Edge values, listed once.
pub struct Values {
    integers: Vec<u64>,
    floats: Vec<(Fmt, Vec<u64>)>,
}

impl Values {
    pub fn new() -> Self {
        let mut integers = operands::integer_edges();
        integers.extend(operands::conversion_integers());
        // Those with meanings of their own are as frequent as all others.
        let least = [1 << 63, i32::MIN as u64, 1 << 31];
        let others = [0, 1, u64::MAX, u64::MAX, u32::MAX.into(), i64::MAX as u64, i32::MAX as u64];
        let times = integers.len() / 10;
        integers.extend(least.into_iter().chain(others).cycle().take(10 * times));
        let floats = [Fmt::D, Fmt::D, Fmt::D, Fmt::S, Fmt::S, Fmt::H].map(|fmt| {
            let mut all = fmt.conversion_edges();
            (0..4).for_each(|_| all.extend(fmt.edges()));
            let special = special(fmt);
            let times = all.len() / special.len();
            all.extend(special.into_iter().cycle().take(special.len() * times));
            (fmt, all)
        });
        Self { integers, floats: floats.into() }
    }

    /// The contents of an integer register.
    pub fn integer(&self, rng: &mut Rng) -> u64 {
        match rng.below(8) {
            0..3 => rng.of(&self.integers),
            3..5 => address(rng),
            5 => rng.below(100) as u64,
            _ => operands::integer(rng),
        }
    }

    /// The contents of a floating-point register.
    pub fn float(&self, fmt: Option<Fmt>, rng: &mut Rng) -> u64 {
        let of_format = |f: Fmt| self.floats.iter().find(|(known, _)| *known == f).expect("all are listed");
        let any = &self.floats[rng.below(self.floats.len())];
        let (fmt, edges) = fmt.filter(|_| !rng.one_in(6)).map_or(any, of_format);
        let v = if rng.below(4) != 0 { rng.of(edges) } else { fmt.random(rng) };
        fmt.in_register(v, rng)
    }
}
