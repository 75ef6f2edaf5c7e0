//! Conformance suites: riscv-tests, and our own in its protocol, `testprogs/isa`.
//!
//! Two parts always run: the compiled RV32IM part of riscv-tests that `riscv_tests/fetch.sh` fetches, which has its own
//! environment without a machine; and our own suite, on whole machines. `REMU_RISCV_TESTS` names a build of riscv-tests
//! to run as well: the folder of its tests, in which its benchmarks (`NAME.riscv`) may lie, too.

mod common;

use remu::elf::Image;
use remu::guest::riscv::privileged::Privileged;
use remu::guest::riscv::{Base, Cpu, Rv32, Rv64, UserProgram};
use remu::guest::{Engine, Exit, HartOwner, Tracer};
use remu::interp::{Interp, InterpConfig};
use remu::jit::{Jit, JitConfig, MachineCompiler};
use remu::machine::{BootPlan, ClockSource, Ending, Machine, MachineConfig, MachineKind, Scheduling, Silent};
use remu::memory::CodeWatch;
use remu::memory::machine::{HartMemory, NoDevices, Ram};
use remu_isa::{Insn, Isa, Xlen};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The instruction limit, above the need of any test.
const LIMIT: u64 = 10_000_000;

/// The instruction limit of a benchmark.
const BENCHMARK_LIMIT: u64 = 1_000_000_000;

/// The number of last executed instructions that a failure shows.
const SHOWN: usize = 12;

/// The interpreters. Each program runs on all of them, and on the compiler if it is one for RV64.
const INTERPRETERS: [(&str, usize); 2] = [("interpreter", 64), ("interpreter, instruction by instruction", 1)];

/// Runs one of the compiled programs: memory at 0, `ecall` with t0 = 0 and a0 = 0 passes, an illegal
/// instruction fails with the case in t6.
fn run_bare(file: &[u8]) -> Result<(), String> {
    let image = Image::parse(file).map_err(|e| e.to_string())?;
    let ram = Arc::new(Ram::new(0, 128 << 20).unwrap());
    for segment in &image.segments {
        ram.write(segment.addr, &file[segment.file.clone()]).ok_or("it does not fit")?;
    }
    let memory = HartMemory::new(vec![ram], Arc::new(NoDevices));
    let mut cpu = Cpu::new(Isa::rv32_max());
    cpu.pc = image.entry;
    let mut hart = HartOwner::<Rv32>::new(cpu);
    let mut engine = Interp::<Rv32, UserProgram<HartMemory>>::new(InterpConfig::default());
    engine.limit(LIMIT);
    let exit = engine.run(&mut hart, &mut UserProgram::new(), &memory);
    let cpu = hart.cpu();
    match exit {
        Exit::Syscall if cpu.x(5) == 0 && cpu.x(10) == 0 => Ok(()),
        Exit::Illegal { .. } => Err(format!("case {} fails, at {:#x}", cpu.x(31), cpu.pc)),
        other => Err(format!("{other:?} at {:#x}", cpu.pc)),
    }
}

#[test]
fn the_compiled_rv32im_suite_passes() {
    let folder = common::script("tests/riscv_tests/fetch.sh", &[]);
    let files = files(Path::new(folder.trim()));
    let programs: Vec<_> = files.iter().filter(|path| path.file_name().unwrap() != "test").collect();
    let failures: Vec<String> = programs
        .iter()
        .filter_map(|path| Some(format!("{}: {}", path.display(), run_bare(&std::fs::read(path).unwrap()).err()?)))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(programs.len(), 47, "the suite has changed");
}

/// The files of a folder, sorted by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|e| e.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// The last executed instructions, in engines with one instruction per block.
#[derive(Clone, Default)]
struct Last(Arc<Mutex<Ran>>);

#[derive(Default)]
struct Ran {
    decoded: HashMap<u64, Insn>,
    last: VecDeque<u64>,
}

impl<B: Base> Tracer<B> for Last {
    fn decoded(&mut self, insns: &[(u64, Insn)]) {
        self.0.lock().unwrap().decoded.extend(insns.iter().copied());
    }

    fn wants_entries(&self) -> bool {
        true
    }

    fn entered(&mut self, cpu: &Cpu) {
        let last = &mut self.0.lock().unwrap().last;
        // A test ends in a loop, or in several.
        if last.contains(&cpu.pc) {
            return;
        }
        last.push_back(cpu.pc);
        if last.len() > SHOWN {
            last.pop_front();
        }
    }
}

impl fmt::Display for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ran = self.0.lock().unwrap();
        ran.last.iter().try_for_each(|pc| match ran.decoded.get(pc) {
            Some(insn) => write!(f, "\n    {pc:#x}  {}", insn.disassemble(*pc)),
            None => write!(f, "\n    {pc:#x}"),
        })
    }
}

fn engine<B: Base>(max_block: usize, last: Option<Last>, watch: CodeWatch) -> Interp<B, Privileged> {
    let mut engine = Interp::new(InterpConfig { max_block, ..InterpConfig::default() });
    engine.watch_code(watch);
    if let Some(last) = last {
        engine.set_tracer(Box::new(last));
    }
    engine
}

/// What the machine of a program differs in.
#[derive(Clone, Copy)]
struct Needs {
    isa: Isa,
    aligned_only: bool,
    harts: usize,
    limit: u64,
}

impl Needs {
    fn of(name: &str, isa: Isa) -> Self {
        Self {
            isa,
            // The specification lets a machine either trap or support misaligned accesses. `ma_addr` expects traps,
            // `ma_data` none.
            aligned_only: name.ends_with("mi-p-ma_addr"),
            harts: if is_benchmark(name) && name.starts_with("mt-") { 2 } else { 1 },
            limit: if is_benchmark(name) { BENCHMARK_LIMIT } else { LIMIT },
        }
    }
}

/// Whether a file of the suite is one of its benchmarks.
fn is_benchmark(name: &str) -> bool {
    name.ends_with(".riscv")
}

/// Whether a program needs an extension that remu does not have: the hypervisor's, or vectors.
fn is_unsupported(name: &str) -> bool {
    name.contains("hypervisor") || is_benchmark(name) && name.starts_with("vec-")
}

fn config(needs: Needs) -> MachineConfig {
    let Needs { isa, aligned_only, harts, limit: _ } = needs;
    MachineConfig {
        kind: MachineKind::Spike,
        isa,
        ram_base: 0x8000_0000,
        ram_size: 64 << 20,
        harts,
        scheduling: Scheduling::InTurn,
        clock: ClockSource::Host,
        arguments: String::new(),
        aligned_only,
    }
}

/// What is wrong with how a program of the suite has ended.
fn failure(ending: &Ending) -> Option<String> {
    match ending {
        Ending::Exited(0) => None,
        Ending::Exited(case) => Some(format!("case {case} fails")),
        other => Some(format!("{other:?}")),
    }
}

/// Runs a program of the suite on a machine, compiled.
fn run_compiled(plan: &BootPlan<'_>, needs: Needs) -> Result<(), String> {
    for max_block in [JitConfig::default().max_block, 1] {
        let compiler = MachineCompiler::new(JitConfig { max_block, ..JitConfig::default() }, None);
        let engine = |mem: &HartMemory, watch| Ok(Jit::new(&compiler.code(mem)?, watch));
        let machine = Machine::<Rv64, _>::new(&config(needs), plan, Box::new(Silent), engine);
        let mut machine = machine.map_err(|e| e.to_string())?;
        if let Some(what) = failure(&machine.run(Some(needs.limit))) {
            let pc = machine.harts()[0].cpu().pc;
            return Err(format!("{what} (compiler, blocks of {max_block}); pc {pc:#x}"));
        }
    }
    Ok(())
}

/// Runs a program of the suite on a machine, on each interpreter. A failure names the case and the last instructions.
fn run_on_machine<B: Base>(plan: &BootPlan<'_>, needs: Needs) -> Result<(), String> {
    let config = config(needs);
    let run = |max_block: usize, last: Option<Last>| {
        let engine = move |_: &HartMemory, watch| Ok(engine::<B>(max_block, last.clone(), watch));
        let mut machine = Machine::<B, _>::new(&config, plan, Box::new(Silent), engine).map_err(|e| e.to_string())?;
        let ending = machine.run(Some(needs.limit));
        let pc = machine.harts()[0].cpu().pc;
        Ok::<_, String>((ending, pc))
    };
    for (name, max_block) in INTERPRETERS {
        let (ending, pc) = run(max_block, None)?;
        let Some(what) = failure(&ending) else { continue };
        let last = Last::default();
        run(1, Some(last.clone()))?;
        return Err(format!("{what} ({name}); pc {pc:#x}, the last instructions:{last}"));
    }
    Ok(())
}

fn run_file(name: &str, file: &[u8]) -> Result<(), String> {
    let plan = BootPlan::new(None, Some(file)).map_err(|e| e.to_string())?;
    match plan.xlen() {
        Some(Xlen::Rv32) => run_on_machine::<Rv32>(&plan, Needs::of(name, Isa::rv32_max())),
        _ => {
            let needs = Needs::of(name, Isa::rv64_max());
            run_on_machine::<Rv64>(&plan, needs)?;
            run_compiled(&plan, needs)
        }
    }
}

/// The group in which a test is counted: `rv64mi-p` of `rv64mi-p-ld-misaligned`.
fn group(name: &str) -> &str {
    if is_benchmark(name) {
        return "benchmarks";
    }
    let end = name.match_indices('-').nth(1).map_or(name.len(), |(at, _)| at);
    &name[..end]
}

#[test]
fn a_test_counts_in_the_group_of_its_privilege_and_environment() {
    for (name, expected) in [
        ("rv64mi-p-ld-misaligned", "rv64mi-p"),
        ("rv64ui-v-add", "rv64ui-v"),
        ("rv32uc-p-rvc", "rv32uc-p"),
        ("rv64ui-pm-add", "rv64ui-pm"),
        ("rv", "rv"),
        ("mt-vvadd.riscv", "benchmarks"),
    ] {
        assert_eq!(group(name), expected);
    }
}

/// Runs each program of a folder; returns the number of programs.
fn run_suite(folder: &Path) -> usize {
    let is_program = |path: &PathBuf| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        name.starts_with("rv") && !name.contains('.') || name.starts_with("hypervisor-") || is_benchmark(name)
    };
    let (unsupported, files): (Vec<_>, Vec<_>) = files(folder)
        .into_iter()
        .filter(is_program)
        .partition(|path| path.file_name().and_then(|n| n.to_str()).is_some_and(is_unsupported));
    assert!(!files.is_empty(), "{} has no tests in it", folder.display());
    if !unsupported.is_empty() {
        println!("not run, since remu has neither the hypervisor extension nor vectors: {unsupported:?}");
    }
    let next = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                    let result = run_file(&name, &std::fs::read(path).unwrap());
                    results.lock().unwrap().insert(name, result);
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    let mut groups = BTreeMap::<&str, [usize; 2]>::new();
    for (name, result) in &results {
        groups.entry(group(name)).or_default()[usize::from(result.is_err())] += 1;
    }
    for (group, [passed, failed]) in &groups {
        println!("{group:16} {passed:4} passed {failed:4} failed");
    }
    let failures: Vec<_> = results.iter().filter_map(|(n, r)| Some(format!("{n}: {}", r.as_ref().err()?))).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(results.len(), files.len(), "each file is one test");
    files.len()
}

#[test]
fn our_own_suite_passes() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("isa");
    let built = common::script("testprogs/isa/build.sh", &[&folder]);
    assert_eq!(run_suite(&folder).to_string(), built.trim(), "each test that was built is run");
}

#[test]
fn the_suite_in_remu_riscv_tests_passes() {
    match std::env::var_os("REMU_RISCV_TESTS") {
        Some(folder) => _ = run_suite(Path::new(&folder)),
        None => println!("REMU_RISCV_TESTS names no build of riscv-tests: only the compiled part runs"),
    }
}
