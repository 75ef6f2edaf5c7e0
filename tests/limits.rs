//! Resource limits: the guest inherits those that remu was started with, and remu itself runs under any of them. The
//! oracle is the same C program, built for the host and run under the same limits.

mod common;

use common::root;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Builds the program statically with a compiler, so that the host's build needs no descriptor to start.
fn build(compiler: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("limits-{compiler}-{}", std::process::id()));
    let mut command = Command::new(compiler);
    command.args(["-O2", "-static", "-o"]).arg(&program).arg(root().join("testprogs/limits/limits.c"));
    let status = command.status().unwrap_or_else(|e| panic!("{compiler}: {e}; tests/setup.sh installs it"));
    assert!(status.success(), "{compiler}: {status}");
    program
}

fn under(limits: &str, words: &[&Path]) -> Output {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("{limits} && exec \"$0\" \"$@\"")]).args(words);
    // The environment counts against the stack limit.
    shell.env_clear().output().expect("a shell")
}

#[test]
fn the_guest_inherits_the_limits_and_remu_runs() {
    let (native, guest) = (build("gcc"), build("riscv64-linux-gnu-gcc"));
    let remu = Path::new(env!("CARGO_BIN_EXE_remu"));
    for limits in [
        "ulimit -S -d 1000",
        "ulimit -d 1000",
        "ulimit -d 700",
        "ulimit -S -s 16",
        "ulimit -s 16",
        "ulimit -s unlimited",
        "ulimit -S -v 100000",
        "ulimit -v 100000",
        "ulimit -S -n 4",
        "ulimit -n 4",
        "ulimit -n 50",
        "ulimit -l 0",
        "ulimit -d 1000 && ulimit -s 16 && ulimit -n 4 && ulimit -l 0",
    ] {
        let (want, got) = (under(limits, &[&native]), under(limits, &[remu, &guest]));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(want.status.success(), "{limits}: on the host: {}", text(&want.stderr));
        assert_eq!(text(&got.stderr), "", "{limits}");
        assert_eq!((text(&got.stdout), got.status), (text(&want.stdout), want.status), "{limits}");
    }
    for program in [native, guest] {
        std::fs::remove_file(program).expect("it was built");
    }
}

#[test]
fn a_limit_too_low_for_remu_is_named() {
    let remu = Path::new(env!("CARGO_BIN_EXE_remu"));
    let hello = root().join("testprogs/prebuilt/hello-riscv64");
    let ran = under("ulimit -v 20000", &[remu, &hello]);
    let line = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!((ran.status.code(), line.lines().count()), (Some(125), 1), "{line}");
    assert!(line.contains("RLIMIT_AS") && line.contains("ulimit -v"), "{line}");
}
