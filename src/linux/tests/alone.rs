//! Tests that change the process they run in get one of their own: this program again, for the one
//! test.

use crate::host::{self, StopFlag};
use crate::linux::signal::bit;
use std::any::type_name;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Names the test that has the process to itself.
const ALONE: &str = "REMU_TEST_ALONE";

/// The running test, by the name that it is chosen with.
pub(super) fn test_name() -> String {
    std::env::var(ALONE).unwrap_or_else(|_| std::thread::current().name().unwrap_or("?").to_owned())
}

/// Whether our handler has blocked all signals in the first thread of the process: all but SIGSEGV, where
/// the C library, while it starts a thread, has that blocked as well.
fn harness_takes_none() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
    let blocked = u64::from_str_radix(blocked.trim(), 16).unwrap();
    blocked & bit(libc::SIGHUP) != 0 && blocked & bit(libc::SIGSEGV) == 0
}

/// Has the test harness's thread take no more signals, as it does once it has got one, so that those to the
/// process come to this thread.
fn take_the_processs_signals() {
    let stop = Arc::new(StopFlag::new());
    let mask = host::set_signal_mask(0);
    let mailbox = host::attach(stop.clone());
    host::set_disposition(libc::SIGHUP, host::Disposition::Catch, 0).unwrap();
    while !harness_takes_none() {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::HUP).unwrap();
        while !stop.is_raised() {
            std::thread::yield_now();
        }
        host::take_signal();
        host::set_signal_mask(0);
    }
    host::set_disposition(libc::SIGHUP, host::Disposition::Default, 0).unwrap();
    drop(mailbox);
    host::set_signal_mask(mask);
}

/// Runs the body of a test in a process of its own, whose signals it gets. It may do to the process
/// what it wants; it fails if the process does not come back from it.
pub(super) fn alone<F: FnOnce()>(body: F) {
    // A closure is named after the function that holds it.
    let name = type_name::<F>().split_once("::").and_then(|(_, path)| path.strip_suffix("::{{closure}}"));
    let name = name.expect("the body is a closure of the test");
    if std::env::var_os(ALONE).is_some() {
        take_the_processs_signals();
        return body();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(ALONE, name)
        .stdin(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{}:\n{said}", output.status);
}
