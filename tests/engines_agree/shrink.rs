//! Makes a program on which two engines differ smaller, as long as they still differ.

use crate::program::Program;

/// Runs of programs before shrinking ends.
const RUNS: usize = 5000;

struct Shrinking<'a> {
    /// Runs a program; says in what the engines differ, if they do.
    differ: &'a mut dyn FnMut(&Program) -> Option<String>,
    best: Program,
    difference: String,
    runs: usize,
}

/// The smallest program found, and in what the engines differ on it.
pub fn shrink(
    program: Program,
    difference: String,
    differ: &mut dyn FnMut(&Program) -> Option<String>,
) -> (Program, String) {
    // An engine that panics on a program panics on each that is smaller.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut s = Shrinking { differ, best: program, difference, runs: 0 };
    loop {
        let before = s.runs;
        let smaller = s.drop_slots() | s.clear_registers() | s.clear_memory();
        if !smaller || s.runs == before || s.runs >= RUNS {
            std::panic::set_hook(hook);
            return (s.best, s.difference);
        }
    }
}

impl Shrinking<'_> {
    /// Keeps a changed program if the engines differ on it.
    fn attempt(&mut self, change: impl FnOnce(&mut Program)) -> bool {
        if self.runs >= RUNS {
            return false;
        }
        self.runs += 1;
        let mut next = self.best.clone();
        change(&mut next);
        let difference = (self.differ)(&next);
        let smaller = difference.is_some();
        if let Some(difference) = difference {
            (self.best, self.difference) = (next, difference);
        }
        smaller
    }

    /// Drops instructions: many at once at first, then one at a time.
    fn drop_slots(&mut self) -> bool {
        let mut smaller = false;
        let mut size = self.best.slots.len().next_power_of_two();
        while size > 0 {
            for start in (0..self.best.slots.len()).step_by(size) {
                let end = (start + size).min(self.best.slots.len());
                if self.best.slots[start..end].iter().any(Option::is_some) {
                    smaller |= self.attempt(|p| p.slots[start..end].fill(None));
                }
            }
            size /= 2;
        }
        smaller
    }

    /// Sets registers to zero, or to values that are easier to read.
    fn clear_registers(&mut self) -> bool {
        let mut smaller = false;
        for r in 1..32 {
            for v in [0, 1, u64::MAX] {
                if self.best.x[r] == v {
                    break;
                }
                if self.attempt(|p| p.x[r] = v) {
                    smaller = true;
                    break;
                }
            }
        }
        for r in 0..32 {
            smaller |= self.best.f[r] != 0 && self.attempt(|p| p.f[r] = 0);
        }
        let smaller = smaller | (self.best.fcsr != 0 && self.attempt(|p| p.fcsr = 0));
        smaller | (self.best.instret != 0 && self.attempt(|p| p.instret = 0))
    }

    fn clear_memory(&mut self) -> bool {
        self.best.memory.is_some() && self.attempt(|p| p.memory = None)
    }
}
