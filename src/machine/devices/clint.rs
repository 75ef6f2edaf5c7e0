//! The core-local interruptor (SiFive's CLINT): inter-processor interrupts and the machine's timers. The RISC-V ACLINT
//! specification keeps its registers.

use super::Device;
use crate::guest::riscv::privileged::Interrupts;
use crate::machine::InterruptLines;
use crate::machine::timer::{Level, Timers};
use std::sync::Arc;

/// Its address.
pub const BASE: u64 = 0x200_0000;
/// The size of its registers in bytes.
pub const SIZE: u64 = 0x1_0000;

const MTIMECMP: u64 = 0x4000;
const MTIME: u64 = 0xbff8;

/// The interruptor.
#[derive(Debug)]
pub struct Clint {
    harts: u64,
    lines: Arc<InterruptLines>,
    timers: Arc<Timers>,
}

#[derive(Clone, Copy)]
enum Register {
    Software(usize),
    Compare(usize),
    Time,
}

impl Clint {
    /// The interruptor of `harts` harts.
    pub fn new(harts: usize, lines: Arc<InterruptLines>, timers: Arc<Timers>) -> Self {
        Self { harts: harts as u64, lines, timers }
    }

    /// The register at an offset, and the byte within the register.
    fn register(&self, offset: u64, size: u64) -> Option<(Register, u64)> {
        let harts = self.harts;
        match offset {
            _ if size < 4 => None,
            o if o < 4 * harts => Some((Register::Software(o as usize / 4), o % 4)),
            o if (MTIMECMP..MTIMECMP + 8 * harts).contains(&o) => {
                Some((Register::Compare((o - MTIMECMP) as usize / 8), o % 8))
            }
            o if (MTIME..MTIME + 8).contains(&o) => Some((Register::Time, o % 8)),
            _ => None,
        }
    }
}

/// The value of a register after a store of `size` bytes at the byte `at` of it.
fn merged(old: u64, at: u64, size: u64, value: u64) -> u64 {
    let mask = if size == 4 { 0xffff_ffff << (8 * at) } else { u64::MAX };
    old & !mask | value << (8 * at) & mask
}

impl Device for Clint {
    fn read(&self, offset: u64, size: u64) -> Option<u64> {
        let (register, byte) = self.register(offset, size)?;
        let value = match register {
            Register::Software(hart) => u64::from(self.lines.pending(hart).0 & Interrupts::SOFTWARE.0 != 0),
            Register::Compare(hart) => self.timers.get(hart, Level::Machine),
            Register::Time => self.timers.time(),
        } >> (8 * byte);
        Some(if size == 4 { value & 0xffff_ffff } else { value })
    }

    fn write(&self, offset: u64, size: u64, value: u64) -> Option<()> {
        let (register, byte) = self.register(offset, size)?;
        match register {
            Register::Software(hart) => self.lines.set(hart, Interrupts::SOFTWARE, value & 1 != 0),
            Register::Compare(hart) => {
                self.timers.set(hart, Level::Machine, |old| merged(old, byte, size, value));
            }
            Register::Time => self.timers.set_time(|old| merged(old, byte, size, value)),
        }
        Some(())
    }

    fn poll(&self) {
        self.timers.poll();
    }

    fn deadline(&self) -> Option<u64> {
        self.timers.deadline()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::console::NoInput;
    use crate::machine::{Clock, ClockSource, Events, timer};

    fn clint(harts: usize) -> (Clint, Arc<Clock>, Arc<InterruptLines>) {
        let clock = Arc::new(Clock::new(ClockSource::Instructions { shift: 0, sleep: false }));
        let lines = Arc::new(InterruptLines::new(harts));
        let events = Arc::new(Events::new(lines.clone(), Arc::<NoInput>::default(), &clock));
        let timers = Arc::new(Timers::new(harts, clock.clone(), lines.clone(), events));
        (Clint::new(harts, lines.clone(), timers), clock, lines)
    }

    #[test]
    fn software_interrupts_are_raised_and_cleared() {
        let (clint, _, lines) = clint(2);
        clint.write(4, 4, 0xffff_ffff).unwrap();
        assert_eq!((lines.pending(0), lines.pending(1)), (Interrupts(0), Interrupts::SOFTWARE));
        assert_eq!((clint.read(0, 4), clint.read(4, 4)), (Some(0), Some(1)));
        clint.write(4, 4, 2).unwrap();
        assert_eq!((lines.pending(1), clint.read(4, 4)), (Interrupts(0), Some(0)));
    }

    #[test]
    fn a_timer_that_is_reached_while_another_is_set_is_not_lost() {
        let (clint, clock, lines) = clint(2);
        clint.write(MTIMECMP, 8, 1000).unwrap();
        clock.count(150_000);
        clint.write(MTIMECMP + 8, 8, 2000).unwrap();
        assert_eq!((lines.pending(0), lines.pending(1)), (Interrupts::TIMER, Interrupts(0)));
        assert_eq!(clint.deadline(), Some(200_000));
    }

    #[test]
    fn the_timer_interrupt_is_pending_from_its_time_on() {
        let (clint, clock, lines) = clint(2);
        clint.write(MTIMECMP + 8, 8, 1000).unwrap();
        assert_eq!((lines.pending(1), clint.deadline()), (Interrupts(0), Some(100_000)));
        clock.count(99_999);
        clint.poll();
        assert_eq!(lines.pending(1), Interrupts(0));
        clock.count(1);
        clint.poll();
        assert_eq!((lines.pending(0), lines.pending(1)), (Interrupts(0), Interrupts::TIMER));
        assert_eq!(clint.deadline(), None, "it is pending already");
        // The high half: the time is far away again.
        clint.write(MTIMECMP + 12, 4, 1).unwrap();
        assert_eq!((clint.read(MTIMECMP + 8, 8), lines.pending(1)), (Some(1 << 32 | 1000), Interrupts(0)));
        assert_eq!(clint.deadline(), Some(((1 << 32) + 1000) * 100));
    }

    #[test]
    fn the_time_can_be_set() {
        let (clint, clock, lines) = clint(1);
        clint.write(MTIMECMP, 8, 1 << 40).unwrap();
        clint.write(MTIME, 8, (1 << 40) - 1).unwrap();
        assert_eq!((clint.read(MTIME + 4, 4), lines.pending(0)), (Some(0xff), Interrupts(0)));
        clock.count(100);
        clint.poll();
        assert_eq!((clint.read(MTIME, 8), lines.pending(0)), (Some(1 << 40), Interrupts::TIMER));
        clint.write(MTIME, 8, 0).unwrap();
        assert_eq!((clint.timers.time(), lines.pending(0)), (0, Interrupts(0)));
        clint.write(MTIME + 4, 4, 0xffff_ffff).unwrap();
        assert_eq!((clint.timers.time(), lines.pending(0)), (0xffff_ffff_0000_0000, Interrupts::TIMER));
    }

    #[test]
    fn the_supervisor_has_a_timer_of_its_own() {
        let (clint, clock, lines) = clint(2);
        clint.timers.set(1, Level::Supervisor, |_| 5);
        clint.write(MTIMECMP + 8, 8, 7).unwrap();
        assert_eq!((lines.pending(1), clint.deadline()), (Interrupts(0), Some(500)));
        clock.count(500);
        clint.poll();
        assert_eq!((lines.pending(1), clint.deadline()), (Interrupts::SUPERVISOR_TIMER, Some(700)));
        clint.timers.set(1, Level::Supervisor, |_| timer::NEVER);
        assert_eq!(lines.pending(1), Interrupts(0));
    }

    #[test]
    fn reserved_offsets_and_sizes_fail() {
        let (clint, ..) = clint(1);
        assert_eq!((clint.read(4, 4), clint.read(0, 1), clint.write(0x8000, 4, 0)), (None, None, None));
    }
}
