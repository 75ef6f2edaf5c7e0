//! The privileged architecture: privilege modes, machine-level CSRs, traps and physical memory protection.
//!
//! [`Privileged`] is the privileged state of a hart. Engines do not know it: they stop at instructions that need it,
//! and [`execute`] executes those.

mod csr;
mod execute;
mod pmp;
mod trap;

pub use csr::ExternalInputs;
pub use execute::{Done, execute};
pub use pmp::Pmp;
pub use trap::{Cause, Interrupts, TakenTrap};

use super::Cpu;
use crate::memory::machine::PmpView;
use remu_isa::{Ext, ExtSet, Xlen};
use std::sync::LazyLock;

/// A privilege mode, with the value of its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Mode {
    /// User mode.
    User = 0,
    /// Machine mode.
    Machine = 3,
}

/// Fields of `mstatus`.
mod mstatus {
    pub const MIE: u64 = 1 << 3;
    pub const MPIE: u64 = 1 << 7;
    pub const MPP: u64 = 3 << 11;
    pub const MPP_SHIFT: u32 = 11;
    pub const FS: u64 = 3 << 13;
    pub const FS_SHIFT: u32 = 13;
    pub const MPRV: u64 = 1 << 17;
    pub const TW: u64 = 1 << 21;
    pub const UXL_64: u64 = 2 << 32;
}

/// The value of `mstatus.FS` for a dirty state.
const FS_DIRTY: u64 = 3;

/// The privileged state of a hart.
#[derive(Clone, Debug)]
pub struct Privileged {
    /// The current privilege mode.
    pub mode: Mode,
    /// `mhartid`.
    pub hart: u64,
    mstatus: u64,
    mie: u64,
    mtvec: u64,
    mscratch: u64,
    mepc: u64,
    mcause: u64,
    mtval: u64,
    mcounteren: u32,
    mcountinhibit: u32,
    menvcfg: u64,
    /// The physical memory protection.
    pub pmp: Pmp,
    /// `mcycle` and `minstret`, each minus the number of retired instructions, or its value while inhibited.
    counters: [u64; 2],
}

impl Privileged {
    /// The state at reset.
    pub fn new(hart: u64) -> Self {
        Self {
            mode: Mode::Machine,
            hart,
            mstatus: 0,
            mie: 0,
            mtvec: 0,
            mscratch: 0,
            mepc: 0,
            mcause: 0,
            mtval: 0,
            mcounteren: 0,
            mcountinhibit: 0,
            menvcfg: 0,
            pmp: Pmp::default(),
            counters: [0; 2],
        }
    }

    fn fs(&self) -> u64 {
        (self.mstatus & mstatus::FS) >> mstatus::FS_SHIFT
    }

    fn mpp(&self) -> Mode {
        if self.mstatus & mstatus::MPP == 0 { Mode::User } else { Mode::Machine }
    }

    /// The extensions that an engine may execute in the current state. Instructions of others go to [`execute`]:
    /// counter reads, which need permission; FENCE.I, which affects all engines of a hart; and floating point until its
    /// state is dirty, to detect its first use.
    pub fn engine_exts(&self, all: ExtSet) -> ExtSet {
        let mut exts = all.without(Ext::Zicntr).without(Ext::Zihpm).without(Ext::Zifencei);
        if self.fs() != FS_DIRTY {
            exts = without_float(exts);
        }
        if self.mode != Mode::Machine {
            let unless = |exts: ExtSet, bits: u64, ext| if self.menvcfg & bits == 0 { exts.without(ext) } else { exts };
            exts = unless(exts, csr::MENVCFG_CBZE, Ext::Zicboz);
            exts = unless(exts, csr::MENVCFG_CBCFE, Ext::Zicbom);
        }
        exts
    }

    /// The memory protection in the current state.
    pub fn pmp_view(&self) -> PmpView {
        let data = if self.mode == Mode::Machine && self.mstatus & mstatus::MPRV != 0 { self.mpp() } else { self.mode };
        PmpView {
            regions: self.pmp.regions(),
            machine_fetches: self.mode == Mode::Machine,
            machine_accesses: data == Mode::Machine,
        }
    }
}

/// `exts` without the extensions that have floating-point state.
fn without_float(exts: ExtSet) -> ExtSet {
    // Computed once, since this runs each time that an engine starts.
    static FLOAT: LazyLock<ExtSet> = LazyLock::new(|| {
        let all: ExtSet = Ext::ALL.into_iter().collect();
        all.difference(all.without_dependents(Ext::F))
    });
    exts.difference(*FLOAT)
}

/// A value as a register holds it: sign-extended from XLEN.
fn sign_extended(cpu: &Cpu, value: u64) -> u64 {
    match cpu.isa.xlen {
        Xlen::Rv32 => value as i32 as i64 as u64,
        Xlen::Rv64 => value,
    }
}

/// A value as an address or unsigned number: zero-extended from XLEN.
fn zero_extended(cpu: &Cpu, value: u64) -> u64 {
    match cpu.isa.xlen {
        Xlen::Rv32 => value & 0xffff_ffff,
        Xlen::Rv64 => value,
    }
}
