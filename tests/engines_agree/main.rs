//! Engines agree: random programs run in two engines, each with its own memory, and the whole state and memory are
//! compared at every exit.
//!
//! `generate` makes a program of each seed: straight lines, groups of instructions that compilers fuse, loops, calls
//! and jump tables, memory accesses at the edges of mapped pages, floating point in all rounding modes, atomics, and
//! code that changes. After a fault the harness mends the register or skips the instruction, and the program goes on. A
//! program on which the engines differ is shrunk and printed with its seed. `seeds.txt` has the seeds that once found a
//! fault. A [neighbour] shares the memory of programs with atomics. `machines` does the same for programs in all modes of
//! a machine. `mutants` checks that the programs find wrong meanings. `sequences` compares programs that nothing stops
//! with QEMU. A program that does not end is named, and ends the run.
//!
//! `REMU_AGREE_INSTRUCTIONS=N` sets how many instructions run in each pair of engines, `REMU_AGREE_SEED` the first
//! seed, `REMU_AGREE_SHAPE` one shape of programs. With `REMU_AGREE_TRACE=1` each seed is printed before its program runs, which tells which one crashes.

mod bench;
#[path = "../common/elf.rs"]
mod elf;
mod generate;
mod machines;
mod mutants;
mod neighbour;
#[path = "../oracle/operands.rs"]
mod operands;
mod program;
#[path = "../common/qemu.rs"]
mod qemu;
#[path = "../common/rng.rs"]
mod rng;
mod sequences;
mod shrink;
mod watchdog;

use bench::{Outcome, Pair, Side};
use generate::Ops;
use remu::guest::Exit;
use remu::guest::riscv::Rv64;
use remu::interp::{Interp, InterpConfig};
use remu::jit::x64::HostFeatures;
use remu::jit::{Jit, JitConfig, SharedCode};
use std::collections::{BTreeMap, BTreeSet};
use watchdog::Watchdog;

/// Instructions per pair of engines in an ordinary run.
const INSTRUCTIONS: u64 = 1_000_000;

/// Differences that a run shrinks and prints before it ends.
const SHRUNK: usize = 40;
/// The same, of programs that do not have the same instructions.
const DISTINCT: usize = 8;

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Err(_) => default,
        Ok(text) => text
            .parse::<u64>()
            .or_else(|_| text.parse::<f64>().map(|n| n as u64))
            .unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")),
    }
}

/// The instructions of a run that has `1 / share` of those of the longest.
fn instructions(share: u64) -> u64 {
    number("REMU_AGREE_INSTRUCTIONS", INSTRUCTIONS) / share
}

/// An interpreter with blocks of at most this many instructions.
fn interp(name: &'static str, max_block: usize) -> Side {
    Side::new(name, false, |space, hart| {
        let mut engine = Interp::<Rv64>::new(InterpConfig { max_block, budget: None });
        engine.watch_code(space.watch_code(hart.cell().clone()));
        engine
    })
}

/// The compiler, which compiles each block when it first runs.
fn compiler(name: &'static str, identity: bool, config: JitConfig) -> Side {
    Side::new(name, identity, |space, hart| {
        let code = SharedCode::new(&config, space, None).expect("a code cache");
        Jit::new(&code, space.watch_code(hart.cell().clone()))
    })
}

/// The reference: an interpreter that executes one instruction at a time.
fn reference() -> Side {
    interp("single steps", 1)
}

/// Seeds that once found a fault.
fn known_seeds() -> impl Iterator<Item = u64> {
    let lines = include_str!("seeds.txt").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_whitespace().next().expect("a seed").parse().expect("a number"))
}

/// What the programs of a run did.
#[derive(Default)]
struct Seen {
    programs: u64,
    too_long: u64,
    instructions: u64,
    shapes: BTreeMap<&'static str, u64>,
    exits: BTreeMap<String, u64>,
    ops: BTreeSet<&'static str>,
}

impl Seen {
    /// Checks that a run of some length had all ops and all kinds of exits.
    fn check_variety(&self) {
        assert!(self.too_long * 100 < self.programs, "{} of {} programs do not end", self.too_long, self.programs);
        let missing: Vec<&str> =
            Ops::new().all().map(|op| op.mnemonic()).filter(|name| !self.ops.contains(name)).collect();
        assert!(missing.is_empty(), "no program has {missing:?}");
        for exit in [
            "Breakpoint",
            "Illegal",
            "Fetch Unmapped",
            "Read Unmapped",
            "Read Denied",
            "Read NoBacking",
            "Write Unmapped",
            "Write Denied",
            "Write NoBacking",
            "Write Misaligned",
        ] {
            assert!(self.exits.contains_key(exit), "no program ends with {exit}");
        }
    }
}

fn kind(exit: &Exit) -> String {
    match exit {
        Exit::Fault(fault) => format!("{:?} {:?}", fault.access, fault.kind),
        Exit::Illegal { .. } => "Illegal".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Runs programs until enough instructions have run. Prints the smallest programs found on
/// which the engines differ, and panics.
fn agree(pair: &mut Pair, instructions: u64) -> Seen {
    let ops = Ops::new();
    let mut seen = Seen::default();
    let (mut failures, mut found) = (0, BTreeSet::<Vec<&str>>::new());
    let first = number("REMU_AGREE_SEED", 1);
    let shape = std::env::var("REMU_AGREE_SHAPE");
    let trace = std::env::var_os("REMU_AGREE_TRACE").is_some();
    let watchdog = Watchdog::new(pair.right.name);
    for seed in known_seeds().chain(first..) {
        if seen.instructions >= instructions {
            break;
        }
        if trace {
            // After a crash the last one is to blame.
            eprintln!("seed {seed}");
        }
        watchdog.begins(seed);
        let program = generate::program(&ops, seed);
        if shape.as_ref().is_ok_and(|shape| shape != program.shape) {
            continue;
        }
        seen.programs += 1;
        seen.ops.extend(program.slots.iter().flatten().map(|slot| slot.insn.op.mnemonic()));
        match pair.run(&program) {
            Outcome::Agree(instructions, exits) => {
                seen.instructions += instructions;
                *seen.shapes.entry(program.shape).or_default() += instructions;
                exits.iter().for_each(|exit| *seen.exits.entry(kind(exit)).or_default() += 1);
            }
            Outcome::Unfit => {}
            Outcome::TooLong => {
                seen.too_long += 1;
                *seen.exits.entry(format!("too long: {}", program.shape)).or_default() += 1;
            }
            Outcome::Differ(difference) => {
                let (shape, engines) = (program.shape, pair.right.name);
                let (small, difference) = pair.shrink(program, difference);
                let listing = small.listing();
                println!("seed {seed} ({shape}), {engines}, {} instructions:\n{listing}{difference}\n", small.len());
                // The same instructions are most often the same fault.
                found.insert(small.slots.iter().flatten().map(|s| s.insn.op.mnemonic()).collect());
                failures += 1;
                assert!(failures < SHRUNK && found.len() < DISTINCT, "the engines differ");
            }
        }
    }
    println!(
        "{} and {}: {} programs, {} instructions, {} too long",
        pair.left.name, pair.right.name, seen.programs, seen.instructions, seen.too_long
    );
    println!("  instructions by shape: {:?}", seen.shapes);
    println!("  exits: {:?}", seen.exits);
    println!("  {}: {:?}", pair.right.name, pair.right.statistics());
    assert_eq!(failures, 0, "the engines differ");
    seen
}

#[test]
fn blocks_agree_with_single_steps() {
    let blocks = || interp("blocks", InterpConfig::default().max_block);
    let seen = agree(&mut Pair::new(move || (reference(), blocks())), instructions(1));
    if seen.instructions >= INSTRUCTIONS {
        seen.check_variety();
    }
    agree(&mut Pair::new(move || (reference(), blocks().uncounted().reporting())), instructions(4));
    agree(&mut Pair::new(move || (reference(), blocks())).pausing(), instructions(4));
}

/// How a configuration of the compiler is compared.
#[derive(Clone, Copy, Default)]
struct How {
    /// Guest addresses are the host's.
    identity: bool,
    /// See [`Side::uncounted`].
    uncounted: bool,
    /// See [`Side::reporting`].
    reporting: bool,
    /// See [`Pair::pausing`].
    pausing: bool,
}

impl How {
    /// Compares what `make` makes with the reference, on `1 / share` of the instructions.
    fn agree(self, share: u64, make: impl Fn() -> Side + 'static) {
        let pair = Pair::new(move || {
            let mut side = make();
            if self.uncounted {
                side = side.uncounted();
            }
            if self.reporting {
                side = side.reporting();
            }
            (reference(), side)
        });
        agree(&mut if self.pausing { pair.pausing() } else { pair }, instructions(share));
    }
}

#[test]
fn compiled_code_agrees_with_single_steps() {
    let identity = How { identity: true, ..How::default() };
    let uncounted = How { uncounted: true, ..identity };
    let counting = || JitConfig { count: true, ..JitConfig::default() };
    // Loops exchange registers though they hardly gain by it.
    let exchanging = || JitConfig { exchange_gain: 0, ..JitConfig::default() };
    let both = || JitConfig { exchange_gain: 0, ..counting() };
    // Each with its share of the programs.
    let all: &[(&'static str, How, u64, JitConfig)] = &[
        ("compiled", identity, 2, counting()),
        ("compiled, not counting", uncounted, 2, JitConfig::default()),
        ("compiled, with pauses", How { pausing: true, ..identity }, 4, both()),
        ("compiled, with reports", How { reporting: true, ..uncounted }, 8, exchanging()),
        ("compiled, with a base", How::default(), 4, both()),
        ("compiled, plain x86-64", identity, 4, JitConfig { features: HostFeatures::empty(), ..both() }),
        ("compiled, not linked", uncounted, 8, JitConfig { link: false, ..exchanging() }),
        ("compiled, short blocks", identity, 8, JitConfig { max_block: 3, ..counting() }),
        (
            "compiled, in little space",
            How { reporting: true, ..identity },
            8,
            JitConfig { cache_size: 64 << 10, ..counting() },
        ),
    ];
    for (name, how, share, config) in all.iter().cloned() {
        how.agree(share, move || compiler(name, how.identity, config.clone()));
    }
}

#[test]
fn code_that_is_not_compiled_at_first_agrees_with_single_steps() {
    let identity = How { identity: true, ..How::default() };
    let uncounted = How { uncounted: true, reporting: true, ..identity };
    let counting = || JitConfig { count: true, ..JitConfig::default() };
    // Each with its share of the programs.
    let all: &[(&'static str, How, u64, JitConfig)] = &[
        ("tiered", identity, 4, JitConfig { after: 1, ..counting() }),
        ("tiered, not counting", uncounted, 8, JitConfig { after: 2, ..JitConfig::default() }),
        ("tiered, with pauses", How { pausing: true, ..identity }, 8, JitConfig { after: 1, ..counting() }),
        ("tiered, with a base", How::default(), 8, JitConfig { after: 3, ..counting() }),
    ];
    for (name, how, share, config) in all.iter().cloned() {
        how.agree(share, move || compiler(name, how.identity, config.clone()));
    }
}
