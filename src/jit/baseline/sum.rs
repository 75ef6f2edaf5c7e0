//! Sums that one operand of the host computes: a base, a scaled index and a displacement.

use super::emitter::{Emitter, imm32};
use super::node::{Binary, Node, Val};
use crate::guest::{Reg, Width};
use crate::jit::x64::{Gpr, Mem, Scale};

/// `base + (index << shift) + disp`, of values or of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum<T> {
    /// Zero if there is none.
    pub base: Option<T>,
    /// With the shift, at most 3.
    pub index: Option<(T, u8)>,
    /// A constant.
    pub disp: i32,
}

impl Sum<Reg> {
    /// Whether it is computed from the register.
    pub fn reads(&self, r: Reg) -> bool {
        self.base == Some(r) || self.index.is_some_and(|(index, _)| index == r)
    }
}

/// What scales an index.
pub fn scale(shift: u8) -> Scale {
    match shift {
        0 => Scale::One,
        1 => Scale::Two,
        2 => Scale::Four,
        _ => Scale::Eight,
    }
}

impl Emitter<'_> {
    /// A value as a sum. Registers that are [known](super::known::Known::sum) to be sums are taken apart if `expands`.
    pub fn sum_of(&mut self, v: Val, expands: bool) -> Sum<Val> {
        let mut sum = Sum { base: None, index: None, disp: 0 };
        let mut rest = v;
        loop {
            match self.nodes.get(rest) {
                Node::Binary(Binary::Add, Width::W64, a, b) => match self.nodes.constant(b) {
                    Some(n) => match imm32(i64::from(sum.disp).wrapping_add(n)) {
                        Some(disp) => (sum.disp, rest) = (disp, a),
                        None => break,
                    },
                    None if sum.index.is_none() => (sum.index, rest) = (Some((b, 0)), a),
                    None => break,
                },
                Node::ShiftAdd(shift, Width::W64, a, b) if sum.index.is_none() => {
                    (sum.index, rest) = (Some((a, shift)), b);
                }
                Node::Binary(Binary::Shl, Width::W64, a, n) if sum.index.is_none() => match self.nodes.constant(n) {
                    Some(n @ 1..=3) => {
                        sum.index = Some((a, n as u8));
                        return sum;
                    }
                    _ => break,
                },
                Node::Reg(r) if expands => {
                    let Some(known) = self.known.sum(r) else { break };
                    let Some(disp) = imm32(i64::from(sum.disp) + i64::from(known.disp)) else { break };
                    if known.index.is_some() && sum.index.is_some() {
                        break;
                    }
                    sum.disp = disp;
                    if let Some((index, shift)) = known.index {
                        sum.index = Some((self.nodes.push(Node::Reg(index)), shift));
                    }
                    sum.base = known.base.map(|base| self.nodes.push(Node::Reg(base)));
                    return sum;
                }
                _ => break,
            }
        }
        sum.base = Some(rest);
        sum
    }

    /// A sum that is known, if it is the sign extension of 32 bits.
    pub fn constant_sum(&self, sum: Sum<Val>) -> Option<i32> {
        let (base, None) = (sum.base?, sum.index) else { return None };
        imm32(self.nodes.constant(base)?.wrapping_add(sum.disp.into()))
    }

    /// The operand that computes a sum.
    pub fn operand_of_sum(&mut self, sum: Sum<Val>) -> Mem {
        if let Some(disp) = self.constant_sum(sum).filter(|&disp| disp >= 0) {
            return Mem::absolute(disp);
        }
        let index = sum.index.map(|(index, shift)| (self.in_register(index), scale(shift)));
        let base: Option<Gpr> = sum.base.map(|base| self.in_register(base));
        Mem { base, index, disp: sum.disp }
    }

    /// The sum of pinned registers that a value is, for as long as none of them is written.
    pub fn lasting_sum(&mut self, v: Val) -> Option<Sum<Reg>> {
        let (Node::Reg(_)
        | Node::Binary(Binary::Add | Binary::Shl, Width::W64, ..)
        | Node::ShiftAdd(_, Width::W64, ..)) = self.nodes.get(v)
        else {
            return None;
        };
        let sum = self.sum_of(v, true);
        let pinned = |v| match self.nodes.get(v) {
            Node::Reg(r) => self.map.pinned(r).map(|_| r),
            _ => None,
        };
        let base = match sum.base {
            Some(base) => Some(pinned(base)?),
            None => None,
        };
        let index = match sum.index {
            Some((index, shift)) => Some((pinned(index)?, shift)),
            None => None,
        };
        Some(Sum { base, index, disp: sum.disp })
    }
}
