//! The terminal of a machine: standard input and output.

use super::keys::{Key, Keys};
use crate::host::RawTerminal;
use crate::machine::Console;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::VecDeque;
use std::io::Write;
use std::time::{Duration, Instant};

/// The interval at which input is polled while the guest does not read any.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The most input bytes that are buffered for the guest. Further bytes are dropped, so that Ctrl-A always works.
const TYPED: usize = 4096;

/// Standard input and output.
#[derive(Default)]
pub(super) struct Terminal {
    out: Vec<u8>,
    typed: VecDeque<u8>,
    input_ended: bool,
    wants_end: bool,
    /// Set if standard input is a terminal on which Ctrl-A begins a command.
    keys: Option<Keys>,
    polled: Option<Instant>,
    /// Restores the mode of the terminal when dropped.
    _raw: Option<RawTerminal>,
}

impl Terminal {
    /// With `keys`, and if standard input is a terminal, Ctrl-A begins a command and Ctrl-C goes to the guest.
    pub fn new(keys: bool) -> Self {
        let raw = RawTerminal::new(!keys);
        Self { keys: raw.as_ref().filter(|_| keys).map(|_| Keys::default()), _raw: raw, ..Self::default() }
    }

    /// Reads input that has arrived, without waiting.
    fn poll_input(&mut self) {
        let stdin = std::io::stdin();
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if self.input_ended || poll(&mut ready, Some(&now)).unwrap_or(0) == 0 {
            return;
        }
        // From a file or a pipe, read only what the guest reads: the rest is for the next reader.
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
            self.poll_input();
        }
        self.typed.pop_front()
    }

    fn flush(&mut self) {
        if self.keys.is_some() && self.polled.is_none_or(|at| at.elapsed() >= POLL_INTERVAL) {
            self.polled = Some(Instant::now());
            self.poll_input();
        }
        if !self.out.is_empty() {
            let mut stdout = std::io::stdout().lock();
            // A failure is ignored: the guest cannot know of it.
            let _ = stdout.write_all(&self.out).and_then(|()| stdout.flush());
            self.out.clear();
        }
    }

    fn wants_end(&self) -> bool {
        self.wants_end
    }

    fn wait(&mut self, time: Option<Duration>, accepts_input: bool) {
        let until = time.map(|time| Timespec {
            tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        });
        let stdin = std::io::stdin();
        // On a terminal, also for Ctrl-A; elsewhere, only what the guest takes is read.
        let listens = !self.input_ended && (accepts_input || self.keys.is_some());
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        let ready = if listens { &mut ready[..] } else { &mut [] };
        // A signal ends the wait early; the caller checks what has happened.
        let arrived = poll(ready, until.as_ref()).unwrap_or(0) > 0;
        if arrived && self.keys.is_some() {
            self.poll_input();
        }
    }
}
