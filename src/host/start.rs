//! How the process starts: without the preparations of Rust's runtime, which would hide from the
//! guest what its parent has left it. The runtime ignores SIGPIPE and opens closed standard
//! descriptors; a program must find both as they were.

use std::sync::atomic::{AtomicBool, Ordering};

static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);

/// Defines the program's entry point, which runs `$run` and exits with the status it yields.
#[macro_export]
macro_rules! process_entry {
    ($run:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn main() -> i32 {
            $crate::host::prepare_process();
            $run()
        }
    };
}

/// To be called first: from here on a write to a broken pipe is an error, not remu's end; what the
/// guest is to find is remembered.
pub fn prepare_process() {
    SIGPIPE_IGNORED.store(super::is_ignored(libc::SIGPIPE), Ordering::Relaxed);
    // SAFETY: ignoring a signal runs no code of ours.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
}

/// Whether the parent had SIGPIPE ignored.
pub fn sigpipe_was_ignored() -> bool {
    SIGPIPE_IGNORED.load(Ordering::Relaxed)
}
