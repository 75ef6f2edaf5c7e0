//! Random programs. Each shape is a generator: what it emits is a function of the seed.

mod builder;
mod control;
mod fused;
mod memory;
mod random;

pub use random::Ops;

use crate::bench::{CHANGING, CODE, CODE_SIZE};
use crate::operands::Fmt;
use crate::program::Program;
use crate::rng::Rng;
use builder::{Builder, SP};
use random::{Kind, Pool};

/// A shape's name, how many of 20 programs have it, and its generator.
type Shape = (&'static str, usize, fn(&mut Builder));

const SHAPES: &[Shape] = &[
    ("straight", 2, |b| {
        let n = 1 + b.rng.below(100);
        b.straight(
            n,
            &[Kind::Common, Kind::Integer, Kind::Integer, Kind::Float, Kind::Memory, Kind::Atomic, Kind::Odd],
        );
    }),
    ("integer", 2, |b| {
        let n = 1 + b.rng.below(60);
        b.straight(n, &[Kind::Common, Kind::Common, Kind::Common, Kind::Integer]);
    }),
    ("fused", 4, |b| (0..1 + b.rng.below(25)).for_each(|_| b.fused())),
    ("control", 2, control::control),
    ("memory", 2, |b| (0..1 + b.rng.below(20)).for_each(|_| b.memory())),
    ("float", 4, float),
    ("atomic", 1, |b| (0..1 + b.rng.below(10)).for_each(|_| b.atomic())),
    ("changing", 1, control::changing),
    ("mixed", 2, |b| (0..1 + b.rng.below(20)).for_each(|_| mixed(b))),
];

/// The program of a seed.
pub fn program(ops: &Ops, seed: u64) -> Program {
    let mut rng = Rng(seed);
    let mut n = rng.below(SHAPES.iter().map(|(_, weight, _)| weight).sum());
    let chosen = SHAPES.iter().find(|(_, weight, _)| n.checked_sub(*weight).inspect(|rest| n = *rest).is_none());
    let &(shape, _, generate) = chosen.expect("the number is less than the sum");
    let pool = Pool::new(&mut rng);
    let mut b = Builder::new(ops, pool, &mut rng);
    generate(&mut b);
    let mut program = b.finish(shape);
    let area = if shape == "changing" { CHANGING } else { CODE };
    // At the start of the area, anywhere in it, or with its last instruction at the area's end.
    let room = CODE_SIZE - program.assemble().bytes.len() as u64;
    program.base = area
        + match rng.below(4) {
            0 => 0,
            1 => room,
            _ => rng.below(room as usize) as u64 & !1,
        };
    program
}

/// A program that nothing stops, which leaves a register alone that starts with `start`.
pub fn calm(ops: &Ops, seed: u64, (register, start): (u8, u64)) -> Program {
    let mut rng = Rng(seed);
    let pool = Pool { calm: true, ..Pool::new(&mut rng) };
    let mut b = Builder::new(ops, pool, &mut rng);
    b.reserve(register, start);
    b.pool.reserved |= 1 << SP;
    b.pool.fmt = b.rng.of(&[Some(Fmt::D), Some(Fmt::S), Some(Fmt::H), None]);
    let kinds = b.rng.of(&[&[0, 1, 2][..], &[2], &[3, 4, 5, 6], &[7], &[0, 1, 2, 3, 4, 5, 6, 7]]);
    for _ in 0..1 + b.rng.below(20) {
        match b.rng.of(kinds) {
            0 => b.one(Kind::Common),
            1 => b.one(Kind::Integer),
            2 => b.fused(),
            3 => b.csr(),
            4 => b.float_pair(),
            5 => b.one(Kind::Float),
            6 => b.skip(),
            _ => b.memory(),
        }
    }
    b.finish("calm")
}

/// Floating point, most of it in one format, with rounding modes and flags read and written in between.
fn float(b: &mut Builder) {
    b.pool.fmt = b.rng.of(&[Some(Fmt::D), Some(Fmt::S), Some(Fmt::H), None]);
    for _ in 0..1 + b.rng.below(30) {
        match b.rng.below(12) {
            0 | 1 => b.csr(),
            2 => b.memory(),
            3 => b.one(Kind::Common),
            4 => b.skip(),
            5 | 6 => b.float_pair(),
            _ => b.one(Kind::Float),
        }
    }
}

/// A little of each.
fn mixed(b: &mut Builder) {
    match b.rng.below(12) {
        0 => b.csr(),
        1..4 => b.memory(),
        4 => b.atomic(),
        5 => b.skip(),
        6 | 7 => b.fused(),
        8 => b.one(Kind::Float),
        9 => b.one(Kind::Integer),
        _ => b.one(Kind::Common),
    }
}
