//! What the numbers that a loop carries from one iteration to the next are known to be.
//!
//! At a place that execution comes to from elsewhere, nothing is known of a register. At the head of a loop that would
//! cost a check for NaNs and one for NaN-boxing in each iteration. So an inner loop without branches into it has two
//! heads: one for those who come from elsewhere, and one for the branch back, which leaves the sums that the loop
//! computes [fresh](super::nan) and boxed. The first joins the second where what is known holds for both, and checks that
//! it does.
//!
//! A register that the loop writes before reading it can hold anything when the loop is entered. Both heads have a copy
//! of the instructions up to where it is written, before they join.

use super::Target;
use super::map::RegisterMap;
use crate::guest::Reg;
use crate::guest::riscv::fp::Fmt;
use remu_isa::{Ext, Insn, Op, OpInfo, RegClass};

/// The most instructions that are emitted twice.
const MOST_COPIED: usize = 8;

/// What is known behind the branch back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// How many instructions from the head on are emitted for each head.
    pub copied: usize,
    /// Registers in which any NaN is to be the canonical one, as singles and as doubles.
    pub fresh: [u32; 2],
    /// Registers that hold a NaN-boxed single.
    pub boxed: u32,
}

/// What is known at the head of a loop behind its branch back, if that is more than nothing. The loop must have one
/// branch back, at its end, and no other branch may lead into it.
pub fn at(insns: &[(u64, Insn)], labels: &[Option<Target>], head: usize, map: &RegisterMap) -> Option<Carried> {
    labels[head].filter(|target| target.is_loop)?;
    let start = insns[head].0;
    let mut back = insns.iter().rposition(|(pc, insn)| super::direct_target(*pc, insn) == Some(start)).into_iter();
    let last = back.next().filter(|&last| last > head)?;
    let others = insns[..last].iter().any(|(pc, insn)| super::direct_target(*pc, insn) == Some(start));
    if others || labels[head + 1..=last].iter().any(Option::is_some) {
        return None;
    }
    let body = &insns[head..last];
    if body.iter().any(|(_, insn)| super::never_continues(insn) || is_atomic(insn.op)) {
        return None;
    }
    // Who leaves instead of joining must have got on.
    let mut carried = Carried { copied: 1, ..Carried::default() };
    for (r, uses) in uses_in(body).into_iter().enumerate() {
        if uses.is_read_as_single && uses.is_left_single {
            carried.boxed |= 1 << r;
        }
        let Some(fmt) = uses.fresh.filter(|_| map.pinned_f(r as Reg).is_some()) else { continue };
        carried.fresh[usize::from(fmt == Fmt::D)] |= 1 << r;
        if let Some(first) = uses.written_first {
            carried.copied = carried.copied.max(first + 1);
        }
    }
    let most = body.iter().take(MOST_COPIED).take_while(|(pc, insn)| super::direct_target(*pc, insn).is_none()).count();
    let is_something = carried.boxed != 0 || carried.fresh != [0; 2];
    (is_something && carried.copied <= most).then_some(carried)
}

/// How the body of a loop uses a floating-point register.
#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    is_used: bool,
    /// The index of the instruction that writes the register, if none reads it before.
    written_first: Option<usize>,
    /// The format of the last result in the register, if it may be a fresh NaN.
    fresh: Option<Fmt>,
    /// The first use reads a single.
    is_read_as_single: bool,
    /// The last result in the register, if there is any, is a single.
    is_left_single: bool,
}

fn uses_in(body: &[(u64, Insn)]) -> [Uses; 32] {
    let mut all = [Uses { is_left_single: true, ..Uses::default() }; 32];
    for (index, (_, insn)) in body.iter().enumerate() {
        let info = insn.op.info();
        for (class, r) in [(info.rs1, insn.rs1), (info.rs2, insn.rs2), (info.rs3, insn.rs3)] {
            if class == RegClass::F {
                let uses = &mut all[usize::from(r)];
                uses.is_read_as_single |= !uses.is_used && reads_singles(insn.op, info);
                uses.is_used = true;
            }
        }
        if info.rd == RegClass::F {
            let uses = &mut all[usize::from(insn.rd)];
            uses.written_first = uses.written_first.or((!uses.is_used).then_some(index));
            uses.is_used = true;
            uses.fresh = fresh_result(insn.op);
            uses.is_left_single = writes_single(insn.op, info);
        }
    }
    all
}

/// The format of a result that the host may make a NaN of its own.
fn fresh_result(op: Op) -> Option<Fmt> {
    use Op::*;
    match op {
        FaddS | FsubS | FmulS | FdivS | FsqrtS => Some(Fmt::S),
        FaddD | FsubD | FmulD | FdivD | FsqrtD => Some(Fmt::D),
        _ => None,
    }
}

fn writes_single(op: Op, info: &OpInfo) -> bool {
    info.ext == Ext::F || op == Op::FcvtSD
}

/// Whether the instruction uses the floating-point registers that it reads as singles.
fn reads_singles(op: Op, info: &OpInfo) -> bool {
    info.ext == Ext::F && !matches!(op, Op::Fsw | Op::FmvXW) || op == Op::FcvtDS
}

fn is_atomic(op: Op) -> bool {
    matches!(op, Op::LrW | Op::LrD | Op::ScW | Op::ScD)
}
