//! The torture programs: each checks itself for some seconds, natively and under remu, and does not grow.
//!
//! `REMU_TORTURE_SECONDS` is the time for all of them together, 60 by default. With `--nocapture`, the resident memory
//! of each is shown.

mod common;

use common::threads::describe_group;
use common::{Outcome, Program, Status, build_dir, build_programs, compare, in_parallel, run_watched};
use std::fmt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const LIST: &str = "testprogs/torture/programs.list";
/// Builds that remu runs with options. Compiled code is too fast for signals to arrive at each of its instructions; there
/// `engines_agree` does so. Programs that make code run in a small code cache, which is emptied again and again.
const OPTIONS: [(&str, &[&str]); 3] = [
    ("storm@every", &["-one-insn-per-tb", "--engine", "interp"]),
    ("code", &["-tb-size", "2"]),
    ("mappings", &["-tb-size", "2"]),
];
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

/// How a program ran.
struct Run {
    outcome: Outcome,
    memory: Memory,
    /// What its threads did when it was killed because it did not end.
    hanging: Option<String>,
}

/// Runs a program for some seconds. It is killed if it takes `patience` longer.
fn torture(mut command: Command, args: &[String], seconds: f64, patience: Duration) -> Run {
    let dir = tempfile::tempdir().expect("a temporary folder");
    command.arg(seconds.to_string()).args(args).current_dir(&dir).env_clear();
    // The processes that a program starts end with it.
    command.process_group(0);
    let time = Duration::from_secs_f64(seconds);
    let (begin, mut last) = (Instant::now(), Duration::ZERO);
    let (mut memory, mut hanging) = (Memory::default(), None);
    let outcome = run_watched(&mut command, Vec::new(), time + patience + Duration::from_secs(5), |pid| {
        let elapsed = begin.elapsed();
        if elapsed > time + patience {
            hanging.get_or_insert_with(|| {
                let before = describe_group(pid);
                std::thread::sleep(Duration::from_millis(200));
                format!("{before}and a moment later\n{}", describe_group(pid))
            });
            let group = rustix::process::Pid::from_raw(pid as i32).expect("a process id");
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        } else if elapsed - last > Duration::from_millis(100) {
            last = elapsed;
            memory.look(pid, elapsed > time / 4);
        }
    });
    Run { outcome, memory, hanging }
}

/// A program on the host and under remu; the failure, if any.
fn judge(program: &Program, out: &Path, seconds: f64) -> Option<String> {
    let native = torture(Command::new(out.join("native").join(program.base())), &program.args, NATIVE, PATIENCE);
    let mut remu = Command::new(env!("CARGO_BIN_EXE_remu"));
    remu.args(OPTIONS.iter().filter(|(name, _)| *name == program.name).flat_map(|(_, options)| *options));
    remu.arg(out.join("riscv64").join(&program.name));
    let emulated = torture(remu, &program.args, (seconds - NATIVE).max(1.0), PATIENCE);
    let memory = &emulated.memory;
    println!("{:12} {:7.1} s, {memory}", program.name, emulated.outcome.elapsed.as_secs_f64());
    for (run, place) in [(&native, "on the host"), (&emulated, "under remu")] {
        if let Some(threads) = &run.hanging {
            return Some(format!("hangs {place}:\n{threads}"));
        }
    }
    if let Err(difference) = compare(&native.outcome, &emulated.outcome, Status::Exit(0)) {
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

#[test]
fn what_hangs_shows_its_threads() {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "trap : USR1; sleep 100 & wait"]);
    let run = torture(shell, &[], 0.1, Duration::from_millis(400));
    let threads = run.hanging.expect("it hangs");
    let lines = |word: &str| threads.lines().filter(|line| line.contains(word)).count();
    // Both processes, each twice.
    assert_eq!((lines(" sh: S"), lines(" sleep: S"), lines("SigBlk 0000000000000000")), (2, 2, 4), "{threads}");
    // The call in which the child sleeps: clock_nanosleep.
    assert_eq!(lines("call 230 "), 2, "{threads}");
}
