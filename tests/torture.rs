//! The torture programs: each checks itself for some seconds, natively and under remu, and does not grow.
//!
//! `REMU_TORTURE_SECONDS` is the time for all of them together, 60 by default. With `--nocapture`, the resident memory
//! of each is shown.

mod common;

use common::{Outcome, Program, Status, build_dir, build_programs, compare, in_parallel, run_watched};
use std::fmt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const LIST: &str = "testprogs/torture/programs.list";
/// Builds that remu runs with options. Compiled code is too fast for signals to arrive at each of its instructions; there
/// `engines_agree` does so.
const OPTIONS: [(&str, &[&str]); 1] = [("storm@every", &["-one-insn-per-tb", "--engine", "interp"])];
/// The seconds of a program on the host, where it only has to show what it prints.
const NATIVE: f64 = 0.5;
/// A program that takes so much longer than its time hangs: each ends soon after its time, but the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(150);
/// How much the resident memory may grow after the first quarter of the time, in KiB.
const GROWTH: u64 = 16 << 10;

/// The resident memory of a process while it runs, in KiB.
#[derive(Default)]
struct Memory {
    /// After a quarter of its time: the caches are full, and every kind of round has run.
    start: Option<u64>,
    end: u64,
}

impl Memory {
    fn look(&mut self, pid: u32, is_warm: bool) {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        // An ending process has none.
        let Some(now) = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()) else { return };
        self.end = now;
        if is_warm {
            self.start.get_or_insert(now);
        }
    }

    fn growth(&self) -> u64 {
        self.end.saturating_sub(self.start.unwrap_or(self.end))
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:6} KiB at the start, {:6} at the end", self.start.unwrap_or(self.end), self.end)
    }
}

/// Runs a program for some seconds.
fn torture(mut command: Command, program: &Program, seconds: f64) -> (Outcome, Memory) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    command.arg(seconds.to_string()).args(&program.args).current_dir(&dir).env_clear();
    // The processes that a program starts end with it.
    command.process_group(0);
    let time = Duration::from_secs_f64(seconds);
    let (begin, mut last) = (Instant::now(), Duration::ZERO);
    let mut memory = Memory::default();
    let outcome = run_watched(&mut command, Vec::new(), time + PATIENCE + Duration::from_secs(5), |pid| {
        let elapsed = begin.elapsed();
        if elapsed > time + PATIENCE {
            let group = rustix::process::Pid::from_raw(pid as i32).expect("a process id");
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        } else if elapsed - last > Duration::from_millis(100) {
            last = elapsed;
            memory.look(pid, elapsed > time / 4);
        }
    });
    (outcome, memory)
}

/// A program on the host and under remu; the failure, if any.
fn judge(program: &Program, out: &Path, seconds: f64) -> Option<String> {
    let (native, _) = torture(Command::new(out.join("native").join(program.base())), program, NATIVE);
    let mut remu = Command::new(env!("CARGO_BIN_EXE_remu"));
    remu.args(OPTIONS.iter().filter(|(name, _)| *name == program.name).flat_map(|(_, options)| *options));
    remu.arg(out.join("riscv64").join(&program.name));
    let (emulated, memory) = torture(remu, program, (seconds - NATIVE).max(1.0));
    println!("{:12} {:7.1} s, {memory}", program.name, emulated.elapsed.as_secs_f64());
    if let Err(difference) = compare(&native, &emulated, Status::Exit(0)) {
        return Some(difference);
    }
    (memory.growth() > GROWTH).then(|| format!("grows: {memory}"))
}

#[test]
fn programs_withstand_torture() {
    let seconds = std::env::var("REMU_TORTURE_SECONDS").map_or(60.0, |text| text.parse().expect("a number of seconds"));
    let out = build_dir("torture");
    let programs = build_programs(LIST, &out);
    let at_a_time = std::thread::available_parallelism().map_or(1, usize::from).min(programs.len());
    let each = seconds * at_a_time as f64 / programs.len() as f64;
    let failures = in_parallel(&programs, |program| judge(program, &out, each));
    let failures: Vec<_> =
        programs.iter().zip(failures).filter_map(|(p, failure)| Some(format!("{}: {}", p.name, failure?))).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
