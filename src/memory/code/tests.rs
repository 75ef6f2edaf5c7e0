//! Tests of the reports, with threads that only pretend to run code.

use super::*;
use std::sync::Barrier;
use std::sync::atomic::AtomicU64;

fn range(start: u64, end: u64) -> Range<GuestAddr> {
    GuestAddr(start)..GuestAddr(end)
}

fn register(changes: &Arc<CodeChanges>) -> (CodeWatch, Arc<StopFlag>) {
    let stop = Arc::new(StopFlag::new());
    (changes.register(stop.clone()), stop)
}

#[test]
fn only_pages_that_were_decoded_from_are_reported() {
    let changes = CodeChanges::new();
    let (watch, stop) = register(&changes);
    let inside = watch.enter();
    inside.decodes(&range(0x1000, 0x1100));
    changes.report(&range(0x2000, 0x9000)).wait();
    assert_eq!((inside.take(), stop.is_raised()), (None, false));
    drop(inside);
    changes.report(&range(0x1ff0, 0x9000)).wait();
    assert!(!stop.is_raised(), "nobody stops an engine that is outside");
    assert_eq!(watch.enter().take(), Some(Stale::Ranges(vec![range(0x1ff0, 0x9000)])));
    assert_eq!(watch.enter().take(), None);
}

#[test]
fn reports_to_a_sleeping_engine_do_not_pile_up() {
    let changes = CodeChanges::new();
    let (watch, _) = register(&changes);
    watch.enter().decodes(&range(0, 0x100_0000));
    for at in (0x1000..0x5000).step_by(8) {
        changes.report(&range(at, at + 8)).wait();
    }
    assert_eq!(watch.enter().take(), Some(Stale::Ranges(vec![range(0x1000, 0x5000)])), "neighbours are joined");
    let scattered = |count: u64| (0..count).map(|i| range(0x1000 * i, 0x1000 * i + 8));
    for at in scattered(MAX_RANGES as u64) {
        changes.report(&at).wait();
    }
    assert_eq!(watch.enter().take(), Some(Stale::Ranges(scattered(MAX_RANGES as u64).collect())));
    for at in scattered(MAX_RANGES as u64 + 1) {
        changes.report(&at).wait();
    }
    assert_eq!(watch.enter().take(), Some(Stale::Everything));
}

#[test]
fn registrations_end_and_a_fork_keeps_ones_own() {
    let changes = CodeChanges::new();
    let (own, _) = register(&changes);
    let (third, _) = register(&changes);
    let other = std::thread::scope(|s| s.spawn(|| register(&changes).0).join().unwrap());
    own.enter().decodes(&range(0, 0x1000));
    // The thread of this engine does not exist in the child: nobody may wait for it.
    std::mem::forget(other.enter());
    drop(third);
    assert_eq!(changes.engines.lock().len(), 2);
    changes.after_fork();
    assert_eq!(changes.engines.lock().len(), 1);
    changes.report(&range(0, 0x1000)).wait();
    assert_eq!(own.enter().take(), Some(Stale::Ranges(vec![range(0, 0x1000)])));
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "is held by a thread that waits")]
fn nobody_waits_with_a_lock_held() {
    let changes = CodeChanges::new();
    let (watch, _) = register(&changes);
    let inside = watch.enter();
    inside.decodes(&range(0, 0x1000));
    let reports = changes.report(&range(0, 0x1000));
    let lock = Lock::new(Rank::Space, ());
    let _held = lock.lock();
    reports.wait();
}

/// Engines that decode and use a value, which is what they may do inside, while others change it: after a report has
/// been waited for, no engine uses the old value. The changing threads are engines, too.
#[test]
fn after_the_wait_no_engine_runs_the_old_code() {
    const THREADS: usize = 4;
    const ROUNDS: u64 = if cfg!(debug_assertions) { 10_000 } else { 100_000 };
    let changes = CodeChanges::new();
    // One page of each thread: what it holds, and the least that any engine may still use.
    let page = |i: usize| range(0x1000 * i as u64, 0x1000 * (i as u64 + 1));
    let code: [AtomicU64; THREADS] = Default::default();
    let least: [AtomicU64; THREADS] = Default::default();
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for own in 0..THREADS {
            let (changes, code, least, start) = (&changes, &code, &least, &start);
            scope.spawn(move || {
                let (watch, _) = register(changes);
                let mut decoded = [None; THREADS];
                start.wait();
                for round in 1..=ROUNDS {
                    code[own].store(round, Ordering::SeqCst);
                    changes.report(&page(own)).wait();
                    least[own].store(round, Ordering::SeqCst);
                    let inside = watch.enter();
                    for turn in 0..3 * THREADS {
                        match inside.take() {
                            None => {}
                            Some(Stale::Everything) => decoded = [None; THREADS],
                            Some(Stale::Ranges(ranges)) => {
                                for (i, value) in decoded.iter_mut().enumerate() {
                                    let page = page(i);
                                    if ranges.iter().any(|r| r.start < page.end && page.start < r.end) {
                                        *value = None;
                                    }
                                }
                            }
                        }
                        let i = (own + turn) % THREADS;
                        let bound = least[i].load(Ordering::SeqCst);
                        let value = *decoded[i].get_or_insert_with(|| {
                            inside.decodes(&page(i));
                            code[i].load(Ordering::SeqCst)
                        });
                        // What is used is at least what had been promised before this turn.
                        assert!(value >= bound, "{value} is used, {bound} was promised");
                    }
                }
            });
        }
    });
}

#[test]
fn the_only_threads_reports_are_taken_as_others_are() {
    let changes = CodeChanges::new();
    changes.set_only_thread(true);
    let (watch, stop) = register(&changes);
    watch.enter().decodes(&range(0x1000, 0x1100));
    changes.report(&range(0x1000, 0x1008)).wait();
    assert!(!stop.is_raised(), "its engine is outside");
    let inside = watch.enter();
    assert_eq!(inside.take(), Some(Stale::Ranges(vec![range(0x1000, 0x1008)])));
    drop(inside);
    // Another thread is about to begin: whoever reports waits for the engine from now on.
    changes.set_only_thread(false);
    let inside = watch.enter();
    inside.decodes(&range(0x1000, 0x1100));
    std::thread::scope(|s| {
        let reporter = s.spawn(|| changes.report(&range(0x1000, 0x1008)).wait());
        while !stop.is_raised() {
            std::thread::yield_now();
        }
        assert!(!reporter.is_finished());
        assert!(inside.take().is_some());
    });
}
