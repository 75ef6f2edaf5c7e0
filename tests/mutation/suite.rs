//! The programs of the instruction suite, and their outcome on a mutant.

use crate::common;
use crate::guest::{Mutant32, Mutant64, Seen, watch};
use remu::guest::riscv::Base;
use remu::guest::riscv::privileged::Privileged;
use remu::interp::{Interp, InterpConfig};
use remu::machine::{BootPlan, ClockSource, Ending, Machine, MachineConfig, MachineKind, Scheduling, Silent};
use remu::memory::machine::HartMemory;
use remu_isa::{Isa, Xlen};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// The instruction limit. No program needs as many, not even one that passes on a mutant but runs longer.
const LIMIT: u64 = 10_000_000;
const LONGER: u64 = 20_000;

/// A program.
pub struct Program {
    pub name: String,
    pub xlen: Xlen,
    file: Vec<u8>,
    /// The number of instructions, and the recording.
    pub length: u64,
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
                programs.push(Program { name, xlen, file, length: 0, seen: Seen::default() });
            }
        }
        assert_eq!(programs.len().to_string(), built.trim(), "every test that was built runs");
        for program in &mut programs {
            let ((ending, length), seen) = watch(|| program.run(LIMIT));
            assert_eq!(ending, Ending::Exited(0), "{} fails without a mutant", program.name);
            (program.length, program.seen) = (length, seen);
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
            scheduling: Scheduling::InTurn,
            clock: ClockSource::Host,
            arguments: String::new(),
            aligned_only: false,
        };
        let plan = BootPlan::new(None, Some(&self.file)).unwrap();
        let engine = |_: &HartMemory, watch| {
            let mut engine = Interp::<B, Privileged>::new(InterpConfig::default());
            engine.watch_code(watch);
            Ok(engine)
        };
        let mut machine = Machine::<B, _>::new(&config, &plan, Box::new(Silent), engine).unwrap();
        let ending = machine.run(Some(limit));
        (ending, machine.harts()[0].begun())
    }

    /// Whether the program ends differently on this thread's mutant.
    pub fn kills(&self) -> bool {
        let run = catch_unwind(AssertUnwindSafe(|| self.run(2 * self.length + LONGER)));
        !matches!(run, Ok((Ending::Exited(0), _)))
    }
}
