//! The word by which others get the attention of a hart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Asks a running hart to look at something. Emitted code and the system-call stub test it by its address.
///
/// The flag says only that there is something to see. Whoever raises it has stored the reason elsewhere before; the
/// hart lowers it before it looks there.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct StopFlag(AtomicU32);

/// A shared [`StopFlag`], with what it is a part of.
pub type StopHandle = Arc<dyn AsRef<StopFlag> + Send + Sync>;

impl StopFlag {
    /// The engine must return to its caller. Interruptible system calls are not begun.
    pub const LEAVE: u32 = 1;
    /// Decoded code may be stale. The engine deals with that and goes on.
    pub const CODE: u32 = 2;

    /// A flag that is not raised.
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Raises the flag for these reasons. Async-signal-safe.
    #[inline]
    pub fn raise(&self, reasons: u32) {
        self.0.fetch_or(reasons, Ordering::SeqCst);
    }

    /// Lowers the flag for these reasons, and tells for which of them it was raised.
    #[inline]
    pub fn lower(&self, reasons: u32) -> u32 {
        self.0.fetch_and(!reasons, Ordering::SeqCst) & reasons
    }

    /// Whether it is raised for any reason.
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
