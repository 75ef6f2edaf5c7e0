//! The architectural state of a RISC-V hart.

use super::fp::Flags;
use crate::memory::GuestAddr;
use remu_isa::{Ext, Isa, Xlen};

/// A reservation made by a load-reserved instruction. Emitted code reads and writes its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Reservation {
    /// The address and the size of the access: see [`Self::place`]. Zero if there is no reservation.
    pub place: u64,
    /// The value that was loaded, zero-extended. The store-conditional succeeds only if memory still holds it.
    pub value: u64,
    /// What [`Reservations`](crate::memory::Reservations) gave for it.
    pub version: u64,
}

impl Reservation {
    /// No reservation.
    pub const NONE: Self = Self { place: 0, value: 0, version: 0 };

    /// The place of an aligned access of four or eight bytes. Its size is kept in the low bits of the address.
    pub const fn place(addr: GuestAddr, size: u64) -> u64 {
        addr.0 + Self::mark(size)
    }

    /// What is added to the address.
    pub const fn mark(size: u64) -> u64 {
        size / 4
    }

    /// An address in the granule of the access.
    pub const fn addr(&self) -> GuestAddr {
        GuestAddr(self.place)
    }
}

/// The state of one hart. On a 32-bit hart, integer registers hold sign-extended values and `pc` is
/// zero-extended.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Cpu {
    /// x0..x31; x0 is always zero. The registers above are scratch for engines.
    pub x: [u64; 64],
    /// f0..f31, NaN-boxed where they hold less than 64 bits.
    pub f: [u64; 32],
    /// The program counter.
    pub pc: u64,
    /// Accrued floating-point exception flags. While an engine runs, more may be in the host's MXCSR.
    pub fflags: Flags,
    /// The dynamic rounding mode, 0..=7, as written.
    pub frm: u8,
    /// The LR reservation, if there is one.
    pub reservation: Reservation,
    /// Instructions retired, as far as the engine has accounted for them.
    pub instret: u64,
    /// What the hart implements.
    pub isa: Isa,
}

/// The alignment of instructions, in bytes.
pub fn insn_align(isa: &Isa) -> u64 {
    if isa.exts.contains(Ext::Zca) { 2 } else { 4 }
}

impl Cpu {
    /// A hart with all registers zero.
    pub fn new(isa: Isa) -> Self {
        Self {
            x: [0; 64],
            f: [0; 32],
            pc: 0,
            fflags: Flags::default(),
            frm: 0,
            reservation: Reservation::NONE,
            instret: 0,
            isa,
        }
    }

    /// The integer register `r`.
    pub fn x(&self, r: u8) -> u64 {
        self.x[usize::from(r)]
    }

    /// Writes the integer register `r`, unless it is x0.
    pub fn set_x(&mut self, r: u8, v: u64) {
        if r != 0 {
            self.x[usize::from(r)] = v;
        }
    }

    /// The alignment of instructions, in bytes: four without compressed instructions.
    pub fn insn_align(&self) -> u64 {
        insn_align(&self.isa)
    }

    /// Sets pc as `sret` would: `sepc` drops the low bits that an instruction's address cannot have.
    pub fn enter(&mut self, addr: u64) {
        self.pc = addr & !(self.insn_align() - 1);
    }

    /// The `fcsr` register: rounding mode and flags.
    pub fn fcsr(&self) -> u32 {
        u32::from(self.frm) << 5 | u32::from(self.fflags.0)
    }

    /// Writes `fcsr`.
    pub fn set_fcsr(&mut self, v: u32) {
        self.frm = (v >> 5) as u8 & 7;
        self.fflags = Flags(v as u8 & 0x1f);
    }

    /// Whether this is a 64-bit hart.
    pub fn is_64bit(&self) -> bool {
        self.isa.xlen == Xlen::Rv64
    }
}
