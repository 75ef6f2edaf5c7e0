//! Host threads that run guest threads.

use super::fd::close;
use super::lock::{sleep, wake};
use super::pass::syscall;
use super::signals::{action, block_all_signals, block_every_signal, set_action, set_signal_mask};
use rustix::io::Errno;
use rustix::thread::{UnshareFlags, gettid, unshare_unsafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::Builder;

/// The stack of a host thread, in bytes.
const STACK: usize = 256 << 10;

/// The stack of a thread that loads a program or reads files, in bytes.
const LARGE_STACK: usize = 1 << 20;

/// The signals that the C library takes for itself when the first thread starts, and that belong to the guest.
const LIBRARY_SIGNALS: [i32; 2] = [32, 33];

/// Runs `body` on a new thread, which begins with all signals blocked, those of faults too. Returns the thread's id, which
/// no signal can be sent to before they are.
///
/// # Errors
/// EAGAIN if the host has no room for another thread.
pub fn spawn(body: impl FnOnce() + Send + 'static) -> Result<i32, Errno> {
    // The new thread inherits the mask.
    let _blocked = block_every_signal();
    take_signals_back();
    let id = Arc::new(AtomicU32::new(0));
    let of_thread = id.clone();
    let spawned = Builder::new().stack_size(STACK).spawn(move || {
        // The library unblocks 32 in every thread, and the mask is not restored here.
        std::mem::forget(block_every_signal());
        of_thread.store(gettid().as_raw_nonzero().get() as u32, Ordering::Release);
        wake(&of_thread, 1);
        drop(of_thread);
        body();
    });
    spawned.map_err(|_| Errno::AGAIN)?;
    while id.load(Ordering::Acquire) == 0 {
        sleep(&id, 0);
    }
    Ok(id.load(Ordering::Acquire) as i32)
}

/// Runs `body` on a thread with a descriptor table of its own, in which the standard descriptors are free: for files
/// that are needed for a moment when the process has no free descriptor. Files that `body` opens must not outlive it.
///
/// # Errors
/// EAGAIN if the host has no room for another thread.
pub fn with_own_descriptors<T: Send>(body: impl FnOnce() -> T + Send) -> Result<T, Errno> {
    let mask = block_all_signals();
    take_signals_back();
    let result = std::thread::scope(|scope| {
        let run = || {
            block_all_signals();
            // SAFETY: the thread has a copy of the table, so that no descriptor of another thread changes. It ends
            // before anybody else could use a number of its table.
            unsafe { unshare_unsafe(UnshareFlags::FILES)? };
            for fd in 0..3 {
                close(fd);
            }
            Ok(body())
        };
        let thread = Builder::new().stack_size(LARGE_STACK).spawn_scoped(scope, run).map_err(|_| Errno::AGAIN)?;
        thread.join().unwrap_or(Err(Errno::AGAIN))
    });
    set_signal_mask(mask);
    result
}

/// Has the C library take its signals, and gives them back to the guest, while no thread can receive one: there is only
/// the caller, which blocks them all.
fn take_signals_back() {
    // A `Once` would hang the child of a fork that another thread makes meanwhile.
    static TAKEN_BACK: AtomicBool = AtomicBool::new(false);
    if TAKEN_BACK.swap(true, Ordering::Relaxed) {
        return;
    }
    let actions = LIBRARY_SIGNALS.map(action);
    // Without a thread, the library has taken nothing.
    if let Ok(thread) = Builder::new().stack_size(STACK).spawn(|| ()) {
        let _ = thread.join();
    }
    for (signal, action) in LIBRARY_SIGNALS.into_iter().zip(actions) {
        set_action(signal, &action);
    }
    // The library has unblocked them.
    block_all_signals();
}

/// Ends the calling thread, which is the first of its process, while others go on.
pub fn exit_first_thread() -> ! {
    loop {
        // SAFETY: the thread ends without running anything. Its stack is the process's, which is never freed.
        let _ = unsafe { syscall(libc::SYS_exit, [0; 6]) };
    }
}

#[cfg(test)]
#[path = "thread_tests.rs"]
mod tests;
