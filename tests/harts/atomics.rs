//! LR/SC and atomic memory operations of several harts.

use super::elf::{T0, T1, T2, branch, ecall, imm, jump, reg, store};
use super::{CODE, DATA, Hart, RW, Space, on_threads, put, shared_space, space};
use remu::guest::Exit;
use remu::memory::{Access, FaultKind, GuestAddr, GuestFault, Prot};
use remu::user::EngineKind;
use remu_isa::{Insn, Op};

const A0: u8 = 10;
const A1: u8 = 11;
const A2: u8 = 12;
const A3: u8 = 13;
const S0: u8 = 8;
const S1: u8 = 9;

fn lr(rd: u8, at: u8) -> Insn {
    reg(Op::LrD, rd, at, 0)
}

fn sc(rd: u8, value: u8, at: u8) -> Insn {
    reg(Op::ScD, rd, at, value)
}

/// Runs `other` on a second hart between LR and SC of the first one, both at [`DATA`], where there is a 7; yields what
/// the SC answers.
fn between(space: &Space, other: &[Insn]) -> u64 {
    put(space, CODE, &[lr(T0, A0), ecall(), sc(T1, A1, A0), ecall()]);
    put(space, CODE + 0x1000, &[other, &[ecall()]].concat());
    space.write(GuestAddr(DATA), &7u64).unwrap();
    let registers = [(A0, DATA), (A1, 9), (A2, 7), (A3, DATA + 0x400)];
    let [mut first, mut second] = [CODE, CODE + 0x1000].map(|at| Hart::new(space, at, &registers));
    assert_eq!(first.run(), Exit::Syscall);
    assert_eq!(second.run(), Exit::Syscall);
    first.skip();
    assert_eq!(first.run(), Exit::Syscall);
    first.x(T1)
}

fn what_another_hart_stores_breaks_a_reservation(engine: EngineKind) {
    let space = space(engine);
    assert_eq!(between(&space, &[]), 0);
    assert_eq!(between(&space, &[lr(T0, A0)]), 0, "a reservation of another hart's does not");
    assert_eq!(between(&space, &[store(Op::Sd, A1, A0, 0)]), 1, "another value");
    // The same value again.
    let same = [
        reg(Op::AmoaddD, T0, A0, 0),
        reg(Op::AmoaddB, T0, A0, 0),
        reg(Op::AmoswapD, T0, A0, A2),
        reg(Op::AmoorW, T0, A0, 0),
        reg(Op::AmocasD, A2, A0, A2),
        reg(Op::AmocasQ, A2, A0, A2),
    ];
    for amo in same {
        assert_eq!(between(&space, &[imm(Op::Addi, A3, 0, 0), amo]), 1, "{}", amo.op);
    }
    assert_eq!(between(&space, &[lr(T0, A0), sc(T1, A2, A0)]), 1, "a store-conditional of the same value");
    assert_eq!(between(&space, &[reg(Op::AmoaddD, T0, A3, 0)]), 0, "an operation somewhere else");
    // ABA.
    let there_and_back = [reg(Op::AmoswapD, T0, A0, A1), reg(Op::AmoswapD, T0, A0, T0)];
    assert_eq!(between(&space, &there_and_back), 1);
}

fn a_store_conditional_needs_its_own_reservation(engine: EngineKind) {
    let space = space(engine);
    let run = |code: &[Insn]| {
        put(&space, CODE, &[code, &[ecall()]].concat());
        let mut hart = Hart::new(&space, CODE, &[(A0, DATA), (A1, 9), (A3, DATA + 8)]);
        assert_eq!(hart.run(), Exit::Syscall);
        hart.x(T1)
    };
    assert_eq!(run(&[sc(T1, A1, A0)]), 1, "without one");
    assert_eq!(run(&[lr(T0, A0), sc(T1, A1, A0)]), 0);
    assert_eq!(run(&[lr(T0, A0), sc(T1, A1, A0), sc(T1, A1, A0)]), 1, "it is used up");
    assert_eq!(run(&[lr(T0, A0), sc(T1, A1, A3)]), 1, "of another address, in the same granule too");
    assert_eq!(run(&[lr(T0, A0), lr(T0, A3), sc(T1, A1, A0)]), 1, "only the last one counts");
    assert_eq!(run(&[lr(T0, A0), sc(T2, A1, A3), sc(T1, A1, A0)]), 1, "one that fails uses it up, too");
}

fn a_store_conditional_that_faults_leaves_nothing_behind(engine: EngineKind) {
    let space = space(engine);
    put(&space, CODE, &[lr(T0, A0), ecall(), sc(T1, A1, A0), ecall()]);
    let mut hart = Hart::new(&space, CODE, &[(A0, DATA), (A1, 9)]);
    assert_eq!(hart.run(), Exit::Syscall);
    space.protect(GuestAddr(DATA), 0x1000, Prot::READ).unwrap();
    hart.skip();
    let fault = GuestFault { addr: GuestAddr(DATA), access: Access::Write, kind: FaultKind::Denied };
    assert_eq!(hart.run(), Exit::Fault(fault));
    space.protect(GuestAddr(DATA), 0x1000, RW).unwrap();
    assert_eq!(between(&space, &[]), 0, "others are not held up");
}

fn atomics_check_their_alignment_before_anything_else(engine: EngineKind) {
    let space = space(engine);
    // At an address where nothing is mapped.
    for (op, size) in [
        (Op::LrW, 4),
        (Op::ScW, 4),
        (Op::LrD, 8),
        (Op::ScD, 8),
        (Op::AmoaddH, 2),
        (Op::AmoaddW, 4),
        (Op::AmomaxD, 8),
        (Op::AmocasH, 2),
        (Op::AmocasW, 4),
        (Op::AmocasD, 8),
        (Op::AmocasQ, 16),
    ] {
        put(&space, CODE, &[reg(op, T2 - 1, A0, if matches!(op, Op::LrW | Op::LrD) { 0 } else { A2 })]);
        let at = GuestAddr(0x90_0000 + size / 2);
        let mut hart = Hart::new(&space, CODE, &[(A0, at.0)]);
        let access = if matches!(op, Op::LrW | Op::LrD) { Access::Read } else { Access::Write };
        let fault = GuestFault { addr: at, access, kind: FaultKind::Misaligned };
        assert_eq!(hart.run(), Exit::Fault(fault), "{op}");
    }
}

/// How much the threads do; a debug build is slow.
const ROUNDS: u64 = if cfg!(debug_assertions) { 20_000 } else { 200_000 };
const THREADS: usize = 4;

/// Runs the program on all threads, with their number in a2 and the rounds in s1; fails if one of them does not get
/// through.
fn run_on_all(space: &std::sync::Arc<Space>, code: &[Insn], rounds: u64) {
    put(space, CODE, code);
    let bodies = (0..THREADS as u64).map(|number| {
        let space = space.clone();
        let body = move || {
            let mut hart = Hart::new(&space, CODE, &[(A0, DATA), (A2, number), (S1, rounds)]);
            assert_eq!(hart.run(), Exit::Syscall);
            assert_eq!(hart.x(A3), 0, "hart {number} has seen what may not be");
        };
        Box::new(body) as Box<dyn FnOnce() + Send>
    });
    on_threads(bodies.collect());
}

fn counters_are_exact_and_no_hart_starves(engine: EngineKind) {
    let space = shared_space(engine);
    let code = [
        // 0: by LR/SC
        lr(T0, A0),
        imm(Op::Addi, T0, T0, 1),
        sc(T1, T0, A0),
        branch(Op::Bne, T1, 0, -12),
        // by compare-and-swap, in the same granule
        imm(Op::Ld, T0, A0, 8),
        imm(Op::Addi, T1, T0, 1),
        imm(Op::Addi, T2, T0, 0),
        imm(Op::Addi, S0, A0, 8),
        reg(Op::AmocasD, T2, S0, T1),
        branch(Op::Bne, T2, T0, -20),
        // by single operations of each width
        imm(Op::Addi, T0, 0, 1),
        imm(Op::Addi, S0, A0, 64),
        reg(Op::AmoaddD, 0, S0, T0),
        imm(Op::Addi, S0, A0, 72),
        reg(Op::AmoaddW, 0, S0, T0),
        imm(Op::Addi, S0, A0, 76),
        reg(Op::AmoaddH, 0, S0, T0),
        imm(Op::Addi, S0, A0, 78),
        reg(Op::AmoaddB, 0, S0, T0),
        imm(Op::Addi, S1, S1, -1),
        branch(Op::Bne, S1, 0, -4 * 20),
        ecall(),
    ];
    run_on_all(&space, &code, ROUNDS);
    let total = ROUNDS * THREADS as u64;
    let word = |at: u64| space.read::<u64>(GuestAddr(DATA + at)).unwrap();
    assert_eq!((word(0), word(8), word(64)), (total, total, total));
    let narrow = word(72);
    assert_eq!((narrow as u32, (narrow >> 32) as u16, (narrow >> 48) as u8), (total as u32, total as u16, total as u8));
}

/// A stack of a few nodes, from which four harts pop and to which they push: a node comes back while another hart is
/// between its LR and its SC. Who has popped a node is alone with it.
fn a_lock_free_stack_hands_out_no_node_twice(engine: EngineKind) {
    const NODES: u64 = 3;
    let space = shared_space(engine);
    let node = |i: u64| DATA + 0x1000 + 64 * i;
    for i in 0..NODES {
        let next = if i + 1 < NODES { node(i + 1) } else { 0 };
        space.write(GuestAddr(node(i)), &next).unwrap();
    }
    space.write(GuestAddr(DATA), &node(0)).unwrap();
    let code = [
        // 0: pop
        lr(T0, A0),
        branch(Op::Beq, T0, 0, -4),
        imm(Op::Ld, T1, T0, 0),
        sc(T2, T1, A0),
        branch(Op::Bne, T2, 0, -16),
        // its owners: none before, one then
        imm(Op::Addi, S0, T0, 8),
        imm(Op::Addi, T1, 0, 1),
        reg(Op::AmoaddD, T2, S0, T1),
        reg(Op::Or, A3, A3, T2),
        imm(Op::Addi, T1, 0, -1),
        reg(Op::AmoaddD, T2, S0, T1),
        imm(Op::Addi, T2, T2, -1),
        reg(Op::Or, A3, A3, T2),
        // 13: push
        lr(T1, A0),
        store(Op::Sd, T1, T0, 0),
        sc(T2, T0, A0),
        branch(Op::Bne, T2, 0, -12),
        imm(Op::Addi, S1, S1, -1),
        branch(Op::Bne, S1, 0, -4 * 18),
        ecall(),
        jump(0),
    ];
    run_on_all(&space, &code, ROUNDS);
    let mut seen = Vec::new();
    let mut at = space.read::<u64>(GuestAddr(DATA)).unwrap();
    while at != 0 && seen.len() as u64 <= NODES {
        seen.push(at);
        at = space.read(GuestAddr(at)).unwrap();
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..NODES).map(node).collect::<Vec<_>>(), "all nodes are there");
}

in_each_engine! {
    what_another_hart_stores_breaks_a_reservation,
    a_store_conditional_needs_its_own_reservation,
    a_store_conditional_that_faults_leaves_nothing_behind,
    atomics_check_their_alignment_before_anything_else,
    counters_are_exact_and_no_hart_starves,
    a_lock_free_stack_hands_out_no_node_twice,
}
