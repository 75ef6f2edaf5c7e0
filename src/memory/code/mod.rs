//! What tells engines that code has changed, and what tells the thread that changed it when no engine can run the old
//! code any more.
//!
//! Every engine that decodes from an address space registers a [`CodeWatch`]. A change is [reported](CodeChanges::report)
//! after it was made: the range is added to what each engine has to drop, and engines that run guest code at that
//! moment are stopped. The reporter then [waits](Reports::wait) for those only. An engine handles its reports between
//! blocks; one that is outside guest code handles them before it enters again, so nobody waits for it.
//!
//! Engines may share a cache of translated code. It is an [observer](CodeObserver) of the changes and drops stale code
//! at once, so that the engines only have to leave it.
//!
//! Most changes do not concern code: a map of the pages that engines have decoded from decides that at once.
//!
//! As long as one thread alone runs guest code and reports changes, as most programs' only thread does, nobody can
//! observe its engine between two states, and entering and leaving takes no locked instruction of the host
//! ([`CodeChanges::set_only_thread`]).
//!
//! A thread that reports or waits is outside guest code itself, so two of them never wait for each other. It holds no
//! lock while it waits. A hart acknowledges within a slice of instructions, unless one of its accesses blocks in the
//! host: on a page of a slow file system, or on one that userfaultfd has yet to fill.

mod by_page;
mod pages;

pub use by_page::BlocksByPage;

use super::GuestAddr;
use crate::host::{Lock, LockRef, Rank, StopFlag, StopHandle, assert_no_lock_is_held, futex_sleep, futex_wake};
use pages::PageMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread::{self, ThreadId};

/// The most ranges that are kept for an engine. With more, it drops everything.
const MAX_RANGES: usize = 64;

/// The code that an engine must drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stale {
    /// All code that overlaps one of these ranges.
    Ranges(Vec<Range<GuestAddr>>),
    /// All code.
    Everything,
}

impl Stale {
    /// Adds a range, joined with one that it overlaps or adjoins.
    fn add(&mut self, range: Range<GuestAddr>) {
        let Self::Ranges(ranges) = self else { return };
        if let Some(near) = ranges.iter_mut().find(|r| r.start <= range.end && range.start <= r.end) {
            near.start = near.start.min(range.start);
            near.end = near.end.max(range.end);
        } else if ranges.len() == MAX_RANGES {
            *self = Self::Everything;
        } else {
            ranges.push(range);
        }
    }
}

/// The engine runs guest code or decodes it.
const INSIDE: u32 = 1;
/// Some thread sleeps until the state changes.
const AWAITED: u32 = 2;
/// Added whenever the engine passes a point at which it runs no guest code, so that the state is never as before.
const STEP: u32 = 4;

/// What an engine and those that report to it share.
struct Shared {
    /// See [`INSIDE`], [`AWAITED`] and [`STEP`]. A futex word.
    state: AtomicU32,
    /// There are reports that the engine has not taken.
    reported: AtomicBool,
    stop: StopHandle,
}

impl Shared {
    /// Moves on to a new state. Only the engine's thread does so, or another one when it has been killed.
    fn step(&self, inside: u32) {
        let next = (self.state.load(Ordering::Relaxed) & !(INSIDE | AWAITED)).wrapping_add(STEP) | inside;
        if self.state.swap(next, Ordering::SeqCst) & AWAITED != 0 {
            futex_wake(&self.state, i32::MAX);
        }
    }

    fn stop(&self) -> &StopFlag {
        (*self.stop).as_ref()
    }
}

struct Engine {
    shared: Arc<Shared>,
    /// The thread that runs the engine, or was the last to do so.
    thread: ThreadId,
    stale: Stale,
}

impl Engine {
    /// Has the engine look for reports before it runs anything else.
    fn report(&self, reports: &mut Reports) {
        let shared = &self.shared;
        shared.reported.store(true, Ordering::SeqCst);
        // An engine that enters later looks for reports after that. One that is inside takes this report after its next
        // step, before it runs anything.
        let state = shared.state.load(Ordering::SeqCst) & !AWAITED;
        if state & INSIDE != 0 {
            shared.stop().raise(StopFlag::CODE);
            reports.running.push((shared.clone(), state));
        }
    }
}

/// Observes the changes of code in an address space.
pub trait CodeObserver: Send + Sync {
    /// Called when the code in `range` has changed, before any engine learns of it. Takes no lock of a rank below
    /// [`Rank::CodeCache`].
    fn changed(&self, range: &Range<GuestAddr>);

    /// Called in the child of a fork, where only the calling thread exists, outside guest code.
    fn after_fork(&self);

    /// The lock that [`Self::changed`] takes, which is held while the process forks.
    fn lock(&self) -> LockRef<'_>;
}

/// The changes of code in one address space.
pub struct CodeChanges {
    pages: PageMap,
    /// See [`CodeChanges::set_only_thread`].
    is_only_thread: AtomicBool,
    engines: Lock<Vec<Engine>>,
    observer: OnceLock<Arc<dyn CodeObserver>>,
}

impl CodeChanges {
    /// An address space without engines.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            pages: PageMap::new(),
            is_only_thread: AtomicBool::new(false),
            engines: Lock::new(Rank::ChangedCode, Vec::new()),
            observer: OnceLock::new(),
        })
    }

    /// Says whether one thread alone runs guest code and reports changes. At first, it is assumed not to. The thread that
    /// says so is outside guest code; it takes this back before it creates another thread, or a process in this memory.
    pub fn set_only_thread(&self, is_only: bool) {
        self.is_only_thread.store(is_only, Ordering::SeqCst);
    }

    /// Registers the engine of a hart, whose flag is raised for [`StopFlag::CODE`] when there is something to drop
    /// while it runs. The engine must have decoded nothing yet.
    pub fn register(self: &Arc<Self>, stop: StopHandle) -> CodeWatch {
        let shared = Arc::new(Shared { state: AtomicU32::new(0), reported: AtomicBool::new(false), stop });
        self.engines.lock().push(Engine {
            shared: shared.clone(),
            thread: thread::current().id(),
            stale: Stale::Ranges(Vec::new()),
        });
        CodeWatch { changes: self.clone(), shared }
    }

    /// Reports that the code in `range` has changed. The caller [waits](Reports::wait) when it holds no lock.
    ///
    /// The change has been made: whoever decodes from now on sees it.
    pub fn report(&self, range: &Range<GuestAddr>) -> Reports {
        // Together with the barrier in `Inside::decodes`: either the page is seen as marked here, or the engine that
        // is about to mark it decodes what is there now.
        fence(Ordering::SeqCst);
        let mut reports = Reports::default();
        if range.is_empty() || !self.pages.take_marked(range) {
            return reports;
        }
        let mut engines = self.engines.lock();
        if let Some(observer) = self.observer.get() {
            observer.changed(range);
        }
        for engine in engines.iter_mut() {
            engine.stale.add(range.clone());
            engine.report(&mut reports);
        }
        reports
    }

    /// Whether an engine may have decoded from the page that holds `addr`.
    pub fn holds_code(&self, addr: GuestAddr) -> bool {
        self.pages.is_marked(addr)
    }

    /// Reports to all engines that they must leave the code that they run, without any change of code. The observer is
    /// not told.
    pub fn report_to_all(&self) -> Reports {
        let mut reports = Reports::default();
        for engine in self.engines.lock().iter() {
            engine.report(&mut reports);
        }
        reports
    }

    /// Tells an observer of all further changes. There is at most one.
    ///
    /// # Panics
    /// If there is one already.
    pub fn observe(&self, observer: Arc<dyn CodeObserver>) {
        assert!(self.observer.set(observer).is_ok(), "an address space has one cache of code");
    }

    /// The lock of the observer.
    pub fn observer_lock(&self) -> Option<LockRef<'_>> {
        self.observer.get().map(|observer| observer.lock())
    }

    /// Ends the registration of an engine that was killed. Nobody waits for it any more.
    pub fn remove(&self, killed: &Registration) {
        self.engines.lock().retain(|engine| !Arc::ptr_eq(&engine.shared, &killed.shared));
        killed.shared.step(0);
    }

    /// The lock that is held while the process forks.
    pub fn lock(&self) -> LockRef<'_> {
        self.engines.erased()
    }

    /// Called in the child of a fork: forgets all engines but those that the calling thread has registered, since no
    /// other thread exists there.
    pub fn after_fork(&self) {
        let own = thread::current().id();
        self.engines.lock().retain(|engine| engine.thread == own);
        if let Some(observer) = self.observer.get() {
            observer.after_fork();
        }
    }
}

/// Engines that may still run code that has been reported as changed.
#[derive(Default)]
#[must_use = "the old code may run until they have been waited for"]
pub struct Reports {
    running: Vec<(Arc<Shared>, u32)>,
}

impl Reports {
    /// Adds the engines of another report.
    pub fn append(&mut self, mut other: Reports) {
        self.running.append(&mut other.running);
    }

    /// Returns when none of the engines can run the old code any more.
    ///
    /// # Panics
    /// In debug builds, if this thread has to wait and holds a lock: the engine could need the lock before it gets to
    /// its reports.
    #[inline]
    pub fn wait(self) {
        if !self.running.is_empty() {
            self.wait_for_all();
        }
    }

    #[cold]
    fn wait_for_all(self) {
        assert_no_lock_is_held();
        for (shared, state) in self.running {
            wait_for_step(&shared.state, state);
        }
    }
}

/// Waits until the engine that was in this state has made a step.
fn wait_for_step(word: &AtomicU32, state: u32) {
    loop {
        let now = word.load(Ordering::SeqCst);
        if now & !AWAITED != state {
            return;
        }
        let marked = word.compare_exchange(now, now | AWAITED, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if marked {
            futex_sleep(word, state | AWAITED);
        }
    }
}

/// The registration of an engine, which ends when it is dropped.
pub struct CodeWatch {
    changes: Arc<CodeChanges>,
    shared: Arc<Shared>,
}

/// The registration of an engine, for when its process is killed while it runs.
pub struct Registration {
    shared: Arc<Shared>,
}

impl CodeWatch {
    /// The registration, for another thread.
    pub fn registration(&self) -> Registration {
        Registration { shared: self.shared.clone() }
    }

    /// Makes the calling thread the one that runs the engine. No other thread runs it.
    pub fn adopt(&self) {
        let mut engines = self.changes.engines.lock();
        if let Some(own) = engines.iter_mut().find(|engine| Arc::ptr_eq(&engine.shared, &self.shared)) {
            own.thread = thread::current().id();
        }
    }

    /// Has all engines that run guest code leave it. See [`CodeChanges::report_to_all`].
    pub fn stop_engines(&self) -> Reports {
        self.changes.report_to_all()
    }

    /// Called by the engine's thread before it looks up or decodes code.
    pub fn enter(&self) -> Inside<'_> {
        self.go_inside();
        Inside { watch: self }
    }

    fn go_inside(&self) {
        let state = &self.shared.state;
        if self.changes.is_only_thread.load(Ordering::Relaxed) {
            state.store(state.load(Ordering::Relaxed) | INSIDE, Ordering::Relaxed);
        } else {
            state.fetch_or(INSIDE, Ordering::SeqCst);
        }
    }

    fn go_outside(&self) {
        let state = &self.shared.state;
        if self.changes.is_only_thread.load(Ordering::Relaxed) {
            state.store(state.load(Ordering::Relaxed) & !INSIDE, Ordering::Relaxed);
        } else {
            self.shared.step(0);
        }
    }
}

impl Drop for CodeWatch {
    fn drop(&mut self) {
        self.changes.engines.lock().retain(|engine| !Arc::ptr_eq(&engine.shared, &self.shared));
    }
}

/// The engine is inside guest code as long as this lives: those that report changes wait for its next step.
pub struct Inside<'a> {
    watch: &'a CodeWatch,
}

impl Inside<'_> {
    /// Takes what must be dropped before the engine runs anything again. It is called after entering, before each
    /// lookup of code, and when the stop flag is raised for [`StopFlag::CODE`], which it lowers.
    #[inline]
    pub fn take(&self) -> Option<Stale> {
        if self.watch.shared.reported.load(Ordering::SeqCst) { Some(self.take_reported()) } else { None }
    }

    #[cold]
    fn take_reported(&self) -> Stale {
        let shared = &self.watch.shared;
        shared.stop().lower(StopFlag::CODE);
        // The step and the reports belong together: a report that came before waits for this step, one that comes
        // later finds nothing reported and has a later step follow.
        let mut engines = self.watch.changes.engines.lock();
        shared.step(INSIDE);
        shared.reported.store(false, Ordering::SeqCst);
        let own = engines.iter_mut().find(|engine| Arc::ptr_eq(&engine.shared, shared));
        own.map_or(Stale::Everything, |own| std::mem::replace(&mut own.stale, Stale::Ranges(Vec::new())))
    }

    /// Waits for other engines, outside guest code. The engine must then take what was reported to it, and look up again
    /// what it was about to decode.
    pub fn outside(&self, wait: impl FnOnce()) {
        self.watch.go_outside();
        wait();
        self.watch.go_inside();
    }

    /// Called before the engine fetches the bytes of `range` to decode them. Returns whether no engine has decoded from
    /// some page of it before.
    pub fn decodes(&self, range: &Range<GuestAddr>) -> bool {
        // Each mark is a full barrier.
        self.watch.changes.pages.mark(range)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.watch.go_outside();
    }
}

#[cfg(test)]
mod tests;
