//! Debian's riscv64 programs under remu, compared with the same packages' amd64 programs on the host: standard output,
//! standard error, status and resulting files of every check are equal.
//!
//! The root file systems of both architectures come from one suite (`tests/debian/fetch.sh --root`); nothing depends on
//! its version. Each program runs with its root as `/`, so both sides see the same paths. For this the test restarts
//! itself in a mount namespace, which requires root or user namespaces. `REMU_PROGRAMS=bash,sed` runs only the checks
//! of these programs. `REMU_PROGRAMS_LONG=1` runs the checks in `long`, with the packages of `long-packages`, instead of
//! those in `checks`. The times are written to `programs-times.txt` in cargo's target directory.

mod checks;
#[path = "../common/mod.rs"]
mod common;
mod inputs;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use checks::{Check, Step};
use common::{Outcome, Status, build_dir, compare, files, in_parallel, root, run, script};

/// The time limit of a step, in the checks and in the long ones.
const LIMIT: Duration = Duration::from_secs(600);
const LONG_LIMIT: Duration = Duration::from_secs(3600);

fn long() -> bool {
    env::var_os("REMU_PROGRAMS_LONG").is_some()
}

/// The folder of inputs and the two sides, for the test as it starts itself.
const INSIDE: &str = "REMU_PROGRAMS_INSIDE";

#[test]
fn programs_agree_with_their_host_builds() {
    match env::var_os(INSIDE) {
        None => enter(),
        Some(base) => run_checks(Path::new(&base)),
    }
}

/// Prepares both roots and starts this test again where they are set up.
fn enter() {
    let list = if long() { "tests/programs/long-packages" } else { "tests/programs/packages" };
    let listing = script("tests/debian/fetch.sh", &["--root".as_ref(), list.as_ref()]);
    println!("{listing}");
    let root_of = |arch: &str| -> PathBuf {
        let line = listing.lines().find(|l| l.starts_with(arch)).expect("a line for each architecture");
        line.splitn(3, ' ').nth(2).expect("the folder is the third word").into()
    };
    let base = tempfile::tempdir().expect("a temporary folder");
    let inputs = base.path().join("in");
    fs::create_dir(&inputs).expect("a folder");
    inputs::generate(&inputs);
    for side in SIDES {
        fs::create_dir(base.path().join(side)).expect("a folder");
        symlink(root_of(side), base.path().join(format!("root-{side}"))).expect("a symbolic link");
    }
    fs::copy(env!("CARGO_BIN_EXE_remu"), base.path().join("riscv64/remu")).expect("a copy of remu");

    let mut command = Command::new("unshare");
    command.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.arg(root().join("tests/programs/enter.sh")).args([&inputs, base.path()]).args(SIDES.map(root_of));
    command
        .arg(env::current_exe().expect("the test's own path"))
        .args(["--exact", "programs_agree_with_their_host_builds"]);
    let inner = command.env(INSIDE, base.path()).output();
    let inner = inner.unwrap_or_else(|e| panic!("unshare: {e}: apt-get install util-linux"));
    assert!(
        inner.status.success(),
        "the roots could not be set up, which takes root or a kernel with user namespaces, or the test itself failed: {}{}",
        String::from_utf8_lossy(&inner.stdout),
        String::from_utf8_lossy(&inner.stderr)
    );
    let [report, failures] = [REPORT, FAILURES].map(|name| fs::read_to_string(base.path().join(name)).expect(name));
    print!("{report}");
    let path = build_dir("programs-times.txt");
    fs::write(&path, &report).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(failures.is_empty(), "checks failed:\n{failures}");
}

/// Output of the test inside the namespace: the table, and a line per failed check.
const REPORT: &str = "report";
const FAILURES: &str = "failures";

/// The architectures, the host's first.
const SIDES: [&str; 2] = ["amd64", "riscv64"];

/// A file that a step names, as the host names it.
fn host_path(base: &Path, dir: &Path, name: &str) -> PathBuf {
    name.strip_prefix("/in/").map_or_else(|| dir.join(name), |name| base.join("in").join(name))
}

/// One step on one side; `folder` is the folder of its check.
fn run_step(step: &Step, base: &Path, side: &str, folder: &str) -> Outcome {
    let dir = base.join(side).join(folder);
    if !step.script.is_empty() {
        files::put(&dir, "script", step.script.as_bytes());
    }
    // Without a namespace option, unshare only changes the root.
    let mut command = Command::new("unshare");
    command.arg(format!("--root={}", base.join(format!("root-{side}")).display()));
    command.arg(format!("--wd=/work/{folder}"));
    if side == "riscv64" {
        command.arg("/work/remu");
    }
    command.arg(format!("/usr/bin/{}", step.program)).args(&step.args).env_clear();
    let home = format!("/work/{folder}");
    command.envs([("HOME", home.as_str()), ("TMPDIR", &home), ("PWD", &home), ("PATH", "/usr/bin"), ("TERM", "dumb")]);
    command.envs([("LC_ALL", "C.UTF-8"), ("TZ", "UTC0"), ("PYTHONHASHSEED", "0"), ("PERL_HASH_SEED", "0")]);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.envs(step.variables.iter().map(|(name, value)| (name, value)));
    let read = |name: &String| {
        let path = host_path(base, &dir, name);
        fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let outcome =
        run(&mut command, step.stdin.as_ref().map(read).unwrap_or_default(), if long() { LONG_LIMIT } else { LIMIT });
    if let Some(name) = &step.stdout {
        files::put(&dir, name, &outcome.stdout);
    }
    outcome
}

/// What went wrong with a check, if anything, and the time each side took.
fn try_check(check: &Check, number: usize, base: &Path) -> (Result<(), String>, [Duration; 2]) {
    let folder = format!("{}-{number}", check.program);
    let dirs = SIDES.map(|side| base.join(side).join(&folder));
    for dir in &dirs {
        fs::create_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    }
    let mut times = [Duration::ZERO; 2];
    for step in &check.steps {
        let [mut want, mut got] = SIDES.map(|side| run_step(step, base, side, &folder));
        times[0] += want.elapsed;
        times[1] += got.elapsed;
        let status = Status::Exit(step.status);
        // If a status is wrong, standard error is kept for the message.
        if !step.stderr && [want.status, got.status] == [status; 2] {
            want.stderr.clear();
            got.stderr.clear();
        }
        if let Err(message) = compare(&want, &got, status) {
            return (Err(format!("{}: {message}", step.line)), times);
        }
    }
    let [want, got] = dirs.map(|dir| files::snapshot(&dir));
    let names: Vec<_> = want.keys().chain(got.keys()).filter(|name| want.get(*name) != got.get(*name)).collect();
    (if names.is_empty() { Ok(()) } else { Err(format!("files differ: {names:?}")) }, times)
}

/// What the checks of one program add up to.
#[derive(Default)]
struct Sum {
    passed: usize,
    checks: usize,
    times: [Duration; 2],
}

fn run_checks(base: &Path) {
    let only = env::var("REMU_PROGRAMS").unwrap_or_default();
    let mut checks = checks::read(&root().join("tests/programs").join(if long() { "long" } else { "checks" }));
    checks.retain(|c| only.is_empty() || only.split(',').any(|name| name == c.program));
    let numbered: Vec<(usize, &Check)> = checks.iter().enumerate().collect();
    let results = in_parallel(&numbered, |(number, check)| try_check(check, *number, base));

    let (mut sums, mut failures) = (BTreeMap::<&str, Sum>::new(), String::new());
    for (check, (result, times)) in checks.iter().zip(&results) {
        let sum = sums.entry(&check.program).or_default();
        sum.checks += 1;
        sum.passed += usize::from(result.is_ok());
        for (total, time) in sum.times.iter_mut().zip(times) {
            *total += *time;
        }
        if let Err(message) = result {
            let _ = writeln!(failures, "{}: {}: {message}", check.program, check.name);
        }
    }
    let mut report = format!("{:16} {:>7} {:>9} {:>9}\n", "program", "passed", "native s", "remu s");
    for (program, Sum { passed, checks, times: [native, emulated] }) in &sums {
        let verdict = if passed == checks { "" } else { "  FAILED" };
        let (native, emulated) = (native.as_secs_f64(), emulated.as_secs_f64());
        let _ = writeln!(report, "{program:16} {passed:>3}/{checks:<3} {native:9.3} {emulated:9.3}{verdict}");
        if *checks < 5 {
            let _ = writeln!(failures, "{program}: fewer than five checks");
        }
    }
    fs::write(base.join(REPORT), report).expect("the report is written");
    fs::write(base.join(FAILURES), failures).expect("the failures are written");
}
