//! The terminal of a machine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The other end of a machine's serial port and HTIF console.
pub trait Console: Send {
    /// Writes a byte, at the latest at the next [`Console::flush`].
    fn put(&mut self, byte: u8);

    /// The next byte of input, if one has arrived.
    fn get(&mut self) -> Option<u8>;

    /// Writes buffered output. Called between the turns of harts.
    fn flush(&mut self);

    /// Whether the user asked to end the machine.
    fn wants_end(&self) -> bool {
        false
    }

    /// Sleeps for `time`, or without limit. Returns early for a command of the user and, if the guest accepts input,
    /// for input.
    fn wait(&mut self, time: Option<Duration>, _accepts_input: bool) {
        match time {
            Some(time) => std::thread::sleep(time),
            None => std::thread::park(),
        }
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
