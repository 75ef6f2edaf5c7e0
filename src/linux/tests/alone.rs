//! Tests that change their process run alone in a new one: this test binary again, with only that test.

use crate::host::{self, StopFlag};
use crate::linux::signal::bit;
use std::any::type_name;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// The environment variable with the name of the test that runs alone.
const ALONE: &str = "REMU_TEST_ALONE";

/// The name of the running test, as the test harness's filter takes it.
pub(super) fn test_name() -> String {
    std::env::var(ALONE).unwrap_or_else(|_| std::thread::current().name().unwrap_or("?").to_owned())
}

/// Whether our handler has blocked all signals in the process's first thread. SIGSEGV is excepted: the C library blocks
/// it, too, while it starts a thread.
fn harness_takes_none() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
    let blocked = u64::from_str_radix(blocked.trim(), 16).unwrap();
    blocked & bit(libc::SIGHUP) != 0 && blocked & bit(libc::SIGSEGV) == 0
}

/// Makes the test harness's thread block all signals, which happens once it receives one, so that signals to the
/// process arrive in this thread.
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

/// Runs the body of a test in a new process, whose signals it receives. The body may change the process; the test fails
/// if the process does not complete the body.
pub(super) fn alone<F: FnOnce()>(body: F) {
    alone_by(Command::new(std::env::current_exe().unwrap()), body);
}

/// The same, as root of a new user namespace and a new mount namespace.
pub(super) fn alone_in_namespace<F: FnOnce()>(body: F) {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount"]).arg(std::env::current_exe().unwrap());
    alone_by(command, body);
}

fn alone_by<F: FnOnce()>(mut command: Command, body: F) {
    // The type name of a closure contains the enclosing function.
    let name = type_name::<F>().split_once("::").and_then(|(_, path)| path.strip_suffix("::{{closure}}"));
    let name = name.expect("the body is a closure of the test");
    if std::env::var_os(ALONE).is_some() {
        take_the_processs_signals();
        return body();
    }
    let output = command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(ALONE, name)
        .stdin(Stdio::piped())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{}:\n{text}", output.status);
}
