//! Our own instruction suite, `testprogs/isa`, as Linux programs: on remu, and on Debian's newest QEMU, which validates
//! the suite; and in virtual memory, under a kernel of the suite's own that evicts their pages, on `remu-system` and
//! QEMU. Also checks that the suite tests every instruction of the tables. `riscv_tests` runs the suite on machines.

mod common;
#[path = "common/qemu.rs"]
mod qemu;

use remu_isa::{Op, Xlen};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Far more than any of these programs takes.
const LIMIT: Duration = Duration::from_secs(60);

/// The programs on which QEMU's user mode is wrong: the end of the program's name, and the reason.
const QEMU_DIFFERS: &[(&str, &str)] = &[
    (
        "uzicbo-u-cbo_clean",
        "QEMU raises SIGILL; by Zicbom it executes in U-mode if senvcfg.CBCFE is 1, which Linux sets since 6.15",
    ),
    (
        "uzicbo-u-cbo_flush",
        "QEMU raises SIGILL; by Zicbom it executes in U-mode if senvcfg.CBCFE is 1, which Linux sets since 6.15",
    ),
    (
        "ua-u-sc_misaligned",
        "QEMU aborts on exception 6; the A extension: \"if the address is not naturally aligned, an \
         address-misaligned exception or an access-fault exception will be generated\", for which Linux has SIGBUS",
    ),
];

/// Instructions without a test in the suite.
const UNTESTED: &[(Op, &str)] = &[];

/// Builds the suite; returns its folder.
fn suite() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("isa");
    common::script("testprogs/isa/build.sh", &[&folder]);
    folder
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|n| n.to_str()).expect("the suite's names are text")
}

/// The files of a folder with this prefix, sorted by name.
fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|e| e.expect("a folder's entry").path()).collect();
    files.retain(|f| name(f).starts_with(prefix));
    files.sort();
    assert!(!files.is_empty(), "{} has no tests of {prefix}", folder.display());
    files
}

/// Runs the programs; returns those that do not exit with 0, and how they ended.
fn failures(programs: &[PathBuf], command: impl Fn(&Path) -> Command + Sync) -> Vec<(String, String)> {
    let results = common::in_parallel(programs, |program| {
        let outcome = common::run(&mut command(program), Vec::new(), LIMIT);
        let failed = outcome.status != common::Status::Exit(0);
        // The status is the number of the failed case, if the program got that far.
        failed.then(|| {
            let message = String::from_utf8_lossy(&outcome.stderr);
            let message = message.lines().find(|l| !l.is_empty()).unwrap_or("").to_owned();
            (name(program).to_owned(), format!("{}: {message}", outcome.status))
        })
    });
    results.into_iter().flatten().collect()
}

fn shown(failures: &[(String, String)]) -> String {
    failures.iter().map(|(name, what)| format!("{name}: {what}\n")).collect()
}

#[test]
fn the_programs_pass_on_remu() {
    let programs = files(&suite().join("user"), "rv64");
    let failures = failures(&programs, |program| {
        let mut c = Command::new(env!("CARGO_BIN_EXE_remu"));
        c.arg(program);
        c
    });
    println!("{} programs", programs.len());
    assert!(failures.is_empty(), "{}", shown(&failures));
}

#[test]
fn the_programs_pass_on_qemu() {
    let folder = suite().join("user");
    for xlen in [Xlen::Rv32, Xlen::Rv64] {
        let bin = qemu::qemu(xlen).unwrap_or_else(|e| panic!("{e}"));
        let prefix = format!("rv{}", xlen.bits());
        let programs = files(&folder, &prefix);
        // A folder for core dumps.
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut failures = failures(&programs, |program| {
            let mut c = qemu::command(&bin);
            c.args(qemu::CPU).arg(program).current_dir(dir.path());
            c
        });
        println!("{prefix}: {} programs", programs.len());
        for (end, _) in QEMU_DIFFERS {
            let before = failures.len();
            failures.retain(|(name, _)| name.strip_prefix(&prefix) != Some(end));
            assert!(failures.len() < before, "{prefix}{end} is listed in QEMU_DIFFERS but passes on QEMU");
        }
        assert!(failures.is_empty(), "{}", shown(&failures));
    }
}

/// What the suite's kernel prints on a machine.
fn in_virtual_memory(mut machine: Command, image: &Path) -> String {
    machine.args(["-M", "virt", "-bios", "none", "-serial", "stdio", "-kernel"]).arg(image);
    let outcome = common::run(&mut machine, Vec::new(), LIMIT);
    let said = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert_eq!(outcome.status, common::Status::Exit(0), "{said}{}", String::from_utf8_lossy(&outcome.stderr));
    said
}

#[test]
fn the_programs_pass_in_virtual_memory() {
    let folder = suite();
    for xlen in [Xlen::Rv32, Xlen::Rv64] {
        let image = folder.join(format!("v/rv{}", xlen.bits()));
        let on = |engine| {
            let mut machine = Command::new(env!("CARGO_BIN_EXE_remu-system"));
            machine.args(["--engine", engine]);
            in_virtual_memory(machine, &image)
        };
        let ours = on("interp");
        if xlen == Xlen::Rv64 {
            assert_eq!(ours, on("jit"), "interpreted, compiled");
        }
        // The number of page faults is the same, too.
        let bin = qemu::qemu_system(xlen).unwrap_or_else(|e| panic!("{e}"));
        let mut machine = qemu::command(&bin);
        machine.args(["-display", "none", "-monitor", "none"]).args(qemu::SYSTEM_CPU);
        assert_eq!(ours, in_virtual_memory(machine, &image), "remu, QEMU");

        println!("{ours}");
        let numbers = |name: &str| -> Vec<usize> {
            let lines = ours.lines().filter_map(|line| line.split_once(name));
            lines.map(|(_, number)| usize::from_str_radix(number.trim(), 16).expect("a number")).collect()
        };
        let programs = files(&folder.join("user"), &format!("rv{}", xlen.bits())).len();
        assert_eq!(numbers(": programs"), [programs; 2]);
        assert_eq!(numbers("  failed"), [0; 2], "{ours}");
        for event in ["evicted", "written back"] {
            assert!(numbers(event).iter().all(|&n| n > 0), "{ours}");
        }
        for bit in ["  faults for A", "  faults for D"] {
            assert!(matches!(numbers(bit)[..], [n, 0] if n > 0), "{ours}");
        }
    }
}

/// The instructions that the sources of one width test: those that `# tests:` names in the first lines, or the file's
/// name.
fn tested(sources: &Path, xlen: Xlen) -> BTreeSet<String> {
    let mut tested = BTreeSet::new();
    for file in files(sources, &format!("rv{}", xlen.bits())) {
        if file.extension().is_none_or(|e| e != "s") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let named = text.lines().take_while(|l| l.starts_with('#')).find_map(|l| l.strip_prefix("# tests: "));
        match named {
            Some(ops) => {
                for op in ops.split_whitespace() {
                    assert!(Op::from_mnemonic(op).is_some(), "{}: no instruction {op}", file.display());
                    tested.insert(op.replace('.', "_"));
                }
            }
            None => {
                let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
                tested.extend(stem.split_once("-p-").map(|(_, name)| name.to_owned()));
            }
        }
    }
    tested
}

#[test]
fn every_instruction_has_a_test() {
    let sources = suite().join("source");
    for xlen in [Xlen::Rv32, Xlen::Rv64] {
        let tested = tested(&sources, xlen);
        let there = |op: Op| if xlen == Xlen::Rv64 { op.info().rv64 } else { op.info().rv32 };
        let is_tested = |op: Op| tested.contains(&op.mnemonic().replace('.', "_"));
        for (op, why) in UNTESTED {
            assert!(!is_tested(*op), "{} is listed in UNTESTED ({why}) but has a test", op.mnemonic());
        }
        let missing: Vec<_> = Op::ALL
            .into_iter()
            .filter(|&op| there(op) && !is_tested(op) && !UNTESTED.iter().any(|(listed, _)| *listed == op))
            .map(Op::mnemonic)
            .collect();
        assert!(missing.is_empty(), "RV{}: no test of {}", xlen.bits(), missing.join(" "));
    }
}
