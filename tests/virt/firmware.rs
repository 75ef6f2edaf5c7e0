//! Debian's OpenSBI and U-Boot.

use super::session::Session;
use super::{qemu, qemu_system, remu_system_on};
use remu_isa::Xlen;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// OpenSBI for 64-bit harts.
pub fn opensbi() -> PathBuf {
    let file = "usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin";
    qemu::fetched("opensbi", file, "opensbi").unwrap_or_else(|missing| panic!("{missing}"))
}

fn u_boot() -> PathBuf {
    let file = "usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin";
    qemu::fetched("u-boot-qemu", file, "u-boot-qemu").unwrap_or_else(|missing| panic!("{missing}"))
}

const PROMPT: &str = "\n=> ";

/// A machine at U-Boot's prompt.
fn at_prompt(mut command: Command, harts: usize) -> Session {
    command.args(["-M", "virt", "-serial", "stdio", "-smp", &harts.to_string()]);
    command.arg("-bios").arg(opensbi()).arg("-kernel").arg(u_boot());
    let mut session = Session::start(command);
    let banner = session.expect("U-Boot 20");
    for line in ["OpenSBI v", "uart8250", "syscon-poweroff", "aclint-mtimer @ 10000000Hz"] {
        assert!(banner.contains(line), "{line:?} is missing in\n{banner}");
    }
    session.expect("Hit any key to stop autoboot");
    session.type_line("");
    session.expect(PROMPT);
    session
}

/// Types commands at U-Boot's prompt, reads the answers, and powers off. Returns the date.
fn converse(command: Command, harts: usize) -> String {
    let mut session = at_prompt(command, harts);
    let mut answer = |typed: &str, answers: &[&str]| {
        session.type_line(typed);
        let said = session.expect(PROMPT);
        answers.iter().for_each(|answer| assert!(said.contains(answer), "{typed}: {answer:?} is missing in\n{said}"));
        said
    };
    answer("version", &["U-Boot 20"]);
    answer("sbi", &["SBI 3.", "OpenSBI 1.", "Timer Extension", "Hart State Management Extension"]);
    let list: Vec<String> = (0..harts).map(|hart| format!("{hart}: cpu@{hart:<6x} riscv")).collect();
    answer("cpu list", &list.iter().map(String::as_str).collect::<Vec<_>>());
    let date = answer("date", &["Date: 20"]);
    session.type_line("poweroff");
    assert_eq!(session.end().0, Some(0));
    date
}

#[test]
fn u_boot_answers_on_qemu() {
    converse(qemu_system(Xlen::Rv64), 2);
}

#[test]
fn u_boot_answers() {
    // On threads; with more harts than processors, and about as many as this firmware has memory for.
    for (engine, harts) in [("jit", 1), ("jit", 2), ("jit", 48), ("interp", 2)] {
        converse(remu_system_on(engine), harts);
    }
    let with = |words: &[&str]| {
        let mut command = remu_system_on("jit");
        command.args(words);
        command
    };
    converse(with(&["--round-robin"]), 2);
    let date = converse(with(&["-icount", "shift=3,sleep=off"]), 1);
    assert!(date.contains("Date: 2024-01-01"), "{date}");
}

#[test]
#[ignore = "measures, and checks no more than u_boot_answers"]
fn u_boot_is_timed() {
    for (name, command) in [
        ("compiler", &(|| remu_system_on("jit")) as &dyn Fn() -> Command),
        ("interpreter", &|| remu_system_on("interp")),
        ("QEMU", &|| qemu_system(Xlen::Rv64)),
    ] {
        let timed = || {
            let start = Instant::now();
            let mut session = at_prompt(command(), 2);
            let prompt = start.elapsed();
            let typed = Instant::now();
            session.type_line("date");
            session.expect("Date: 20");
            session.expect(PROMPT);
            let date = typed.elapsed();
            session.type_line("poweroff");
            assert_eq!(session.end().0, Some(0));
            (prompt, date)
        };
        let least = |a: (Duration, Duration), b: (Duration, Duration)| (a.0.min(b.0), a.1.min(b.1));
        let (prompt, date) = (0..5).map(|_| timed()).reduce(least).expect("five runs");
        println!("{name}: U-Boot's prompt after {prompt:.2?}, date answered after {date:.2?}");
    }
}
