//! Mutation testing of the privileged architecture: how many wrong CSR masks, conditions, walks of page tables and
//! invalidations do the programs for machines notice?
//!
//!     cargo test --test privileged_mutants [-- FILE[:LINE]...]
//!
//! A copy of the sources is rewritten so that it contains every mutant: a condition is the opposite or left out, a mask
//! has a bit less or more, a statement or an arm is left out (see [`rewrite`]). It is built once, and `REMU_MUTANT` has
//! the number of the mutant in force. The programs of `testprogs/machine` and `testprogs/isa` run on each until one ends
//! otherwise. Survivors are printed, but for those that [`equivalent`] shows to be no faults. The run takes minutes, so
//! plain `cargo test` leaves it out.
//!
//! What a program prints must depend on the mutant alone. Time is therefore counted in instructions, a hang is a number
//! of instructions, and the run fails if a program without a mutant ends differently before or after the
//! mutants.

#[path = "../common/mod.rs"]
mod common;
mod equivalent;
mod rewrite;

use common::Status;
use rewrite::Mutant;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::time::Duration;

/// The files that are mutated.
const FILES: [&str; 9] = [
    "src/guest/riscv/privileged/csr.rs",
    "src/guest/riscv/privileged/mod.rs",
    "src/guest/riscv/privileged/pmp.rs",
    "src/guest/riscv/privileged/privilege.rs",
    "src/guest/riscv/privileged/status.rs",
    "src/guest/riscv/privileged/trap.rs",
    "src/memory/machine/pmp.rs",
    "src/memory/machine/tlb.rs",
    "src/memory/machine/walk.rs",
];

/// The required share of noticed mutants, in percent.
const REQUIRED: f64 = 98.0;

/// Every n-th mutant is tried: `REMU_MUTANTS_SHARE=1` tries all.
const SHARE: usize = 4;

/// The number of instructions after which a program hangs: many times what each takes.
const MOST_INSTRUCTIONS: &str = "100000000";

/// A hart that waits for ever executes no instructions. After this time it hangs, too.
const HANGS: Duration = Duration::from_secs(30);

/// A program, and how it ends on the machine that is right.
struct Program {
    path: PathBuf,
    words: &'static [&'static str],
    status: Status,
    said: Vec<u8>,
}

impl Program {
    fn ends_as_always(&self, bin: &Path, mutant: u32) -> bool {
        run(bin, mutant, self) == (self.status, self.said.clone())
    }
}

/// Copies the sources, with all mutants in them.
fn copy(to: &Path) -> Vec<Mutant> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(common::root()).output().expect("git runs");
    for name in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|name| !name.is_empty()) {
        let (from, to) = (common::root().join(name), to.join(name));
        let Ok(bytes) = fs::read(&from) else { continue };
        fs::create_dir_all(to.parent().expect("a file is in a folder")).expect("a folder for the copy");
        // Files that did not change keep their time, so that cargo does not build them again.
        if fs::read(&to).ok().as_ref() != Some(&bytes) && !FILES.contains(&name) && name != "src/lib.rs" {
            fs::write(&to, &bytes).expect("writing the copy");
        }
    }
    let mut mutants = Vec::new();
    for file in FILES {
        let text = fs::read_to_string(common::root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let short = file.trim_start_matches("src/").trim_start_matches("guest/riscv/");
        fs::write(to.join(file), rewrite::rewrite(short, &text, &mut mutants)).expect("writing the copy");
    }
    let root = fs::read_to_string(common::root().join("src/lib.rs")).expect("reading lib.rs");
    fs::write(to.join("src/lib.rs"), format!("{root}\npub mod switch;\n")).expect("writing the copy");
    fs::write(to.join("src/switch.rs"), include_str!("switch.rs")).expect("writing the copy");
    mutants
}

/// Builds the copy; returns its `remu-system`.
fn build(copy: &Path) -> PathBuf {
    let target = common::build_dir("privileged-mutants-target");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--offline", "--bin", "remu-system"]).current_dir(copy);
    cargo.env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", "-Awarnings -Ctarget-feature=+crt-static");
    cargo.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1").env("CARGO_PROFILE_DEV_DEBUG", "0");
    assert!(cargo.status().expect("cargo runs").success(), "the copy in {} does not build", copy.display());
    target.join("x86_64-unknown-linux-gnu/debug/remu-system")
}

fn run(bin: &Path, mutant: u32, program: &Program) -> (Status, Vec<u8>) {
    let mut command = Command::new(bin);
    command.args(["-bios", "none", "-serial", "stdio", "-max-instructions", MOST_INSTRUCTIONS]).args(program.words);
    command.arg("-kernel").arg(&program.path).env("REMU_MUTANT", mutant.to_string());
    let outcome = common::run(&mut command, Vec::new(), HANGS);
    (outcome.status, outcome.stdout)
}

fn programs(bin: &Path) -> Vec<Program> {
    // With a clock of instructions, a program that the host delays ends as always.
    const VIRT: &[&str] = &["-M", "virt", "-icount", "shift=3,sleep=off"];
    const BARE: &[&str] =
        &["-M", "virt", "--isa", "rv64imac_zicsr_zifencei_zicntr_zihpm_zicbom_zicboz", "-icount", "3"];
    const BARE_FLOAT: &[&str] =
        &["-M", "virt", "--isa", "rv64imafdc_zicsr_zifencei_zicntr_zihpm_zicbom_zicboz", "-icount", "3"];
    const SMP: &[&str] = &["-M", "virt", "-smp", "2", "-icount", "shift=3,sleep=off"];
    const SPIKE: &[&str] = &["-M", "spike", "-icount", "3"];
    // Programs of its own: they stay as they are while it runs.
    let machine = common::build_dir("privileged-mutants-programs");
    let suite = machine.join("isa");
    common::script("testprogs/machine/build.sh", &[&machine]);
    common::script("testprogs/isa/build.sh", &[&suite]);
    let mut programs = Vec::new();
    let mut add = |path, words| {
        programs.push(Program { path, words, status: Status::Exit(0), said: Vec::new() });
    };
    let all = "boundaries supervisor sstc sstc32 corners corners32 csrs csrs32 pmp smepmp mmu mmu32 code";
    for name in all.split(' ') {
        add(machine.join(name), VIRT);
    }
    add(machine.join("bare"), BARE);
    add(machine.join("bare_float"), BARE_FLOAT);
    for name in ["plic", "clint", "ipi"] {
        add(machine.join(name), SMP);
    }
    let mut tests: Vec<_> = fs::read_dir(&suite).expect("the suite is built").flatten().map(|e| e.path()).collect();
    tests.sort();
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for test in tests.into_iter().filter(|path| name(path).contains("mi-p-")) {
        add(test, SPIKE);
    }
    for program in &mut programs {
        let (status, said) = run(bin, 0, program);
        assert_eq!(status, Status::Exit(0), "{}", program.path.display());
        (program.status, program.said) = (status, said);
    }
    programs
}

/// Whether all programs end as always without a mutant. Otherwise their differences mean nothing.
fn are_repeatable(bin: &Path, programs: &[Program]) -> bool {
    let each = common::in_parallel(programs, |program| {
        let repeatable = program.ends_as_always(bin, 0);
        if !repeatable {
            println!("{} ends differently without a mutant: no result means anything", program.path.display());
        }
        repeatable
    });
    each.into_iter().all(|repeatable| repeatable)
}

/// The mutants of a file.
#[derive(Default)]
struct Count {
    tried: usize,
    equivalent: usize,
    survivors: usize,
}

impl Count {
    /// The share of noticed mutants in percent, of those that are faults.
    fn noticed(&self) -> f64 {
        let faults = self.tried - self.equivalent;
        100.0 * (faults - self.survivors) as f64 / faults.max(1) as f64
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { tried, equivalent, survivors } = self;
        let killed = tried - equivalent - survivors;
        write!(
            f,
            "{tried} tried, {equivalent} equivalent, {killed} killed, {survivors} survive ({:.2} %)",
            self.noticed()
        )
    }
}

fn main() -> ExitCode {
    let folder = common::build_dir("privileged-mutants");
    let mut mutants = copy(&folder);
    equivalent::check(&mutants);
    let bin = build(&folder);
    let programs = programs(&bin);
    if !are_repeatable(&bin, &programs) {
        return ExitCode::FAILURE;
    }
    let only: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    mutants.retain(|mutant| only.is_empty() || only.iter().any(|word| mutant.place.contains(word.as_str())));
    let share = std::env::var("REMU_MUTANTS_SHARE").ok().and_then(|n| n.parse().ok()).unwrap_or(SHARE);
    let mut index = 0;
    mutants.retain(|_| {
        index += 1;
        index % share == 0
    });
    println!("{} mutants, {} programs", mutants.len(), programs.len());

    // The program that noticed a mutant comes first for the next one.
    let order = Mutex::new((0..programs.len()).collect::<Vec<_>>());
    let survives = |mutant: &Mutant| {
        if equivalent::reason(mutant).is_some() {
            return false;
        }
        let now = order.lock().expect("no thread panics").clone();
        let killer = now.iter().copied().find(|&i| !programs[i].ends_as_always(&bin, mutant.number));
        match killer {
            Some(killer) => {
                let mut order = order.lock().expect("no thread panics");
                order.retain(|&i| i != killer);
                order.insert(0, killer);
            }
            None => {
                let source: String = mutant.source.chars().take(110).collect();
                println!("{} ({}): {}: {source}", mutant.place, mutant.number, mutant.what);
            }
        }
        killer.is_none()
    };
    let survived = common::in_parallel(&mutants, survives);
    let repeatable = are_repeatable(&bin, &programs);

    let (mut files, mut all) = (BTreeMap::<&str, Count>::new(), Count::default());
    for (mutant, survived) in mutants.iter().zip(survived) {
        let (file, _) = mutant.place.split_once(':').expect("a place has a line");
        for count in [files.entry(file).or_default(), &mut all] {
            count.tried += 1;
            count.equivalent += usize::from(equivalent::reason(mutant).is_some());
            count.survivors += usize::from(survived);
        }
    }
    for (file, count) in files {
        println!("{file}: {count}");
    }
    println!("all: {all}");
    if repeatable && all.noticed() >= REQUIRED { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
