//! The terminal of a machine: standard input and output.

use super::SystemError;
use super::keys::{Key, Keys};
use crate::host::RawTerminal;
use crate::machine::{Console, Input};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::collections::VecDeque;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The interval at which commands of the user are looked for while nobody waits for input.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The most input bytes that are buffered for the guest. Further bytes are dropped, so that Ctrl-A always works.
const TYPED: usize = 4096;

/// Standard input and output.
pub(super) struct Terminal {
    out: Vec<u8>,
    typed: VecDeque<u8>,
    wants_end: bool,
    /// Set if standard input is a terminal on which Ctrl-A begins a command.
    keys: Option<Keys>,
    polled: Option<Instant>,
    input: Arc<StandardInput>,
    /// Restores the mode of the terminal when dropped.
    _raw: Option<RawTerminal>,
}

/// Waits for standard input.
struct StandardInput {
    /// Readable if the wait is to end.
    interrupted: OwnedFd,
    ended: AtomicBool,
    /// Whether commands of the user arrive by it.
    has_commands: bool,
    /// Something may have arrived since the last wait.
    arrived: AtomicBool,
}

impl Terminal {
    /// With `keys`, and if standard input is a terminal, Ctrl-A begins a command and Ctrl-C goes to the guest.
    pub fn new(keys: bool) -> Result<Self, SystemError> {
        let interrupted = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| SystemError::Events(error.into()))?;
        let raw = RawTerminal::new(!keys);
        let keys = raw.as_ref().filter(|_| keys).map(|_| Keys::default());
        let input = StandardInput {
            interrupted,
            ended: AtomicBool::new(false),
            has_commands: keys.is_some(),
            arrived: AtomicBool::new(false),
        };
        Ok(Self {
            out: Vec::new(),
            typed: VecDeque::new(),
            wants_end: false,
            keys,
            polled: None,
            input: Arc::new(input),
            _raw: raw,
        })
    }

    /// Reads input that has arrived, without waiting.
    fn poll_input(&mut self) {
        let stdin = std::io::stdin();
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if self.input.ended.load(Ordering::Relaxed) || poll(&mut ready, Some(&now)).unwrap_or(0) == 0 {
            return;
        }
        // From a file or a pipe, read only what the guest reads: the rest is for the next reader.
        let mut bytes = [0; 64];
        let room = if self.keys.is_some() { bytes.len() } else { 1 };
        match rustix::io::read(&stdin, &mut bytes[..room]) {
            Ok(0) | Err(_) => self.input.ended.store(true, Ordering::Relaxed),
            Ok(n) => bytes[..n].iter().for_each(|&byte| self.take(byte)),
        }
    }

    fn take(&mut self, byte: u8) {
        match self.keys.as_mut().map_or(Key::Guest(byte), |keys| keys.take(byte)) {
            Key::Guest(byte) if self.typed.len() < TYPED => self.typed.push_back(byte),
            Key::Guest(_) | Key::Escape => {}
            Key::Text(text) => self.command(text.as_bytes()),
            Key::End => {
                self.wants_end = true;
                self.command(b"\nremu-system: ended by Ctrl-A x\n");
            }
        }
    }

    /// Answers a command of the user. A hart may have read it: whoever waits for input is to look.
    fn command(&mut self, answer: &[u8]) {
        self.out.extend_from_slice(answer);
        self.input.interrupt();
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
        let looks = |input: &StandardInput| {
            input.arrived.swap(false, Ordering::Relaxed) || self.polled.is_none_or(|at| at.elapsed() >= POLL_INTERVAL)
        };
        if self.keys.is_some() && looks(&self.input) {
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

    fn input(&self) -> Arc<dyn Input> {
        self.input.clone()
    }
}

impl Input for StandardInput {
    fn wait(&self, time: Option<Duration>, accepts_input: bool) {
        let until = time.map(|time| Timespec {
            tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        });
        let stdin = std::io::stdin();
        // On a terminal, also for Ctrl-A; elsewhere, only what the guest takes is read.
        let listens = !self.ended.load(Ordering::Relaxed) && (accepts_input || self.has_commands);
        let mut ready = [PollFd::new(&self.interrupted, PollFlags::IN), PollFd::new(&stdin, PollFlags::IN)];
        // A signal ends the wait early; the caller checks what has happened.
        let _ = poll(&mut ready[..if listens { 2 } else { 1 }], until.as_ref());
        if !ready[0].revents().is_empty() {
            // It fails if there is nothing to read.
            let _ = rustix::io::read(&self.interrupted, &mut [0; 8]);
        }
        if !ready[1].revents().is_empty() {
            self.arrived.store(true, Ordering::Relaxed);
        }
    }

    fn interrupt(&self) {
        // It fails if it has been interrupted very often.
        let _ = rustix::io::write(&self.interrupted, &1_u64.to_ne_bytes());
    }
}
