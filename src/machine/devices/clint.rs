//! The core-local interruptor (SiFive's CLINT): inter-processor interrupts and the timer. The RISC-V ACLINT
//! specification keeps its registers.

use super::{Device, lock};
use crate::guest::riscv::csr::TIMEBASE_HZ;
use crate::guest::riscv::privileged::Interrupts;
use crate::machine::{Clock, InterruptLines};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Its address.
pub const BASE: u64 = 0x200_0000;
/// The size of its registers in bytes.
pub const SIZE: u64 = 0x1_0000;

const MTIMECMP: u64 = 0x4000;
const MTIME: u64 = 0xbff8;

const NANOS_PER_TICK: u64 = 1_000_000_000 / TIMEBASE_HZ;

/// The interruptor.
#[derive(Debug)]
pub struct Clint {
    clock: Arc<Clock>,
    lines: Arc<InterruptLines>,
    compare: Mutex<Box<[u64]>>,
    /// `mtime` minus the ticks of the clock; changed by writes to `mtime`.
    offset: AtomicU64,
    /// The lowest `mtimecmp` that is not reached.
    next: AtomicU64,
}

#[derive(Clone, Copy)]
enum Register {
    Software(usize),
    Compare(usize),
    Time,
}

impl Clint {
    /// The interruptor of `harts` harts, with no interrupt pending.
    pub fn new(harts: usize, clock: Arc<Clock>, lines: Arc<InterruptLines>) -> Self {
        let compare = Mutex::new(vec![u64::MAX; harts].into());
        Self { clock, lines, compare, offset: AtomicU64::new(0), next: AtomicU64::new(u64::MAX) }
    }

    /// `mtime`.
    pub fn time(&self) -> u64 {
        self.offset.load(Ordering::Relaxed).wrapping_add(self.ticks())
    }

    /// The machine's clock when `mtime` reaches a value; `None` if it never does.
    pub fn nanos_at(&self, time: u64) -> Option<u64> {
        let left = time.saturating_sub(self.time());
        self.ticks().checked_add(left)?.checked_mul(NANOS_PER_TICK)
    }

    fn ticks(&self) -> u64 {
        self.clock.nanos() / NANOS_PER_TICK
    }

    /// Updates the timer interrupts of all harts.
    fn update(&self, compare: &[u64]) {
        let time = self.time();
        for (hart, at) in compare.iter().enumerate() {
            self.lines.set(hart, Interrupts::TIMER, time >= *at);
        }
        let next = compare.iter().copied().filter(|at| *at > time).min();
        self.next.store(next.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The register at an offset, and the byte within the register.
    fn register(&self, offset: u64, size: u64) -> Option<(Register, u64)> {
        let harts = lock(&self.compare).len() as u64;
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
            Register::Compare(hart) => lock(&self.compare)[hart],
            Register::Time => self.time(),
        } >> (8 * byte);
        Some(if size == 4 { value & 0xffff_ffff } else { value })
    }

    fn write(&self, offset: u64, size: u64, value: u64) -> Option<()> {
        let (register, byte) = self.register(offset, size)?;
        match register {
            Register::Software(hart) => self.lines.set(hart, Interrupts::SOFTWARE, value & 1 != 0),
            Register::Compare(hart) => {
                let mut compare = lock(&self.compare);
                compare[hart] = merged(compare[hart], byte, size, value);
                self.update(&compare);
            }
            Register::Time => {
                let compare = lock(&self.compare);
                let new = merged(self.time(), byte, size, value);
                self.offset.store(new.wrapping_sub(self.ticks()), Ordering::Relaxed);
                self.update(&compare);
            }
        }
        Some(())
    }

    fn poll(&self) {
        if self.time() >= self.next.load(Ordering::Relaxed) {
            self.update(&lock(&self.compare));
        }
    }

    fn deadline(&self) -> Option<u64> {
        self.nanos_at(self.next.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::ClockSource;

    fn clint(harts: usize) -> (Clint, Arc<Clock>, Arc<InterruptLines>) {
        let clock = Arc::new(Clock::new(ClockSource::Instructions { shift: 0, sleep: false }));
        let lines = Arc::new(InterruptLines::new(harts));
        (Clint::new(harts, clock.clone(), lines.clone()), clock, lines)
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
        assert_eq!((clint.time(), lines.pending(0)), (0, Interrupts(0)));
        clint.write(MTIME + 4, 4, 0xffff_ffff).unwrap();
        assert_eq!((clint.time(), lines.pending(0)), (0xffff_ffff_0000_0000, Interrupts::TIMER));
    }

    #[test]
    fn reserved_offsets_and_sizes_fail() {
        let (clint, ..) = clint(1);
        assert_eq!((clint.read(4, 4), clint.read(0, 1), clint.write(0x8000, 4, 0)), (None, None, None));
    }
}
