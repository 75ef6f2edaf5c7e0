//! The repository's guest programs under remu: output, status and signals are as expected. The same C source built for
//! the host meets the same expectations.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{Outcome, Program, Status, build_dir, build_programs, difference, in_parallel, root, run};

const LIST: &str = "testprogs/programs.list";
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a program in an empty folder and a fixed environment.
fn run_clean(mut command: Command, args: &[String]) -> Outcome {
    let dir = tempfile::tempdir().expect("a temporary folder");
    command.args(args).current_dir(&dir).env_clear();
    command.envs([("LC_ALL", "C"), ("TZ", "UTC0"), ("GUEST_EMPTY", ""), ("GUEST_WORDS", "two words")]);
    let outcome = run(&mut command, Vec::new(), LIMIT);
    let left: Vec<_> = fs::read_dir(&dir).expect("the folder").collect();
    assert!(left.is_empty() || outcome.status != Status::Exit(0), "left behind: {left:?}");
    outcome
}

fn remu(program: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_remu"));
    command.arg(program);
    command
}

fn expected(base: &str, kind: &str) -> Vec<u8> {
    let path = root().join(format!("testprogs/{base}.{kind}"));
    match fs::read(&path) {
        Err(e) if kind == "expected" => panic!("{}: {e}", path.display()),
        // Without a file, standard error must be empty.
        other => other.unwrap_or_default(),
    }
}

/// The failure of an outcome, if any.
fn judge(program: &Program, outcome: &Outcome, emulated: bool) -> Option<String> {
    let stderr = String::from_utf8_lossy(&outcome.stderr);
    if outcome.status != program.status {
        return Some(format!("{}, expected {}; stderr: {stderr}", outcome.status, program.status));
    }
    let want = expected(program.base(), "expected");
    if outcome.stdout != want {
        return Some(format!("stdout: {}", difference(&want, &outcome.stdout)));
    }
    let want = expected(program.base(), "expected-err");
    match program.status {
        // remu reports the signal in one line.
        Status::Signal(_) if emulated => {
            let report = stderr.strip_prefix(&*String::from_utf8_lossy(&want)).unwrap_or("");
            let name = program.status.to_string();
            let one_line = report.starts_with("remu: ") && report.ends_with('\n') && report.lines().count() == 1;
            if !one_line || !report.contains(&name) {
                return Some(format!("expected one line that names {name}, got: {stderr}"));
            }
            outcome.core.then(|| "the emulator dumped core".to_owned())
        }
        _ => (outcome.stderr != want).then(|| format!("stderr: {}", difference(&want, &outcome.stderr))),
    }
}

/// Runs all programs, one per processor at a time, and reports all failures together.
fn run_all(programs: &[Program], emulated: bool, command: impl Fn(&Program) -> Command + Sync) {
    let results = in_parallel(programs, |program| {
        let outcome = run_clean(command(program), &program.args);
        (outcome.elapsed, judge(program, &outcome, emulated))
    });
    let names = programs.iter().map(|program| &program.name);
    let mut times: Vec<_> = results.iter().map(|(elapsed, _)| elapsed).zip(names.clone()).collect();
    times.sort();
    for (elapsed, name) in times.iter().rev().take(10) {
        println!("{:8.3} s  {name}", elapsed.as_secs_f64());
    }
    let failed = names.zip(&results).filter_map(|(name, (_, failure))| Some(format!("{name}: {}", failure.as_ref()?)));
    let failures: Vec<_> = failed.collect();
    let (bad, all) = (failures.len(), programs.len());
    assert!(failures.is_empty(), "{bad} of {all} programs:\n{}", failures.join("\n"));
}

#[test]
fn guests_meet_the_expectations() {
    let out = build_dir("testprogs");
    let programs = build_programs(LIST, &out);
    run_all(&programs, true, |p| remu(&out.join("riscv64").join(&p.name)));
}

#[test]
fn host_builds_meet_the_expectations() {
    let out = build_dir("testprogs");
    let mut programs = build_programs(LIST, &out);
    programs.retain(|p| p.has_native);
    programs.dedup_by(|a, b| a.base() == b.base());
    run_all(&programs, false, |p| Command::new(out.join("native").join(p.base())));
}

#[test]
fn the_prebuilt_hello_greets() {
    let args = ["one", "two words", "--help"].map(str::to_owned);
    let outcome = run_clean(remu(&root().join("testprogs/prebuilt/hello-riscv64")), &args);
    assert_eq!(outcome.status, Status::Exit(0), "{}", String::from_utf8_lossy(&outcome.stderr));
    assert_eq!(String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&expected("prebuilt", "expected")));
    assert!(outcome.stderr.is_empty());
}

/// A shell's `<` opens the file before the process becomes remu.
#[test]
fn standard_input_from_proc_shows_the_guest() {
    let out = build_dir("testprogs");
    build_programs(LIST, &out);
    let program = out.join("riscv64/procfs");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "exec \"$@\" </proc/self/cmdline", "sh", env!("CARGO_BIN_EXE_remu")])
        .arg(&program)
        .arg("--input");
    let outcome = run_clean(shell, &[]);
    assert_eq!(outcome.status, Status::Exit(0), "{}", String::from_utf8_lossy(&outcome.stderr));
    assert_eq!(String::from_utf8_lossy(&outcome.stdout), format!("{}\0--input\0", program.display()));
}
