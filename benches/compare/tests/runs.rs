//! Runs: their cost, their failures, and the scope of QEMU's registration with the kernel.

use compare::catalogue::{Category, Origin, Program};
use compare::engines::{Engine, Lab, PREBUILT, Qemu, temporary};
use compare::processors;
use compare::run::{Ran, Request, run};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

fn lab() -> Lab {
    Lab {
        root: Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
        helper: env!("CARGO_BIN_EXE_measure").into(),
        builds: "/usr/bin".into(),
        debian: None,
        base: tempfile::tempdir().expect("a temporary folder"),
    }
}

/// A program that executes others.
fn program() -> Program {
    Program {
        name: "true".into(),
        build: "true".into(),
        category: Category::Integer,
        title: String::new(),
        origin: Origin::Compiled { rva22: false, dynamic: false },
        forks: false,
        executes: true,
        full: Vec::new(),
        quick: Vec::new(),
    }
}

/// Runs this command in place of a program.
fn try_words(lab: &Lab, engine: &Engine, words: &[&str], repeat: u32, limit: Duration) -> Result<Ran, String> {
    let prefix: Vec<OsString> = words.iter().map(OsString::from).collect();
    run(&Request {
        lab,
        engine,
        program: &program(),
        args: &[],
        repeat,
        limit,
        cpu: processors::allowed().expect("the processors").first().copied(),
        extra: &[],
        prefix: &prefix,
        variables: &[],
    })
}

const LONG: Duration = Duration::from_secs(60);

/// The native build, QEMU, and a substitute for remu, since these tests do not depend on what runs the programs.
fn engines(lab: &Lab) -> Vec<Engine> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let qemu: Option<PathBuf> = std::env::split_paths(&path).map(|d| d.join("qemu-riscv64")).find(|p| p.is_file());
    let qemu = qemu.expect("qemu-riscv64 is in PATH: apt-get install --no-install-recommends qemu-user");
    lab.engines(&[Qemu { user: qemu, machine: None }], Path::new("/usr/bin/true")).expect("the engines")
}

#[test]
fn programs_on_a_machine_run_where_there_is_one() {
    let lab = lab();
    let engines = engines(&lab);
    let program = Program { origin: Origin::Machine, category: Category::Machine, ..program() };
    let runs: Vec<bool> = engines.iter().map(|e| e.runs(&program)).collect();
    // The substitutes for emulators have no emulator of machines beside them.
    assert_eq!(runs, [true, false, false]);
    let qemu = Qemu { user: "/usr/bin/true".into(), machine: Some(vec!["/bin/echo".into(), "machine".into()]) };
    let dir = tempfile::tempdir().expect("a temporary folder");
    for name in ["remu", "remu-system"] {
        std::fs::copy("/usr/bin/echo", dir.path().join(name)).expect("a copy");
    }
    let other = Lab { base: tempfile::tempdir().expect("a temporary folder"), ..self::lab() };
    let engines = other.engines(&[qemu], &dir.path().join("remu")).expect("the engines");
    let words = |engine: &Engine| -> Vec<String> {
        let words = other.words(engine, &program, &["1".into(), "2".into()], &[]);
        words.iter().map(|w| w.display().to_string()).collect()
    };
    assert_eq!(words(&engines[0]), ["/usr/bin/native/true", "1", "2"]);
    for engine in &engines[1..] {
        assert!(engine.runs(&program));
        let words = words(engine);
        let end = ["-kernel", "/usr/bin/machine/kernel", "-initrd", "/usr/bin/riscv64/true", "-append", "true 1 2"];
        assert!(words.ends_with(&end.map(str::to_owned)), "{words:?}");
    }
    assert_eq!(words(&engines[1])[..2], ["/bin/echo", "machine"]);
}

#[test]
fn a_run_is_measured_with_its_descendants() {
    let lab = lab();
    let native = &engines(&lab)[0];
    let shell =
        |script: &str, repeat, limit| try_words(&lab, native, &["/bin/sh", "-c", script], repeat, limit).unwrap();
    let ran = shell("echo to the left; echo to the right >&2", 3, LONG);
    assert_eq!(ran.stdout, b"to the left\nto the left\nto the left\n");
    assert_eq!((ran.failure.as_deref(), ran.verdict(b"else").as_deref()), (None, Some("wrong output")));
    assert!(ran.sample.memory > 100 && ran.sample.memory < 8 << 10, "a shell's memory, not a test's: {ran:?}");
    // The clock is too coarse for shorter times. The loop runs in a grandchild.
    let busy = shell("(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done)", 1, LONG);
    assert!(busy.sample.user > 0.01 && busy.sample.wall >= busy.sample.user, "{busy:?}");
    let pwd = String::from_utf8(shell("pwd; ls -A; env | sort", 1, LONG).stdout).unwrap();
    let lines: Vec<&str> = pwd.lines().filter(|l| !l.contains('/')).collect();
    let variables = ["LC_ALL=C.UTF-8", "PERL_HASH_SEED=0", "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", "TZ=UTC0"];
    assert_eq!(lines, variables, "an empty folder, and no other variables: {pwd}");
}

#[test]
fn failures_of_a_run_are_reported() {
    let lab = lab();
    let native = &engines(&lab)[0];
    let verdict = |words: &[&str], limit| try_words(&lab, native, words, 1, limit).map(|ran| ran.verdict(b""));
    let shell = |script: &str, limit| verdict(&["/bin/sh", "-c", script], limit).unwrap();
    assert_eq!(shell("exit 0", LONG), None);
    assert_eq!(shell("echo first >&2; echo it is so >&2; exit 3", LONG).as_deref(), Some("exit status 3: it is so"));
    assert_eq!(shell("kill -SEGV $$", LONG).as_deref(), Some("died of signal 11"));
    assert_eq!(shell("sleep 300 & sleep 300", Duration::from_secs(1)).as_deref(), Some("not done after 1 s"));
    let error = verdict(&["/nonexistent/program"], LONG).unwrap_err();
    assert!(error.contains("it could not be started: error exec 2"), "{error}");
}

#[test]
fn the_leftovers_of_an_interrupted_measurement_are_removed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let left = temporary(folder.path()).expect("a first one").keep();
    std::fs::write(left.join("profile"), "").expect("a file");
    let next = temporary(folder.path()).expect("a second one");
    assert!(!left.exists() && next.path().is_dir() && next.path() != left);
    drop(next);
    drop(temporary(folder.path()).expect("a third one, after one that ended well"));
}

#[test]
fn only_runs_of_qemu_see_its_registration() {
    let lab = lab();
    let engines = engines(&lab);
    let [native, qemu, remu] = &engines[..] else { panic!("three engines") };
    let on_the_host = || Command::new(PREBUILT).output().map_err(|e| e.raw_os_error());
    let nobody_else = || {
        assert_eq!(on_the_host().expect_err("this machine runs riscv64 programs by itself"), Some(libc::ENOEXEC));
        for engine in [native, remu] {
            let error = try_words(&lab, engine, &[PREBUILT], 1, LONG).expect_err("a registration has leaked");
            assert!(error.contains(&format!("error exec {}", libc::ENOEXEC)), "{error}");
        }
    };
    let mark = lab.base.path().join("mark");
    let script = format!("touch {}; sleep 1; exec {PREBUILT}", mark.display());
    thread::scope(|scope| {
        let ran = scope.spawn(|| try_words(&lab, qemu, &["/bin/sh", "-c", &script], 1, LONG));
        while !mark.exists() {
            let needed = "QEMU's side needs Linux 6.7 or later, with user namespaces and binfmt_misc";
            assert!(!ran.is_finished(), "{needed}: {:?}", ran.join());
            thread::sleep(Duration::from_millis(5));
        }
        nobody_else();
        let ran = ran.join().expect("no panic").expect("a run");
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "Hello from a riscv64 program!\n", "{ran:?}");
    });
    nobody_else();
}
