//! Programs that a second thread disturbs. They tell whether an operation in memory and what it does with its bucket of
//! [`Reservations`] are atomic, and whether a barrier is one.
//!
//! The compiled code runs on one thread. The other one works with the same memory by itself, so that nothing changes
//! what it does.

use crate::bench::{CODE, DATA, PAGE};
use crate::mutant::Mutator;
use remu::guest::riscv::{Cpu, Rv64, UserProgram};
use remu::guest::{Engine, Exit, HartOwner};
use remu::jit::{Jit, JitConfig, SharedCode};
use remu::memory::{
    AtomicRmw, AtomicSize, GuestAddr, GuestMemory, MapRequest, Place, Prot, Reservations, SpaceConfig, UserSpace,
};
use remu_isa::{Insn, Isa, Op, Xlen, encode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::{Duration, Instant};

/// The word that both threads use, and another one.
const WORD: u64 = DATA;
const OTHER: u64 = DATA + 0x100;
/// What the program has read of the other word.
const LOG: u64 = DATA + PAGE;

/// Registers of a program.
const ROUNDS: u8 = 9;
const BASE: u8 = 16;
const EXPECTED: u8 = 17;
const WRONG: u8 = 18;
const LOADED: u8 = 7;

/// How often a program repeats at a time, and how long it is repeated altogether.
const EACH: u64 = 100_000;
const TIME: Duration = Duration::from_millis(150);

/// How long the other thread keeps its claim at times, in steps of a pause.
const HOLDS: u64 = 30;

/// A program, and what it begins with.
struct Race {
    code: Vec<Insn>,
    x: Vec<(u8, u64)>,
    other: Other,
}

/// What the other thread does.
#[derive(Clone, Copy)]
enum Other {
    /// Counts in the word, whose value the program does not change, and uses the bucket. Whether the program may claim
    /// the bucket.
    Counts { size: u64, claims: bool },
    /// Changes the lowest bits of the word. The program checks others itself.
    Disturbs { size: u64 },
    /// Stores to the other word, then loads the one that the program stores to.
    Crosses,
}

/// Whether a program notices the mutant that is set.
pub fn notices(mutator: &Arc<Mutator>, op: Op, identity: bool, config: &JitConfig) -> bool {
    let races = races(op);
    if races.is_empty() {
        return false;
    }
    let space = UserSpace::new(&SpaceConfig { limit: GuestAddr(crate::bench::LIMIT), identity }).expect("a space");
    assert_eq!(space.is_identity(), identity);
    for (at, pages, prot) in [(CODE, 1, Prot::all()), (DATA, 1 + EACH * 8 / PAGE + 1, Prot::READ | Prot::WRITE)] {
        space.map(&MapRequest::anonymous(Place::Fixed(GuestAddr(at)), pages * PAGE, prot)).expect("room for a mapping");
    }
    let mut hart = HartOwner::<Rv64>::new(Cpu::new(Isa::rv64_max()));
    let code = SharedCode::new(config, &space, Some(mutator.clone())).expect("a code cache");
    let mut engine = Jit::new(&code, space.watch_code(hart.cell().clone()));
    races.iter().any(|race| {
        let bytes: Vec<u8> =
            race.code.iter().flat_map(|insn| encode(insn, Xlen::Rv64).expect("an instruction").to_le_bytes()).collect();
        engine.forget_code();
        space.write_bytes(GuestAddr(CODE), &bytes).expect("room for code");
        mutator.set_program(race.code.iter().enumerate().map(|(n, insn)| (CODE + 4 * n as u64, insn.op)));
        let mut run = |rounds| {
            let cpu = hart.cpu_mut();
            race.x.iter().for_each(|&(r, v)| cpu.set_x(r, v));
            cpu.set_x(ROUNDS, rounds);
            cpu.set_x(WRONG, 0);
            cpu.pc = CODE;
            engine.run(&mut hart, &mut UserProgram::new(), &space) == Exit::Syscall && hart.cpu().x(WRONG) == 0
        };
        // What the first round compiles is what the others run.
        space.fill_zero(GuestAddr(DATA), PAGE).expect("memory");
        if !run(1) {
            return true;
        }
        let start = Instant::now();
        while mutator.is_applied() && start.elapsed() < TIME {
            space.fill_zero(GuestAddr(DATA), PAGE).expect("memory");
            let [has_begun, is_over] = [false; 2].map(AtomicBool::new);
            let (is_fine, other) = std::thread::scope(|scope| {
                let other = scope.spawn(|| {
                    has_begun.store(true, Ordering::SeqCst);
                    race.other.run(&space, &is_over)
                });
                while !has_begun.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                let is_fine = run(EACH);
                is_over.store(true, Ordering::SeqCst);
                (is_fine, other.join().expect("it does not panic"))
            });
            if !is_fine || !other {
                return true;
            }
        }
        false
    })
}

impl Other {
    /// What the thread does until the program is over. False if something cannot be.
    fn run(self, space: &UserSpace, is_over: &AtomicBool) -> bool {
        match self {
            Self::Counts { size, claims } => counts(space, size, claims, is_over),
            Self::Disturbs { size } => {
                for n in 0u64.. {
                    let change = if n % 2 == 0 { 1 } else { u64::MAX };
                    add(space, size, change);
                    if is_over.load(Ordering::SeqCst) {
                        break;
                    }
                }
                true
            }
            Self::Crosses => crosses(space, is_over),
        }
    }
}

fn add(space: &UserSpace, size: u64, n: u64) {
    let size = match size {
        1 => AtomicSize::B1,
        2 => AtomicSize::B2,
        4 => AtomicSize::B4,
        _ => AtomicSize::B8,
    };
    space.read_modify_write(AtomicRmw::Add, size, GuestAddr(WORD), n).expect("memory");
}

fn counts(space: &UserSpace, size: u64, claims: bool, is_over: &AtomicBool) -> bool {
    let (bucket, at) = (space.reservations(), GuestAddr(WORD));
    let mut last = 0;
    let mut count = 0;
    while !is_over.load(Ordering::SeqCst) {
        // No version comes back.
        let version = bucket.reserve(at);
        if version < last {
            return false;
        }
        last = version;
        if count % 2 == 0 {
            match bucket.claim(at, version) {
                Some(claim) => {
                    for _ in 0..if count % 8 == 0 { HOLDS } else { 0 } {
                        std::hint::spin_loop();
                    }
                    // Nobody else changes a bucket that is claimed.
                    let is_kept = bucket.reserve(at) == version;
                    claim.release();
                    last = version - Reservations::RESERVED + Reservations::VERSION;
                    if !is_kept {
                        return false;
                    }
                }
                // The reservation that has been lost was a true one.
                None if !claims && bucket.reserve(at) == version => return false,
                None => {}
            }
        }
        add(space, size, 1);
        count += 1;
    }
    let bits = 8 * size;
    let counted = space.load(size, at).expect("memory");
    counted == count << (64 - bits) >> (64 - bits)
}

fn crosses(space: &UserSpace, is_over: &AtomicBool) -> bool {
    let mut seen = vec![0];
    for n in 1.. {
        space.store(8, GuestAddr(OTHER), n).expect("memory");
        fence(Ordering::SeqCst);
        seen.push(space.load(8, GuestAddr(WORD)).expect("memory"));
        if is_over.load(Ordering::SeqCst) {
            break;
        }
    }
    // The program's round k had stored k when it read n: the store of n + 1, which it has missed, came after.
    (1..=seen[seen.len() - 1]).all(|k| {
        let read = space.load(8, GuestAddr(LOG + 8 * (k - 1))).expect("memory");
        seen.get(read as usize + 1).is_none_or(|&stored| stored >= k)
    })
}

fn insn(op: Op, rd: u8, rs1: u8, rs2: u8, imm: i32) -> Insn {
    Insn { op, rd, rs1, rs2, rs3: 0, rm: 0, len: 4, imm }
}

/// The programs for an op.
fn races(op: Op) -> Vec<Race> {
    let name = op.mnemonic();
    let (kind, letter) = name.split_once('.').unwrap_or((name, ""));
    let (size, load, swap) = match letter {
        "b" => (1, Op::Lbu, Op::AmoswapB),
        "h" => (2, Op::Lhu, Op::AmoswapH),
        "w" => (4, Op::Lwu, Op::AmoswapW),
        _ => (8, Op::Ld, Op::AmoswapD),
    };
    let repeat = |body: Vec<Insn>, x: Vec<(u8, u64)>, other| {
        let back = -4 * (body.len() as i32 + 1);
        let end =
            [insn(Op::Addi, ROUNDS, ROUNDS, 0, -1), insn(Op::Bne, 0, ROUNDS, 0, back), insn(Op::Ecall, 0, 0, 0, 0)];
        Race { code: [body, end.to_vec()].concat(), x, other }
    };
    let mut all = Vec::new();
    // Registers of the guest that are in registers of the host, and others.
    let places = [10, 30].iter().flat_map(|&at| [11, 28, 0].map(|rd| (at, rd)));
    for (at, rd, rs2) in places.flat_map(|(at, rd)| [12, 29].map(|rs2| (at, rd, rs2))) {
        let counts = Other::Counts { size, claims: kind == "lr" || kind == "sc" };
        match kind {
            "fence" if op == Op::Fence => {
                let body = [insn(Op::Sd, 0, at, 15, 0), insn(op, 0, 0, 0, 0x33), insn(Op::Ld, 13, 14, 0, 0)];
                all.push(repeat(crossing(&body), crossing_registers(at), Other::Crosses));
            }
            "lr" | "sc" if rd != 0 => {
                let (lr, sc) = if size == 4 { (Op::LrW, Op::ScW) } else { (Op::LrD, Op::ScD) };
                // The compiler may know the address.
                let known = insn(Op::Lui, at, 0, 0, WORD as i32);
                let apart = insn(Op::Mul, 6, 6, 6, 0);
                for (start, apart) in
                    [(vec![], vec![]), (vec![], vec![apart]), (vec![known], vec![]), (vec![known], vec![apart])]
                {
                    let pair = [start, vec![insn(lr, rs2, at, 0, 0)], apart, vec![insn(sc, rd, at, rs2, 0)]];
                    all.push(repeat(pair.concat(), vec![(at, WORD)], counts));
                }
                if kind == "lr" {
                    let ordered = Insn { rm: 3, ..insn(op, 13, 14, 0, 0) };
                    let body = [insn(Op::Sd, 0, at, 15, 0), ordered];
                    all.push(repeat(crossing(&body), crossing_registers(at), Other::Crosses));
                }
            }
            "amocas" if rd != 0 => {
                let same = insn(Op::Addi, rs2, rd, 0, 0);
                // What has just been loaded is most often what is exchanged.
                let fresh = insn(load, rd, at, 0, 0);
                for start in [vec![], vec![fresh], vec![insn(Op::Lui, at, 0, 0, WORD as i32), fresh]] {
                    let body = start.into_iter().chain([same, insn(op, rd, at, rs2, 0)]).collect();
                    all.push(repeat(body, vec![(at, WORD)], counts));
                }
            }
            _ => {
                // Operands that change nothing, and those of which the next bits show the result.
                let (neutral, base, operand, expected) = match kind {
                    "amoadd" => (0, 0x18, 0x20, 0x30),
                    "amoxor" => (0, 0x18, 0x20, 0x30),
                    "amoor" => (0, 0x18, 0x20, 0x30),
                    "amoand" => (u64::MAX, 0x38, 0x4f, 0),
                    "amomin" => (i64::MAX as u64 >> (64 - 8 * size), 0x38, 0x28, 0x20),
                    "amominu" => (u64::MAX, 0x38, 0x28, 0x20),
                    "amomax" => (u64::MAX << (8 * size - 1), 0x18, 0x28, 0x20),
                    "amomaxu" => (0, 0x18, 0x28, 0x20),
                    _ => return Vec::new(),
                };
                let it = insn(op, rd, at, rs2, 0);
                let is_known = matches!(neutral, 0 | u64::MAX);
                for known in
                    is_known.then(|| insn(Op::Addi, rs2, 0, 0, neutral as i32)).into_iter().map(Some).chain([None])
                {
                    for place in [None, Some(insn(Op::Lui, at, 0, 0, WORD as i32))] {
                        let body = place.into_iter().chain(known).chain([it]).collect();
                        all.push(repeat(body, vec![(at, WORD), (rs2, neutral)], counts));
                    }
                }
                for known in [Some(insn(Op::Addi, rs2, 0, 0, operand)), None] {
                    let check = [
                        insn(load, LOADED, at, 0, 0),
                        insn(Op::Andi, LOADED, LOADED, 0, 0xf0),
                        insn(Op::Sub, LOADED, LOADED, EXPECTED, 0),
                        insn(Op::Or, WRONG, WRONG, LOADED, 0),
                    ];
                    let start = insn(swap, 0, at, BASE, 0);
                    let body = [start].into_iter().chain(known).chain([it]).chain(check).collect();
                    let x = vec![(at, WORD), (rs2, operand as u64), (BASE, base), (EXPECTED, expected)];
                    all.push(repeat(body, x, Other::Disturbs { size }));
                }
            }
        }
    }
    all
}

/// Counts the rounds in a5, and logs what the body has loaded into a3.
fn crossing(body: &[Insn]) -> Vec<Insn> {
    let log = [insn(Op::Sd, 0, 19, 13, 0), insn(Op::Addi, 19, 19, 0, 8)];
    [&[insn(Op::Addi, 15, 15, 0, 1)], body, &log].concat()
}

fn crossing_registers(at: u8) -> Vec<(u8, u64)> {
    vec![(at, WORD), (14, OTHER), (15, 0), (19, LOG)]
}
