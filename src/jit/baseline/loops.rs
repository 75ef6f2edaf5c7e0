//! Other registers of the guest in registers of the host, for a superblock with loops.
//!
//! The fixed map holds what code uses most in general. A loop is executed often enough to have a map of its own: what it
//! uses more trades places with what it uses less. The code that enters the superblock exchanges the two, and so does
//! the code that leaves it, so that outside the fixed map is in force.

use super::map::{Exchange, File};
use super::{Config, Target};
use crate::guest::Reg;
use remu_isa::{Insn, Op, RegClass};
use std::ops::RangeInclusive;

/// The most registers of a kind that are exchanged.
const MOST: usize = 8;

/// How often a loop is assumed to be repeated.
const REPEATED: u32 = 8;

/// The same for a loop that is left elsewhere than at its end.
const REPEATED_SEARCH: u32 = 3;

/// Loops that are nested deeper count as one.
const DEEPEST: usize = 3;

/// The usual value of [`Config::exchange_gain`]: an exchange takes three instructions at each end, and a use of memory
/// costs a part of one. With half of it, searches that end after a few rounds become slower.
pub const USUAL_GAIN: u32 = 4 * REPEATED;

/// The exchanges for a superblock, if any are worth it.
pub fn exchanges(insns: &[(u64, Insn)], labels: &[Option<Target>], config: &Config, into: &mut Vec<Exchange>) {
    into.clear();
    if !labels.iter().flatten().any(|target| target.is_loop) {
        return;
    }
    let loops: Vec<(RangeInclusive<usize>, u32)> =
        (0..insns.len()).filter_map(|head| loop_at(insns, labels, head)).collect();
    let mut uses = [[0u32; 32]; 2];
    for (index, (_, insn)) in insns.iter().enumerate() {
        let inside = loops.iter().filter(|(range, _)| range.contains(&index)).take(DEEPEST);
        let weight: u32 = inside.map(|(_, repeated)| repeated).product();
        let info = insn.op.info();
        let operands = [(info.rd, insn.rd), (info.rs1, insn.rs1), (info.rs2, insn.rs2), (info.rs3, insn.rs3)];
        for (class, reg) in operands {
            match class {
                RegClass::X => uses[0][usize::from(reg)] += weight,
                RegClass::F => uses[1][usize::from(reg)] += weight,
                _ => {}
            }
        }
    }
    let map = &config.map;
    // x0 is nowhere.
    add(File::Integer, &uses[0], 1, |r| map.pinned(r).is_some(), config.exchange_gain, into);
    add(File::Float, &uses[1], 0, |r| map.pinned_f(r).is_some(), config.exchange_gain, into);
}

/// Adds the exchanges of one kind of registers, from `first` on, that gain enough.
fn add(file: File, uses: &[u32; 32], first: Reg, is_pinned: impl Fn(Reg) -> bool, gain: u32, into: &mut Vec<Exchange>) {
    let by_uses = |pinned: bool| {
        let mut regs: Vec<Reg> = (first..32).filter(|&r| is_pinned(r) == pinned).collect();
        regs.sort_by_key(|&r| uses[usize::from(r)]);
        regs
    };
    for (&used, unused) in by_uses(false).iter().rev().zip(by_uses(true)).take(MOST) {
        if uses[usize::from(used)] < uses[usize::from(unused)] + gain {
            break;
        }
        into.push(Exchange { file, used, unused });
    }
}

/// The last branch to this pc.
pub fn last_branch_to(insns: &[(u64, Insn)], start: u64) -> Option<usize> {
    insns.iter().rposition(|(pc, insn)| super::direct_target(*pc, insn) == Some(start))
}

/// The registers, by number, into which each round of this loop loads the address for the next one, as for a linked list.
pub fn chased(insns: &[(u64, Insn)]) -> u32 {
    // What an instruction makes of which register, and whether it loads from there.
    let steps = || {
        insns.iter().filter_map(|(_, insn)| match insn.op {
            Op::Ld => Some((insn.rd, insn.rs1, true)),
            Op::Addi => Some((insn.rd, insn.rs1, false)),
            Op::Add if insn.rs1 == 0 => Some((insn.rd, insn.rs2, false)),
            _ => None,
        })
    };
    let mut chased = 0;
    for (start, ..) in steps().filter(|&(rd, ..)| rd != 0) {
        // Registers from which the value comes with a load in between, and without.
        let (mut loaded, mut copied) = (0u32, 1u32 << start);
        loop {
            let before = (loaded, copied);
            for (rd, from, is_load) in steps().filter(|&(_, from, _)| from != 0) {
                if loaded & 1 << rd != 0 || is_load && copied & 1 << rd != 0 {
                    loaded |= 1 << from;
                } else if copied & 1 << rd != 0 {
                    copied |= 1 << from;
                }
            }
            if (loaded, copied) == before {
                break;
            }
        }
        chased |= loaded & 1 << start;
    }
    chased
}

/// The loop that begins with this instruction, up to the last branch back to it, and how often it is assumed to be
/// repeated.
fn loop_at(insns: &[(u64, Insn)], labels: &[Option<Target>], head: usize) -> Option<(RangeInclusive<usize>, u32)> {
    labels[head].filter(|target| target.is_loop)?;
    let start = insns[head].0;
    let last = last_branch_to(insns, start)?;
    let addresses = start..=insns[last].0;
    let mut targets = insns[head..last].iter().filter_map(|(pc, insn)| super::direct_target(*pc, insn));
    let is_search = targets.any(|target| !addresses.contains(&target));
    Some((head..=last, if is_search { REPEATED_SEARCH } else { REPEATED }))
}
