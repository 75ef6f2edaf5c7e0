//! Litmus tests: two harts access two words, over and over, and what each pair of runs reads is counted. What RVWMO
//! forbids is never seen; store buffering, where no fence forbids it, is.

use super::elf::{T0, branch, ebreak, ecall, imm, jump, reg, store};
use super::{CODE, DATA, Hart, Space, on_threads, put, shared_space};
use remu::guest::Exit;
use remu::memory::GuestAddr;
use remu::user::EngineKind;
use remu_isa::{Insn, Op};
use std::sync::Arc;

/// Turns of a batch. Each has words of its own.
const TURNS: u64 = 2000;
/// The most batches until something allowed is seen, for which both harts must run at the same time: other tests may keep
/// the host's processors busy for seconds.
const MOST: usize = 20_000;
/// The batches in which something forbidden is looked for.
const BATCHES: usize = if cfg!(debug_assertions) { 5 } else { 50 };

/// Between the words of two turns.
const STRIDE: i32 = 128;
const X: u64 = DATA;
const Y: u64 = DATA + 0x4_0000;
const RESULTS: [u64; 2] = [DATA + 0x8_0000, DATA + 0x9_0000];
/// The turn that each hart has come to.
const AT: [u64; 2] = [DATA + 0xa_0000, DATA + 0xa_0100];

const S0: u8 = 8;
const S1: u8 = 9;
const A0: u8 = 10;
const A1: u8 = 11;
const ONE: u8 = 12;
const RESULT: u8 = 18;
const OWN_AT: u8 = 19;
const OTHER_AT: u8 = 20;
const TURN: u8 = 21;
const LAST: u8 = 22;
const SPINS: u8 = 23;
const SHIFT: u8 = 24;

/// What a hart does with the words at s0 and s1; it reads to a0 and a1.
type Body = Vec<Insn>;

fn write(word: u8) -> Insn {
    store(Op::Sd, ONE, word, 0)
}

fn read(rd: u8, word: u8) -> Insn {
    imm(Op::Ld, rd, word, 0)
}

/// `fence` between reads and writes of memory before and after.
fn fence() -> Insn {
    imm(Op::Fence, 0, 0, 0x33)
}

/// An atomic instruction with both of its order bits.
fn ordered(insn: Insn) -> Insn {
    Insn { rm: 3, ..insn }
}

fn program(body: &[Insn]) -> Vec<Insn> {
    let start = [
        imm(Op::Addi, TURN, TURN, 1),
        // The harts begin a turn together. One that waits long lets another thread of the host run.
        store(Op::Sd, TURN, OWN_AT, 0),
        imm(Op::Addi, SPINS, 0, 500),
        imm(Op::Ld, T0, OTHER_AT, 0),
        branch(Op::Bge, T0, TURN, 4 * 5),
        imm(Op::Addi, SPINS, SPINS, -1),
        branch(Op::Bne, SPINS, 0, -4 * 3),
        ecall(),
        jump(-4 * 6),
        // Each hart waits for a number of steps of its own, so that over the turns they meet at every distance: the one
        // that came last goes on at once, while its store has yet to reach the other.
        reg(Op::Srl, T0, TURN, SHIFT),
        imm(Op::Andi, T0, T0, 0x1f),
        branch(Op::Beq, T0, 0, 4 * 3),
        imm(Op::Addi, T0, T0, -1),
        jump(-4 * 2),
    ];
    let end = [
        store(Op::Sd, A0, RESULT, 0),
        store(Op::Sd, A1, RESULT, 8),
        imm(Op::Addi, RESULT, RESULT, 16),
        imm(Op::Addi, S0, S0, STRIDE),
        imm(Op::Addi, S1, S1, STRIDE),
    ];
    let back = -4 * (start.len() + body.len() + end.len()) as i32;
    [&start, body, &end, &[branch(Op::Bne, TURN, LAST, back), ebreak()]].concat()
}

/// What the two harts have read in a turn.
type Seen = [[u64; 2]; 2];

/// Runs a batch; the second hart has the words the other way round. True if some turn ended as described.
fn batch(space: &Arc<Space>, bodies: &[Body; 2], what: fn(Seen) -> bool) -> bool {
    space.fill_zero(GuestAddr(DATA), 0xb_0000).unwrap();
    for (i, body) in bodies.iter().enumerate() {
        put(space, CODE + 0x1000 * i as u64, &program(body));
    }
    let threads = (0..2).map(|i: usize| {
        let space = space.clone();
        let body = move || {
            let (first, second) = if i == 0 { (X, Y) } else { (Y, X) };
            let registers = [
                (S0, first),
                (S1, second),
                (ONE, 1),
                (RESULT, RESULTS[i]),
                (OWN_AT, AT[i]),
                (OTHER_AT, AT[1 - i]),
                (LAST, TURNS),
                (SHIFT, 5 * i as u64),
            ];
            let mut hart = Hart::new(&space, CODE + 0x1000 * i as u64, &registers);
            while hart.run() == Exit::Syscall {
                std::thread::yield_now();
                hart.skip();
            }
            assert_eq!(hart.x(TURN), TURNS);
        };
        Box::new(body) as Box<dyn FnOnce() + Send>
    });
    on_threads(threads.collect());
    (0..TURNS).any(|turn| {
        let result = |at: u64| [0, 8].map(|i| space.read::<u64>(GuestAddr(at + 16 * turn + i)).unwrap());
        what(RESULTS.map(result))
    })
}

fn is_seen(engine: EngineKind, batches: usize, bodies: [Body; 2], what: fn(Seen) -> bool) -> bool {
    let space = shared_space(engine);
    (0..batches).any(|_| batch(&space, &bodies, what))
}

/// Both harts have read 0 from the word that the other one wrote first.
fn both_missed([[a, _], [b, _]]: Seen) -> bool {
    (a, b) == (0, 0)
}

fn store_buffering_is_seen_without_fences(engine: EngineKind) {
    let body = vec![write(S0), read(A0, S1)];
    assert!(is_seen(engine, MOST, [body.clone(), body], both_missed), "in {MOST} batches of {TURNS}");
}

fn store_buffering_is_not_seen_with_fences_and_ordered_atomics(engine: EngineKind) {
    let fenced = vec![write(S0), fence(), read(A0, S1)];
    assert!(!is_seen(engine, BATCHES, [fenced.clone(), fenced], both_missed));
    let reserved = vec![write(S0), ordered(reg(Op::LrD, A0, S1, 0))];
    assert!(!is_seen(engine, BATCHES, [reserved.clone(), reserved], both_missed), "lr.aqrl");
    let swapped = vec![ordered(reg(Op::AmoswapD, 0, S0, ONE)), ordered(reg(Op::LrD, A0, S1, 0))];
    assert!(!is_seen(engine, BATCHES, [swapped.clone(), swapped], both_missed), "amoswap.aqrl, lr.aqrl");
}

fn messages_are_passed_in_order(engine: EngineKind) {
    let writer = vec![write(S0), write(S1)];
    // The reader has the words the other way round: first the flag.
    let reader = vec![read(A0, S0), read(A1, S1)];
    assert!(!is_seen(engine, BATCHES, [writer, reader], |[_, [flag, data]]| (flag, data) == (1, 0)));
}

fn loads_are_not_buffered(engine: EngineKind) {
    let body = vec![read(A0, S0), write(S1)];
    assert!(!is_seen(engine, BATCHES, [body.clone(), body], |[[a, _], [b, _]]| (a, b) == (1, 1)));
}

fn reads_of_one_word_are_coherent(engine: EngineKind) {
    let writer = vec![write(S0)];
    let reader = vec![read(A0, S1), read(A1, S1)];
    assert!(!is_seen(engine, BATCHES, [writer, reader], |[_, [first, second]]| (first, second) == (1, 0)));
}

/// Accesses of eight bytes that are aligned are never torn, those of an interpreter's store either.
fn aligned_accesses_are_single(engine: EngineKind) {
    let writer = vec![imm(Op::Addi, T0, 0, -1), store(Op::Sd, T0, S0, 0), store(Op::Sd, 0, S0, 0)];
    let reader = vec![read(A0, S1), read(A1, S1)];
    let torn = |[_, values]: Seen| values.iter().any(|v| ![0, u64::MAX].contains(v));
    assert!(!is_seen(engine, BATCHES, [writer, reader], torn));
}

in_each_engine! {
    store_buffering_is_seen_without_fences,
    store_buffering_is_not_seen_with_fences_and_ordered_atomics,
    messages_are_passed_in_order,
    loads_are_not_buffered,
    reads_of_one_word_are_coherent,
    aligned_accesses_are_single,
}
