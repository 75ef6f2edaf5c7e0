//! Tests of the lock.

use super::*;
use std::panic::catch_unwind;
use std::sync::Arc;

#[test]
fn a_value_is_changed_by_one_thread_at_a_time() {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 20_000;
    // Two words that only agree if no two threads are inside at once.
    let pair = Lock::new(Rank::Space, (0u64, 0u64));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    let mut pair = pair.lock();
                    assert_eq!(pair.0, pair.1);
                    pair.0 += 1;
                    if round % 1000 == 0 {
                        // The others go to sleep at the word.
                        std::thread::yield_now();
                    }
                    pair.1 += 1;
                }
            });
        }
    });
    assert_eq!(*pair.lock(), (THREADS * ROUNDS, THREADS * ROUNDS));
    assert_eq!(pair.word.0.load(Ordering::Relaxed), FREE);
}

#[test]
fn a_sleeping_thread_is_woken() {
    let lock = Arc::new(Lock::new(Rank::Space, 0));
    let guard = lock.lock();
    let waiter = std::thread::spawn({
        let lock = lock.clone();
        move || *lock.lock() += 1
    });
    while lock.word.0.load(Ordering::Relaxed) & CONTENDED == 0 {
        std::thread::yield_now();
    }
    drop(guard);
    waiter.join().unwrap();
    assert_eq!(*lock.lock(), 1);
}

#[test]
#[cfg(debug_assertions)]
fn locks_are_taken_in_the_order_of_their_ranks() {
    let (outer, inner) = (Lock::new(Rank::Limits, ()), Lock::new(Rank::Space, ()));
    let first = outer.lock();
    let second = inner.lock();
    // Releasing has no order.
    drop(first);
    drop(second);
    let _inner = inner.lock();
    let message = *catch_unwind(|| drop(outer.lock())).unwrap_err().downcast::<String>().unwrap();
    assert_eq!(message, "the lock Limits is taken while Space is held, against their order");
}

#[test]
#[cfg(debug_assertions)]
fn a_thread_that_takes_a_lock_twice_is_told_so() {
    let (one, two) = (Lock::new(Rank::Space, ()), Lock::new(Rank::Space, ()));
    let _held = one.lock();
    for lock in [&one, &two] {
        let message = *catch_unwind(|| drop(lock.lock())).unwrap_err().downcast::<String>().unwrap();
        assert_eq!(message, "the lock Space is taken while Space is held, against their order");
    }
}

#[test]
fn a_panic_releases_the_lock() {
    let lock = Lock::new(Rank::Space, 0);
    let panicked = catch_unwind(|| {
        let mut value = lock.lock();
        *value = 1;
        panic!("with the lock held");
    });
    assert!(panicked.is_err());
    assert_eq!(*lock.lock(), 1);
}

#[test]
fn a_lock_does_not_wait_to_be_shown() {
    let lock = Lock::new(Rank::Space, 0);
    let _held = lock.lock();
    assert_eq!(format!("{lock:?}"), "Lock { rank: Space, .. }");
}
