//! Resource limits: the guest inherits those that remu was started with, and remu itself runs under any of them. The
//! oracle is the same C program, built for the host and run under the same limits.

mod common;

use common::root;
use std::os::unix::fs::PermissionsExt;
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

/// As [`under`], without the privilege to raise limits: that of a user namespace is none.
fn unprivileged(limits: &str, words: &[&Path]) -> Output {
    let mut shell = Command::new("unshare");
    shell
        .args(["--user", "--map-current-user", "/bin/sh", "-c", &format!("{limits} && exec \"$0\" \"$@\"")])
        .args(words);
    shell.env_clear().output().expect("unshare is in Debian's util-linux")
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

const HELLO: &str = "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n";

/// A dynamic program in a folder of its own.
fn dynamic_program() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (source, program) = (dir.path().join("hello.c"), dir.path().join("hello"));
    std::fs::write(&source, HELLO).expect("the source is written");
    let compiler = "riscv64-linux-gnu-gcc";
    let status = Command::new(compiler).arg("-o").args([&program, &source]).status();
    let status = status.unwrap_or_else(|e| panic!("{compiler}: {e}; tests/setup.sh installs it"));
    assert!(status.success(), "{compiler}: {status}");
    (dir, program)
}

#[test]
fn a_program_needs_no_more_descriptors_than_natively() {
    let remu = Path::new(env!("CARGO_BIN_EXE_remu"));
    let (_dir, dynamic) = dynamic_program();
    let hello = root().join("testprogs/prebuilt/hello-riscv64");
    for (limits, program) in
        [("ulimit -n 4", &dynamic), ("ulimit -n 5", &dynamic), ("ulimit -n 9", &dynamic), ("ulimit -n 3", &hello)]
    {
        let ran = unprivileged(limits, &[remu, program]);
        assert_eq!((String::from_utf8_lossy(&ran.stderr), ran.status.code()), ("".into(), Some(0)), "{limits}");
        assert!(ran.stdout.to_ascii_lowercase().starts_with(b"hello"), "{limits}");
    }
}

#[test]
fn a_dynamic_program_runs_without_proc() {
    let (_dir, dynamic) = dynamic_program();
    let script = "mount -t tmpfs none /proc && exec \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "/bin/sh", "-c", script, env!("CARGO_BIN_EXE_remu")]);
    let ran = command.arg(&dynamic).output().expect("unshare is in Debian's util-linux");
    assert_eq!((String::from_utf8_lossy(&ran.stderr), ran.status.code()), ("".into(), Some(0)));
    assert_eq!(ran.stdout, b"hello\n");
}

#[test]
fn a_limit_that_stops_remu_is_named_before_the_symptom() {
    let programs = tempfile::tempdir().expect("a temporary folder");
    let (hello, large) = (root().join("testprogs/prebuilt/hello-riscv64"), programs.path().join("large"));
    // The prebuilt program with one more GiB of zeroed memory in its last segment.
    let mut file = std::fs::read(&hello).expect("it is in the repository");
    let last = (0..usize::from(file[56])).map(|n| 64 + 56 * n).rfind(|&at| file[at..at + 4] == [1, 0, 0, 0]);
    let size = last.expect("a PT_LOAD") + 40;
    let larger = u64::from_le_bytes(file[size..size + 8].try_into().expect("eight bytes")) + (1 << 30);
    file[size..size + 8].copy_from_slice(&larger.to_le_bytes());
    std::fs::write(&large, file).expect("the program is written");
    std::fs::set_permissions(&large, std::fs::Permissions::from_mode(0o755)).expect("it is executable");
    let log = programs.path().join("log");
    let space = "the host refuses to reserve even 0x1000000 bytes for the guest's address space: ";
    for (limits, options, program, status, start) in [
        ("ulimit -v 20000", &[][..], &hello, 125, format!("ulimit -v 20000 is too low: {space}")),
        (
            "ulimit -n 3",
            &["-d", "int", "-D", log.to_str().expect("UTF-8")],
            &hello,
            125,
            format!("ulimit -n 3 is too low: cannot write the log {}: ", log.display()),
        ),
        (
            "ulimit -S -v 500000",
            &[],
            &large,
            126,
            format!("{}: ulimit -v 500000 is too low: segment ", large.display()),
        ),
        (
            "ulimit -S -d 500000",
            &[],
            &large,
            126,
            format!("{}: ulimit -d 500000 is too low: segment ", large.display()),
        ),
    ] {
        let mut words = vec![Path::new(env!("CARGO_BIN_EXE_remu"))];
        words.extend(options.iter().map(Path::new));
        words.push(program);
        let ran = unprivileged(limits, &words);
        let line = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!((ran.status.code(), line.lines().count()), (Some(status), 1), "{limits}: {line}");
        assert!(line.starts_with(&format!("remu: {start}")), "{limits}: {line}");
    }
}
