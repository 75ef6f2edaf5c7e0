//! The host-target interface (HTIF), through which test programs exit and print: two words in memory, at the symbols
//! `tohost` and `fromhost`.

use super::{Console, Ending};
use crate::elf::HtifAddresses;
use crate::memory::machine::Ram;

/// The console is device 1. Device 0 is the frontend itself: exit and proxied system calls.
const CONSOLE: u64 = 1;
/// The console's commands.
const GET: u64 = 0;
const PUT: u64 = 1;
/// The only system call that is proxied.
const SYS_WRITE: u64 = 64;

/// The interface.
#[derive(Debug)]
pub struct Htif {
    at: HtifAddresses,
    /// The program waits for console input.
    wants_key: bool,
}

impl Htif {
    /// The interface with its words at these addresses.
    pub fn new(at: HtifAddresses) -> Self {
        Self { at, wants_key: false }
    }

    /// Handles a request in `tohost`, if there is one.
    pub fn poll(&mut self, ram: &Ram, console: &mut dyn Console) -> Option<Ending> {
        if self.wants_key
            && let Some(key) = console.get()
        {
            self.wants_key = false;
            self.answer(ram, CONSOLE << 56 | GET << 48 | u64::from(key));
        }
        let request = word(ram, self.at.tohost)?;
        let (device, command, payload) = (request >> 56, request >> 48 & 0xff, request & ((1 << 48) - 1));
        match (device, command) {
            _ if request == 0 => return None,
            (0, 0) if payload & 1 != 0 => return Some(Ending::Exited(payload >> 1)),
            (0, 0) => {
                if let Err(call) = proxy(ram, payload, console) {
                    return Some(Ending::Unsupported(format!("system call {call} through HTIF")));
                }
                self.answer(ram, 1);
            }
            (CONSOLE, PUT) => {
                console.put(payload as u8);
                self.answer(ram, CONSOLE << 56 | PUT << 48);
            }
            (CONSOLE, GET) => self.wants_key = true,
            _ => return Some(Ending::Unsupported(format!("command {command} of HTIF's device {device}"))),
        }
        ram.write(self.at.tohost, &[0; 8])?;
        None
    }

    fn answer(&self, ram: &Ram, value: u64) {
        if let Some(at) = self.at.fromhost {
            ram.write(at, &value.to_le_bytes());
        }
    }
}

fn word(ram: &Ram, at: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    ram.read(at, &mut bytes)?;
    Some(u64::from_le_bytes(bytes))
}

/// Makes the system call described by eight words at `at`, and stores the result in the first. The error is the
/// number of an unsupported call.
fn proxy(ram: &Ram, at: u64, console: &mut dyn Console) -> Result<(), u64> {
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
    ram.write(at, &result.to_le_bytes());
    Ok(())
}
