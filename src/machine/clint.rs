//! The core-local interruptor (SiFive's CLINT): inter-processor interrupts and the timer. The RISC-V ACLINT
//! specification keeps its registers.

use crate::guest::riscv::csr::TIMEBASE_HZ;
use crate::guest::riscv::privileged::Interrupts;
use std::time::{Duration, Instant};

/// Its address.
pub const BASE: u64 = 0x200_0000;
/// The size of its registers in bytes.
pub const SIZE: u64 = 0x1_0000;

const MTIMECMP: u64 = 0x4000;
const MTIME: u64 = 0xbff8;

/// The interruptor.
#[derive(Debug)]
pub struct Clint {
    software: Vec<bool>,
    compare: Vec<u64>,
    start: Instant,
    /// `mtime` minus the ticks since `start`; changed by writes to `mtime`.
    offset: u64,
}

impl Clint {
    /// The interruptor of `harts` harts, with no interrupt pending.
    pub fn new(harts: usize) -> Self {
        Self { software: vec![false; harts], compare: vec![u64::MAX; harts], start: Instant::now(), offset: 0 }
    }

    /// `mtime`.
    pub fn time(&self) -> u64 {
        self.offset.wrapping_add(self.passed())
    }

    fn passed(&self) -> u64 {
        (self.start.elapsed().as_nanos() * u128::from(TIMEBASE_HZ) / 1_000_000_000) as u64
    }

    /// The interrupts that are pending for a hart.
    pub fn pending(&self, hart: usize, time: u64) -> Interrupts {
        Interrupts::default()
            .with(Interrupts::SOFTWARE, self.software[hart])
            .with(Interrupts::TIMER, time >= self.compare[hart])
    }

    /// The time until the next timer interrupt; `None` if it is too far away for a [`Duration`].
    pub fn until_timer(&self) -> Option<Duration> {
        let ticks = self.compare.iter().min()?.saturating_sub(self.time());
        Some(Duration::from_nanos(ticks.checked_mul(1_000_000_000 / TIMEBASE_HZ)?))
    }

    /// The register at an offset, and the byte within the register.
    fn register(&mut self, offset: u64) -> Option<(Register, u64)> {
        let harts = self.software.len() as u64;
        match offset {
            o if o < 4 * harts => Some((Register::Software(o as usize / 4), o % 4)),
            o if (MTIMECMP..MTIMECMP + 8 * harts).contains(&o) => {
                Some((Register::Compare((o - MTIMECMP) as usize / 8), o % 8))
            }
            o if (MTIME..MTIME + 8).contains(&o) => Some((Register::Time, o % 8)),
            _ => None,
        }
    }

    fn value(&self, register: Register) -> u64 {
        match register {
            Register::Software(hart) => self.software[hart].into(),
            Register::Compare(hart) => self.compare[hart],
            Register::Time => self.time(),
        }
    }

    /// A load at an offset.
    pub fn read(&mut self, offset: u64, size: u64) -> Option<u64> {
        let (register, byte) = self.register(offset).filter(|_| size >= 4)?;
        let value = self.value(register) >> (8 * byte);
        Some(if size == 4 { value & 0xffff_ffff } else { value })
    }

    /// A store at an offset.
    pub fn write(&mut self, offset: u64, size: u64, value: u64) -> Option<()> {
        let (register, byte) = self.register(offset).filter(|_| size >= 4)?;
        let mask = if size == 4 { 0xffff_ffff << (8 * byte) } else { u64::MAX };
        let new = self.value(register) & !mask | value << (8 * byte) & mask;
        match register {
            Register::Software(hart) => self.software[hart] = new & 1 != 0,
            Register::Compare(hart) => self.compare[hart] = new,
            Register::Time => self.offset = new.wrapping_sub(self.passed()),
        }
        Some(())
    }
}

#[derive(Clone, Copy)]
enum Register {
    Software(usize),
    Compare(usize),
    Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interrupts_are_raised_and_cleared() {
        let mut clint = Clint::new(2);
        assert_eq!(clint.pending(1, clint.time()), Interrupts::default());
        clint.write(4, 4, 1).unwrap();
        assert_eq!((clint.pending(1, 0), clint.pending(0, 0)), (Interrupts::SOFTWARE, Interrupts::default()));
        clint.write(4, 4, 0).unwrap();
        clint.write(MTIMECMP + 8, 8, 1000).unwrap();
        assert_eq!((clint.pending(1, 999), clint.pending(1, 1000)), (Interrupts::default(), Interrupts::TIMER));
        clint.write(MTIMECMP + 12, 4, 1).unwrap();
        assert_eq!(clint.read(MTIMECMP + 8, 8), Some(1 << 32 | 1000));
        clint.write(MTIME, 8, 1 << 40).unwrap();
        assert_eq!(clint.read(MTIME + 4, 4), Some(1 << 8));
    }

    #[test]
    fn reserved_offsets_and_sizes_fail() {
        let mut clint = Clint::new(1);
        assert_eq!((clint.read(4, 4), clint.read(0, 1), clint.write(0x8000, 4, 0)), (None, None, None));
    }
}
