//! `mstatus` and its view for supervisor mode, `sstatus`.

use super::{FS_DIRTY, Mode};
use remu_isa::Xlen;

pub const SIE: u64 = 1 << 1;
pub const MIE: u64 = 1 << 3;
pub const SPIE: u64 = 1 << 5;
pub const MPIE: u64 = 1 << 7;
const SPP: u64 = 1 << 8;
const MPP_SHIFT: u32 = 11;
const MPP: u64 = 3 << MPP_SHIFT;
const FS_SHIFT: u32 = 13;
const FS: u64 = 3 << FS_SHIFT;
const MPRV: u64 = 1 << 17;
const SUM: u64 = 1 << 18;
const MXR: u64 = 1 << 19;
pub const TVM: u64 = 1 << 20;
pub const TW: u64 = 1 << 21;
pub const TSR: u64 = 1 << 22;
const UXL_64: u64 = 2 << 32;
const SXL_64: u64 = 2 << 34;

/// The fields that supervisor mode sees.
const SUPERVISOR: u64 = SIE | SPIE | SPP | FS | SUM | MXR;

/// `mstatus`. Both other modes are little-endian and have the register width of machine mode; there is no vector state.
#[derive(Clone, Copy, Debug, Default)]
pub struct Status(u64);

impl Status {
    /// The register as machine mode reads it.
    pub fn read(self, xlen: Xlen) -> u64 {
        match xlen {
            Xlen::Rv32 => self.0 | self.dirty(31),
            Xlen::Rv64 => self.0 | self.dirty(63) | UXL_64 | SXL_64,
        }
    }

    /// The register as supervisor mode reads it.
    pub fn read_supervisor(self, xlen: Xlen) -> u64 {
        let fields = self.0 & SUPERVISOR;
        match xlen {
            Xlen::Rv32 => fields | self.dirty(31),
            Xlen::Rv64 => fields | self.dirty(63) | UXL_64,
        }
    }

    /// SD, the summary of dirty states, at its bit.
    fn dirty(self, bit: u32) -> u64 {
        u64::from(self.fs() == FS_DIRTY) << bit
    }

    /// Writes the register.
    pub fn write(&mut self, value: u64, has_float: bool, has_supervisor: bool) {
        let mut fields = MIE | MPIE | MPRV | TW | FS;
        if has_supervisor {
            fields |= SUPERVISOR | TVM | TSR;
        }
        let mode = Mode::from_bits((value & MPP) >> MPP_SHIFT);
        if mode.is_some_and(|mode| has_supervisor || mode != Mode::Supervisor) {
            fields |= MPP;
        }
        self.set(value, fields, has_float);
    }

    /// Writes the fields that supervisor mode sees.
    pub fn write_supervisor(&mut self, value: u64, has_float: bool) {
        self.set(value, SUPERVISOR, has_float);
    }

    fn set(&mut self, value: u64, fields: u64, has_float: bool) {
        let fields = if has_float { fields } else { fields & !FS };
        self.0 = self.0 & !fields | value & fields;
    }

    /// Whether all of these bits are set.
    pub fn has(self, bits: u64) -> bool {
        self.0 & bits == bits
    }

    pub fn fs(self) -> u64 {
        (self.0 & FS) >> FS_SHIFT
    }

    /// Marks the floating-point state as changed.
    pub fn touch_float(&mut self) {
        self.0 |= FS;
    }

    pub fn mprv(self) -> bool {
        self.has(MPRV)
    }

    pub fn sum(self) -> bool {
        self.has(SUM)
    }

    pub fn mxr(self) -> bool {
        self.has(MXR)
    }

    /// The mode before the last trap to machine mode.
    pub fn mpp(self) -> Mode {
        Mode::from_bits((self.0 & MPP) >> MPP_SHIFT).expect("a reserved value is never stored")
    }

    /// The mode before the last trap to supervisor mode.
    pub fn spp(self) -> Mode {
        if self.has(SPP) { Mode::Supervisor } else { Mode::User }
    }

    /// Records a trap from `from` that is taken in `to`.
    pub fn trap(&mut self, from: Mode, to: Mode) {
        let (enable, previous, mode, shown) = match to {
            Mode::Machine => (MIE, MPIE, MPP, (from as u64) << MPP_SHIFT),
            _ => (SIE, SPIE, SPP, if from == Mode::User { 0 } else { SPP }),
        };
        let was_enabled = self.has(enable);
        self.0 &= !(enable | previous | mode);
        self.0 |= shown | if was_enabled { previous } else { 0 };
    }

    /// Returns from the last trap taken in `from`; yields the mode to return to.
    pub fn trap_return(&mut self, from: Mode) -> Mode {
        let (enable, previous, mode, to) = match from {
            Mode::Machine => (MIE, MPIE, MPP, self.mpp()),
            _ => (SIE, SPIE, SPP, self.spp()),
        };
        let was_enabled = self.has(previous);
        // The least privileged mode is user mode, whose encoding is zero.
        self.0 &= !(enable | mode);
        self.0 |= previous | if was_enabled { enable } else { 0 };
        if to != Mode::Machine {
            self.0 &= !MPRV;
        }
        to
    }
}
