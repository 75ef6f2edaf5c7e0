//! Checks that the tests notice each call: they run again with one row of the table at a time returning 0 without
//! making the call, and at least one test must fail.
//!
//! The tests run in child processes, controlled by environment variables. The first run records which test makes which
//! call, so that later runs are short.

use super::super::outcome::SysResult;
use super::super::table::{self, Row, Support};
use super::alone::test_name;
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

/// The environment variable with the name of the row that returns 0.
const ZEROED: &str = "REMU_TEST_ZEROED_ROW";

/// The environment variable with the path of a file that gets a line for each call: the test and the row.
const RECORD: &str = "REMU_TEST_RECORD_ROWS";

/// How long a test may wait for an event that never comes because the call was not made.
const LIMIT: Duration = Duration::from_secs(20);

/// Rows for which 0 is always correct and whose effect is invisible, with the reason.
const UNSEEN: &[(&str, &str)] = &[
    ("sync", "it never fails, and data on the disk looks the same as data in the cache"),
    ("sched_yield", "it never fails, and the host chooses what runs instead"),
];

/// Tests that make calls without checking the results.
const BLIND: &[&str] = &["no_call_panics_on_any_arguments", "each_row_has_a_test_that_fails_when_it_returns_zero"];

/// The result of the row's call if it must not be made: 0, if this process zeroes the row.
pub(in crate::linux) fn instead_of(row: &Row, args: &[u64; 6]) -> Option<SysResult> {
    static NAME: LazyLock<Option<String>> = LazyLock::new(|| {
        let name = std::env::var(ZEROED).ok()?;
        std::thread::spawn(|| {
            std::thread::sleep(LIMIT);
            crate::host::exit_now(1);
        });
        Some(name)
    });
    static FILE: LazyLock<Option<File>> = LazyLock::new(|| {
        let path = std::env::var_os(RECORD)?;
        Some(OpenOptions::new().append(true).open(path).expect("the file of rows"))
    });
    if let Some(mut file) = FILE.as_ref() {
        file.write_all(format!("{} {}\n", test_name(), row.name).as_bytes()).expect("a line for the row");
    }
    let zeroed = NAME.as_deref()?;
    // A System V object with ID 0 may belong to another process, and a test must not remove it.
    let foreign = zeroed.strip_suffix("get").is_some_and(|kind| row.name.starts_with(kind)) && args[0] == 0;
    match row.name {
        name if name == zeroed => Some(Ok(0)),
        "msgctl" | "semctl" | "shmctl" if foreign => Some(Err(Errno::INVAL.into())),
        _ => None,
    }
}

/// The tests in another process. A test that takes result 0 for a descriptor uses standard input. Standard input is a
/// pipe without data, so that tests of root do no harm.
fn tests() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--test-threads=2", "--format=pretty"]).env("RUST_BACKTRACE", "0").stdin(Stdio::piped());
    command
}

/// For each row, the tests that make its call.
fn recorded() -> BTreeMap<String, BTreeSet<String>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut command = tests();
    command.arg("linux::").args(BLIND.iter().flat_map(|name| ["--skip", name]));
    let output = command.env(RECORD, file.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for line in std::fs::read_to_string(file.path()).unwrap().lines() {
        let (test, row) = line.split_once(' ').unwrap();
        found.entry(row.to_owned()).or_default().insert(test.to_owned());
    }
    found
}

/// Whether one of the tests fails when the row returns 0.
fn is_noticed(row: &Row, by: &BTreeSet<String>) -> bool {
    let mut child = tests()
        .arg("--exact")
        .args(by)
        .env(ZEROED, row.name)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let failed = lines.map_while(Result::ok).any(|line| line.starts_with("test ") && line.ends_with("FAILED"));
    if failed {
        // The remaining tests may be waiting for an event that never comes.
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    failed || !status.success()
}

#[test]
fn each_row_has_a_test_that_fails_when_it_returns_zero() {
    let recorded = recorded();
    let rows: Vec<_> = table::rows().iter().filter(|row| !matches!(row.support, Support::Unsupported(_))).collect();
    let unnoticed = Mutex::new(BTreeSet::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !recorded.get(row.name).is_some_and(|by| is_noticed(row, by)) {
                        unnoticed.lock().unwrap().insert(row.name);
                    }
                }
            });
        }
    });
    let unnoticed = unnoticed.into_inner().unwrap();
    let unseen: BTreeSet<_> = UNSEEN.iter().map(|(name, _)| *name).collect();
    let list = |names: BTreeSet<&&str>| names.into_iter().copied().collect::<Vec<_>>().join(" ");
    let survivors = list(unnoticed.difference(&unseen).collect());
    assert!(survivors.is_empty(), "calls whose absence no test notices: {survivors}");
    let seen = list(unseen.difference(&unnoticed).collect());
    assert!(seen.is_empty(), "calls in UNSEEN whose absence a test notices: {seen}");
}
