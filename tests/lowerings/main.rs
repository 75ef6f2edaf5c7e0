//! Mutation testing of the compiler's lowerings: how many wrong instructions of the host do the random programs of
//! `engines_agree` notice?
//!
//!     cargo test --test lowerings [-- MNEMONIC...]
//!
//! A mutant is the compiler with one wrong instruction of the host: wherever it emits this instruction for this op of
//! the guest, it emits another (see [`mutant`]). The code is changed after it has been emitted, so one build holds all
//! mutants. Each runs in a child process, since wrong code can do anything: programs whose code has the instruction run
//! until one differs from the interpreter, crashes or hangs. If none does and the op is atomic or a barrier, a second
//! thread [disturbs](race) programs of their own. Most of the programs [aim](aimed) at one op, the others are
//! those of `engines_agree`. Survivors are listed, but for those that [`equivalent`] argues for. What leaves compiled
//! code is not mutated: it belongs to no op.
//!
//! The run takes minutes, so plain `cargo test` leaves it out. `REMU_MUTANTS_SHARE=N` tries every N-th mutant, and
//! `REMU_MUTANTS_FIRST=K` begins with the K-th: N runs with K from 0 to N-1 try all.

mod aimed;
#[path = "../engines_agree/bench.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod bench;
mod equivalent;
#[path = "../engines_agree/generate/mod.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod generate;
mod mutant;
#[path = "../engines_agree/neighbour.rs"]
mod neighbour;
#[path = "../oracle/operands.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod operands;
#[path = "../engines_agree/program.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod program;
mod race;
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
use remu::jit::x64::HostFeatures;
use remu::jit::{Jit, JitConfig, SharedCode};
use remu_isa::{Isa, Op, Xlen};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// The required share of noticed mutants, in percent.
const REQUIRED: f64 = 98.0;

/// Programs whose code is searched for instructions to mutate: those that aim at an op, and others.
const AIMED: u64 = 250;
const OTHERS: u64 = 1000;

/// The most programs that run on one mutant.
const EACH: usize = 120;

/// The fewest. What fewer have belongs to instructions around the op, such as NaNs made canonical before a branch.
const FEWEST: usize = 10;

/// How often these programs run, with other contents of registers and memory each time, before a mutant has survived.
const VARIANTS: u64 = 12;

/// Seconds after which a mutant hangs.
const HANGS: u32 = 2;

/// The same where a second thread takes part.
const RACES: u32 = 60;

/// How a child process ends if no program notices the mutant.
const SURVIVES: i32 = 7;

/// See the head of this file.
const SHARE: usize = 8;

/// A configuration of the compiler. Each emits instructions that the others do not.
struct Configured {
    name: &'static str,
    identity: bool,
    config: JitConfig,
    /// A child process gives it up for a race: there can be one address space that is the identity.
    pair: Option<Pair>,
    sites: BTreeMap<Site, Found>,
}

/// What is known of a site.
struct Found {
    /// The instruction, as it was first emitted.
    example: Vec<u8>,
    /// Programs whose code has it: those that aim at its op, before others.
    programs: Vec<Seed>,
    /// How many of these aim at its op.
    aimed: usize,
}

impl Found {
    fn add(&mut self, seed: Seed, op: Op) {
        let is_aimed = matches!(seed, Seed::Aimed(other, _) if other == op);
        if is_aimed && self.aimed < EACH {
            self.programs.insert(self.aimed, seed);
            self.programs.truncate(EACH);
            self.aimed += 1;
        } else if self.programs.len() < EACH {
            self.programs.push(seed);
        }
    }
}

/// What a program is generated from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seed {
    Aimed(Op, u64),
    Other(u64),
}

impl Seed {
    /// The program. Its variants differ in what they begin with.
    fn program(self, ops: &Ops, variant: u64) -> Option<Program> {
        match self {
            Self::Aimed(op, seed) => aimed::program(ops, op, seed, variant),
            Self::Other(seed) => Some(aimed::varied(ops, generate::program(ops, seed), variant)),
        }
    }
}

impl Configured {
    fn new(name: &'static str, identity: bool, config: JitConfig, mutator: &Arc<Mutator>) -> Self {
        let (mutator, jit) = (mutator.clone(), config.clone());
        let pair = Pair::new(move || {
            let reference = Side::new("single steps", false, |space, hart| {
                let mut engine = Interp::<Rv64>::new(InterpConfig { max_block: 1, budget: None });
                engine.watch_code(space.watch_code(hart.cell().clone()));
                engine
            });
            let listener = mutator.clone();
            let compiled = Side::new(name, identity, |space, hart| {
                let code = SharedCode::new(&jit, space, Some(listener)).expect("a code cache");
                Jit::new(&code, space.watch_code(hart.cell().clone()))
            });
            (reference, if jit.count { compiled } else { compiled.uncounted() })
        });
        Self { name, identity, config, pair: Some(pair), sites: BTreeMap::new() }
    }

    /// Runs a program without a mutant, and notes the sites in its code.
    fn find(&mut self, mutator: &Mutator, ops: &Ops, seed: Seed) -> Result<(), String> {
        let Some(program) = seed.program(ops, 0) else { return Ok(()) };
        let outcome = run(self.pair.as_mut().expect("a pair"), mutator, &program);
        if let Outcome::Differ(text) = outcome {
            return Err(format!("{}\n{text}", program.listing()));
        }
        for (site, example) in mutator.take_sites() {
            let op = site.op;
            let found = self.sites.entry(site).or_insert(Found { example, programs: Vec::new(), aimed: 0 });
            if matches!(outcome, Outcome::Agree(..)) {
                found.add(seed, op);
            }
        }
        Ok(())
    }

    /// Whether one of the programs tells the mutant from the interpreter, in a child process.
    fn is_noticed(&mut self, mutator: &Arc<Mutator>, mutant: &Mutant, ops: &Ops, seeds: &[Seed]) -> bool {
        // SAFETY: this process has one thread.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "a process can be made");
        if child == 0 {
            // SAFETY: this closes standard error: a crash is reported there.
            unsafe { libc::close(2) };
            mutator.set_mutant(mutant.clone());
            for variant in 0..VARIANTS {
                // SAFETY: this sets the process's timer.
                unsafe { libc::alarm(HANGS) };
                for program in seeds.iter().filter_map(|seed| seed.program(ops, variant)) {
                    if let Outcome::Differ(_) = run(self.pair.as_mut().expect("a pair"), mutator, &program) {
                        // SAFETY: it ends this process.
                        unsafe { libc::_exit(0) };
                    }
                }
            }
            self.pair = None;
            // SAFETY: as above.
            unsafe { libc::alarm(RACES) };
            let is_noticed = race::notices(mutator, mutant.op().0, self.identity, &self.config);
            // SAFETY: as above.
            unsafe { libc::_exit(if is_noticed { 0 } else { SURVIVES }) };
        }
        let mut status = 0;
        // SAFETY: `status` is a number that the kernel may write.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child, "the child ends");
        !(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == SURVIVES)
    }
}

fn run(pair: &mut Pair, mutator: &Mutator, program: &Program) -> Outcome {
    mutator.set_program(program.assemble().insns.iter().map(|&(pc, insn)| (pc, insn.expand(Xlen::Rv64).op)));
    pair.run(program)
}

fn number(variable: &str) -> Option<usize> {
    Some(std::env::var(variable).ok()?.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

fn main() -> ExitCode {
    let start = Instant::now();
    let named: Vec<String> = std::env::args().skip(1).collect();
    let (share, first) = (number("REMU_MUTANTS_SHARE").unwrap_or(SHARE), number("REMU_MUTANTS_FIRST").unwrap_or(0));
    let ops = Ops::new();
    let mutator = Arc::new(Mutator::default());
    let small = || JitConfig { cache_size: 1 << 20, ..JitConfig::default() };
    let counting = || JitConfig { count: true, ..small() };
    let mut all = [
        Configured::new("compiled", true, small(), &mutator),
        Configured::new("compiled, with a base", false, counting(), &mutator),
        Configured::new(
            "compiled, plain x86-64",
            false,
            JitConfig { features: HostFeatures::empty(), ..counting() },
            &mutator,
        ),
    ];
    let is_asked = |op: Op| named.is_empty() || named.iter().any(|name| name == op.mnemonic());
    let isa = Isa::rv64_max();
    let aimed_at = Op::ALL.into_iter().filter(|op| {
        let info = op.info();
        let is_user = info.needs.iter().any(|need| need.is_subset(isa.exts)) && op.pattern(isa.xlen).is_some();
        is_user && !info.compressed && is_asked(*op)
    });
    let aimed = aimed_at.flat_map(|op| (0..AIMED).map(move |seed| Seed::Aimed(op, seed)));
    let seeds: Vec<Seed> = aimed.chain((1..=OTHERS).map(Seed::Other)).collect();
    for configured in &mut all {
        for &seed in &seeds {
            if let Err(text) = configured.find(&mutator, &ops, seed) {
                println!("{} differs without a mutant:\n{text}", configured.name);
                return ExitCode::FAILURE;
            }
        }
        configured.sites.retain(|site, found| found.programs.len() >= FEWEST && is_asked(site.op));
        println!(
            "{}: {} instructions of the host, found in {:.0} s",
            configured.name,
            configured.sites.len(),
            start.elapsed().as_secs_f64()
        );
    }
    let (mut tried, mut survivors) = (0, 0);
    let mut equivalent: BTreeMap<&str, u32> = BTreeMap::new();
    let mut index = 0;
    for configured in &mut all {
        let sites = std::mem::take(&mut configured.sites);
        for (site, found) in &sites {
            for mutant in mutant::of(site, &found.example) {
                index += 1;
                if index % share != first % share {
                    continue;
                }
                if let Some(reason) = equivalent::reason(&mutant) {
                    *equivalent.entry(reason).or_default() += 1;
                    continue;
                }
                tried += 1;
                if !configured.is_noticed(&mutator, &mutant, &ops, &found.programs) {
                    println!("survives {} programs: {}: {mutant}", found.programs.len(), configured.name);
                    survivors += 1;
                }
                if tried % 500 == 0 {
                    println!("{tried}, {survivors} survive, {:.0} s", start.elapsed().as_secs_f64());
                }
            }
        }
    }
    for (reason, count) in &equivalent {
        println!("equivalent, {count}: {reason}");
    }
    let equivalent: u32 = equivalent.values().sum();
    let percent = 100.0 * (tried - survivors) as f64 / f64::from(tried.max(1));
    println!(
        "{tried} of {index} mutants, {survivors} survive: {percent:.2} % noticed; {equivalent} are argued to be \
         equivalent; {:.0} s",
        start.elapsed().as_secs_f64()
    );
    if percent >= REQUIRED { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
