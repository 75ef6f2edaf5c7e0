//! The values of one instruction: descriptions of operands that are computed where they are used.
//!
//! An instruction builds a few nodes and ends by writing, storing or branching on one of them. Only then is code selected,
//! for the whole expression at once. A register that is read stays a name until then, which is correct because an
//! instruction writes registers only after it has computed what it writes.

use crate::guest::riscv::fp::Fmt;
use crate::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType, Sgnj};
use crate::guest::{AmoOp, BitOp, Cond, MemType, Reg, Width, alu};
use crate::jit::x64::Gpr;

/// A node of the current instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Val(u8);

/// An operation on two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Binary {
    Add,
    Sub,
    And,
    Or,
    Xor,
    AndNot,
    OrNot,
    XorNot,
    Shl,
    Lshr,
    Ashr,
    Rotr,
    Rotl,
    Mul,
    Mulh,
    Mulhu,
    Mulhsu,
    Clmul,
    Clmulh,
    Clmulr,
    Xperm4,
    Xperm8,
    Div,
    Divu,
    Rem,
    Remu,
}

impl Binary {
    /// Whether the operands may be exchanged.
    pub fn is_commutative(self) -> bool {
        use Binary::*;
        matches!(self, Add | And | Or | Xor | XorNot | Mul | Mulh | Mulhu)
    }

    /// The operation on constants.
    fn of_constants(self, w: Width, a: u64, b: u64) -> u64 {
        match self {
            Binary::Add => alu::add(w, a, b),
            Binary::Sub => alu::sub(w, a, b),
            Binary::And => a & b,
            Binary::Or => a | b,
            Binary::Xor => a ^ b,
            Binary::AndNot => a & !b,
            Binary::OrNot => a | !b,
            Binary::XorNot => a ^ !b,
            Binary::Shl => alu::shl(w, a, b),
            Binary::Lshr => alu::lshr(w, a, b),
            Binary::Ashr => alu::ashr(w, a, b),
            Binary::Rotr => alu::rotr(w, a, b),
            Binary::Rotl => alu::rotl(w, a, b),
            Binary::Mul => alu::mul(w, a, b),
            Binary::Mulh => alu::mulh(w, a, b),
            Binary::Mulhu => alu::mulhu(w, a, b),
            Binary::Mulhsu => alu::mulhsu(w, a, b),
            Binary::Clmul => alu::clmul(w, a, b),
            Binary::Clmulh => alu::clmulh(w, a, b),
            Binary::Clmulr => alu::clmulr(w, a, b),
            Binary::Xperm4 => alu::xperm4(w, a, b),
            Binary::Xperm8 => alu::xperm8(w, a, b),
            Binary::Div => alu::div(w, a, b),
            Binary::Divu => alu::divu(w, a, b),
            Binary::Rem => alu::rem(w, a, b),
            Binary::Remu => alu::remu(w, a, b),
        }
    }
}

/// An operation on one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Unary {
    Neg,
    Not,
    Clz,
    Ctz,
    Cpop,
    Rev8,
    Brev8,
    OrcB,
}

/// How a conversion to an integer rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Towards zero.
    Truncate,
    /// As MXCSR says.
    Current,
    /// In another mode, numbered as in MXCSR.
    Mode(u8),
    /// To the nearest, from the middle away from zero. MXCSR has no such mode.
    Away,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// A constant.
    Imm(i64),
    /// The integer register, as it is before the instruction writes.
    Reg(Reg),
    /// All bits of the floating-point register.
    FpBits(Reg),
    /// An operation on two values.
    Binary(Binary, Width, Val, Val),
    /// An operation on one value.
    Unary(Unary, Width, Val),
    /// `b + (a << shift)`.
    ShiftAdd(u8, Width, Val, Val),
    /// The low bytes, extended.
    Extend(MemType, Val),
    /// An operation on a single bit of the first value.
    Bit(BitOp, Width, Val, Val),
    /// 0 or 1.
    Compare(Width, Cond, Val, Val),
    /// The second value if the first is not zero, else the third.
    Select(Val, Val, Val),
    /// What is in memory at an address.
    Load(MemType, Val),
    /// An atomic operation on memory at an address, whose value is the old one. It is done when that is written.
    Amo(AmoOp, MemType, Val, Val),
    /// What the instruction has computed into a scratch register.
    Scratch(Gpr),
    /// The floating-point register as a number of a format.
    Number(Fmt, Reg),
    /// An operation on two numbers.
    FpArith(FpOp, Fmt, Reg, Reg),
    /// A square root.
    FpSqrt(Fmt, Reg),
    /// The product of two numbers and a third one, with the signs of the product and of the addend.
    FpFma(Fmt, (bool, bool), Reg, Reg, Reg),
    /// Sign injection.
    FpSign(Sgnj, Fmt, Reg, Reg),
    /// The smaller or larger of two numbers.
    FpMinMax(FpMinMax, Fmt, Reg, Reg),
    /// A number in another format.
    FpConvert(Fmt, Fmt, Reg),
    /// A number rounded to an integral value; the mode is that of the host's instruction.
    FpRound(Fmt, u8, Reg),
    /// A number made from an integer.
    FpFromInt(Fmt, IntType, FromInt, Val),
    /// A comparison of numbers, 0 or 1.
    FpCompare(FpCmp, Fmt, Reg, Reg),
    /// The class of a number.
    FpClass(Fmt, Reg),
    /// An integer made from a number.
    FpToInt(Fmt, IntType, Rounding, Reg),
}

/// How an integer is converted to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromInt {
    /// Rounded in MXCSR's mode.
    Current,
    /// In a mode that MXCSR does not have: an integer that needs rounding is left to the definition.
    Exact,
}

/// The nodes of one instruction.
#[derive(Debug, Default)]
pub struct Nodes(Vec<Node>);

impl Nodes {
    /// Forgets all nodes.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The node of a value.
    pub fn get(&self, v: Val) -> Node {
        self.0[usize::from(v.0)]
    }

    /// The value of a node.
    pub fn push(&mut self, node: Node) -> Val {
        self.0.push(node);
        Val(self.0.len() as u8 - 1)
    }

    /// A constant.
    pub fn imm(&mut self, v: i64) -> Val {
        self.push(Node::Imm(v))
    }

    /// The constant that a value is, if it is one.
    pub fn constant(&self, v: Val) -> Option<i64> {
        if let Node::Imm(v) = self.get(v) { Some(v) } else { None }
    }

    /// An operation on two values, in its simplest form: a constant operand is the second one where the operands may be
    /// exchanged.
    pub fn binary(&mut self, op: Binary, w: Width, a: Val, b: Val) -> Val {
        let (a, b) = match (self.constant(a), self.constant(b)) {
            (Some(a), Some(b)) => return self.imm(op.of_constants(w, a as u64, b as u64) as i64),
            (Some(_), None) if op.is_commutative() => (b, a),
            _ => (a, b),
        };
        let narrow = |nodes: &mut Self| if w == Width::W32 { nodes.push(Node::Extend(MemType::I32, a)) } else { a };
        if op == Binary::And {
            match (self.get(a), self.get(b)) {
                (_, Node::Unary(Unary::Not, Width::W64, b)) => return self.push(Node::Binary(Binary::AndNot, w, a, b)),
                (Node::Unary(Unary::Not, Width::W64, a), Node::Reg(_)) => {
                    return self.push(Node::Binary(Binary::AndNot, w, b, a));
                }
                _ => {}
            }
        }
        match (op, self.constant(b)) {
            (Binary::Add | Binary::Sub, Some(0)) => narrow(self),
            (Binary::Or | Binary::Xor, Some(0)) => a,
            (Binary::And, Some(0xff)) => self.push(Node::Extend(MemType::U8, a)),
            (Binary::And, Some(0xffff)) => self.push(Node::Extend(MemType::U16, a)),
            (Binary::And, Some(0xffff_ffff)) => self.push(Node::Extend(MemType::U32, a)),
            (Binary::And, Some(-1)) => a,
            (Binary::Xor, Some(-1)) => self.push(Node::Unary(Unary::Not, Width::W64, a)),
            (Binary::Sub, Some(n)) => {
                let n = self.imm(n.wrapping_neg());
                self.push(Node::Binary(Binary::Add, w, a, n))
            }
            (Binary::Sub, None) if self.constant(a) == Some(0) => self.push(Node::Unary(Unary::Neg, w, b)),
            (Binary::Shl | Binary::Lshr | Binary::Ashr | Binary::Rotr | Binary::Rotl, Some(n))
                if n as u32 & (w.bits() - 1) == 0 =>
            {
                narrow(self)
            }
            (Binary::Lshr | Binary::Ashr, Some(n)) if w == Width::W64 => {
                self.bit_field(op == Binary::Ashr, a, n).unwrap_or_else(|| self.push(Node::Binary(op, w, a, b)))
            }
            (Binary::Add, None) if w == Width::W64 => match (self.small_shift(a), self.small_shift(b)) {
                (Some((a, shift)), _) => self.push(Node::ShiftAdd(shift, w, a, b)),
                (None, Some((b, shift))) => self.push(Node::ShiftAdd(shift, w, b, a)),
                (None, None) => self.push(Node::Binary(op, w, a, b)),
            },
            _ => self.push(Node::Binary(op, w, a, b)),
        }
    }

    /// The value and the count, if it is a left shift that scales an index.
    fn small_shift(&self, v: Val) -> Option<(Val, u8)> {
        match self.get(v) {
            Node::Binary(Binary::Shl, Width::W64, a, n) => match self.constant(n)? {
                n @ 1..=3 => Some((a, n as u8)),
                _ => None,
            },
            _ => None,
        }
    }

    /// A left shift of some value that is shifted to the right again, by no more: the low bits, extended and shifted by
    /// the difference. `None` if that is nothing better.
    fn bit_field(&mut self, is_signed: bool, shifted: Val, right: i64) -> Option<Val> {
        let Node::Binary(Binary::Shl, Width::W64, v, left) = self.get(shifted) else { return None };
        let (left, right) = (self.constant(left)? & 63, right & 63);
        let rest = left.checked_sub(right).filter(|&rest| rest >= 0)?;
        let field = match (64 - left, is_signed) {
            (8, false) => self.push(Node::Extend(MemType::U8, v)),
            (16, false) => self.push(Node::Extend(MemType::U16, v)),
            (32, false) => self.push(Node::Extend(MemType::U32, v)),
            (8, true) => self.push(Node::Extend(MemType::I8, v)),
            (16, true) => self.push(Node::Extend(MemType::I16, v)),
            (32, true) => self.push(Node::Extend(MemType::I32, v)),
            (width @ ..32, false) if rest == 0 => {
                let mask = self.imm((1 << width) - 1);
                return Some(self.push(Node::Binary(Binary::And, Width::W64, v, mask)));
            }
            _ => return None,
        };
        if rest == 0 {
            return Some(field);
        }
        let rest = self.imm(rest);
        Some(self.push(Node::Binary(Binary::Shl, Width::W64, field, rest)))
    }

    /// A comparison.
    pub fn compare(&mut self, w: Width, c: Cond, a: Val, b: Val) -> Val {
        match (self.constant(a), self.constant(b)) {
            (Some(a), Some(b)) => self.imm(alu::compare(w, c, a as u64, b as u64).into()),
            // Less than 1, and more than 0.
            (None, Some(1)) if c == Cond::Ltu => {
                let zero = self.imm(0);
                self.push(Node::Compare(w, Cond::Eq, a, zero))
            }
            (Some(0), None) if c == Cond::Ltu => self.push(Node::Compare(w, Cond::Ne, b, a)),
            _ => self.push(Node::Compare(w, c, a, b)),
        }
    }

    /// An extension.
    pub fn extend(&mut self, ty: MemType, a: Val) -> Val {
        match (ty, self.get(a)) {
            (_, Node::Imm(v)) => self.imm(ty.extend(v as u64) as i64),
            (MemType::I64, _) => a,
            _ => self.push(Node::Extend(ty, a)),
        }
    }
}
