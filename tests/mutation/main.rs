//! Mutation testing of the instruction suite in `testprogs/isa`: how many faults of an instruction does it detect?
//!
//!     cargo test --test mutation [-- MNEMONIC...]
//!
//! A mutant is RISC-V with one change: in the table row that decodes an instruction, or in one of the calls of its
//! semantics (see [`operators`]). One build holds all mutants: the interpreter is compiled for the base in [`guest`],
//! which applies the mutant of the current thread. A program kills a mutant if it fails on it. Survivors are listed,
//! except for those in [`equivalent`]. The run takes minutes, so plain `cargo test` leaves it out.

mod call;
#[path = "../common/mod.rs"]
mod common;
mod equivalent;
mod guest;
mod mutant;
mod operators;
mod suite;

use call::Call;
use mutant::Mutant;
use remu_isa::{Op, Xlen};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use suite::Program;

/// The required share of killed mutants, not counting equivalent ones, in percent.
const REQUIRED: f64 = 98.0;

/// The compiler need not turn the handlers' calls of each other into jumps for the mutant base, so the stack must be
/// large.
const STACK: usize = 256 << 20;

/// The number of mutants between progress messages.
const PROGRESS: usize = 2000;

/// Applies `f` to each item in parallel; results are in the order of `list`.
fn each<T: Sync, R: Send>(list: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let work = || {
                while let Some((n, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, list.get(n)?)))
                {
                    let result = f(item);
                    results.lock().unwrap().insert(n, result);
                    if n % PROGRESS == 0 {
                        println!("{n} of {}", list.len());
                    }
                }
            };
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap();
        }
    });
    results.into_inner().unwrap().into_values().collect()
}

/// The programs that could kill the mutant, likely and short ones first.
fn candidates<'a>(programs: &'a [Program], mutant: &Mutant) -> Vec<&'a Program> {
    let named = format!("-p-{}", mutant.op.mnemonic().replace('.', "_"));
    let mut list: Vec<_> =
        programs.iter().filter(|p| p.xlen == mutant.xlen && p.seen.ops.contains(&mutant.op)).collect();
    list.sort_by_key(|p| !p.name.ends_with(&named));
    list
}

fn main() -> ExitCode {
    let start = Instant::now();
    let named: Vec<String> = std::env::args().skip(1).collect();
    let programs = std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, Program::all).unwrap().join().unwrap()
    });
    let mut all = Vec::new();
    let mut few = Vec::new();
    for xlen in [Xlen::Rv32, Xlen::Rv64] {
        for op in Op::ALL.into_iter().filter(|op| op.pattern(xlen).is_some()) {
            if !named.is_empty() && !named.iter().any(|name| name == op.mnemonic()) {
                continue;
            }
            let seen = || programs.iter().filter(|p| p.xlen == xlen && p.seen.ops.contains(&op));
            let calls: &[Call] =
                seen().filter_map(|p| p.seen.calls.get(&op)).max_by_key(|calls| calls.len()).map_or(&[], Vec::as_slice);
            let mutants = operators::mutants(op, suite::isa(xlen), calls);
            if mutants.len() < operators::EACH || seen().next().is_none() {
                few.push(format!("rv{} {op}: {} mutants, {} programs", xlen.bits(), mutants.len(), seen().count()));
            }
            all.extend(mutants);
        }
    }
    println!("{} programs, {} mutants, made in {:.1} s", programs.len(), all.len(), start.elapsed().as_secs_f64());
    std::panic::set_hook(Box::new(|_| {}));
    let killers = each(&all, |mutant| {
        guest::become_mutant(*mutant);
        let killer = candidates(&programs, mutant).into_iter().find(|p| p.kills()).map(|p| p.name.as_str());
        if killer.is_none() && equivalent::reason(mutant).is_none() {
            println!("survives: {mutant}");
        }
        killer
    });
    drop(std::panic::take_hook());
    report(&all, &killers, &few, start)
}

fn report(all: &[Mutant], killers: &[Option<&str>], few: &[String], start: Instant) -> ExitCode {
    let mut equivalent = 0;
    let mut survivors = 0;
    let mut stale = Vec::new();
    for (mutant, killer) in all.iter().zip(killers) {
        match (killer, equivalent::reason(mutant)) {
            (None, Some(_)) => equivalent += 1,
            (None, None) => survivors += 1,
            (Some(by), Some(reason)) => stale.push(format!("{mutant}: killed by {by}, though {reason}")),
            (Some(_), None) => {}
        }
    }
    for line in few {
        println!("too few: {line}");
    }
    for line in &stale {
        println!("not equivalent: {line}");
    }
    let killed = all.len() - equivalent - survivors;
    let percent = 100.0 * killed as f64 / (killed + survivors) as f64;
    println!(
        "{} mutants, {equivalent} equivalent, {killed} killed, {survivors} survive: {percent:.2} % killed, in {:.0} s",
        all.len(),
        start.elapsed().as_secs_f64()
    );
    if percent >= REQUIRED && few.is_empty() && stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
