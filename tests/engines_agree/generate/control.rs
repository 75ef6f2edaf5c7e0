//! Loops, calls, jump tables, and programs that change themselves.

use super::builder::{Builder, RA, SP, T0, insn};
use super::random::{self, Kind};
use crate::bench::TABLES;
use crate::program::{Imm, SlotId, Target};
use remu_isa::{Insn, Op, Xlen, encode};

/// A few instructions.
fn chunk(b: &mut Builder) {
    for _ in 0..b.rng.below(6) {
        match b.rng.below(16) {
            0 => b.skip(),
            1 => b.fused(),
            2 => b.memory(),
            3 => b.one(Kind::Float),
            4 => b.one(Kind::Integer),
            5 => b.csr(),
            _ => b.one(Kind::Common),
        }
    }
}

/// A main part that calls functions, which call later ones.
pub fn control(b: &mut Builder) {
    for r in [RA, SP, T0] {
        b.pool.reserved |= 1 << r;
    }
    let functions = b.rng.below(4);
    let mut calls: Vec<(usize, Call)> = Vec::new();
    block(b, 0, 0..functions, &mut calls);
    let done = b.jump(Op::Jal, 0, 0, 0);
    let mut starts = Vec::new();
    for function in 0..functions {
        starts.push(b.here());
        let leaf = b.rng.one_in(2);
        let later = if leaf { 0..0 } else { function + 1..functions };
        let frame = 16 * (1 + b.rng.below(4)) as i32;
        if !leaf {
            b.maybe_short(insn(Op::Addi, SP, SP, 0, -frame), insn(Op::CAddi16sp, SP, SP, 0, -frame));
            b.push(insn(Op::Sd, 0, SP, RA, frame - 8));
        }
        block(b, 1, later, &mut calls);
        if !leaf {
            b.push(insn(Op::Ld, RA, SP, 0, frame - 8));
            b.maybe_short(insn(Op::Addi, SP, SP, 0, frame), insn(Op::CAddi16sp, SP, SP, 0, frame));
        }
        b.maybe_short(insn(Op::Jalr, 0, RA, 0, 0), insn(Op::CJr, 0, RA, 0, 0));
    }
    b.land(done);
    for (function, call) in calls {
        call.to(b, starts[function]);
    }
}

/// A call whose target is not known yet.
enum Call {
    Direct(SlotId),
    /// `auipc` and `jalr`.
    Far(SlotId),
}

impl Call {
    fn to(&self, b: &mut Builder, start: SlotId) {
        let to = Target::Slot(start);
        match *self {
            Call::Direct(at) => b.slot_mut(at).imm = Imm::To(to),
            Call::Far(at) => {
                b.slot_mut(at).imm = Imm::High(to);
                b.slot_mut(at + 1).imm = Imm::Low(to, at);
            }
        }
    }
}

fn call(b: &mut Builder) -> Call {
    if b.rng.one_in(3) {
        let at = b.here();
        b.op(Op::Auipc, RA, 0, 0);
        b.op(Op::Jalr, RA, RA, 0);
        Call::Far(at)
    } else {
        Call::Direct(b.jump(Op::Jal, RA, 0, 0))
    }
}

/// Statements; `depth` loops or calls are around them.
fn block(b: &mut Builder, depth: usize, callable: std::ops::Range<usize>, calls: &mut Vec<(usize, Call)>) {
    for _ in 0..1 + b.rng.below(if depth == 0 { 5 } else { 2 }) {
        chunk(b);
        match b.rng.below(10) {
            0..3 if depth < 2 => repeat(b, depth, callable.clone(), calls),
            3 | 4 if !callable.is_empty() => {
                let function = callable.start + b.rng.below(callable.len());
                let at = call(b);
                calls.push((function, at));
            }
            5 => {
                // If and else.
                let other = b.branch();
                chunk(b);
                let over = b.rng.of(&[Op::Jal, Op::CJ]);
                let out = b.jump(over, 0, 0, 0);
                b.land(other);
                chunk(b);
                b.land(out);
            }
            6 => table(b),
            7 => computed(b),
            8 if b.rng.one_in(4) => into_the_middle(b),
            8 if b.rng.one_in(8) => {
                // A jump to anywhere, which most often ends the program.
                let (r, to) = (b.scratch(), random::address(b.rng));
                b.li(r, to);
                b.op(Op::Jalr, 0, r, 0);
            }
            _ => {}
        }
    }
}

/// A loop that counts down, with a way out of its middle at times.
fn repeat(b: &mut Builder, depth: usize, callable: std::ops::Range<usize>, calls: &mut Vec<(usize, Call)>) {
    let count = b.take();
    let times = 1 + b.rng.below([8, 4][depth]) as u64;
    b.li(count, times);
    let top = b.here();
    block(b, depth + 1, callable, calls);
    let early = b.rng.one_in(3).then(|| b.branch());
    chunk(b);
    b.maybe_short(insn(Op::Addi, count, count, 0, -1), insn(Op::CAddi, count, count, 0, -1));
    let back = match b.rng.below(4) {
        0 => b.jump(Op::Blt, 0, 0, count),
        1 if (8..16).contains(&count) => b.jump(Op::CBnez, 0, count, 0),
        2 => {
            // The branch out, and a jump back.
            let out = b.jump(Op::Beq, 0, count, 0);
            let back = b.jump(Op::Jal, 0, 0, 0);
            b.land(out);
            back
        }
        _ => b.jump(Op::Bne, 0, count, 0),
    };
    b.target(back, top);
    if let Some(early) = early {
        b.land(early);
    }
    b.give_back(count);
}

/// The cases of a jump table: their starts. Each ends with a jump behind the last.
fn cases(b: &mut Builder, n: usize) -> Vec<SlotId> {
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..n {
        starts.push(b.here());
        chunk(b);
        ends.push(b.jump(Op::Jal, 0, 0, 0));
    }
    ends.into_iter().for_each(|end| b.land(end));
    starts
}

/// A jump to an address from a table in memory.
fn table(b: &mut Builder) {
    let n = b.rng.of(&[2, 4, 8]);
    let at = TABLES + 8 * b.tables.len() as u64;
    let (index, source) = (b.take(), b.source());
    let table = b.take();
    b.imm(Op::Andi, index, source, n as i32 - 1);
    b.li(table, at);
    b.op(Op::Sh3add, table, index, table);
    b.op(Op::Ld, table, table, 0);
    b.give_back(index);
    b.give_back(table);
    let link = b.rng.of(&[0, 0, table]);
    b.maybe_short(insn(Op::Jalr, link, table, 0, 0), insn(Op::CJr, 0, table, 0, 0));
    let starts = cases(b, n);
    b.tables.extend(starts.iter().enumerate().map(|(i, start)| (at + 8 * i as u64, *start)));
}

/// A jump into a row of jumps, to an address computed from the pc.
fn computed(b: &mut Builder) {
    let n = b.rng.of(&[2, 4]);
    let (index, source) = (b.take(), b.source());
    let base = b.take();
    b.imm(Op::Andi, index, source, n as i32 - 1);
    let auipc = b.here();
    b.imm(Op::Auipc, base, 0, 0);
    b.op(Op::Sh2add, base, index, base);
    b.give_back(index);
    b.give_back(base);
    let row = b.here() + 1;
    let link = b.rng.of(&[0, 0, RA, base]);
    b.push_with(insn(Op::Jalr, link, base, 0, 0), Imm::Low(Target::Slot(row), auipc));
    let jumps: Vec<SlotId> = (0..n).map(|_| b.jump(Op::Jal, 0, 0, 0)).collect();
    let starts = cases(b, n);
    jumps.into_iter().zip(starts).for_each(|(jump, start)| b.target(jump, start));
}

/// A jump to the second half of an instruction.
fn into_the_middle(b: &mut Builder) {
    let (r, s) = (b.source(), b.source());
    let op = b.rng.of(&[Op::Beq, Op::Bltu]);
    b.push_with(insn(op, 0, r, s, 0), Imm::To(Target::Inside(b.here() + 1, 2)));
    let long = loop {
        let random = b.random(Kind::Common);
        if random.len == 4 {
            break random;
        }
    };
    b.push(long);
}

/// A program that replaces instructions of its own. Each change is followed by `fence.i` before the new instruction
/// can run; nothing else stores.
pub fn changing(b: &mut Builder) {
    for _ in 0..1 + b.rng.below(3) {
        chunk_without_stores(b);
        let count = b.take();
        let times = 1 + b.rng.below(6) as u64;
        b.li(count, times);
        let top = b.here();
        let (address, word, other) = (b.take(), b.take(), b.take());
        // The instruction that changes is before or behind its change.
        let behind = b.rng.one_in(2);
        let old = replaceable(b);
        let new = replaceable(b);
        let before = b.here();
        if !behind {
            b.push(old);
            chunk_without_stores(b);
        }
        let change = b.here();
        b.la(address, Target::Slot(before));
        let bits = |insn| u64::from(encode(&insn, Xlen::Rv64).expect("it was checked"));
        // Each time the loop comes here the instruction becomes the other one.
        b.li(other, bits(old) ^ bits(new));
        let halves = b.rng.one_in(2);
        let (load, store) = if halves { (Op::Lhu, Op::Sh) } else { (Op::Lw, Op::Sw) };
        for offset in if halves { &[0, 2][..] } else { &[0][..] } {
            b.push(insn(load, word, address, 0, *offset));
            b.op(Op::Xor, word, word, other);
            b.push(insn(store, 0, address, word, *offset));
            b.imm(Op::Srli, other, other, 16);
        }
        (0..b.rng.below(3)).for_each(|_| b.one(Kind::Common));
        b.op(Op::FenceI, 0, 0, 0);
        if behind {
            (0..b.rng.below(3)).for_each(|_| b.one(Kind::Common));
            for at in [change, change + 1] {
                let here = b.here();
                let slot = b.slot_mut(at);
                slot.imm = match slot.imm {
                    Imm::High(_) => Imm::High(Target::Slot(here)),
                    _ => Imm::Low(Target::Slot(here), change),
                };
            }
            b.push(old);
            b.one(Kind::Common);
            b.one(Kind::Common);
        }
        [address, word, other].into_iter().for_each(|r| b.give_back(r));
        b.imm(Op::Addi, count, count, -1);
        let back = b.jump(Op::Bne, 0, count, 0);
        b.target(back, top);
        b.give_back(count);
    }
}

fn chunk_without_stores(b: &mut Builder) {
    for _ in 0..b.rng.below(5) {
        let kind = b.rng.of(&[Kind::Common, Kind::Common, Kind::Integer, Kind::Float]);
        b.one(kind);
    }
}

/// An instruction of four bytes, behind which two more follow: a jump goes over the first.
fn replaceable(b: &mut Builder) -> Insn {
    if b.rng.one_in(6) {
        return insn(Op::Jal, 0, 0, 0, 4);
    }
    loop {
        let kind = b.rng.of(&[Kind::Common, Kind::Common, Kind::Integer, Kind::Float]);
        let random = b.random(kind);
        if random.len == 4 {
            return random;
        }
    }
}
