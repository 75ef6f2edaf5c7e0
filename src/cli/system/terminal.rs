//! The terminal of a machine: standard input and output.

use crate::machine::Console;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Write;

/// Standard input and output.
#[derive(Default)]
pub(super) struct Terminal {
    out: Vec<u8>,
    ended: bool,
}

impl Console for Terminal {
    fn put(&mut self, byte: u8) {
        self.out.push(byte);
    }

    fn get(&mut self) -> Option<u8> {
        if self.ended {
            return None;
        }
        let stdin = std::io::stdin();
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut ready, Some(&now)).ok()? == 0 {
            return None;
        }
        let mut byte = [0];
        match rustix::io::read(&stdin, &mut byte) {
            Ok(1) => Some(byte[0]),
            _ => {
                self.ended = true;
                None
            }
        }
    }

    fn flush(&mut self) {
        if !self.out.is_empty() {
            let mut stdout = std::io::stdout().lock();
            // There is nobody to tell if that fails.
            let _ = stdout.write_all(&self.out).and_then(|()| stdout.flush());
            self.out.clear();
        }
    }
}
