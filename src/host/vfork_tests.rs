//! Tests of vfork children.

use super::*;
use crate::host::fork::tests::status_of;
use crate::host::{Lock, Rank, exit_now};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

/// The count of live blocks is the process'.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn vforked(child: &mut dyn FnMut() -> i32) -> VforkDone {
    vfork(&NewProcess::ORDINARY, &StopFlag::new(), child).expect("the host makes a child")
}

/// Runs a child that ends with a status, which is returned.
fn status(child: &mut dyn FnMut() -> i32) -> i32 {
    let done = vforked(child);
    assert!(!done.held_locks);
    status_of(done.child.pid)
}

thread_local! {
    static LOCAL: Cell<u64> = const { Cell::new(0) };
}

#[test]
fn memory_and_thread_locals_are_shared() {
    let _alone = alone();
    let mut seen = 0;
    LOCAL.set(5);
    let parent = std::process::id();
    let status = status(&mut || {
        seen = LOCAL.get();
        LOCAL.set(6);
        i32::from(std::process::id() == parent)
    });
    assert_eq!((status, seen, LOCAL.get()), (0, 5, 6));
}

#[test]
fn blocks_outlive_the_child_and_are_freed_by_the_parent() {
    let _alone = alone();
    let live = super::super::child_memory::live_blocks();
    let mut map = BTreeMap::new();
    (0..500).for_each(|i| drop(map.insert(i, vec![i as u8; 100])));
    let mut large = Vec::new();
    let zeroed: Cell<Option<Vec<u64>>> = Cell::new(None);
    for round in 0..3u8 {
        let status = status(&mut || {
            // Frees and grows what the parent has, and leaves it blocks of its own.
            map.retain(|key, _| key % 2 == 0);
            for i in 0..1000u32 {
                map.insert(1000 + i, vec![round; 300]);
            }
            for value in map.values_mut() {
                value.extend_from_slice(&[round; 50]);
            }
            large.resize(5 << 20, round);
            zeroed.set(Some(vec![0; 10_000]));
            0
        });
        assert_eq!(status, 0);
        assert!(zeroed.take().unwrap().iter().all(|&word| word == 0));
        assert!(map.range(1000..).all(|(_, value)| value.ends_with(&[round; 50])));
        assert_eq!(large.len(), 5 << 20);
        large.push(9);
    }
    drop((map, large));
    assert_eq!(super::super::child_memory::live_blocks(), live);
}

#[test]
fn the_child_is_killed_while_it_allocates() {
    let _alone = alone();
    const KILLS: usize = 300;
    let pid = AtomicU64::new(0);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // The killer: another thread goes on while the parent waits.
            let mut pause = 0u64;
            while !over.load(Ordering::Acquire) {
                let pid = pid.swap(0, Ordering::AcqRel);
                if pid == 0 {
                    std::thread::yield_now();
                    continue;
                }
                pause = (pause * 31 + 17) % 4000;
                (0..pause).for_each(|i| _ = black_box(i));
                // SAFETY: the child is not waited for before this has killed it.
                unsafe { libc::kill(pid as i32, libc::SIGKILL) };
            }
        });
        let mut kept: Vec<Vec<u8>> = Vec::new();
        for round in 0..KILLS {
            let done = vforked(&mut || {
                pid.store(std::process::id().into(), Ordering::Release);
                let mut own = vec![vec![0u8; 10]; 10];
                for i in 0usize.. {
                    own[i % 10] = vec![0; i % 900];
                    drop(black_box(vec![1u8; i % 5000]));
                }
                0
            });
            assert_eq!(status_of(done.child.pid), libc::SIGKILL);
            assert!(!done.held_locks);
            // The parent's allocator works, in this thread and in others.
            kept.push(vec![round as u8; round * 7]);
            kept.rotate_left(round % 3);
            let other = std::thread::spawn(move || vec![round as u8; round * 50]);
            assert_eq!(other.join().unwrap().len(), round * 50);
        }
        over.store(true, Ordering::Release);
    });
}

#[test]
fn locks_of_a_killed_child_are_released() {
    let _alone = alone();
    let (outer, inner) = (Lock::new(Rank::Limits, 0), Lock::new(Rank::Space, 0));
    let done = vforked(&mut || {
        *outer.lock() += 1;
        let _outer = outer.lock();
        let _inner = inner.lock();
        // SAFETY: ends the child, which holds both locks.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        0
    });
    assert!(done.held_locks);
    assert_eq!(status_of(done.child.pid), libc::SIGKILL);
    // Neither the words nor the order that debug builds check are left behind.
    let outer = outer.lock();
    assert_eq!((*outer, *inner.lock()), (1, 0));
}

#[test]
fn locks_are_held_against_a_child_and_by_it() {
    let _alone = alone();
    let lock = Lock::new(Rank::Space, (0u64, 0u64));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let mut pair = lock.lock();
                    pair.0 += 1;
                    std::thread::yield_now();
                    pair.1 += 1;
                }
            });
        }
        for _ in 0..20 {
            let status = status(&mut || {
                (0..100)
                    .map(|_| {
                        let mut pair = lock.lock();
                        let whole = pair.0 == pair.1;
                        *pair = (pair.0 + 1, pair.1 + 1);
                        i32::from(!whole)
                    })
                    .sum()
            });
            assert_eq!(status, 0);
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_child_reaches_itself_by_raise_and_its_parent_does_later() {
    let _alone = alone();
    let died = status(&mut || {
        // SAFETY: the signal ends the child.
        unsafe { libc::raise(libc::SIGKILL) };
        1
    });
    assert_eq!(died, libc::SIGKILL);
    // SAFETY: signal 0 is only checked for. The C library's number must be this thread's again.
    assert_eq!(unsafe { libc::pthread_kill(libc::pthread_self(), 0) }, 0);
    assert_eq!(status(&mut || exit_now(3)), 3 << 8);
}

/// Loads from an address; `None` if the load faults.
fn load(address: *const u64) -> Option<u64> {
    let (value, fault): (u64, u64);
    // SAFETY: the load either yields what is there or faults, and then resumes at label 3 with a code in `r11`.
    unsafe {
        std::arch::asm!(
            "xor r11d, r11d",
            "xor eax, eax",
            "2: mov rax, [{address}]",
            "3:",
            crate::exception_entry!(),
            address = in(reg) address,
            out("rax") value,
            out("r11") fault,
            options(nostack),
        );
    }
    (fault == 0).then_some(value)
}

#[test]
fn faults_of_a_child_are_caught() {
    let _alone = alone();
    crate::host::fault::install();
    let word = 7;
    let status = status(&mut || {
        assert_eq!(load(std::ptr::without_provenance(8)), None);
        load(&raw const word).map_or(1, |word| word as i32)
    });
    assert_eq!(status, 7 << 8);
    assert_eq!(load(std::ptr::without_provenance(8)), None);
}

#[test]
fn a_childs_signals_are_its_own() {
    let _alone = alone();
    crate::host::set_disposition(libc::SIGURG, crate::host::Disposition::Catch, 0).unwrap();
    let own: std::sync::Arc<StopFlag> = Default::default();
    let attached = crate::host::attach(own.clone());
    let childs = StopFlag::new();
    let mask = signals::signal_mask();
    let done = vfork(&NewProcess::ORDINARY, &childs, &mut || {
        assert!(!childs.is_raised());
        signals::set_signal_mask(0);
        // SAFETY: the signal is caught.
        unsafe { libc::raise(libc::SIGURG) };
        let raised = childs.is_raised();
        let taken = crate::host::take_signal().map(|info| info.signo);
        // A second one is left in the mailbox.
        signals::set_signal_mask(0);
        // SAFETY: as above.
        unsafe { libc::raise(libc::SIGURG) };
        i32::from(!(raised && taken == Some(libc::SIGURG)))
    });
    assert_eq!(status_of(done.unwrap().child.pid), 0);
    assert_eq!((own.is_raised(), crate::host::take_signal().map(|info| info.signo)), (false, None));
    assert_eq!(signals::signal_mask(), mask);
    // The parent's mailbox is connected again.
    signals::set_signal_mask(0);
    // SAFETY: as above.
    unsafe { libc::raise(libc::SIGURG) };
    assert_eq!((own.is_raised(), crate::host::take_signal().map(|info| info.signo)), (true, Some(libc::SIGURG)));
    signals::set_signal_mask(mask);
    drop(attached);
}

#[test]
fn a_child_of_a_child() {
    let _alone = alone();
    let lock = Lock::new(Rank::Space, 0);
    let inner_status = status(&mut || {
        let _held = lock.lock();
        let inner = vforked(&mut || {
            drop(black_box(vec![1; 1000]));
            4
        });
        // The lock is this child's, and stays held.
        if inner.held_locks { 1 } else { status_of(inner.child.pid) >> 8 }
    });
    assert_eq!(inner_status, 4 << 8);
    *lock.lock() += 1;
}

#[test]
fn a_child_executes_a_program_or_learns_why_not() {
    let _alone = alone();
    let run = |path: &std::ffi::CStr| {
        let mut error = 0;
        let argv = [path.as_ptr(), std::ptr::null()];
        let done = vforked(&mut || {
            // SAFETY: both lists end with null; the strings are live.
            unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), [std::ptr::null()].as_ptr()) };
            error = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
            127
        });
        (status_of(done.child.pid), error)
    };
    assert_eq!(run(c"/bin/false"), (1 << 8, 0));
    assert_eq!(run(c"/nonexistent"), (127 << 8, libc::ENOENT));
}

#[test]
fn a_child_that_panics_ends_alone() {
    let _alone = alone();
    let lock = Lock::new(Rank::Space, 0);
    let status = status(&mut || {
        let _held = lock.lock();
        // Without a message: this is no failure of the test.
        std::panic::resume_unwind(Box::new("expected"))
    });
    assert_eq!(status, PANICKED << 8);
    *lock.lock() += 1;
}

#[test]
fn flags_of_clone_reach_the_kernel() {
    let _alone = alone();
    let new = NewProcess { flags: libc::CLONE_PIDFD as u64, exit_signal: 0, ..NewProcess::ORDINARY };
    let done = vfork(&new, &StopFlag::new(), &mut || 5).unwrap();
    assert_eq!(status_of(done.child.pid), 5 << 8);
    let pidfd = done.child.pidfd.unwrap();
    // SAFETY: the descriptor is this test's.
    assert_eq!(unsafe { libc::close(pidfd) }, 0);
    let new = NewProcess { set_tid: &[-1], ..NewProcess::ORDINARY };
    assert_eq!(vfork(&new, &StopFlag::new(), &mut || 0), Err(Errno::INVAL.into()));
    let new = NewProcess { flags: libc::CLONE_SIGHAND as u64, ..NewProcess::ORDINARY };
    assert_eq!(vfork(&new, &StopFlag::new(), &mut || 0), Err(Errno::INVAL.into()));
    assert_eq!(status(&mut || 6), 6 << 8);
}
