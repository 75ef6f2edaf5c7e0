//! The programs of the instruction suite, and their outcome on a mutant.

use crate::common;
use crate::guest::{Mutant32, Mutant64, Seen, watch};
use remu::guest::riscv::Base;
use remu::guest::{Counters, Engine, Exit, HartOwner};
use remu::interp::{Interp, InterpConfig};
use remu::machine::{BootPlan, ClockSource, Ending, Machine, MachineConfig, MachineKind, Silent};
use remu::memory::machine::HartMemory;
use remu_isa::{Isa, Xlen};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// The instruction limit. No program needs as many, not even one that passes on a mutant but runs longer.
const LIMIT: u64 = 10_000_000;
const LONGER: u64 = 20_000;

/// The allowance for additional traps and CSR instructions, each of which takes a hundred times as long as others.
const MORE_EXITS: u64 = 4000;

thread_local! {
    /// How often the engines of this thread's machine may still be entered.
    static RUNS_LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// Limits an engine: a mutant that traps in its trap handler would never end.
struct Bounded<E>(E);

impl<B: Base, E: Engine<B>> Engine<B> for Bounded<E> {
    type Memory = E::Memory;

    fn limit(&mut self, instructions: u64) {
        self.0.limit(instructions);
    }

    fn run(&mut self, hart: &mut HartOwner<B>, mem: &E::Memory) -> Exit {
        RUNS_LEFT.set(RUNS_LEFT.get().checked_sub(1).expect("no more exits than usual"));
        self.0.run(hart, mem)
    }

    fn forget_code(&mut self) {
        self.0.forget_code();
    }

    fn statistics(&self) -> Counters {
        self.0.statistics()
    }
}

/// A program.
pub struct Program {
    pub name: String,
    pub xlen: Xlen,
    file: Vec<u8>,
    /// The number of instructions, the number of engine exits, and the recording.
    pub length: u64,
    exits: u64,
    pub seen: Seen,
}

/// The instruction set that a program of the suite runs on.
pub fn isa(xlen: Xlen) -> Isa {
    match xlen {
        Xlen::Rv32 => Isa::rv32_max(),
        Xlen::Rv64 => Isa::rv64_max(),
    }
}

impl Program {
    /// All programs of the suite, each run once on a hart without a fault.
    pub fn all() -> Vec<Program> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("isa");
        let built = common::script("testprogs/isa/build.sh", &[&folder]);
        let mut programs = Vec::new();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let xlen = if name.starts_with("rv32") { Xlen::Rv32 } else { Xlen::Rv64 };
            if path.is_file() && name.starts_with("rv") {
                let file = std::fs::read(&path).unwrap();
                programs.push(Program { name, xlen, file, length: 0, exits: 0, seen: Seen::default() });
            }
        }
        assert_eq!(programs.len().to_string(), built.trim(), "every test that was built runs");
        for program in &mut programs {
            RUNS_LEFT.set(u64::MAX);
            let ((ending, length), seen) = watch(|| program.run(LIMIT));
            assert_eq!(ending, Ending::Exited(0), "{} fails without a mutant", program.name);
            (program.length, program.seen) = (length, seen);
            program.exits = u64::MAX - RUNS_LEFT.get();
        }
        programs.sort_by_key(|p| p.length);
        programs
    }

    fn run(&self, limit: u64) -> (Ending, u64) {
        match self.xlen {
            Xlen::Rv32 => self.run_on::<Mutant32>(limit),
            Xlen::Rv64 => self.run_on::<Mutant64>(limit),
        }
    }

    fn run_on<B: Base>(&self, limit: u64) -> (Ending, u64) {
        let config = MachineConfig {
            kind: MachineKind::Spike,
            isa: isa(self.xlen),
            ram_base: 0x8000_0000,
            ram_size: 64 << 20,
            harts: 1,
            clock: ClockSource::Host,
            arguments: String::new(),
            aligned_only: false,
        };
        let plan = BootPlan::new(None, Some(&self.file)).unwrap();
        let engine = || Bounded(Interp::<B, HartMemory>::new(InterpConfig::default()));
        let mut machine = Machine::<B, _>::new(&config, &plan, Box::new(Silent), engine).unwrap();
        let ending = machine.run(Some(limit));
        (ending, machine.harts()[0].begun())
    }

    /// Whether the program ends differently on this thread's mutant.
    pub fn kills(&self) -> bool {
        RUNS_LEFT.set(2 * self.exits + MORE_EXITS);
        let run = catch_unwind(AssertUnwindSafe(|| self.run(2 * self.length + LONGER)));
        !matches!(run, Ok((Ending::Exited(0), _)))
    }
}
