//! The privileged architecture: modes, the CSRs of machine level, traps and physical memory protection.
//!
//! The state of a hart that only the privileged architecture knows is [`Privileged`]; engines do not, they
//! stop where an instruction needs it. [`execute`] carries such an instruction out.

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

/// A privilege mode, by its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Mode {
    /// U.
    User = 0,
    /// M.
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

/// Values of `mstatus.FS`.
const FS_DIRTY: u64 = 3;

/// What only the privileged architecture knows of a hart.
#[derive(Clone, Debug)]
pub struct Privileged {
    /// The mode it is in.
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
    /// Protection of physical memory.
    pub pmp: Pmp,
    /// `mcycle` and `minstret`, less what the hart has retired; the value itself while inhibited.
    counters: [u64; 2],
}

impl Privileged {
    /// A hart as it comes out of reset.
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

    /// What an engine may execute by itself in the present state; all else it leaves to [`execute`]. The
    /// counters are left out, since reading them takes permission, and FENCE.I, which concerns all engines
    /// of a hart. Floating point is left out until its state is dirty, so that its first use is seen.
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

    /// What the hart may access.
    pub fn pmp_view(&self) -> PmpView {
        let data = if self.mode == Mode::Machine && self.mstatus & mstatus::MPRV != 0 { self.mpp() } else { self.mode };
        PmpView {
            regions: self.pmp.regions(),
            machine_fetches: self.mode == Mode::Machine,
            machine_accesses: data == Mode::Machine,
        }
    }
}

/// Extensions without those that work on floating-point registers or `fcsr`.
fn without_float(exts: ExtSet) -> ExtSet {
    // Asked each time that a hart goes on, which is no time to compute it.
    static FLOAT: LazyLock<ExtSet> = LazyLock::new(|| {
        let all: ExtSet = Ext::ALL.into_iter().collect();
        all.difference(all.without_dependents(Ext::F))
    });
    exts.difference(*FLOAT)
}

/// A value as a register of the hart's width holds it.
fn sign_extended(cpu: &Cpu, value: u64) -> u64 {
    match cpu.isa.xlen {
        Xlen::Rv32 => value as i32 as i64 as u64,
        Xlen::Rv64 => value,
    }
}

/// A value as an address or an unsigned number of the hart's width.
fn zero_extended(cpu: &Cpu, value: u64) -> u64 {
    match cpu.isa.xlen {
        Xlen::Rv32 => value & 0xffff_ffff,
        Xlen::Rv64 => value,
    }
}
