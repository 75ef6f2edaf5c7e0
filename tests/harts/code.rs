//! Code that one hart changes while others run it.

use super::elf::{RA, T0, assemble, branch, ebreak, ecall, imm, jump, reg, store};
use super::{CODE, DATA, Hart, RW, on_threads, on_threads_for, put, shared_space};
use remu::guest::Exit;
use remu::memory::{Access, Backing, FaultKind, GuestAddr, GuestFault, MapRequest, Place, Prot, UserSpace};
use remu::user::EngineKind;
use remu_isa::{Insn, Op};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Two functions that return a number each, `lui a0, number; ret`, by the hart that changes them.
const FUNCTIONS: [u64; 2] = [0x40_0000, 0x40_1000];
/// Where the second one is also mapped, to be written to.
const ALIAS: u64 = 0x50_0000;
/// What each hart has promised: its function returns no less.
const PROMISES: [u64; 2] = [DATA, DATA + 64];

const A0: u8 = 10;
const OWN_CODE: u8 = 18;
const OWN_PROMISE: u8 = 19;
const OTHER_CODE: u8 = 20;
const OTHER_PROMISE: u8 = 21;
const INSN: u8 = 22;
const UNIT: u8 = 23;
const NUMBER: u8 = 24;
const ROUNDS: u8 = 25;
const OWN_CALL: u8 = 26;
const T1: u8 = 6;
const MINUS_ONE: u8 = 27;
const STEP: u8 = 28;
const START: u8 = 29;
const NEXT: u8 = 30;

/// Changes its own function, has the change made known, promises it, and calls both functions.
fn program() -> Vec<Insn> {
    let call = |to| imm(Op::Jalr, RA, to, 0);
    vec![
        reg(Op::Add, INSN, INSN, UNIT),
        reg(Op::Add, NUMBER, NUMBER, UNIT),
        store(Op::Sw, INSN, OWN_CODE, 0),
        ecall(),
        store(Op::Sd, NUMBER, OWN_PROMISE, 0),
        call(OWN_CALL),
        branch(Op::Bne, A0, NUMBER, 4 * 7),
        imm(Op::Ld, T0, OTHER_PROMISE, 0),
        call(OTHER_CODE),
        branch(Op::Bltu, A0, T0, 4 * 4),
        imm(Op::Addi, ROUNDS, ROUNDS, -1),
        branch(Op::Bne, ROUNDS, 0, -4 * 11),
        jump(8),
        // A failure: there is nothing at 0.
        imm(Op::Ld, T0, 0, 0),
        ebreak(),
    ]
}

fn functions(space: &UserSpace) {
    // The second function is in a file that is mapped twice.
    let file = rustix::fs::memfd_create("code", rustix::fs::MemfdFlags::empty()).unwrap();
    rustix::fs::ftruncate(&file, 0x1000).unwrap();
    let map = |at, prot| {
        let backing = Backing::File { fd: file.as_fd(), offset: 0, path: Path::new("code").into() };
        let request = MapRequest::anonymous(Place::Fixed(GuestAddr(at)), 0x1000, prot);
        space.map(&MapRequest { backing, shared: true, ..request }).unwrap();
    };
    map(FUNCTIONS[1], Prot::READ | Prot::EXEC);
    map(ALIAS, RW);
    let request = MapRequest::anonymous(Place::Fixed(GuestAddr(FUNCTIONS[0])), 0x1000, Prot::all());
    space.map(&request).unwrap();
    let code = assemble(&[imm(Op::Lui, A0, 0, 0), imm(Op::Jalr, 0, RA, 0)]);
    space.write_bytes(GuestAddr(FUNCTIONS[0]), &code).unwrap();
    space.write_bytes(GuestAddr(ALIAS), &code).unwrap();
}

/// Each flush is an invalidation that waits for the other hart, which itself flushes.
fn two_harts_change_code_and_call_each_others(engine: EngineKind) {
    const TURNS: u64 = if cfg!(debug_assertions) { 20_000 } else { 100_000 };
    let space = shared_space(engine);
    put(&space, CODE, &program());
    functions(&space);
    let lui = assemble(&[imm(Op::Lui, A0, 0, 0)]);
    let lui = u64::from(u32::from_le_bytes(lui[..4].try_into().unwrap()));
    let bodies = (0..2).map(|own: usize| {
        let space = space.clone();
        let body = move || {
            let other = 1 - own;
            let mut hart = Hart::new(
                &space,
                CODE,
                &[
                    (OWN_CODE, if own == 0 { FUNCTIONS[0] } else { ALIAS }),
                    (OWN_CALL, FUNCTIONS[own]),
                    (OWN_PROMISE, PROMISES[own]),
                    (OTHER_CODE, FUNCTIONS[other]),
                    (OTHER_PROMISE, PROMISES[other]),
                    (INSN, lui),
                    (UNIT, 1 << 12),
                    (ROUNDS, TURNS),
                ],
            );
            loop {
                match hart.run() {
                    Exit::Syscall => {
                        let at = GuestAddr(FUNCTIONS[own]);
                        space.code_changed(at..at.offset(4));
                        hart.skip();
                    }
                    Exit::Breakpoint => return,
                    other => panic!(
                        "{other:?}: a0 {:#x}, own {:#x}, promised {:#x}, {} turns left",
                        hart.x(A0),
                        hart.x(NUMBER),
                        hart.x(T0),
                        hart.x(ROUNDS)
                    ),
                }
            }
        };
        Box::new(body) as Box<dyn FnOnce() + Send>
    });
    on_threads(bodies.collect());
    for promise in PROMISES {
        assert_eq!(space.read::<u64>(GuestAddr(promise)).unwrap(), TURNS << 12);
    }
}

/// Counts at [`DATA`] without end.
fn counter() -> Vec<Insn> {
    vec![imm(Op::Addi, T0, T0, 1), store(Op::Sd, T0, A0, 0), jump(-8)]
}

/// What takes a page of code away, and the fault that a hart then gets there.
type Removal = (fn(&UserSpace), FaultKind);

fn map_over(space: &UserSpace) {
    space.map(&MapRequest::anonymous(Place::Fixed(GuestAddr(CODE)), 0x1000, RW)).unwrap();
}

fn move_away(space: &UserSpace) {
    let there = GuestAddr(0x60_0000);
    space.remap(GuestAddr(CODE), 0x1000, 0x1000, Some(Place::Fixed(there))).unwrap();
}

const REMOVALS: [Removal; 4] = [
    (|space| space.unmap(GuestAddr(CODE), 0x1000).unwrap(), FaultKind::Unmapped),
    (|space| space.protect(GuestAddr(CODE), 0x1000, RW).unwrap(), FaultKind::Denied),
    (map_over, FaultKind::Denied),
    (move_away, FaultKind::Unmapped),
];

fn code_that_is_taken_away_stops_running_before_the_call_returns(engine: EngineKind) {
    const TURNS: usize = 200;
    let space = shared_space(engine);
    let running = Arc::new(AtomicBool::new(false));
    let count = |space: &UserSpace| space.read::<u64>(GuestAddr(DATA)).unwrap();
    let worker: Box<dyn FnOnce() + Send> = Box::new({
        let (space, running) = (space.clone(), running.clone());
        move || {
            let mut hart = Hart::new(&space, CODE, &[(A0, DATA)]);
            for turn in 0..TURNS {
                while !running.load(Ordering::Acquire) {
                    std::thread::yield_now();
                }
                hart.owner.cpu_mut().pc = CODE;
                let exit = hart.run();
                let kind = REMOVALS[turn % REMOVALS.len()].1;
                let Exit::Fault(GuestFault { addr, access: Access::Fetch, kind: got }) = exit else {
                    panic!("{exit:?} in turn {turn}");
                };
                assert_eq!((addr.page_floor(), got), (GuestAddr(CODE), kind), "in turn {turn}");
                running.store(false, Ordering::Release);
            }
        }
    });
    let remover: Box<dyn FnOnce() + Send> = Box::new(move || {
        for turn in 0..TURNS {
            put(&space, CODE, &counter());
            let before = count(&space);
            running.store(true, Ordering::Release);
            while count(&space) == before {
                std::thread::yield_now();
            }
            REMOVALS[turn % REMOVALS.len()].0(&space);
            let after = count(&space);
            for _ in 0..10 {
                std::thread::yield_now();
                assert_eq!(count(&space), after, "the old code still runs in turn {turn}");
            }
            while running.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
        }
    });
    on_threads(vec![worker, remover]);
}

/// The two harts invalidate code in which the other runs, without a pause.
fn invalidations_of_each_others_code_end(engine: EngineKind) {
    const TURNS: u64 = 3000;
    let space = shared_space(engine);
    let bodies = (0..2u64).map(|own| {
        let space = space.clone();
        let at = CODE + 0x1000 * own;
        put(&space, at, &[imm(Op::Addi, T0, T0, -1), branch(Op::Bne, T0, 0, -4), ecall(), jump(-12)]);
        let body = move || {
            let mut hart = Hart::new(&space, at, &[(T0, 50_000)]);
            for _ in 0..TURNS {
                assert_eq!(hart.run(), Exit::Syscall);
                space.code_changed(GuestAddr(CODE)..GuestAddr(CODE + 0x2000));
                hart.owner.cpu_mut().set_x(T0, 50_000);
                hart.skip();
            }
        };
        Box::new(body) as Box<dyn FnOnce() + Send>
    });
    on_threads(bodies.collect());
}

/// The pages over which a chain of blocks lies, and the harts that run it.
const LINKS: u64 = 8;
const RUNNERS: u64 = 3;

/// A block of the chain, which adds 1 to t1 in one of two ways, and continues on the next page by a jump of its own kind.
fn link(page: u64, way: bool) -> [Insn; 3] {
    let add = if way { imm(Op::Addi, T1, T1, 1) } else { reg(Op::Sub, T1, T1, MINUS_ONE) };
    if page + 1 == LINKS {
        [imm(Op::Addi, T0, T0, -1), branch(Op::Bne, T0, 0, 8), ecall()]
    } else if page % 3 == 1 {
        [add, reg(Op::Add, NEXT, NEXT, STEP), imm(Op::Jalr, 0, NEXT, 0)]
    } else {
        [add, reg(Op::Add, NEXT, NEXT, STEP), jump(0x1000 - 8)]
    }
}

/// Blocks are linked by those who run them while another thread changes them and has their links taken away.
/// `REMU_LINK_CHANGES` is the number of changes.
fn links_are_made_and_taken_away_under_running_harts(engine: EngineKind) {
    let changes: u64 = std::env::var("REMU_LINK_CHANGES").map_or(200, |n| n.parse().expect("a number"));
    let space = shared_space(engine);
    space.map(&MapRequest::anonymous(Place::Fixed(GuestAddr(CODE)), 0x1000 * LINKS, Prot::all())).unwrap();
    let back = [reg(Op::Add, NEXT, START, 0), imm(Op::Jalr, 0, NEXT, 0)];
    for page in 0..LINKS {
        let code = [&link(page, true)[..], &back].concat();
        space.write_bytes(GuestAddr(CODE + 0x1000 * page), &assemble(&code)).unwrap();
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let runner = || {
        let (space, is_over) = (space.clone(), is_over.clone());
        let body = move || {
            const TURNS: u64 = 1000;
            let registers = [(MINUS_ONE, u64::MAX), (STEP, 0x1000), (START, CODE), (NEXT, CODE)];
            let mut hart = Hart::new(&space, CODE, &registers);
            let mut runs = 0;
            while !is_over.load(Ordering::Relaxed) || runs == 0 {
                for (r, v) in [(T0, TURNS), (T1, 0), (NEXT, CODE)] {
                    hart.owner.cpu_mut().set_x(r, v);
                }
                hart.owner.cpu_mut().pc = CODE;
                assert_eq!(hart.run(), Exit::Syscall);
                assert_eq!(hart.x(T1), TURNS * (LINKS - 1), "each block of the chain ran once in each turn");
                runs += 1;
            }
        };
        Box::new(body) as Box<dyn FnOnce() + Send>
    };
    let mut bodies: Vec<_> = (0..RUNNERS).map(|_| runner()).collect();
    let changer = move || {
        for n in 0..changes {
            let page = n * 5 % (LINKS - 1);
            let at = GuestAddr(CODE + 0x1000 * page);
            // One store: other harts see the old instruction or the new one.
            let insn = assemble(&link(page, n % 3 == 0)[..1]);
            space.write(at, &u32::from_le_bytes(insn[..4].try_into().unwrap())).unwrap();
            space.code_changed(at..at.offset(4));
        }
        is_over.store(true, Ordering::Relaxed);
    };
    bodies.push(Box::new(changer));
    on_threads_for(Duration::from_secs(300) + Duration::from_millis(changes * 100), bodies);
}

in_each_engine! {
    two_harts_change_code_and_call_each_others,
    code_that_is_taken_away_stops_running_before_the_call_returns,
    invalidations_of_each_others_code_end,
    links_are_made_and_taken_away_under_running_harts,
}
