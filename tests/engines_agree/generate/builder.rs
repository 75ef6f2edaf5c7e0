//! The parts that all shapes are made of.

use super::memory::{BASE, BASE_REGISTER};
use super::random::{self, Kind, Ops, Pool};
use crate::bench::STACK;
use crate::operands::Fmt;
use crate::program::{Imm, Program, Slot, SlotId, Target};
use crate::rng::Rng;
use remu_isa::{Insn, Op, RegClass, Xlen, encode};

pub const RA: u8 = 1;
pub const SP: u8 = 2;
pub const T0: u8 = 5;

/// Rounding modes that programs start with. Some are reserved.
const ROUNDING: [u8; 18] = [0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 6, 7];

/// An instruction without `rs3` and `rm`.
pub fn insn(op: Op, rd: u8, rs1: u8, rs2: u8, imm: i32) -> Insn {
    Insn { op, rd, rs1, rs2, rs3: 0, rm: 0, len: if op.info().compressed { 2 } else { 4 }, imm }
}

/// A program while it is generated.
pub struct Builder<'a> {
    pub ops: &'a Ops,
    pub rng: &'a mut Rng,
    pub pool: Pool,
    /// Values that registers start with; the others are random.
    pub starts: Vec<(u8, u64)>,
    pub tables: Vec<(u64, SlotId)>,
    slots: Vec<Slot>,
}

impl<'a> Builder<'a> {
    pub fn new(ops: &'a Ops, pool: Pool, rng: &'a mut Rng) -> Self {
        let mut new = Self { ops, rng, pool, starts: Vec::new(), tables: Vec::new(), slots: Vec::new() };
        new.reserve(BASE_REGISTER, BASE);
        new
    }

    /// The place of the next instruction.
    pub fn here(&self) -> SlotId {
        self.slots.len()
    }

    pub fn push(&mut self, insn: Insn) {
        self.push_with(insn, Imm::Given);
    }

    pub fn push_with(&mut self, insn: Insn, imm: Imm) {
        self.slots.push(Slot { insn, imm });
    }

    pub fn op(&mut self, op: Op, rd: u8, rs1: u8, rs2: u8) {
        self.push(insn(op, rd, rs1, rs2, 0));
    }

    pub fn imm(&mut self, op: Op, rd: u8, rs1: u8, imm: i32) {
        self.push(insn(op, rd, rs1, 0, imm));
    }

    /// A branch or `jal` whose target is set later, by [`Self::land`].
    pub fn jump(&mut self, op: Op, rd: u8, rs1: u8, rs2: u8) -> SlotId {
        self.push_with(insn(op, rd, rs1, rs2, 0), Imm::To(Target::Slot(0)));
        self.here() - 1
    }

    /// Makes a jump go to the next instruction.
    pub fn land(&mut self, jump: SlotId) {
        let here = self.here();
        self.target(jump, here);
    }

    pub fn target(&mut self, jump: SlotId, to: SlotId) {
        self.slots[jump].imm = Imm::To(Target::Slot(to));
    }

    /// Reserves a register and gives it a value to start with.
    pub fn reserve(&mut self, r: u8, start: u64) {
        self.pool.reserved |= 1 << r;
        self.starts.push((r, start));
    }

    /// Takes a free register that random instructions leave alone from now on.
    pub fn take(&mut self) -> u8 {
        let r = self.pool.scratch(self.rng);
        self.pool.reserved |= 1 << r;
        r
    }

    pub fn give_back(&mut self, r: u8) {
        self.pool.reserved &= !(1 << r);
    }

    pub fn source(&mut self) -> u8 {
        self.pool.source(self.rng)
    }

    pub fn destination(&mut self) -> u8 {
        self.pool.destination(self.rng)
    }

    pub fn scratch(&mut self) -> u8 {
        self.pool.scratch(self.rng)
    }

    /// A random instruction of a kind.
    pub fn random(&mut self, kind: Kind) -> Insn {
        loop {
            let random = self.ops.random(kind, self.pool.fmt, self.rng);
            if let Some(insn) = self.pool.adapt(random, self.rng) {
                return insn;
            }
        }
    }

    pub fn one(&mut self, kind: Kind) {
        let insn = self.random(kind);
        self.push(insn);
    }

    /// Instructions of these kinds, one after the other.
    pub fn straight(&mut self, n: usize, kinds: &[Kind]) {
        for _ in 0..n {
            match self.rng.below(24) {
                0 => self.skip(),
                1 => self.csr(),
                3 if kinds.contains(&Kind::Float) => self.float_pair(),
                2 if kinds.contains(&Kind::Memory) => self.memory(),
                _ => {
                    let kind = self.rng.of(kinds);
                    self.one(kind);
                }
            }
        }
    }

    /// An operation on two new values of its format.
    pub fn float_pair(&mut self) {
        let fmt = self.pool.fmt.unwrap_or(self.rng.of(&[Fmt::D, Fmt::S, Fmt::H]));
        let special = self.rng.one_in(2);
        let [a, b] = [(); 2].map(|()| {
            let rd = self.pool.float(self.rng);
            let value = if special {
                fmt.boxed(self.rng.of(&random::special(fmt)))
            } else {
                self.ops.values.float(Some(fmt), self.rng)
            };
            self.float_constant(rd, value);
            rd
        });
        let usual = self.pool.fmt.replace(fmt);
        let op = self.random(Kind::Float);
        self.pool.fmt = usual;
        let of = |class, new, old| if class == RegClass::F { new } else { old };
        let info = op.op.info();
        self.push(Insn { rs1: of(info.rs1, a, op.rs1), rs2: of(info.rs2, b, op.rs2), ..op });
    }

    /// Loads a floating-point register by way of an integer register, or with a constant of `fli`.
    fn float_constant(&mut self, rd: u8, value: u64) {
        if self.rng.one_in(8) {
            let op = self.rng.of(&[Op::FliD, Op::FliS, Op::FliH]);
            let number = self.rng.below(32) as i32;
            return self.push(insn(op, rd, 0, 0, number));
        }
        let r = self.scratch();
        self.li(r, value);
        self.push(insn(Op::FmvDX, rd, r, 0, 0));
    }

    /// A branch forward over a few instructions.
    pub fn skip(&mut self) {
        let jump = self.branch();
        for _ in 0..self.rng.below(4) {
            let kind = self.rng.of(&[Kind::Common, Kind::Common, Kind::Integer, Kind::Float]);
            self.one(kind);
        }
        self.land(jump);
    }

    /// A conditional branch of any kind, or now and then a jump.
    pub fn branch(&mut self) -> SlotId {
        let (a, b) = (self.source(), self.source());
        let low = 8 + self.rng.below(8) as u8;
        match self.rng.below(12) {
            0 => self.jump(Op::CJ, 0, 0, 0),
            1 => {
                let rd = self.destination();
                self.jump(Op::Jal, rd, 0, 0)
            }
            2 => self.jump(Op::CBeqz, 0, low, 0),
            3 => self.jump(Op::CBnez, 0, low, 0),
            _ => {
                let op = self.rng.of(&[Op::Beq, Op::Bne, Op::Blt, Op::Bge, Op::Bltu, Op::Bgeu]);
                self.jump(op, 0, a, b)
            }
        }
    }

    /// An access to a CSR.
    pub fn csr(&mut self) {
        let number = match self.rng.below(24) {
            0 => 0xc00,
            1 | 2 => 0xc02,
            3 => self.rng.of(&[0x000, 0x004, 0x300, 0xc03, 0xc80, 0xfff]),
            n => 1 + n as i32 % 3,
        };
        let (rd, rs1) = (self.destination(), self.source());
        if self.pool.calm {
            return self.calm_csr(rd, rs1);
        }
        let op = self.rng.of(&[Op::Csrrw, Op::Csrrs, Op::Csrrc, Op::Csrrwi, Op::Csrrsi, Op::Csrrci]);
        // Most often a valid rounding mode; reading only is as frequent as writing.
        let operand = match self.rng.below(4) {
            0 | 1 if !matches!(op, Op::Csrrw | Op::Csrrwi) => 0,
            _ if op.info().rs1 == RegClass::X => {
                if self.rng.one_in(2) {
                    let mode = self.rng.below(5) as i32;
                    let r = self.scratch();
                    let value = if number == 3 { mode << 5 | self.rng.below(32) as i32 } else { mode };
                    self.imm(Op::Addi, r, 0, value);
                    r
                } else {
                    rs1
                }
            }
            _ if number == 2 => self.rng.of(&[0, 0, 1, 2, 3, 4, 4, 5, 7]),
            _ => self.rng.below(32) as u8,
        };
        self.imm(op, rd, operand, number);
    }

    /// An access to the floating-point CSRs that leaves a valid rounding mode.
    fn calm_csr(&mut self, rd: u8, rs1: u8) {
        let mode = self.rng.below(5) as u8;
        let (op, operand, number) = match self.rng.below(6) {
            0 => (Op::Csrrs, 0, self.rng.of(&[1, 2, 3])),
            1 => (self.rng.of(&[Op::Csrrw, Op::Csrrs, Op::Csrrc]), rs1, 1),
            2 => (self.rng.of(&[Op::Csrrwi, Op::Csrrsi, Op::Csrrci]), self.rng.below(32) as u8, 1),
            3 => {
                let r = self.scratch();
                let flags = self.rng.below(32) as i32;
                self.imm(Op::Addi, r, 0, i32::from(mode) << 5 | flags);
                (Op::Csrrw, r, 3)
            }
            _ => (Op::Csrrwi, mode, 2),
        };
        self.imm(op, rd, operand, number);
    }

    /// Loads a constant.
    pub fn li(&mut self, r: u8, v: u64) {
        let v = v as i64;
        let low = v << 52 >> 52;
        if v == low {
            return self.imm(Op::Addi, r, 0, v as i32);
        }
        if i64::from(v as i32) == v {
            self.imm(Op::Lui, r, 0, (v - low) as i32);
            if low != 0 {
                self.imm(Op::Addiw, r, r, low as i32);
            }
            return;
        }
        let upper = v.wrapping_sub(low) >> 12;
        let zeros = upper.trailing_zeros();
        self.li(r, (upper >> zeros) as u64);
        self.imm(Op::Slli, r, r, 12 + zeros as i32);
        if low != 0 {
            self.imm(Op::Addi, r, r, low as i32);
        }
    }

    /// The address of an instruction.
    pub fn la(&mut self, r: u8, to: Target) {
        let base = self.here();
        self.push_with(insn(Op::Auipc, r, 0, 0, 0), Imm::High(to));
        self.push_with(insn(Op::Addi, r, r, 0, 0), Imm::Low(to, base));
    }

    /// The short form of an instruction if it has one, half of the time.
    pub fn maybe_short(&mut self, long: Insn, short: Insn) {
        let fits = encode(&short, Xlen::Rv64).is_ok() && {
            let e = short.expand(Xlen::Rv64);
            Insn { len: 4, ..e } == long
        };
        let chosen = if fits && self.rng.one_in(2) { short } else { long };
        self.push(chosen);
    }

    /// The slot at a place.
    pub fn slot_mut(&mut self, at: SlotId) -> &mut Slot {
        &mut self.slots[at]
    }

    /// The program, not yet placed.
    pub fn finish(self, shape: &'static str) -> Program {
        let rng = self.rng;
        let (mut x, mut f) = ([0; 32], [0; 32]);
        x[1..].fill_with(|| self.ops.values.integer(rng));
        f.fill_with(|| self.ops.values.float(self.pool.fmt, rng));
        x[usize::from(SP)] = STACK + 0x800 + 16 * rng.below(16) as u64;
        for (r, v) in self.starts {
            x[usize::from(r)] = v;
        }
        Program {
            shape,
            base: 0,
            slots: self.slots.into_iter().map(Some).collect(),
            tables: self.tables,
            x,
            f,
            fcsr: u32::from(if self.pool.calm { rng.below(5) as u8 } else { rng.of(&ROUNDING) }) << 5
                | rng.of(&[0, 0, 0, 1, 0x1f, 0x10]),
            reserved: self.pool.reserved,
            memory: Some(rng.next()),
            instret: rng.of(&[0, 0, 1, 0xffff_ffff]),
        }
    }
}
