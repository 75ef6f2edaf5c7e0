//! Tests of fork. A child must not come back into the test harness: it ends by `_exit`.

use super::*;
use crate::host::{Lock, Rank, exit_now, spawn};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Far more than a child takes, on any machine.
const WATCHDOG: Duration = Duration::from_secs(60);

/// The wait status of a child; one that hangs is killed, and fails the test.
pub(in crate::host) fn status_of(pid: i32) -> i32 {
    status_within(pid, WATCHDOG)
}

/// The same for a child that takes longer.
pub(in crate::host) fn status_within(pid: i32, limit: Duration) -> i32 {
    let begun = Instant::now();
    let mut status = 0;
    loop {
        // SAFETY: the status is a live variable.
        match unsafe { libc::waitpid(pid, &mut status, libc::WNOHANG | libc::__WALL) } {
            0 if begun.elapsed() > limit => {
                // SAFETY: a child of this process that was not waited for has this number.
                unsafe { libc::kill(pid, libc::SIGKILL) };
                panic!("the child {pid} hangs");
            }
            0 => std::thread::sleep(Duration::from_micros(50)),
            got => {
                assert_eq!(got, pid, "waitpid: {}", std::io::Error::last_os_error());
                return status;
            }
        }
    }
}

fn exited(status: i32) -> i32 {
    status << 8
}

/// Forks; the child ends with the status that `child` returns.
fn forked(new: &NewProcess<'_>, locks: &LockSet<'_>, child: impl FnOnce() -> i32) -> ChildProcess {
    match fork(new, locks, &mut || ()).expect("the host forks") {
        Forked::Child => exit_now(child()),
        Forked::Parent(process) => process,
    }
}

/// Blocks of all sizes, small ones above all.
fn allocate(round: usize) {
    let sizes = [24, 200, 5000, 70_000, 300_000];
    let block: Vec<u8> = Vec::with_capacity(sizes[round % 5] + round % 64);
    let mut more = black_box(block);
    more.resize(100, 1);
    drop(black_box(more));
}

/// Runs `body` beside threads that allocate and take locks all the time.
fn beside_busy_threads(locks: Arc<[Lock<(u64, u64)>; 3]>, body: impl FnOnce()) {
    const THREADS: usize = 8;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for round in 0.. {
                    allocate(round);
                    let mut pair = locks[round % 3].lock();
                    pair.0 += 1;
                    allocate(round);
                    pair.1 += 1;
                    drop(pair);
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        body();
        stop.store(true, Ordering::Relaxed);
    });
}

fn three_locks() -> Arc<[Lock<(u64, u64)>; 3]> {
    Arc::new([Rank::Limits, Rank::Space, Rank::Log].map(|rank| Lock::new(rank, (0, 0))))
}

#[test]
fn children_of_busy_threads_allocate_and_take_all_locks() {
    const FORKS: usize = 2000;
    // The busy threads leave a child little of the CPU, so several run at once.
    const AT_ONCE: usize = 32;
    let mut running = std::collections::VecDeque::new();
    let locks = three_locks();
    let set = LockSet::new(locks.iter().rev().map(Lock::erased).collect());
    beside_busy_threads(locks.clone(), || {
        for round in 0..FORKS {
            let child = forked(&NewProcess::ORDINARY, &set, || {
                for size in round..round + 20 {
                    allocate(size);
                }
                // The values are whole, and all locks can be taken again.
                let whole = locks.iter().all(|lock| {
                    let pair = lock.lock();
                    pair.0 == pair.1
                });
                drop(set.lock());
                i32::from(!whole)
            });
            running.push_back(child.pid);
            if running.len() == AT_ONCE {
                assert_eq!(running.pop_front().map(status_of), Some(0), "fork {round}");
            }
        }
        running.into_iter().for_each(|pid| assert_eq!(status_of(pid), 0));
    });
}

#[test]
fn threads_that_fork_at_once_do_not_hang() {
    let locks = three_locks();
    let set = LockSet::new(locks.iter().map(Lock::erased).collect());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for round in 0..50 {
                    allocate(round);
                    let child = forked(&NewProcess::ORDINARY, &set, || {
                        allocate(round);
                        drop(set.lock());
                        7
                    });
                    allocate(round);
                    assert_eq!(status_of(child.pid), exited(7));
                }
            });
        }
    });
}

#[test]
fn what_runs_in_the_child_first_may_take_locks() {
    let lock = Lock::new(Rank::Space, 1);
    let set = LockSet::new(vec![lock.erased(), lock.erased()]);
    let forked = fork(&NewProcess::ORDINARY, &set, &mut || *lock.lock() += 1).unwrap();
    let Forked::Parent(child) = forked else { exit_now(*lock.lock()) };
    assert_eq!(status_of(child.pid), exited(2));
    assert_eq!(*lock.lock(), 1);
}

#[test]
fn a_child_knows_its_own_number() {
    let child = forked(&NewProcess::ORDINARY, &LockSet::default(), || {
        // SAFETY: the signal's default action ends the child.
        unsafe { libc::raise(libc::SIGKILL) };
        1
    });
    assert_eq!(status_of(child.pid), libc::SIGKILL);
}

#[test]
fn a_child_may_start_threads_and_fork() {
    let child = forked(&NewProcess::ORDINARY, &LockSet::default(), || {
        let word = Arc::new(AtomicU32::new(0));
        let of_thread = word.clone();
        spawn(move || of_thread.store(3, Ordering::Release)).unwrap();
        while word.load(Ordering::Acquire) == 0 {
            std::thread::yield_now();
        }
        let grandchild = forked(&NewProcess::ORDINARY, &LockSet::default(), || 4);
        if status_of(grandchild.pid) == exited(4) { word.load(Ordering::Relaxed) as i32 } else { 1 }
    });
    assert_eq!(status_of(child.pid), exited(3));
}

#[test]
fn signal_masks_are_as_before_in_both() {
    let mask = signals::signal_mask();
    let child = forked(&NewProcess::ORDINARY, &LockSet::default(), || i32::from(signals::signal_mask() != mask));
    assert_eq!(status_of(child.pid), 0);
    assert_eq!(signals::signal_mask(), mask);
}

#[test]
fn flags_of_clone_reach_the_kernel() {
    let none = LockSet::default();
    // A descriptor of the process, which can be polled once that has ended.
    let new = NewProcess { flags: libc::CLONE_PIDFD as u64, ..NewProcess::ORDINARY };
    let child = forked(&new, &none, || 5);
    let pidfd = child.pidfd.unwrap();
    let mut poll = libc::pollfd { fd: pidfd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one live entry; the descriptor is this test's.
    unsafe {
        assert_eq!(libc::poll(&mut poll, 1, -1), 1);
        libc::close(pidfd);
    }
    assert_eq!(status_of(child.pid), exited(5));
    // An end that no signal tells of is waited for by __WALL alone.
    let new = NewProcess { exit_signal: 0, ..NewProcess::ORDINARY };
    let child = forked(&new, &none, || 6);
    // SAFETY: no status is asked for.
    assert_eq!(unsafe { libc::waitpid(child.pid, std::ptr::null_mut(), 0) }, -1);
    assert_eq!(status_of(child.pid), exited(6));
    // A new user namespace needs no privileges where the host allows it; the first process in one is number 1.
    let new = NewProcess { flags: (libc::CLONE_NEWUSER | libc::CLONE_NEWPID) as u64, ..NewProcess::ORDINARY };
    match fork(&new, &none, &mut || ()) {
        Ok(Forked::Child) => exit_now(std::process::id() as i32 + 10),
        Ok(Forked::Parent(child)) => assert_eq!(status_of(child.pid), exited(11)),
        Err(error) => assert!([Errno::PERM.into(), Errno::NOSPC.into()].contains(&error), "{error:?}"),
    }
    // clone3's arguments: numbers below the last one are free, and taking one needs privileges.
    let new = NewProcess { set_tid: &[-1], ..NewProcess::ORDINARY };
    assert_eq!(fork(&new, &none, &mut || ()), Err(Errno::INVAL.into()));
    let new = NewProcess { flags: libc::CLONE_VM as u64, ..NewProcess::ORDINARY };
    assert_eq!(fork(&new, &none, &mut || ()), Err(Errno::INVAL.into()));
    // The next fork is an ordinary one again.
    assert_eq!(status_of(forked(&NewProcess::ORDINARY, &none, || 8).pid), exited(8));
}

#[test]
fn a_signal_that_was_not_taken_comes_first() {
    let stop: Arc<crate::host::StopFlag> = Arc::default();
    let attached = crate::host::attach(stop);
    crate::host::set_disposition(libc::SIGURG, crate::host::Disposition::Catch, 0).unwrap();
    let mask = signals::set_signal_mask(0);
    // SAFETY: the signal is caught, and sent to this thread.
    unsafe { libc::raise(libc::SIGURG) };
    assert_eq!(fork(&NewProcess::ORDINARY, &LockSet::default(), &mut || ()), Err(CallError::NotBegun));
    assert_eq!(crate::host::take_signal().map(|info| info.signo), Some(libc::SIGURG));
    drop(attached);
    signals::set_signal_mask(mask);
    assert_eq!(status_of(forked(&NewProcess::ORDINARY, &LockSet::default(), || 0).pid), 0);
}
