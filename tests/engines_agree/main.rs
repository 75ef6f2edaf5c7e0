//! Engines agree: random programs run in two engines, each with its own memory, and the whole state and memory are
//! compared at every exit.
//!
//! `generate` makes a program of each seed: straight lines, groups of instructions that compilers fuse, loops, calls
//! and jump tables, memory accesses at the edges of mapped pages, floating point in all rounding modes, atomics, and
//! code that changes. After a fault the harness mends the register or skips the instruction, and the program goes on. A
//! program on which the engines differ is shrunk and printed with its seed. `seeds.txt` has the seeds that once found a
//! fault. `mutants` checks that the programs find wrong meanings.
//!
//! `REMU_AGREE_INSTRUCTIONS=N` sets how many instructions run in each pair of engines, `REMU_AGREE_SEED` the first
//! seed.

mod bench;
mod generate;
mod mutants;
#[path = "../oracle/operands.rs"]
mod operands;
mod program;
#[path = "../common/rng.rs"]
mod rng;
mod shrink;

use bench::{Outcome, Pair, Side};
use generate::Ops;
use remu::guest::Exit;
use remu::guest::riscv::Rv64;
use remu::interp::{Interp, InterpConfig};
use std::collections::{BTreeMap, BTreeSet};

/// Instructions per pair of engines in an ordinary run.
const INSTRUCTIONS: u64 = 1_000_000;

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Err(_) => default,
        Ok(text) => text
            .parse::<u64>()
            .or_else(|_| text.parse::<f64>().map(|n| n as u64))
            .unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")),
    }
}

/// An interpreter with blocks of at most this many instructions.
fn interp(name: &'static str, max_block: usize) -> Side {
    Side::new(name, false, |space, hart| {
        let mut engine = Interp::<Rv64>::new(InterpConfig { max_block, budget: None });
        engine.watch_code(space.watch_code(hart.cell().clone()));
        engine
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

fn kind(exit: &Exit) -> String {
    match exit {
        Exit::Fault(fault) => format!("{:?} {:?}", fault.access, fault.kind),
        Exit::Illegal { .. } => "Illegal".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Runs programs until enough instructions have run. Panics with the smallest program on which the engines differ.
fn agree(pair: &mut Pair, instructions: u64) -> Seen {
    let ops = Ops::new();
    let mut seen = Seen::default();
    let first = number("REMU_AGREE_SEED", 1);
    for seed in known_seeds().chain(first..) {
        if seen.instructions >= instructions {
            break;
        }
        let program = generate::program(&ops, seed);
        seen.programs += 1;
        seen.ops.extend(program.slots.iter().flatten().map(|slot| slot.insn.op.mnemonic()));
        match pair.run(&program) {
            Outcome::Agree(instructions, exits) => {
                seen.instructions += instructions;
                *seen.shapes.entry(program.shape).or_default() += instructions;
                exits.iter().for_each(|exit| *seen.exits.entry(kind(exit)).or_default() += 1);
            }
            Outcome::TooLong => {
                seen.too_long += 1;
                *seen.exits.entry(format!("too long: {}", program.shape)).or_default() += 1;
            }
            Outcome::Differ(difference) => {
                let shape = program.shape;
                let (small, difference) = shrink::shrink(pair, program, difference);
                panic!("seed {seed} ({shape}), {} instructions:\n{}{difference}", small.len(), small.listing());
            }
        }
    }
    println!(
        "{} and {}: {} programs, {} instructions, {} too long",
        pair.left.name, pair.right.name, seen.programs, seen.instructions, seen.too_long
    );
    println!("  instructions by shape: {:?}", seen.shapes);
    println!("  exits: {:?}", seen.exits);
    seen
}

#[test]
fn blocks_agree_with_single_steps() {
    let mut pair = Pair::new(reference(), interp("blocks", InterpConfig::default().max_block));
    let seen = agree(&mut pair, number("REMU_AGREE_INSTRUCTIONS", INSTRUCTIONS));
    if seen.programs < 1000 {
        return;
    }
    assert!(seen.too_long * 100 < seen.programs, "{} of {} programs do not end", seen.too_long, seen.programs);
    let missing: Vec<&str> = Ops::new().all().map(|op| op.mnemonic()).filter(|name| !seen.ops.contains(name)).collect();
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
        assert!(seen.exits.contains_key(exit), "no program ends with {exit}");
    }
}
