//! Futexes beyond wait and wake: priority inheritance, and the newer calls.

use super::{BEYOND, Bench, NOWHERE};
use crate::linux::abi::futex::FutexWaitv;
use crate::linux::abi::time::Timespec;
use rustix::io::Errno;

const LOCK_PI: u64 = 6;
const UNLOCK_PI: u64 = 7;
const TRYLOCK_PI: u64 = 8;
const WAIT_REQUEUE_PI: u64 = 11;
const CMP_REQUEUE_PI: u64 = 12;
const LOCK_PI2: u64 = 13;
const PRIVATE: u64 = 128;
const U32: u32 = 2;
const CLOCK_MONOTONIC: u64 = 1;
const ALL: u64 = u32::MAX as u64;
/// One second after boot.
const PAST: Timespec = Timespec { sec: 1, nsec: 0 };

#[test]
fn a_pi_futex_holds_its_owners_tid() {
    let mut b = Bench::new();
    let tid = b.task.tid() as u32;
    let word = b.put(&0u32);
    for lock in [TRYLOCK_PI, LOCK_PI, LOCK_PI2] {
        assert_eq!(b.sys("futex", &[word, lock | PRIVATE, 0, 0]), Ok(0), "{lock}");
        assert_eq!(b.get::<u32>(word), tid);
        assert_eq!(b.sys("futex", &[word, lock | PRIVATE, 0, 0]), Err(Errno::DEADLK), "{lock}");
        assert_eq!(b.sys("futex", &[word, UNLOCK_PI | PRIVATE]), Ok(0));
        assert_eq!(b.get::<u32>(word), 0);
    }
    assert_eq!(b.sys("futex", &[word, UNLOCK_PI | PRIVATE]), Err(Errno::PERM));
    let nobody = b.put(&0x3fff_ffffu32);
    assert_eq!(b.sys("futex", &[nobody, LOCK_PI | PRIVATE, 0, 0]), Err(Errno::SRCH));
    assert_eq!(b.sys("futex", &[word + 1, LOCK_PI, 0, 0]), Err(Errno::INVAL));
    assert_eq!(b.sys("futex", &[NOWHERE, LOCK_PI, 0, 0]), Err(Errno::FAULT));
    assert_eq!(b.sys("futex", &[word, LOCK_PI, 0, BEYOND]), Err(Errno::FAULT));
}

#[test]
fn waiters_are_requeued_to_a_pi_futex() {
    let mut b = Bench::new();
    let (word, owned) = (b.put(&5u32), b.put(&0u32));
    let past = b.put(&PAST);
    assert_eq!(b.sys("futex", &[word, CMP_REQUEUE_PI | PRIVATE, 1, 1, owned, 5]), Ok(0), "no waiter");
    assert_eq!(b.sys("futex", &[word, CMP_REQUEUE_PI | PRIVATE, 1, 1, owned, 6]), Err(Errno::AGAIN));
    assert_eq!(b.sys("futex", &[word, CMP_REQUEUE_PI | PRIVATE, 1, 1, word, 5]), Err(Errno::INVAL));
    assert_eq!(b.sys("futex", &[word, CMP_REQUEUE_PI | PRIVATE, 1, 1, NOWHERE, 5]), Err(Errno::FAULT));
    assert_eq!(b.sys("futex", &[word, WAIT_REQUEUE_PI | PRIVATE, 6, past, owned, ALL]), Err(Errno::AGAIN));
    assert_eq!(b.sys("futex", &[word, WAIT_REQUEUE_PI | PRIVATE, 5, past, owned, ALL]), Err(Errno::TIMEDOUT));
    assert_eq!(b.sys("futex", &[word, WAIT_REQUEUE_PI | PRIVATE, 5, past, word, ALL]), Err(Errno::INVAL));
    // Unknown operations, including the removed FUTEX_FD.
    for operation in [2, 14, 77] {
        assert_eq!(b.sys("futex", &[word, operation, 0, 0, 0, 0]), Err(Errno::NOSYS), "{operation}");
    }
    assert_eq!(b.missing.take(), "");
}

#[test]
fn the_futex2_calls_wait_wake_and_requeue() {
    let mut b = Bench::new();
    let word = b.put(&5u32);
    let past = b.put(&PAST);
    let u32_private = u64::from(U32) | PRIVATE;
    assert_eq!(b.sys("futex_wake", &[word, ALL, 1, u32_private]), Ok(0));
    assert_eq!(b.sys("futex_wake", &[word, 0, 1, u32_private]), Err(Errno::INVAL), "no bits");
    assert_eq!(b.sys("futex_wake", &[word + 2, ALL, 1, u32_private]), Err(Errno::INVAL));
    assert_eq!(b.sys("futex_wake", &[BEYOND, ALL, 1, u32_private]), Err(Errno::FAULT));
    assert_eq!(b.sys("futex_wake", &[BEYOND + 2, ALL, 1, u32_private]), Err(Errno::INVAL), "alignment comes first");
    assert_eq!(b.sys("futex_wait", &[word, 6, ALL, u32_private, past, CLOCK_MONOTONIC]), Err(Errno::AGAIN));
    assert_eq!(b.sys("futex_wait", &[word, 5, ALL, u32_private, past, CLOCK_MONOTONIC]), Err(Errno::TIMEDOUT));
    assert_eq!(b.sys("futex_wait", &[word, 5, ALL, u32_private, BEYOND, CLOCK_MONOTONIC]), Err(Errno::FAULT));
    assert_eq!(b.sys("futex_wait", &[NOWHERE, 5, ALL, u32_private, past, CLOCK_MONOTONIC]), Err(Errno::FAULT));
    let other = b.put(&0u32);
    let flags = U32 | PRIVATE as u32;
    let pair = |b: &mut Bench, value, second| {
        let from = FutexWaitv { value, word, flags, reserved: 0 };
        b.put(&[from, FutexWaitv { value: 0, word: second, flags, reserved: 0 }])
    };
    let (good, stale, bad) = (pair(&mut b, 5, other), pair(&mut b, 6, other), pair(&mut b, 5, BEYOND));
    assert_eq!(b.sys("futex_requeue", &[good, 0, 1, 1]), Ok(0));
    assert_eq!(b.sys("futex_requeue", &[stale, 0, 1, 1]), Err(Errno::AGAIN));
    assert_eq!(b.sys("futex_requeue", &[bad, 0, 1, 1]), Err(Errno::FAULT));
    assert_eq!(b.sys("futex_requeue", &[good, 1, 1, 1]), Err(Errno::INVAL));
    assert_eq!(b.sys("futex_requeue", &[0, 0, 1, 1]), Err(Errno::INVAL));
    assert_eq!(b.sys("futex_requeue", &[NOWHERE, 0, 1, 1]), Err(Errno::FAULT));
}

#[test]
fn futex_waitv_waits_for_several_words() {
    let mut b = Bench::new();
    let (first, second) = (b.put(&1u32), b.put(&2u32));
    let flags = U32 | PRIVATE as u32;
    let list = |b: &mut Bench, values: [u64; 2], second| {
        let words = [first, second];
        b.put(&[0, 1].map(|i| FutexWaitv { value: values[i], word: words[i], flags, reserved: 0 }))
    };
    let past = b.put(&PAST);
    let same = list(&mut b, [1, 2], second);
    assert_eq!(b.sys("futex_waitv", &[same, 2, 0, past, CLOCK_MONOTONIC]), Err(Errno::TIMEDOUT));
    let changed = list(&mut b, [1, 3], second);
    assert_eq!(b.sys("futex_waitv", &[changed, 2, 0, past, CLOCK_MONOTONIC]), Err(Errno::AGAIN));
    assert_eq!(b.sys("futex_waitv", &[changed, 1, 0, past, CLOCK_MONOTONIC]), Err(Errno::TIMEDOUT));
    let bad = list(&mut b, [1, 2], NOWHERE);
    assert_eq!(b.sys("futex_waitv", &[bad, 2, 0, past, CLOCK_MONOTONIC]), Err(Errno::FAULT));
    assert_eq!(b.sys("futex_waitv", &[same, 0, 0, past, CLOCK_MONOTONIC]), Err(Errno::INVAL));
    assert_eq!(b.sys("futex_waitv", &[same, 129, 0, past, CLOCK_MONOTONIC]), Err(Errno::INVAL));
    assert_eq!(b.sys("futex_waitv", &[same, 2, 1, past, CLOCK_MONOTONIC]), Err(Errno::INVAL));
    assert_eq!(b.sys("futex_waitv", &[same, 2, 0, BEYOND, CLOCK_MONOTONIC]), Err(Errno::FAULT));
    assert_eq!(b.sys("futex_waitv", &[NOWHERE, 2, 0, past, CLOCK_MONOTONIC]), Err(Errno::FAULT));
    b.trace.take();
    let _ = b.sys("futex_waitv", &[same, 1, 0, past, CLOCK_MONOTONIC]);
    let flags = "FUTEX2_SIZE_U32|FUTEX2_PRIVATE";
    let words = format!("[{{val=0x1, uaddr={first:#x}, flags={flags}}}]");
    let expected = format!(
        "futex_waitv({words}, 1, 0, {{tv_sec=1, tv_nsec=0}}, CLOCK_MONOTONIC) = -1 ETIMEDOUT (Connection timed out)\n"
    );
    assert_eq!(b.trace.take(), expected);
}
