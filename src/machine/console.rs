//! The terminal of a machine.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The other end of a machine's serial port and HTIF console.
pub trait Console: Send {
    /// Writes a byte, at the latest at the next [`Console::flush`].
    fn put(&mut self, byte: u8);

    /// The next byte of input, if one has arrived. If it finds a command of the user, it [interrupts](Input::interrupt) the
    /// wait for input.
    fn get(&mut self) -> Option<u8>;

    /// Writes buffered output, and looks for commands of the user.
    fn flush(&mut self);

    /// Whether the user asked to end the machine.
    fn wants_end(&self) -> bool {
        false
    }

    /// What waits for input.
    fn input(&self) -> Arc<dyn Input> {
        Arc::<NoInput>::default()
    }
}

/// Waits for the input of a console, while other threads access the console.
pub trait Input: Send + Sync {
    /// Sleeps for `time`, or without limit. Returns early for a command of the user, for input if the guest accepts it,
    /// and for [`Input::interrupt`].
    fn wait(&self, time: Option<Duration>, accepts_input: bool);

    /// Ends the wait, or the next one if there is none.
    fn interrupt(&self);
}

/// No input ever arrives.
#[derive(Debug, Default)]
pub struct NoInput {
    interrupted: Mutex<bool>,
    changed: Condvar,
}

impl Input for NoInput {
    fn wait(&self, time: Option<Duration>, _: bool) {
        let interrupted = self.interrupted.lock().unwrap_or_else(PoisonError::into_inner);
        let sleeps = |interrupted: &mut bool| !*interrupted;
        let mut interrupted = match time {
            Some(time) => {
                self.changed.wait_timeout_while(interrupted, time, sleeps).unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait_while(interrupted, sleeps).unwrap_or_else(PoisonError::into_inner),
        };
        *interrupted = false;
    }

    fn interrupt(&self) {
        *self.interrupted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}

/// A console without input, which discards its output.
#[derive(Debug, Default)]
pub struct Silent;

impl Console for Silent {
    fn put(&mut self, _: u8) {}

    fn get(&mut self) -> Option<u8> {
        None
    }

    fn flush(&mut self) {}
}

/// The console that the devices of a machine share.
#[derive(Clone)]
pub(super) struct SharedConsole(Arc<Mutex<Box<dyn Console>>>);

impl SharedConsole {
    pub fn new(console: Box<dyn Console>) -> Self {
        Self(Arc::new(Mutex::new(console)))
    }

    pub fn lock(&self) -> MutexGuard<'_, Box<dyn Console>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_without_input_ends_when_it_is_interrupted() {
        let input = NoInput::default();
        input.interrupt();
        input.wait(None, true);
        input.wait(Some(Duration::from_millis(1)), true);
        std::thread::scope(|scope| {
            scope.spawn(|| input.interrupt());
            input.wait(None, true);
        });
    }
}
