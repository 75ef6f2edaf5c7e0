//! Starts the first thread of a process: the C library takes signal 33 for itself at this moment. The usual harness has
//! started threads before any test runs, so this one has none.

use remu::host::{Disposition, is_ignored, set_disposition, set_signal_mask, signal_mask, spawn};
use std::sync::mpsc::channel;

fn main() {
    const MASK: u64 = 1 << (32 - 1) | 1 << (33 - 1);
    set_disposition(33, Disposition::Ignore, 0).expect("the signal can be ignored");
    set_signal_mask(MASK);
    let (send, receive) = channel();
    spawn(move || send.send(signal_mask()).expect("it is received")).expect("a thread");
    let in_thread = receive.recv().expect("the thread runs");
    assert_eq!(in_thread & MASK, MASK, "the thread has signals blocked that the C library unblocks");
    assert_eq!(signal_mask(), MASK, "the mask of the caller is as before");
    assert!(is_ignored(33), "the action of signal 33 is as before");
}
