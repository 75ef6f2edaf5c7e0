//! The host-target interface (HTIF), through which test programs exit and print: two words in memory, at the symbols
//! `tohost` and `fromhost`.

use super::{Clock, Console, Ending, Events};
use crate::elf::HtifAddresses;
use crate::memory::PAGE_SIZE;
use crate::memory::machine::{MachineCode, Ram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The console is device 1. Device 0 is the frontend itself: exit and proxied system calls.
const CONSOLE: u64 = 1;
/// The console's commands.
const GET: u64 = 0;
const PUT: u64 = 1;
/// The only system call that is proxied.
const SYS_WRITE: u64 = 64;

/// How long after a store to a half of `tohost` it is looked at, in nanoseconds: 32-bit harts need two stores.
const SETTLING: u64 = 1_000_000;

/// The interface.
pub struct Htif {
    at: HtifAddresses,
    ram: Arc<Ram>,
    code: Arc<MachineCode>,
    /// The program waits for console input.
    wants_key: AtomicBool,
    /// The machine's clock when `tohost` is to be looked at; `u64::MAX` if it has not changed.
    due: AtomicU64,
}

impl Htif {
    /// The interface with its words at these addresses. `code` learns of what it stores.
    pub fn new(at: HtifAddresses, ram: Arc<Ram>, code: Arc<MachineCode>) -> Self {
        Self { at, ram, code, wants_key: AtomicBool::new(false), due: AtomicU64::new(u64::MAX) }
    }

    /// Whether `tohost` is in a page.
    pub fn is_in(&self, page: u64) -> bool {
        self.at.tohost & !(PAGE_SIZE - 1) == page
    }

    /// Called after a hart has stored to that page.
    pub fn stored(&self, addr: u64, len: u64, clock: &Clock, events: &Events) {
        if addr + len > self.at.tohost && addr < self.at.tohost + 8 {
            let due = clock.nanos() + if len < 8 { SETTLING } else { 0 };
            self.due.fetch_min(due, Ordering::SeqCst);
            events.expect_at(due);
        }
    }

    /// Whether the program waits for console input.
    pub fn wants_key(&self) -> bool {
        self.wants_key.load(Ordering::SeqCst)
    }

    /// When [`Htif::poll`] has something to do.
    pub fn deadline(&self) -> Option<u64> {
        Some(self.due.load(Ordering::SeqCst)).filter(|&at| at != u64::MAX)
    }

    /// Whether [`Htif::poll`] may have something to do.
    pub fn is_due(&self, clock: &Clock) -> bool {
        self.wants_key() || clock.nanos() >= self.due.load(Ordering::SeqCst)
    }

    /// Handles a request in `tohost`, if there is one. Called by one thread at a time, which holds the console.
    pub fn poll(&self, console: &mut dyn Console) -> Option<Ending> {
        let ram = &*self.ram;
        if self.wants_key()
            && let Some(key) = console.get()
        {
            self.wants_key.store(false, Ordering::SeqCst);
            self.answer(CONSOLE << 56 | GET << 48 | u64::from(key));
        }
        self.due.store(u64::MAX, Ordering::SeqCst);
        let request = word(ram, self.at.tohost)?;
        let (device, command, payload) = (request >> 56, request >> 48 & 0xff, request & ((1 << 48) - 1));
        match (device, command) {
            _ if request == 0 => return None,
            (0, 0) if payload & 1 != 0 => return Some(Ending::Exited(payload >> 1)),
            (0, 0) => {
                if let Err(call) = self.proxy(payload, console) {
                    return Some(Ending::Unsupported(format!("system call {call} through HTIF")));
                }
                self.answer(1);
            }
            (CONSOLE, PUT) => {
                console.put(payload as u8);
                self.answer(CONSOLE << 56 | PUT << 48);
            }
            (CONSOLE, GET) => self.wants_key.store(true, Ordering::SeqCst),
            _ => return Some(Ending::Unsupported(format!("command {command} of HTIF's device {device}"))),
        }
        self.write(self.at.tohost, 0);
        None
    }

    fn answer(&self, value: u64) {
        if let Some(at) = self.at.fromhost {
            self.write(at, value);
        }
    }

    fn write(&self, at: u64, value: u64) {
        if self.ram.write(at, &value.to_le_bytes()).is_some() {
            // A word may cross a page's end.
            (at..at + 8).for_each(|byte| self.code.stored(byte, 1));
        }
    }

    /// Makes the system call described by eight words at `at`, and stores the result in the first. The error is the
    /// number of an unsupported call.
    fn proxy(&self, at: u64, console: &mut dyn Console) -> Result<(), u64> {
        let ram = &*self.ram;
        const EBADF: i64 = -9;
        const EFAULT: i64 = -14;
        /// The largest write. Longer ones are short writes.
        const LONGEST: u64 = 1 << 20;
        let argument = |i: u64| word(ram, at.wrapping_add(8 * i)).unwrap_or(0);
        let [call, fd, buffer, len] = [0, 1, 2, 3].map(argument);
        if call != SYS_WRITE {
            return Err(call);
        }
        let mut bytes = vec![0; len.min(LONGEST) as usize];
        let result = match (fd, ram.read(buffer, &mut bytes)) {
            (1 | 2, Some(())) => {
                bytes.iter().for_each(|byte| console.put(*byte));
                bytes.len() as i64
            }
            (1 | 2, None) => EFAULT,
            _ => EBADF,
        };
        self.write(at, result as u64);
        Ok(())
    }
}

fn word(ram: &Ram, at: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    ram.read(at, &mut bytes)?;
    Some(u64::from_le_bytes(bytes))
}
