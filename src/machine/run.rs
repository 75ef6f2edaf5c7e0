//! How harts run: each on a thread of its own, or all in turn on one.
//!
//! With the host's clock, the thread that runs the machine serves the [events](super::Events) meanwhile. A clock that counts
//! instructions leaves nothing to chance: one thread runs the harts in turn and polls the devices between turns, and a
//! turn ends at the next deadline.

use super::bus::Bus;
use super::hart::{Hart, HartEngine};
use super::{Ending, Events, Scheduling};
use crate::guest::riscv::Base;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

/// The most instructions of a turn.
const TURN: u64 = 5_000;

/// Runs the harts until the guest or the user stops the machine. With a limit, also until each hart has run `limit`
/// instructions or waits: for ever, unless others have run as many.
pub(super) fn run<B: Base, E: HartEngine<B> + Send>(
    harts: &mut [Hart<B, E>],
    bus: &Bus,
    scheduling: Scheduling,
    limit: Option<u64>,
) -> Ending {
    let in_turn = scheduling == Scheduling::InTurn || bus.clock().counts_instructions();
    let groups = if in_turn { 1 } else { harts.len() };
    let runner = Runner { bus, limit, active: AtomicUsize::new(groups) };
    if bus.clock().counts_instructions() {
        runner.run_harts(harts);
    } else {
        thread::scope(|scope| {
            let _ends = EndsIfItPanics(bus.events());
            for group in harts.chunks_mut(if in_turn { usize::MAX } else { 1 }) {
                let name = if in_turn { "harts".to_owned() } else { format!("hart {}", group[0].id()) };
                let runner = &runner;
                let spawned = Builder::new().name(name).spawn_scoped(scope, move || {
                    let _ends = EndsIfItPanics(runner.bus.events());
                    runner.run_harts(group);
                });
                if let Err(error) = spawned {
                    bus.events().end(Ending::NoThread(error.to_string()));
                    break;
                }
            }
            bus.serve();
        });
    }
    bus.flush();
    bus.events().ending().expect("the harts run until the machine ends")
}

/// Ends the machine if its thread panics, so that no other thread waits for it.
struct EndsIfItPanics<'a>(&'a Events);

impl Drop for EndsIfItPanics<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.abort();
        }
    }
}

struct Runner<'a> {
    bus: &'a Bus,
    limit: Option<u64>,
    /// The number of threads with a hart that runs and has not reached the limit.
    active: AtomicUsize,
}

impl Runner<'_> {
    /// Runs harts in turn on the calling thread until the machine ends.
    fn run_harts<B: Base, E: HartEngine<B>>(&self, harts: &mut [Hart<B, E>]) {
        let events = self.bus.events();
        let counted = self.bus.clock().counts_instructions();
        harts.iter().for_each(|hart| self.bus.lines().attend(hart.id()));
        let alone = harts.len() == 1 && !counted;
        let mut active = true;
        loop {
            let mut ran = false;
            for hart in &mut *harts {
                if events.ended() {
                    return;
                }
                if hart.waits() {
                    continue;
                }
                ran = true;
                events.begin_turn(hart.id());
                hart.turn(self.length(hart.begun(), if alone { u64::MAX } else { TURN }));
                if counted {
                    self.bus.poll();
                }
            }
            if let Some(limit) = self.limit {
                self.check_limit(limit, harts, &mut active);
            }
            if !ran && !events.ended() {
                if counted { self.bus.wait() } else { thread::park() }
            }
        }
    }

    /// The length of a turn of a hart that has run `begun` instructions.
    fn length(&self, begun: u64, longest: u64) -> u64 {
        let to_limit = self.limit.and_then(|limit| limit.checked_sub(begun)).filter(|&left| left > 0);
        let clock = self.bus.clock();
        let deadline = if clock.counts_instructions() { self.bus.deadline() } else { None };
        let to_deadline = deadline.and_then(|at| clock.instructions_until(at));
        [to_limit, to_deadline].into_iter().flatten().fold(longest, u64::min).max(1)
    }

    /// Ends the machine if no hart has still to run.
    fn check_limit<B: Base, E: HartEngine<B>>(&self, limit: u64, harts: &[Hart<B, E>], active: &mut bool) {
        let now = harts.iter().any(|hart| !hart.waits() && hart.begun() < limit);
        if now && !*active {
            self.active.fetch_add(1, Ordering::SeqCst);
        }
        let last = !now && if *active { self.active.fetch_sub(1, Ordering::SeqCst) == 1 } else { false };
        *active = now;
        if last && (harts.iter().any(|hart| hart.begun() >= limit) || self.bus.deadline().is_none()) {
            self.bus.end_at_limit();
        }
    }
}
