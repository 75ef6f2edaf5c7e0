//! Bad pointers: for every system call, remu returns what the host kernel returns.

mod common;

use common::{Status, build_dir, build_programs, run};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Runs the program in an empty folder and returns its output: one line per call and pointer.
fn output(mut command: Command) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let outcome = run(command.current_dir(&dir), Vec::new(), Duration::from_secs(60));
    let stderr = String::from_utf8_lossy(&outcome.stderr);
    assert_eq!(outcome.status, Status::Exit(0), "{}: {stderr}", command.get_program().display());
    String::from_utf8(outcome.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn bad_pointers_get_the_host_kernels_errors() {
    let out = build_dir("pointers");
    build_programs("testprogs/pointers/programs.list", &out);
    let mut remu = Command::new(env!("CARGO_BIN_EXE_remu"));
    remu.arg(out.join("riscv64/pointers"));
    let native = Command::new(Path::new(&out).join("native/pointers"));
    let (want, got) = (output(native), output(remu));
    assert!(want.len() > 1500, "{} lines", want.len());
    assert_eq!(want.len(), got.len());
    let differing: Vec<_> =
        want.iter().zip(&got).filter(|(want, got)| want != got).map(|(want, got)| format!("{want} | {got}")).collect();
    assert!(differing.is_empty(), "{} results differ (host | remu):\n{}", differing.len(), differing.join("\n"));
    println!("{} bad pointers give the same errors", want.len());
}
