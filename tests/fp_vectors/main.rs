//! Compares floating point with Berkeley SoftFloat 3: results and flags of every operation, format and rounding mode,
//! both for the integer implementation and for the one on the host's FPU.
//!
//! SoftFloat is built with its RISC-V specialisation (canonical NaNs, saturating conversions, tininess
//! after rounding, invalid for infinity times zero plus a NaN), so results are compared bit by bit.
//! Its mode and flags are thread-local, and each test stays on its thread.
//!
//! Half precision with one operand is tested exhaustively. All other cases get the cross product of edge values, then
//! structured random operands from a fixed seed. `REMU_FP_VECTORS` is the number per operation, format and rounding
//! mode. A thorough run:
//!
//! ```text
//! REMU_FP_VECTORS=1000000 cargo test --release --test fp_vectors -- --nocapture
//! ```

mod operands;
mod oracle;
mod qemu;
#[path = "../common/rng.rs"]
mod rng;

use operands::Operands;
use remu::guest::riscv::fp::host::{self, ToInt};
use remu::guest::riscv::fp::{self, Flags, Fmt, Rm};
use remu::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType};
use std::fmt::Debug;

const FORMATS: [Fmt; 3] = [Fmt::H, Fmt::S, Fmt::D];
const INT_TYPES: [IntType; 4] = [IntType::I32, IntType::U32, IntType::I64, IntType::U64];

/// Random vectors per operation, format and rounding mode.
fn count() -> usize {
    match std::env::var("REMU_FP_VECTORS") {
        Ok(v) => v.parse().expect("REMU_FP_VECTORS is a number"),
        Err(_) => 20_000,
    }
}

/// Compares the results of both implementations with SoftFloat's, and counts the vectors.
struct Family {
    name: String,
    vectors: u64,
}

impl Family {
    fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), vectors: 0 }
    }

    /// Checks one vector. `host` runs with `rm` in MXCSR and is skipped for the mode that the host does not have. If it
    /// declines an operation, the integer arithmetic computes it, as in an engine.
    #[track_caller]
    fn check(
        &mut self,
        rm: Rm,
        operands: &[u64],
        want: (u64, Flags),
        soft: impl FnOnce() -> (u64, Flags),
        host: impl FnOnce() -> Option<u64>,
    ) {
        self.vectors += 1;
        let soft = soft();
        self.compare("integer arithmetic", rm, operands, want, soft);
        if rm != Rm::Rmm {
            // Some vectors start with all other flags accrued; none of these may be lost.
            let before = if self.vectors.is_multiple_of(8) { Flags(Flags::ALL.0 & !want.1.0) } else { Flags::NONE };
            let saved = host::enter(rm, before);
            let v = host().unwrap_or_else(|| {
                host::raise(soft.1);
                soft.0
            });
            let flags = host::leave(saved);
            self.compare("host unit", rm, operands, (want.0, want.1 | before), (v, flags));
        }
    }

    #[track_caller]
    fn compare(&self, who: &str, rm: Rm, operands: &[u64], want: (u64, Flags), got: (u64, Flags)) {
        assert!(
            got == want,
            "{}, {rm:?}, operands {operands:#x?}: the {who} gives {:#x} with flags {:#07b}, SoftFloat {:#x} with {:#07b}",
            self.name,
            got.0,
            got.1.0,
            want.0,
            want.1.0,
        );
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        println!("{:>10} vectors  {}", self.vectors, self.name);
    }
}

/// Tests an operation of two operands of one format.
fn two_operands(
    name: &str,
    modes: &[Rm],
    want: impl Fn(Fmt, Rm, u64, u64) -> (u64, Flags),
    soft: impl Fn(Fmt, Rm, u64, u64) -> (u64, Flags),
    host: impl Fn(Fmt, u64, u64) -> Option<u64>,
) {
    for fmt in FORMATS {
        let mut family = Family::new(format!("{name} {fmt:?}"));
        let edges = operands::edges(fmt);
        for &rm in modes {
            let mut check = |a, b| {
                family.check(rm, &[a, b], want(fmt, rm, a, b), || soft(fmt, rm, a, b), || host(fmt, a, b));
            };
            for &a in &edges {
                for &b in &edges {
                    check(a, b);
                }
            }
            let mut random = Operands::new(fmt, name, rm);
            for _ in 0..count() {
                let (a, b) = random.pair();
                check(a, b);
            }
        }
    }
}

/// Tests an operation of one operand: exhaustively for half precision.
fn one_operand(
    name: &str,
    fmt: Fmt,
    modes: &[Rm],
    want: impl Fn(Rm, u64) -> (u64, Flags),
    soft: impl Fn(Rm, u64) -> (u64, Flags),
    host: impl Fn(u64) -> Option<u64>,
) {
    let mut family = Family::new(name);
    for &rm in modes {
        let mut check = |a| family.check(rm, &[a], want(rm, a), || soft(rm, a), || host(a));
        if fmt == Fmt::H {
            (0..=0xffff).for_each(check);
            continue;
        }
        operands::edges(fmt).into_iter().for_each(&mut check);
        let mut random = Operands::new(fmt, name, rm);
        for _ in 0..count() {
            check(random.single());
        }
    }
}

fn arith(op: FpOp) {
    two_operands(
        &format!("{op:?}"),
        &Rm::ALL,
        |fmt, rm, a, b| oracle::arith(op, fmt, rm, a, b),
        |fmt, rm, a, b| fp::arith(op, fmt, rm, a, b),
        |fmt, a, b| host::arith(op, fmt, a, b),
    );
}

#[test]
fn add() {
    arith(FpOp::Add);
}

#[test]
fn sub() {
    arith(FpOp::Sub);
}

#[test]
fn mul() {
    arith(FpOp::Mul);
}

#[test]
fn div() {
    arith(FpOp::Div);
}

#[test]
fn sqrt() {
    for fmt in FORMATS {
        one_operand(
            &format!("Sqrt {fmt:?}"),
            fmt,
            &Rm::ALL,
            |rm, a| oracle::sqrt(fmt, rm, a),
            |rm, a| fp::sqrt(fmt, rm, a),
            |a| host::sqrt(fmt, a),
        );
    }
}

#[test]
fn fma() {
    println!("the host has FMA: {}", remu::host::fp::has_fma());
    for fmt in FORMATS {
        let mut family = Family::new(format!("Fma {fmt:?}"));
        let edges = operands::edges(fmt);
        for rm in Rm::ALL {
            let mut check = |a, b, c| {
                family.check(
                    rm,
                    &[a, b, c],
                    oracle::fma(fmt, rm, a, b, c),
                    || fp::fma(fmt, rm, a, b, c),
                    || host::fma(fmt, a, b, c),
                );
            };
            for &a in &edges {
                for &b in &edges {
                    for &c in &edges {
                        check(a, b, c);
                    }
                }
            }
            let mut random = Operands::new(fmt, "Fma", rm);
            for _ in 0..count() {
                let (a, b, c) = random.triple();
                check(a, b, c);
            }
        }
    }
}

#[test]
fn compare() {
    for op in [FpCmp::Eq, FpCmp::Lt, FpCmp::Le, FpCmp::LtQuiet, FpCmp::LeQuiet] {
        two_operands(
            &format!("Compare {op:?}"),
            &[Rm::Rne],
            |fmt, _, a, b| oracle::compare(op, fmt, a, b),
            |fmt, _, a, b| fp::compare(op, fmt, a, b),
            |fmt, a, b| host::compare(op, fmt, a, b),
        );
    }
}

#[test]
fn min_max() {
    for op in [FpMinMax::Min, FpMinMax::Max, FpMinMax::MinM, FpMinMax::MaxM] {
        two_operands(
            &format!("{op:?}"),
            &[Rm::Rne],
            |fmt, _, a, b| oracle::min_max(op, fmt, a, b),
            |fmt, _, a, b| fp::min_max(op, fmt, a, b),
            |fmt, a, b| host::min_max(op, fmt, a, b),
        );
    }
}

#[test]
fn class() {
    for fmt in FORMATS {
        one_operand(
            &format!("Class {fmt:?}"),
            fmt,
            &[Rm::Rne],
            |_, a| (oracle::class(fmt, a), Flags::NONE),
            |_, a| (fp::class(fmt, a), Flags::NONE),
            |a| Some(fp::class(fmt, a)),
        );
    }
}

/// Tests an operation of one operand that has a destination type: exhaustively for half precision.
fn conversion<T: Copy + Debug>(
    name: &str,
    fmt: Fmt,
    to: T,
    near: impl Fn(&mut Operands) -> u64,
    want: impl Fn(Rm, u64) -> (u64, Flags),
    soft: impl Fn(Rm, u64) -> (u64, Flags),
    host: impl Fn(Rm, u64) -> Option<u64>,
) {
    let mut family = Family::new(format!("{name} {fmt:?} to {to:?}"));
    for rm in Rm::ALL {
        let mut check = |a| family.check(rm, &[a], want(rm, a), || soft(rm, a), || host(rm, a));
        if fmt == Fmt::H {
            (0..=0xffff).for_each(check);
            continue;
        }
        operands::edges(fmt).into_iter().for_each(&mut check);
        let mut random = Operands::new(fmt, name, rm);
        for i in 0..count() {
            check(if i % 4 == 0 { random.single() } else { near(&mut random) });
        }
    }
}

#[test]
fn convert() {
    for (from, to) in
        [(Fmt::H, Fmt::S), (Fmt::H, Fmt::D), (Fmt::S, Fmt::H), (Fmt::S, Fmt::D), (Fmt::D, Fmt::H), (Fmt::D, Fmt::S)]
    {
        conversion(
            "Convert",
            from,
            to,
            |random| random.near_format(to),
            |rm, a| oracle::convert(from, to, rm, a),
            |rm, a| fp::convert(from, to, rm, a),
            |_, a| host::convert(from, to, a),
        );
    }
}

#[test]
fn to_int() {
    for fmt in FORMATS {
        for ty in INT_TYPES {
            conversion(
                "To integer",
                fmt,
                ty,
                Operands::near_integer,
                |rm, a| oracle::to_int(fmt, ty, rm, a),
                |rm, a| fp::to_int(fmt, ty, rm, a),
                |_, a| host::to_int(fmt, ty, ToInt::Current, a),
            );
            conversion(
                "Truncate",
                fmt,
                ty,
                Operands::near_integer,
                |_, a| oracle::to_int(fmt, ty, Rm::Rtz, a),
                |_, a| fp::to_int(fmt, ty, Rm::Rtz, a),
                |_, a| host::to_int(fmt, ty, ToInt::Truncate, a),
            );
        }
    }
}

#[test]
fn to_int_modular() {
    conversion(
        "Modular",
        Fmt::D,
        IntType::I32,
        Operands::near_integer,
        |_, a| oracle::to_int_modular(a),
        |_, a| fp::to_int_modular(a),
        |_, _| None,
    );
}

#[test]
fn round_to_integral() {
    for fmt in FORMATS {
        for exact in [false, true] {
            conversion(
                if exact { "Round, inexact raised" } else { "Round" },
                fmt,
                fmt,
                Operands::near_integer,
                |rm, a| oracle::round_to_integral(fmt, exact, rm, a),
                |rm, a| fp::round_to_integral(fmt, exact, rm, a),
                |rm, a| host::round_to_integral(fmt, exact, rm, a),
            );
        }
    }
}

#[test]
fn from_int() {
    for fmt in FORMATS {
        for ty in INT_TYPES {
            let mut family = Family::new(format!("From {ty:?} to {fmt:?}"));
            for rm in Rm::ALL {
                let mut check = |a| {
                    family.check(
                        rm,
                        &[a],
                        oracle::from_int(fmt, ty, rm, a),
                        || fp::from_int(fmt, ty, rm, a),
                        || host::from_int(fmt, ty, a),
                    );
                };
                operands::integer_edges().into_iter().for_each(&mut check);
                let mut random = Operands::new(fmt, "From integer", rm);
                for _ in 0..count() {
                    check(random.integer());
                }
            }
        }
    }
}
