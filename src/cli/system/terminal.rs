//! The terminal of a machine: standard input and output.

use super::keys::{Key, Keys};
use crate::host::RawTerminal;
use crate::machine::Console;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::VecDeque;
use std::io::Write;
use std::time::{Duration, Instant};

/// How often typed keys are looked for while the guest reads none.
const LOOK: Duration = Duration::from_millis(10);

/// The most typed bytes that wait for the guest; more are dropped, so that Ctrl-A is always seen.
const TYPED: usize = 4096;

/// Standard input and output.
#[derive(Default)]
pub(super) struct Terminal {
    out: Vec<u8>,
    typed: VecDeque<u8>,
    input_ended: bool,
    wants_end: bool,
    /// Standard input is a terminal on which Ctrl-A begins a command.
    keys: Option<Keys>,
    looked: Option<Instant>,
    /// Held for its end, which gives the terminal its mode back.
    _raw: Option<RawTerminal>,
}

impl Terminal {
    /// With `keys`, Ctrl-A begins a command and Ctrl-C is the guest's, if standard input is a terminal.
    pub fn new(keys: bool) -> Self {
        let raw = RawTerminal::new(!keys);
        Self { keys: raw.as_ref().filter(|_| keys).map(|_| Keys::default()), _raw: raw, ..Self::default() }
    }

    /// Reads what has been typed, if something has.
    fn look(&mut self) {
        let stdin = std::io::stdin();
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if self.input_ended || poll(&mut ready, Some(&now)).unwrap_or(0) == 0 {
            return;
        }
        // Of a file or a pipe no more is taken than the guest reads.
        let mut bytes = [0; 64];
        let room = if self.keys.is_some() { bytes.len() } else { 1 };
        match rustix::io::read(&stdin, &mut bytes[..room]) {
            Ok(0) | Err(_) => self.input_ended = true,
            Ok(n) => bytes[..n].iter().for_each(|&byte| self.take(byte)),
        }
    }

    fn take(&mut self, byte: u8) {
        match self.keys.as_mut().map_or(Key::Guest(byte), |keys| keys.take(byte)) {
            Key::Guest(byte) if self.typed.len() < TYPED => self.typed.push_back(byte),
            Key::Guest(_) | Key::Escape => {}
            Key::Text(text) => self.out.extend_from_slice(text.as_bytes()),
            Key::End => {
                self.out.extend_from_slice(b"\nremu-system: ended by Ctrl-A x\n");
                self.wants_end = true;
            }
        }
    }
}

impl Console for Terminal {
    fn put(&mut self, byte: u8) {
        self.out.push(byte);
    }

    fn get(&mut self) -> Option<u8> {
        if self.typed.is_empty() {
            self.look();
        }
        self.typed.pop_front()
    }

    fn flush(&mut self) {
        if self.keys.is_some() && self.looked.is_none_or(|at| at.elapsed() >= LOOK) {
            self.looked = Some(Instant::now());
            self.look();
        }
        if !self.out.is_empty() {
            let mut stdout = std::io::stdout().lock();
            // There is nobody to tell if that fails.
            let _ = stdout.write_all(&self.out).and_then(|()| stdout.flush());
            self.out.clear();
        }
    }

    fn wants_end(&self) -> bool {
        self.wants_end
    }
}
