//! Debian's Linux kernel, with OpenSBI and a file system of Debian's busybox in memory.

use super::cpio::Archive;
use super::firmware::opensbi;
use super::session::{Session, cpu_time_of_children};
use super::{common, qemu_system, remu_system_on};
use remu_isa::Xlen;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that a call of `tests/debian/fetch.sh` prints for riscv64.
fn fetched(words: &[&str]) -> PathBuf {
    let words: Vec<&Path> = words.iter().map(Path::new).collect();
    let text = common::script("tests/debian/fetch.sh", &words);
    let line = text.lines().find(|line| line.starts_with("riscv64 ")).expect("a line for riscv64");
    line.rsplit(' ').next().expect("a folder").into()
}

/// The initial file system, whose `/init` mounts what programs need and goes on with `then`. It has
/// these programs, by name, beside the tools.
fn disk(then: &str, programs: &[(&str, &[u8])]) -> Vec<u8> {
    let busybox = fetched(&["busybox-static"]).join("usr/bin/busybox");
    let busybox = std::fs::read(&busybox).unwrap_or_else(|e| panic!("{}: {e}", busybox.display()));
    let init = format!("#!/bin/sh\nmount -t proc proc /proc\nmount -t sysfs sys /sys\n{then}\n");
    let folders = ["bin", "dev", "proc", "sys", "tmp"];
    let archive = folders.into_iter().fold(Archive::default(), Archive::folder);
    let archive = archive.device("dev/console", 5, 1).device("dev/null", 1, 3);
    let archive = archive.program("bin/busybox", &busybox).program("init", init.as_bytes());
    let archive =
        programs.iter().fold(archive, |archive, (name, contents)| archive.program(&format!("bin/{name}"), contents));
    let tools = "cat date dmesg echo grep mount poweroff sh sleep tail taskset uname wc";
    tools.split(' ').fold(archive, |archive, tool| archive.link(&format!("bin/{tool}"), "busybox")).end()
}

/// A command with the words that boot the kernel.
fn boot(mut command: Command, harts: usize, folder: &Path, then: &str, programs: &[(&str, &[u8])]) -> Command {
    std::fs::write(folder.join("disk"), disk(then, programs)).unwrap();
    command.args(["-M", "virt", "-m", "256M", "-serial", "stdio", "-smp", &harts.to_string()]);
    command.arg("-bios").arg(opensbi()).arg("-kernel").arg(fetched(&["--kernel"]).join("Image"));
    command.arg("-initrd").arg(folder.join("disk")).args(["-append", "console=ttyS0 earlycon=sbi"]);
    command
}

/// Boots to a shell, types commands, reads the answers, and powers off.
fn converse(command: Command, harts: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(boot(command, harts, folder.path(), "exec sh", &[]));
    session.expect("Run /init");
    session.expect("# ");
    // A number that only the shell computes marks the end of an answer.
    let mut marks = 1000;
    let mut answer = |typed: &str, answers: &[&str]| {
        marks += 1;
        session.type_line(&format!("{typed}; echo [$(({marks}))]"));
        let said = session.expect(&format!("\n[{marks}]"));
        answers.iter().for_each(|answer| assert!(said.contains(answer), "{typed}: {answer:?} is missing in\n{said}"));
    };
    answer("uname -a", &["Linux", "riscv64"]);
    answer("grep -c ^processor /proc/cpuinfo", &[&format!("\n{harts}")]);
    answer("cat /proc/cpuinfo", &["hart\t\t: 0", "isa\t\t: rv64ima", "mmu\t\t: sv"]);
    answer("i=0; while [ $i -lt 50 ]; do i=$(echo $((i + 1)) | cat); done; echo loops $i", &["\nloops 50"]);
    // Each hart is kept busy by a loop of its own.
    let busy = |hart: usize| {
        let count = "i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); done";
        format!("taskset {} sh -c '{count}; echo busy {hart} $i' &", 1 << hart)
    };
    let answers: Vec<String> = (0..harts).map(|hart| format!("busy {hart} 1000")).collect();
    let all: String = (0..harts).map(busy).collect();
    answer(&format!("{all} wait"), &answers.iter().map(String::as_str).collect::<Vec<_>>());
    answer("date +%Y", &["\n20"]);
    answer("dmesg | tail -n 3 | wc -l", &["\n3"]);
    answer("sleep 1; echo slept", &["\nslept"]);
    session.type_line("poweroff -f");
    let (status, said) = session.end();
    assert!(status == Some(0) && said.contains("Power down"), "{status:?}\n{said}");
}

#[test]
fn linux_answers_on_qemu() {
    converse(qemu_system(Xlen::Rv64), 2);
}

#[test]
fn linux_answers() {
    for (engine, harts) in [("jit", 1), ("jit", 2), ("interp", 1)] {
        converse(remu_system_on(engine), harts);
    }
}

#[test]
#[ignore = "measures, and checks no more than linux_answers"]
fn a_program_in_linux_is_timed() {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare/programs");
    common::script("benches/programs/build.sh", &[&built]);
    let program = built.join("riscv64/coremix");
    let contents = std::fs::read(&program).unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    for (engine, name) in [("jit", "compiler"), ("interp", "interpreter"), ("", "QEMU")] {
        let rounds = if engine == "jit" { "40000" } else { "4000" };
        let command = if engine.is_empty() { qemu_system(Xlen::Rv64) } else { remu_system_on(engine) };
        let folder = tempfile::tempdir().unwrap();
        let mut session = Session::start(boot(command, 1, folder.path(), "exec sh", &[("coremix", &contents)]));
        session.expect("Run /init");
        let booted = session.cpu_time();
        session.expect("# ");
        // The kernel still tests its cryptography, and would share the hart.
        session.type_line("until grep -q ' 1/' /proc/loadavg; do sleep 1; done; echo [$((39 + 2))]");
        session.expect("\n[41]");
        let mut in_linux = || {
            let start = session.cpu_time();
            session.type_line(&format!("/bin/coremix {rounds}; echo [$((40 + 2))]"));
            session.expect("\n[42]");
            session.cpu_time() - start
        };
        let mut alone =
            if engine.is_empty() { Command::new("qemu-riscv64") } else { Command::new(env!("CARGO_BIN_EXE_remu")) };
        alone
            .args((!engine.is_empty()).then_some(["--engine", engine]).into_iter().flatten())
            .arg(&program)
            .arg(rounds);
        let mut alone = || {
            let start = cpu_time_of_children();
            assert!(alone.output().expect("it runs").status.success());
            cpu_time_of_children() - start
        };
        let times: Vec<_> = (0..5).map(|_| (in_linux(), alone())).collect();
        session.type_line("poweroff -f");
        assert_eq!(session.end().0, Some(0));
        let in_linux = times.iter().map(|times| times.0).min().expect("five times");
        let alone = times.iter().map(|times| times.1).min().expect("five times");
        let ratio = in_linux.as_secs_f64() / alone.as_secs_f64();
        println!(
            "{name}: /init after {booted:.2?}; {rounds} rounds in Linux {in_linux:.2?}, alone {alone:.2?}: {ratio:.2}"
        );
    }
}

#[test]
fn a_boot_with_a_clock_of_instructions_is_repeatable() {
    let folder = tempfile::tempdir().unwrap();
    let then = "uname -a; cat /proc/cpuinfo; for i in 1 2 3; do echo $i | cat; done; date; dmesg | tail; poweroff -f";
    for engine in ["jit", "interp"] {
        let run = || {
            let mut command = boot(remu_system_on(engine), 2, folder.path(), then, &[]);
            command.args(["-icount", "shift=3,sleep=off"]);
            Session::start(command).end()
        };
        let first = run();
        assert!(first.0 == Some(0) && first.1.contains("Power down"), "{engine}: {first:?}");
        assert_eq!(run(), first, "{engine}");
    }
}
