//! Mutation testing of the compiler's lowerings: how many wrong instructions of the host do the random programs of
//! `engines_agree` notice?
//!
//!     cargo test --test lowerings [-- MNEMONIC...]
//!
//! A mutant is the compiler with one wrong instruction of the host: wherever it emits this instruction for this op of
//! the guest, it emits another (see [`mutant`]). The code is changed after it has been emitted, so one build holds all
//! mutants. Each runs in a child process, since wrong code can do anything: programs whose code has the instruction run
//! until one differs from the interpreter, crashes or hangs. Survivors are listed. What leaves compiled code
//! is not mutated: it belongs to no op. The run takes minutes, so plain `cargo test` leaves it out.

#[path = "../engines_agree/bench.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod bench;
#[path = "../engines_agree/generate/mod.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod generate;
mod mutant;
#[path = "../oracle/operands.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod operands;
#[path = "../engines_agree/program.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod program;
#[path = "../common/rng.rs"]
mod rng;
#[path = "../engines_agree/shrink.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod shrink;

use bench::{Outcome, Pair, Side};
use generate::Ops;
use mutant::{Mutant, Mutator, Site};
use program::Program;
use remu::guest::riscv::Rv64;
use remu::interp::{Interp, InterpConfig};
use remu::jit::{Jit, JitConfig, SharedCode};
use remu_isa::Op;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// The required share of noticed mutants, in percent.
const REQUIRED: f64 = 98.0;

/// Programs whose code is searched for instructions to mutate, and the most that run on one mutant.
const PROGRAMS: u64 = 3000;
const EACH: usize = 60;

/// Seconds after which a mutant hangs.
const HANGS: u32 = 20;

/// How a child process ends if no program notices the mutant.
const SURVIVES: i32 = 7;

/// Every n-th mutant is tried: `REMU_MUTANTS_SHARE=1` tries all.
const SHARE: usize = 4;

fn pair(mutator: &Arc<Mutator>) -> Pair {
    let mutator = mutator.clone();
    Pair::new(move || {
        let reference = Side::new("single steps", false, |space, hart| {
            let mut engine = Interp::<Rv64>::new(InterpConfig { max_block: 1, budget: None });
            engine.watch_code(space.watch_code(hart.cell().clone()));
            engine
        });
        let listener = mutator.clone();
        let compiled = Side::new("compiled", true, move |space, hart| {
            let code = SharedCode::new(&JitConfig::default(), space, Some(listener)).expect("a code cache");
            Jit::new(&code, space.watch_code(hart.cell().clone()))
        });
        (reference, compiled.uncounted())
    })
}

fn run(pair: &mut Pair, mutator: &Mutator, program: &Program) -> Outcome {
    mutator.set_program(program.assemble().insns.iter().map(|&(pc, insn)| (pc, insn.op)));
    pair.run(program)
}

/// Whether one of the programs tells the mutant from the interpreter, in a child process.
fn is_noticed(pair: &mut Pair, mutator: &Mutator, mutant: &Mutant, ops: &Ops, seeds: &[u64]) -> bool {
    // SAFETY: this process has one thread.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "a process can be made");
    if child == 0 {
        // SAFETY: this sets the process's timer, and closes standard error: a crash is reported there.
        unsafe {
            libc::alarm(HANGS);
            libc::close(2);
        }
        mutator.set_mutant(mutant.clone());
        for &seed in seeds {
            if let Outcome::Differ(_) = run(pair, mutator, &generate::program(ops, seed)) {
                // SAFETY: it ends this process.
                unsafe { libc::_exit(0) };
            }
        }
        // SAFETY: as above.
        unsafe { libc::_exit(SURVIVES) };
    }
    let mut status = 0;
    // SAFETY: `status` is a number that the kernel may write.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child, "the child ends");
    !(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == SURVIVES)
}

fn main() -> ExitCode {
    let start = Instant::now();
    let named: Vec<String> = std::env::args().skip(1).collect();
    let share = std::env::var("REMU_MUTANTS_SHARE").map_or(SHARE, |n| n.parse().expect("a number"));
    std::panic::set_hook(Box::new(|_| {}));
    let ops = Ops::new();
    let mutator = Arc::new(Mutator::default());
    let mut pair = pair(&mutator);
    // The sites, with an example of each and the programs that have it.
    let mut sites: BTreeMap<Site, (Vec<u8>, Vec<u64>)> = BTreeMap::new();
    for seed in 1..=PROGRAMS {
        let outcome = run(&mut pair, &mutator, &generate::program(&ops, seed));
        if let Outcome::Differ(text) = outcome {
            println!("seed {seed} differs without a mutant: {text}");
            return ExitCode::FAILURE;
        }
        for (site, bytes) in mutator.take_sites() {
            let (_, seeds) = sites.entry(site).or_insert((bytes, Vec::new()));
            if matches!(outcome, Outcome::Agree(..)) && seeds.len() < EACH && seeds.last() != Some(&seed) {
                seeds.push(seed);
            }
        }
    }
    sites.retain(|site, (_, seeds)| {
        !seeds.is_empty() && (named.is_empty() || named.iter().any(|n| n == site.op.mnemonic()))
    });
    let all: Vec<(Mutant, &[u64])> = sites
        .iter()
        .flat_map(|(site, (bytes, seeds))| mutant::of(site, bytes).into_iter().map(|m| (m, seeds.as_slice())))
        .step_by(share)
        .collect();
    let ops_seen = sites.keys().map(|site| site.op).collect::<std::collections::BTreeSet<Op>>().len();
    println!(
        "{} instructions of the host for {ops_seen} ops, {} mutants, found in {:.0} s",
        sites.len(),
        all.len(),
        start.elapsed().as_secs_f64()
    );
    let mut survivors = 0;
    for (n, (mutant, seeds)) in all.iter().enumerate() {
        if !is_noticed(&mut pair, &mutator, mutant, &ops, seeds) {
            println!("survives {} programs: {mutant}", seeds.len());
            survivors += 1;
        }
        if n % 500 == 499 {
            println!("{} of {}, {survivors} survive, {:.0} s", n + 1, all.len(), start.elapsed().as_secs_f64());
        }
    }
    let percent = 100.0 * (all.len() - survivors) as f64 / all.len().max(1) as f64;
    println!(
        "{} mutants, {survivors} survive: {percent:.2} % noticed, in {:.0} s",
        all.len(),
        start.elapsed().as_secs_f64()
    );
    if percent >= REQUIRED { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
