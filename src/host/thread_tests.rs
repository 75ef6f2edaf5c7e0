//! Tests of threads.

use super::*;
use crate::host::signal_mask;
use std::sync::mpsc::{channel, sync_channel};
use std::time::Duration;

/// The sizes of the address space and of what is in memory, in pages.
fn sizes() -> (i64, i64) {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let mut numbers = text.split(' ').map(|n| n.parse::<i64>().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

fn ended(tid: i32) -> bool {
    !std::path::Path::new(&format!("/proc/self/task/{tid}")).exists()
}

/// Starts threads one after the other, and waits for the end of each.
fn start_and_end(count: usize) {
    for _ in 0..count {
        let (end, ends) = channel();
        let tid = spawn(move || ends.recv().unwrap()).unwrap();
        end.send(()).unwrap();
        while !ended(tid) {
            std::thread::yield_now();
        }
    }
}

/// In a process of its own, since other tests change the sizes.
fn nothing_grows(count: usize, limit: Duration) {
    use crate::host::fork::{self, Forked, NewProcess};
    match fork::fork(&NewProcess::ORDINARY, &crate::host::LockSet::default(), &mut || ()).unwrap() {
        Forked::Child => {
            start_and_end(50);
            let before = sizes();
            start_and_end(count);
            let after = sizes();
            let grown = (after.0 - before.0, after.1 - before.1);
            // Neither by a stack nor by a page for every tenth thread.
            let fine = grown.0 < 64 && grown.1 < (count / 10) as i64;
            if !fine {
                let text = format!("{count} threads: {} pages of address space more, {} in memory\n", grown.0, grown.1);
                let _ = rustix::io::write(rustix::stdio::stderr(), text.as_bytes());
            }
            crate::host::exit_now(i32::from(!fine));
        }
        Forked::Parent(child) => assert_eq!(fork::tests::status_within(child.pid, limit), 0),
    }
}

#[test]
fn two_thousand_threads_leave_nothing_behind() {
    nothing_grows(2_000, Duration::from_secs(60));
}

/// `cargo test --lib host::thread -- --ignored`: ten seconds, or minutes on a busy machine.
#[test]
#[ignore = "takes minutes on a busy machine"]
fn a_hundred_thousand_threads_leave_nothing_behind() {
    nothing_grows(100_000, Duration::from_secs(1200));
}

#[test]
fn a_thread_starts_with_signals_blocked() {
    let before = signal_mask();
    let (send, receive) = sync_channel(0);
    let body = move || send.send((signal_mask(), rustix::thread::gettid().as_raw_nonzero().get())).unwrap();
    let tid = spawn(body).unwrap();
    // These two cannot be blocked.
    let open = [libc::SIGKILL, libc::SIGSTOP].into_iter().fold(0, |mask, signal| mask | 1 << (signal - 1));
    assert_eq!(receive.recv().unwrap(), (!open, tid));
    assert_eq!(signal_mask(), before);
}

#[test]
fn the_first_thread_ends_before_others() {
    use crate::host::fork::{self, Forked, NewProcess};
    use crate::host::{LockSet, exit_now};
    match fork::fork(&NewProcess::ORDINARY, &LockSet::default(), &mut || ()).unwrap() {
        Forked::Child => {
            let first = std::process::id();
            spawn(move || {
                let path = format!("/proc/{first}/task/{first}/stat");
                // A zombie, until the process ends.
                while !std::fs::read_to_string(&path).unwrap().contains(") Z ") {
                    std::thread::yield_now();
                }
                exit_now(9);
            })
            .unwrap();
            exit_first_thread();
        }
        Forked::Parent(child) => assert_eq!(fork::tests::status_of(child.pid), 9 << 8),
    }
}
