//! The flag that asks a hart to stop or to look at changed code.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Asks a running hart to handle an event. Emitted code and the system call stub test the flag by its address.
///
/// The flag only says that there is an event. Whoever raises it stores the event elsewhere first; the hart lowers the
/// flag before it looks for the event.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct StopFlag(AtomicU32);

/// A shared [`StopFlag`], with the value that contains it.
pub type StopHandle = Arc<dyn AsRef<StopFlag> + Send + Sync>;

impl StopFlag {
    /// The engine must return to its caller. Interruptible system calls are not begun.
    pub const LEAVE: u32 = 1;
    /// Decoded code may be stale. The engine handles this itself and continues.
    pub const CODE: u32 = 2;
    /// An interrupt may have become pending. The engine polls the privileged state and continues.
    pub const INTERRUPT: u32 = 4;

    /// All reasons.
    pub const ALL: u32 = Self::LEAVE | Self::CODE | Self::INTERRUPT;

    /// A flag that is not raised.
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Raises the flag for these reasons. Async-signal-safe.
    #[inline]
    pub fn raise(&self, reasons: u32) {
        self.0.fetch_or(reasons, Ordering::SeqCst);
    }

    /// Lowers the flag for these reasons, and returns those for which it was raised.
    #[inline]
    pub fn lower(&self, reasons: u32) -> u32 {
        self.0.fetch_and(!reasons, Ordering::SeqCst) & reasons
    }

    /// Whether the flag is raised for any reason.
    #[inline(always)]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}

impl AsRef<StopFlag> for StopFlag {
    fn as_ref(&self) -> &StopFlag {
        self
    }
}
