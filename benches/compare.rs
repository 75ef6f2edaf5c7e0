//! remu beside QEMU and the host, as a table: processor time of integer and floating-point programs
//! built from one source, and what it costs to start a static program and a dynamic one.
//!
//! `cargo bench --bench compare`. The best of three runs counts; `REMU_BENCH_RUNS` sets another number.

#[path = "../tests/common/mod.rs"]
mod common;
mod measure;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use measure::{Runner, Workload, qemu_version, run, workloads};

fn main() {
    let runs = std::env::var("REMU_BENCH_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    println!("{}", qemu_version());
    loops(runs);
    startup();
}

fn loops(runs: usize) {
    let (dir, workloads) = workloads();
    println!("processor time in seconds, best of {runs}; in parentheses: times the host's");
    println!("{:12} {:>8} {:>17} {:>17}", "", "native", "qemu-riscv64", "remu");
    for float in [false, true] {
        let mut logs = [0.0; 3];
        let mut count = 0;
        for work in workloads.iter().filter(|w| w.float == float) {
            let times = best(&dir, work, runs).map(|t| t.as_secs_f64());
            let ratios = times.map(|t| t / times[0]);
            row(&work.name, times, ratios);
            for (log, ratio) in logs.iter_mut().zip(ratios) {
                *log += ratio.ln();
            }
            count += 1;
        }
        let [_, qemu, remu] = logs.map(|l| (l / f64::from(count)).exp());
        let name = if float { "float" } else { "integer" };
        println!("{name:12} {:>8} {:>17} {:>17}  geometric mean", "", format!("({qemu:.2})"), format!("({remu:.2})"));
    }
}

fn row(name: &str, [native, qemu, remu]: [f64; 3], [_, by_qemu, by_remu]: [f64; 3]) {
    let emulated = |time: f64, ratio: f64| format!("{time:.3} ({ratio:.2})");
    println!("{name:12} {native:8.3} {:>17} {:>17}", emulated(qemu, by_qemu), emulated(remu, by_remu));
}

/// The least processor time of each runner; all have to print the same.
fn best(dir: &Path, work: &Workload, runs: usize) -> [Duration; 3] {
    let mut best = [Duration::MAX; 3];
    let mut output = None;
    // In turn, so that a slow moment of the machine does not hit one runner only.
    for _ in 0..runs {
        for (runner, best) in Runner::ALL.into_iter().zip(&mut best) {
            let done = run(runner.command(dir, &work.name).arg(&work.full));
            *best = done.cpu.min(*best);
            let want = output.get_or_insert_with(|| done.stdout.clone());
            assert!(*want == done.stdout, "{} prints something else under {}", work.name, runner.name());
        }
    }
    best
}

/// The processor time of a hello by the C library, static and dynamic, and the most memory it was
/// resident with.
fn startup() {
    const RUNS: usize = 101;
    let [fixed, dynamic] = ["testprogs", "dynamic"].map(common::build_dir);
    common::build_programs("testprogs/programs.list", &fixed);
    common::script("testprogs/dynamic/build.sh", &[&dynamic]);
    for (kind, dir, guest) in [("static", &fixed, "hello@O2"), ("dynamic", &dynamic, "hello")] {
        println!("\n{kind} hello: median processor time of {RUNS} runs, peak resident memory");
        for runner in Runner::ALL {
            let hello = || runner.command(dir, if runner == Runner::Native { "hello" } else { guest });
            let mut times: Vec<Duration> = (0..RUNS).map(|_| run(&mut hello()).cpu).collect();
            times.sort();
            let [median, least] = [times[RUNS / 2], times[0]].map(|t| t.as_secs_f64() * 1e3);
            let memory = peak_memory(hello().arg("wait"));
            println!("{:12} {median:6.2} ms (least {least:.2})  {memory:6} KiB", runner.name());
        }
    }
}

/// The peak resident memory of a program that has printed a line and waits for its input to end. Asked
/// while it is alive: what wait4 reports afterwards counts the memory of this process too, which the
/// child shared before exec.
fn peak_memory(command: &mut Command) -> u64 {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it ran before");
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("stdout is piped");
    BufReader::new(stdout).read_line(&mut line).expect("the program prints a line");
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("the process waits");
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("Linux tells VmHWM");
    let peak = peak.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    drop(child.stdin.take());
    assert!(child.wait().expect("waiting for a child").success());
    peak
}
