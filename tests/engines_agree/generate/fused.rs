//! Groups of instructions that a compiler of guest code would make one of, and groups that only look alike.

use super::builder::{Builder, SP, insn};
use super::random::Kind;
use remu_isa::{Insn, Op};

impl Builder<'_> {
    /// A group. Its registers coincide at random, and something unrelated is in its middle at times.
    pub fn fused(&mut self) {
        let (a, b, c) = (self.source(), self.source(), self.source());
        let (d, e) = (self.destination(), self.destination());
        // A group's intermediate register is overwritten or survives.
        let d = if self.rng.one_in(2) { e } else { d };
        match self.rng.below(24) {
            0 => {
                let value = self.rng.next() as i32;
                self.imm(Op::Lui, d, 0, value & !0xfff);
                self.between();
                let op = self.rng.of(&[Op::Addi, Op::Addiw, Op::Xori, Op::Ori]);
                self.imm(op, e, d, value << 20 >> 20);
            }
            1 => {
                let upper = self.rng.next() as i32 & !0xfff;
                self.imm(Op::Auipc, d, 0, upper);
                let low = self.small();
                self.imm(Op::Addi, e, d, low);
            }
            2 => {
                let n = self.rng.of(&[32, 32, 48, 56, 1, 63, 16, 33]);
                let back = if self.rng.one_in(3) { self.rng.below(64) as i32 } else { n };
                self.imm(Op::Slli, d, a, n);
                self.between();
                let op = self.rng.of(&[Op::Srli, Op::Srai]);
                self.imm(op, e, d, back);
            }
            3 => {
                let n = self.rng.below(32) as i32;
                self.imm(Op::Slliw, d, a, n);
                let op = self.rng.of(&[Op::Srliw, Op::Sraiw, Op::Srai]);
                self.imm(op, e, d, n);
            }
            4 => {
                let op = self.rng.of(&[Op::Addw, Op::Subw, Op::Mulw, Op::Sllw, Op::Sraw, Op::Remuw, Op::Divw]);
                self.op(op, d, a, b);
                self.between();
                self.imm(Op::Addiw, e, d, 0);
            }
            5 => {
                let op = self.rng.of(&[Op::Add, Op::Sub, Op::Mul, Op::Xor, Op::Sll, Op::Srl]);
                self.op(op, d, a, b);
                self.imm(Op::Addiw, e, d, 0);
            }
            6 => {
                let op = self.rng.of(&[Op::Slt, Op::Sltu]);
                self.op(op, d, a, b);
                self.over(d, 0);
            }
            7 => {
                let op = self.rng.of(&[Op::Slti, Op::Sltiu]);
                let value = self.small();
                self.imm(op, d, a, value);
                self.between();
                if self.rng.one_in(2) {
                    self.imm(Op::Xori, d, d, 1);
                }
                self.over(d, 0);
            }
            8 => {
                // The smaller or larger of two.
                let op = self.rng.of(&[Op::Slt, Op::Sltu]);
                let (one, two) = self.rng.of(&[(Op::CzeroEqz, Op::CzeroNez), (Op::CzeroNez, Op::CzeroEqz)]);
                let (test, left) = (self.scratch(), self.scratch());
                self.op(op, test, a, b);
                self.op(one, left, a, test);
                self.op(two, d, b, test);
                self.op(Op::Or, e, d, left);
            }
            9 => {
                let r = self.scratch();
                let value = self.rng.next() >> self.rng.below(64);
                self.li(r, value);
                let op = self.rng.of(&[
                    Op::Mul,
                    Op::Mulw,
                    Op::Mulh,
                    Op::Mulhu,
                    Op::Mulhsu,
                    Op::Divu,
                    Op::Rem,
                    Op::Add,
                    Op::And,
                ]);
                self.op(op, e, a, r);
            }
            10 => {
                for _ in 0..2 + self.rng.below(3) {
                    let step = 16 * (self.rng.below(9) as i32 - 4);
                    self.imm(Op::Addi, SP, SP, step);
                }
            }
            11 => {
                for _ in 0..2 + self.rng.below(3) {
                    let value = self.small();
                    self.imm(Op::Addi, d, d, value);
                }
            }
            12 => {
                // Carry out of an addition, borrow of a subtraction.
                let op = self.rng.of(&[Op::Add, Op::Sub]);
                self.op(op, d, a, b);
                let (left, right) = self.rng.of(&[(d, a), (a, d), (d, b), (a, b)]);
                self.op(Op::Sltu, e, left, right);
            }
            13 => {
                let op = self.rng.of(&[Op::Mulhu, Op::Mulh, Op::Mulhsu]);
                self.op(op, d, a, b);
                self.op(Op::Mul, e, a, b);
            }
            14 => {
                if self.rng.one_in(3) {
                    let (least, divisor) = (self.rng.of(&[1 << 63, 1 << 31]), self.rng.of(&[u64::MAX, 0, 1]));
                    self.li(d, least);
                    self.li(e, divisor);
                    let op = self.rng.of(&[Op::Div, Op::Divw, Op::Rem, Op::Remw, Op::Divu, Op::Divuw]);
                    self.op(op, d, d, e);
                }
                let (one, two) = self.rng.of(&[(Op::Div, Op::Rem), (Op::Divu, Op::Remu), (Op::Divw, Op::Remw)]);
                self.op(one, d, a, b);
                self.op(two, e, a, b);
            }
            15 => {
                let op = self.rng.of(&[Op::Xor, Op::Or, Op::And]);
                self.imm(Op::Xori, d, a, -1);
                self.op(op, e, d, b);
            }
            16 => {
                // A rotation, by its parts.
                let n = self.rng.below(64) as i32;
                let r = self.scratch();
                self.imm(Op::Slli, r, a, n);
                self.imm(Op::Srli, d, a, (64 - n) & 63);
                self.op(Op::Or, e, d, r);
            }
            17 => {
                let r = self.scratch();
                self.op(Op::Sub, r, 0, a);
                let op = self.rng.of(&[Op::Sll, Op::Srl, Op::Sra]);
                self.op(op, d, b, a);
                let op = self.rng.of(&[Op::Sll, Op::Srl, Op::Sra]);
                self.op(op, e, c, r);
            }
            18 => {
                // The absolute value.
                let r = self.scratch();
                self.imm(Op::Srai, r, a, 63);
                self.op(Op::Xor, d, a, r);
                self.op(Op::Sub, e, d, r);
            }
            19 => {
                let op = self.rng.of(&[Op::Sltu, Op::Slt]);
                self.op(op, d, 0, a);
                self.imm(Op::Sltiu, e, d, 1);
                self.over(e, 0);
            }
            20 => self.over(a, b),
            21 => {
                let compare = self.compare_floats();
                self.push(Insn { rd: d, ..compare });
                self.between();
                self.over(d, 0);
            }
            22 => {
                let bit = self.rng.below(64) as i32;
                let (op, second) = self.rng.of(&[(Op::Andi, Op::Sltu), (Op::Bexti, Op::Xor), (Op::Srli, Op::And)]);
                self.imm(op, d, a, if op == Op::Andi { 1 << (bit & 7) } else { bit });
                self.op(second, e, 0, d);
                self.over(e, 0);
            }
            _ => {
                // A short value moved, extended, moved again.
                self.op(Op::Add, d, a, 0);
                let op = self.rng.of(&[Op::SextB, Op::SextH, Op::ZextH]);
                self.op(op, e, d, 0);
                let op = self.rng.of(&[Op::Add, Op::AddUw]);
                self.op(op, d, e, 0);
            }
        }
    }

    /// A small immediate.
    fn small(&mut self) -> i32 {
        if self.rng.one_in(3) { self.rng.of(&[0, 1, -1, 2047, -2048]) } else { self.rng.below(4096) as i32 - 2048 }
    }

    /// Nothing, or something unrelated.
    fn between(&mut self) {
        if self.rng.one_in(4) {
            self.one(Kind::Common);
        }
    }

    /// A branch over one instruction.
    fn over(&mut self, a: u8, b: u8) {
        let op = self.rng.of(&[Op::Beq, Op::Bne, Op::Beq, Op::Bne, Op::Blt, Op::Bge, Op::Bltu, Op::Bgeu]);
        let (a, b) = if self.rng.one_in(6) { (b, a) } else { (a, b) };
        let jump = self.jump(op, 0, a, b);
        let kind = self.rng.of(&[Kind::Common, Kind::Common, Kind::Integer, Kind::Float]);
        self.one(kind);
        self.land(jump);
    }

    fn compare_floats(&mut self) -> Insn {
        let op = self.rng.of(&[Op::FeqD, Op::FltD, Op::FleD, Op::FeqS, Op::FltS, Op::FleS, Op::FltqD, Op::FleqS]);
        let (a, b) = (self.pool.float(self.rng), self.pool.float(self.rng));
        insn(op, 0, a, b, 0)
    }
}
