//! Dynamic programs and scripts: the dynamic linker, the vDSO, and where the files of both come from.

mod common;

use common::{Outcome, Status, build_dir, root, run, script};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where Debian's cross compiler has its C library.
const CROSS: &str = "/usr/riscv64-linux-gnu";
const LINKER: &str = "lib/ld-linux-riscv64-lp64d.so.1";

fn built() -> PathBuf {
    let out = build_dir("dynamic");
    script("testprogs/dynamic/build.sh", &[&out]);
    out
}

/// Runs remu in a folder, without settings from outside.
fn remu(dir: &Path, words: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_remu"));
    command.args(words).current_dir(dir).env_clear().env("LC_ALL", "C");
    run(&mut command, Vec::new(), Duration::from_secs(120))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The line of an error of remu's.
#[track_caller]
fn refused(outcome: &Outcome) -> String {
    assert_eq!(outcome.status, Status::Exit(126), "{outcome:?}");
    assert!(outcome.stdout.is_empty());
    let line = text(&outcome.stderr);
    assert_eq!(line.lines().count(), 1, "{line}");
    line.trim_end().strip_prefix("remu: ").expect("it is remu's line").to_owned()
}

/// What the test program must print when it is run by this path.
fn expected(path: &str) -> String {
    let file = root().join("testprogs/dynamic/program.expected");
    fs::read_to_string(file).expect("it is in the repository").replace("PATH", path)
}

#[track_caller]
fn right(outcome: &Outcome, path: &str) {
    assert_eq!(text(&outcome.stdout), expected(path), "stderr: {}", text(&outcome.stderr));
    assert_eq!((outcome.status, text(&outcome.stderr).as_str()), (Status::Exit(3), ""));
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).expect("the file is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("and made executable");
}

/// A root directory with a C library, and the test program in it.
fn make_root() -> (tempfile::TempDir, PathBuf) {
    let out = built();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let root = dir.path().canonicalize().expect("it exists");
    for dir in ["usr/lib", "usr/bin"] {
        fs::create_dir_all(root.join(dir)).expect("a folder");
    }
    symlink("/usr/lib", root.join("lib")).expect("a link that leads inside only from the root");
    for lib in [LINKER, "lib/libc.so.6", "lib/libm.so.6"] {
        fs::copy(Path::new(CROSS).join(lib), root.join("usr").join(lib)).expect("the cross library is copied");
    }
    for file in ["pie", "libfirst.so", "libsecond.so"] {
        fs::copy(out.join(file), root.join("usr/bin").join(file)).expect("the program is copied");
    }
    (dir, root)
}

#[test]
fn the_dynamic_linker_runs_programs_of_every_kind() {
    let out = built();
    for name in ["./pie", "./no-pie", "./lazy"] {
        right(&remu(&out, &[name, "one", "two words"]), name);
    }
    let named = remu(&out, &["-0", "other", "./pie", "one", "two words"]);
    let lines = text(&named.stdout);
    assert!(lines.contains("argv[0] = other\n") && lines.contains("execfn = ./pie\n"), "{lines}");
}

#[test]
fn the_dynamic_linker_can_be_run_by_itself() {
    let out = built();
    let linker = format!("{CROSS}/{LINKER}");
    let libraries = format!("{CROSS}/lib");
    for name in ["./pie", "./no-pie"] {
        let ran = remu(&out, &[&linker, "--library-path", &libraries, name, "one", "two words"]);
        assert_eq!(ran.status, Status::Exit(3), "{}", text(&ran.stderr));
        // The kernel knows of the linker only: that is in AT_EXECFN and has no AT_BASE.
        let told = text(&ran.stdout).replace("base is ELF 0", "base is ELF 1");
        let start = told.lines().zip(expected(name).lines().map(str::to_owned).collect::<Vec<_>>());
        for (got, want) in start {
            assert!(got == want || got.starts_with("execfn = "), "expected: {want}, got: {got}");
        }
        assert_eq!(told.lines().count(), expected(name).lines().count());
    }
}

#[test]
fn the_c_library_uses_the_vdso_and_unwinders_know_its_signal_frame() {
    let out = built();
    let ran = remu(&out, &["-d", "page,exec", "./pie", "one"]);
    let log = text(&ran.stderr);
    let area = log.lines().find_map(|l| l.trim().strip_suffix(" r-xp [vdso]")).expect("the vDSO is mapped");
    let page = area.split('-').next().expect("it begins somewhere").trim_end_matches("000");
    let calls = log.lines().filter(|l| l.strip_prefix("exec ").is_some_and(|pc| pc.starts_with(page))).count();
    // Two through the C library and two by hand of clock_gettime, two of getrandom, at the least.
    assert!(calls >= 6, "{calls} blocks in {area}");
    let ran = remu(&out, &["./unwind"]);
    assert_eq!(text(&ran.stdout), "signal 11: through the faulting function 1, to main 1\n");
    assert_eq!(ran.status, Status::Exit(0), "{}", text(&ran.stderr));
}

#[test]
fn a_program_is_run_in_the_root_that_it_lies_in() {
    let (_dir, root) = make_root();
    let ran = remu(&root.join("usr/bin"), &["-d", "page", "./pie", "one", "two words"]);
    assert_eq!(text(&ran.stdout), expected("./pie"), "{}", text(&ran.stderr));
    let linker = root.join("usr").join(LINKER);
    assert!(text(&ran.stderr).contains(linker.to_str().expect("UTF-8")), "{}", text(&ran.stderr));
    // By -L the same root serves a program from elsewhere.
    let out = built();
    let prefix = root.to_str().expect("UTF-8");
    let ran = remu(&out, &["-d", "page", "-L", prefix, "./pie", "one", "two words"]);
    assert_eq!(text(&ran.stdout), expected("./pie"), "{}", text(&ran.stderr));
    assert!(text(&ran.stderr).contains(linker.to_str().expect("UTF-8")), "{}", text(&ran.stderr));
}

#[test]
fn a_missing_linker_is_told_with_where_it_was_looked_for() {
    let out = built();
    let empty = tempfile::tempdir().expect("a temporary folder");
    let dir = empty.path().canonicalize().expect("it exists");
    for name in ["nowhere", "pie"] {
        fs::copy(out.join(name), dir.join(name)).expect("the program is copied");
    }
    let here = dir.display();
    assert_eq!(
        refused(&remu(&dir, &["./nowhere"])),
        format!(
            "./nowhere: needs the dynamic linker /lib/ld-nowhere.so.1, and there is none for RISC-V in {here}, \
             the directories above it, or /usr/riscv64-linux-gnu; name its root directory with -L"
        )
    );
    if !Path::new("/").join(LINKER).exists() {
        assert_eq!(
            refused(&remu(&dir, &["-L", ".", "./pie"])),
            format!(
                "./pie: needs the dynamic linker /lib/ld-linux-riscv64-lp64d.so.1, and there is none for RISC-V in \
                 {here} or /; install libc6-riscv64-cross or libc6:riscv64 (Debian's names), or name its root \
                 directory with -L"
            )
        );
    }
    fs::create_dir(dir.join("lib")).expect("a folder");
    executable(&dir.join(LINKER), "hello\n");
    assert_eq!(
        refused(&remu(&dir, &["-L", ".", "./pie"])),
        format!("./pie: its dynamic linker {here}/{LINKER}: is not an ELF program")
    );
}

#[test]
fn scripts_are_run_by_the_rules_of_the_kernel() {
    let (_dir, root) = make_root();
    let bin = root.join("usr/bin");
    // The path is the guest's: there is no such file on the host.
    executable(&bin.join("script"), "#! /usr/bin/pie  an argument \t\nnot read\n");
    let ran = remu(&bin, &["./script", "one"]);
    let lines = text(&ran.stdout);
    let args: Vec<_> = lines.lines().filter(|l| l.starts_with("argv") || l.starts_with("execfn")).collect();
    let want =
        ["argv[0] = /usr/bin/pie", "argv[1] = an argument", "argv[2] = ./script", "argv[3] = one", "execfn = ./script"];
    assert_eq!(args, want, "{}", text(&ran.stderr));

    // Interpreters that are scripts: five in a row at most.
    for n in 1..=6 {
        let by = if n == 1 { "pie".into() } else { format!("s{}", n - 1) };
        executable(&bin.join(format!("s{n}")), &format!("#!/usr/bin/{by} a{n}\n"));
    }
    let ran = remu(&bin, &["./s5"]);
    let args: Vec<_> =
        text(&ran.stdout).lines().filter_map(|l| l.strip_prefix("argv[")).map(|l| l[5..].to_owned()).collect();
    let want = "/usr/bin/pie a1 /usr/bin/s1 a2 /usr/bin/s2 a3 /usr/bin/s3 a4 /usr/bin/s4 a5 ./s5";
    let got: Vec<_> = args.iter().map(|a| a.trim_start()).collect();
    assert_eq!(got.join(" "), want, "{}", text(&ran.stderr));
    assert_eq!(refused(&remu(&bin, &["./s6"])), "./s6: is a script for a script, too often in a row");
}

#[test]
fn a_script_without_a_riscv_interpreter_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let here = dir.path().canonicalize().expect("it exists");
    executable(&here.join("script"), "#!/no/such/shell\n");
    assert_eq!(
        refused(&remu(&here, &["./script"])),
        format!(
            "./script: is a script for /no/such/shell, and there is none for RISC-V in {}, the directories above it, \
             or /usr/riscv64-linux-gnu; name its root directory with -L",
            here.display()
        )
    );
    executable(&here.join("long"), &format!("#!/{}\n", "y".repeat(300)));
    assert_eq!(
        refused(&remu(&here, &["./long"])),
        "./long: is a script whose interpreter's path does not end within the first 256 bytes"
    );
}

/// Unpacks Debian packages into one root directory, with /lib and /bin as Debian has them.
fn debian_root(packages: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let root = dir.path().canonicalize().expect("it exists");
    for package in packages {
        let told = script("tests/debian/fetch.sh", &[Path::new(package)]);
        let line = told.lines().find_map(|l| l.strip_prefix("riscv64 ")).expect("it has been fetched");
        let (version, folder) = line.split_once(' ').expect("a version and a folder");
        println!("{package} {version}");
        let copied = Command::new("cp").arg("-a").arg(format!("{folder}/.")).arg(&root).status();
        assert!(copied.expect("cp runs").success());
    }
    for name in ["lib", "bin"] {
        if !root.join(name).exists() {
            symlink(format!("usr/{name}"), root.join(name)).expect("a link");
        }
    }
    (dir, root)
}

#[test]
fn a_shell_of_debian_runs_in_its_own_root() {
    let (_dir, root) = debian_root(&["libc6", "dash"]);
    let ran = remu(&root, &["usr/bin/dash", "-c", "echo $0 $((6 * 7)) \"$@\"", "name", "a", "b  c"]);
    assert_eq!(text(&ran.stdout), "name 42 a b  c\n", "{}", text(&ran.stderr));
    executable(&root.join("script"), "#!/bin/dash -e\necho $0 \"$1\"; false; echo not here\n");
    let ran = remu(&root, &["./script", "b  c"]);
    assert_eq!((text(&ran.stdout).as_str(), ran.status), ("./script b  c\n", Status::Exit(1)), "{}", text(&ran.stderr));
}

#[test]
fn musl_s_dynamic_linker_works_by_itself_and_for_a_program() {
    let out = built();
    let (_dir, root) = debian_root(&["musl"]);
    fs::copy(out.join("musl"), root.join("usr/bin/musl")).expect("the program is copied");
    for words in [&["bin/musl", "x"][..], &["-L", ".", "lib/ld-musl-riscv64.so.1", "bin/musl", "x"]] {
        let ran = remu(&root, words);
        assert_eq!(text(&ran.stdout), "bin/musl\nx\nclock\n", "{words:?} {}", text(&ran.stderr));
        assert_eq!(ran.status, Status::Exit(4));
    }
    if !Path::new("/lib/ld-musl-riscv64.so.1").exists() {
        assert_eq!(
            refused(&remu(&out, &["-L", ".", "./musl"])),
            format!(
                "./musl: needs the dynamic linker /lib/ld-musl-riscv64.so.1, and there is none for RISC-V in {} or /; \
                 install musl:riscv64 (Debian's names), or name its root directory with -L",
                out.canonicalize().expect("it exists").display()
            )
        );
    }
}
