//! The memory-mapped devices.

pub mod clint;
pub mod finisher;
pub mod plic;
pub mod rtc;
pub mod uart;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A memory-mapped device. Any thread may access it.
pub trait Device: Send + Sync {
    /// A load of 1, 2, 4 or 8 bytes at an aligned offset; `None` is an access fault.
    fn read(&self, offset: u64, size: u64) -> Option<u64>;

    /// A store of 1, 2, 4 or 8 bytes at an aligned offset; `None` is an access fault.
    fn write(&self, offset: u64, size: u64, value: u64) -> Option<()>;

    /// Brings the interrupts up to date with the clock and with the console's input.
    fn poll(&self) {}

    /// The next time of the machine's clock at which [`Device::poll`] raises an interrupt.
    fn deadline(&self) -> Option<u64> {
        None
    }
}

/// Locks the state of a device. No device panics halfway through a change of its state, so a poisoned state is whole.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
