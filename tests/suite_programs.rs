//! Our own instruction suite, `testprogs/isa`, as programs of Linux: on remu, and on the newest QEMU of Debian as the
//! judge of the suite. And that the suite has all instructions of the tables. The machine's half is in `riscv_tests`.

mod common;
#[path = "common/qemu.rs"]
mod qemu;

use remu_isa::{Op, Xlen};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Far more than any of these takes.
const LIMIT: Duration = Duration::from_secs(60);

/// Where QEMU's user mode is not right: the end of the program's name, and why it is QEMU that is wrong.
const QEMU_DIFFERS: &[(&str, &str)] = &[
    (
        "uzicbo-u-cbo_clean",
        "it refuses; Zicbom: executes in U-mode where senvcfg.CBCFE is 1, as Linux has it since 6.15",
    ),
    (
        "uzicbo-u-cbo_flush",
        "it refuses; Zicbom: executes in U-mode where senvcfg.CBCFE is 1, as Linux has it since 6.15",
    ),
    (
        "ua-u-sc_misaligned",
        "it ends itself, as it knows no exception 6; A: \"if the address is not naturally aligned, an \
         address-misaligned exception or an access-fault exception will be generated\", for which Linux has SIGBUS",
    ),
];

/// Instructions that no program of the suite is a test of.
const UNTESTED: &[(Op, &str)] = &[];

/// The suite, built: the folder that `build.sh` was given.
fn suite() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("isa");
    common::script("testprogs/isa/build.sh", &[&folder]);
    folder
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|n| n.to_str()).expect("the suite's names are text")
}

/// The files of a folder with this in front of their names, in order.
fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|e| e.expect("a folder's entry").path()).collect();
    files.retain(|f| name(f).starts_with(prefix));
    files.sort();
    assert!(!files.is_empty(), "{} has no tests of {prefix}", folder.display());
    files
}

/// Runs programs as the command says; those that do not end with 0, and how they end.
fn failures(programs: &[PathBuf], command: impl Fn(&Path) -> Command + Sync) -> Vec<(String, String)> {
    let results = common::in_parallel(programs, |program| {
        let outcome = common::run(&mut command(program), Vec::new(), LIMIT);
        let failed = outcome.status != common::Status::Exit(0);
        // The status is the number of the case, if the program came to tell it.
        failed.then(|| {
            let said = String::from_utf8_lossy(&outcome.stderr);
            let said = said.lines().find(|l| !l.is_empty()).unwrap_or("").to_owned();
            (name(program).to_owned(), format!("{}: {said}", outcome.status))
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
        // A folder for the cores that programs may leave.
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
            assert!(failures.len() < before, "{prefix}{end} is listed as different on QEMU, and is not");
        }
        assert!(failures.is_empty(), "{}", shown(&failures));
    }
}

/// What the sources of one width test: what `# tests:` names in their first lines, or the file's name.
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
            assert!(!is_tested(*op), "{} has a test, and is listed: {why}", op.mnemonic());
        }
        let missing: Vec<_> = Op::ALL
            .into_iter()
            .filter(|&op| there(op) && !is_tested(op) && !UNTESTED.iter().any(|(listed, _)| *listed == op))
            .map(Op::mnemonic)
            .collect();
        assert!(missing.is_empty(), "RV{}: no test of {}", xlen.bits(), missing.join(" "));
    }
}
