//! The privileged architecture of a machine's hart: privilege modes, CSRs, traps, and what they mean for memory.
//!
//! [`Privileged`] is the privileged state of a hart. Engines consult it through [`Privilege`](super::Privilege).

mod csr;
mod pmp;
mod privilege;
mod status;
mod trap;

pub use pmp::Pmp;
pub use trap::{Cause, Interrupts, TakenTrap};

use super::Cpu;
use crate::memory::machine::{HartMemory, Level, Paging, Regime, WalkOptions};
use remu_isa::{Ext, ExtSet, Isa, Xlen};
use status::Status;
use std::sync::{Arc, LazyLock};

/// A privilege mode, with the value of its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Mode {
    /// User mode.
    User = 0,
    /// Supervisor mode.
    Supervisor = 1,
    /// Machine mode.
    Machine = 3,
}

impl Mode {
    /// The mode with this encoding; 2 is reserved.
    const fn from_bits(bits: u64) -> Option<Self> {
        match bits {
            0 => Some(Self::User),
            1 => Some(Self::Supervisor),
            3 => Some(Self::Machine),
            _ => None,
        }
    }

    const fn level(self) -> Level {
        match self {
            Self::User => Level::User,
            Self::Supervisor => Level::Supervisor,
            Self::Machine => Level::Machine,
        }
    }
}

/// The value of `mstatus.FS` for a dirty state.
const FS_DIRTY: u64 = 3;

/// Bits of [`Privileged::features`].
mod feature {
    /// Instructions with floating-point state execute.
    pub const FLOAT: u8 = 1;
    /// CBO.ZERO executes.
    pub const CBO_ZERO: u8 = 2;
    /// CBO.CLEAN and CBO.FLUSH execute.
    pub const CBO_CLEAN: u8 = 4;
}

/// What a hart reads of its machine while it runs.
pub trait HartInputs: Send + Sync {
    /// The bits of `mip` that devices and timers set.
    fn pending(&self) -> Interrupts;

    /// The value of `mtime`. `executed` is the number of instructions that the hart has executed since the last call. The
    /// timers' bits of [`HartInputs::pending`] are up to date with it.
    fn time(&self, executed: u64) -> u64;

    /// Sets the time from which on the supervisor's timer interrupt is pending; `None` leaves it to software.
    fn set_supervisor_timer(&self, at: Option<u64>);

    /// Called while the hart waits for another in a loop.
    fn pause(&self);

    /// Called for each trap that is taken.
    fn trapped(&self, trap: &TakenTrap);
}

/// The inputs of a hart without devices and timers.
#[derive(Clone, Copy, Debug)]
pub struct NoInputs;

impl HartInputs for NoInputs {
    fn pending(&self) -> Interrupts {
        Interrupts(0)
    }

    fn time(&self, _: u64) -> u64 {
        0
    }

    fn set_supervisor_timer(&self, _: Option<u64>) {}

    fn pause(&self) {}

    fn trapped(&self, _: &TakenTrap) {}
}

/// What the two modes that take traps have each.
#[derive(Clone, Debug, Default)]
struct TrapCsrs {
    tvec: u64,
    scratch: u64,
    epc: u64,
    cause: u64,
    tval: u64,
}

/// The privileged state of a hart.
pub struct Privileged {
    /// The current privilege mode.
    pub mode: Mode,
    /// `mhartid`.
    pub hart: u64,
    status: Status,
    machine: TrapCsrs,
    supervisor: TrapCsrs,
    medeleg: u64,
    mideleg: u64,
    mie: u64,
    /// The bits of `mip` that software sets. Not STIP while `stimecmp` controls it.
    software_pending: u64,
    mcounteren: u32,
    scounteren: u32,
    mcountinhibit: u32,
    menvcfg: u64,
    senvcfg: u64,
    mseccfg: pmp::Seccfg,
    satp: u64,
    stimecmp: u64,
    /// The physical memory protection.
    pub pmp: Pmp,
    /// `mcycle` and `minstret`, each minus the number of retired instructions, or its value while inhibited.
    counters: [u64; 2],
    /// What the current state lets be executed, as bits of [`feature`].
    features: u8,
    /// The number of traps taken.
    traps: u64,
    /// How many of the instructions and traps the machine's clock has been told of.
    told: u64,
    inputs: Arc<dyn HartInputs>,
}

impl Privileged {
    /// The state at reset.
    pub fn new(hart: u64, inputs: Arc<dyn HartInputs>) -> Self {
        Self {
            mode: Mode::Machine,
            hart,
            status: Status::default(),
            machine: TrapCsrs::default(),
            supervisor: TrapCsrs::default(),
            medeleg: 0,
            mideleg: 0,
            mie: 0,
            software_pending: 0,
            mcounteren: 0,
            scounteren: 0,
            mcountinhibit: 0,
            menvcfg: 0,
            senvcfg: 0,
            mseccfg: pmp::Seccfg::default(),
            satp: 0,
            stimecmp: u64::MAX,
            pmp: Pmp::default(),
            counters: [0; 2],
            features: feature::CBO_ZERO | feature::CBO_CLEAN,
            traps: 0,
            told: 0,
            inputs,
        }
    }

    /// The number of instructions that retired or trapped.
    pub fn begun(&self, cpu: &Cpu) -> u64 {
        cpu.instret + self.traps
    }

    /// The time, which goes on with each instruction where the machine's clock counts them.
    pub fn time(&mut self, cpu: &Cpu) -> u64 {
        let begun = self.begun(cpu);
        self.inputs.time(begun.wrapping_sub(std::mem::replace(&mut self.told, begun)))
    }

    /// Tells the machine's clock of the instructions executed.
    pub fn update_clock(&mut self, cpu: &Cpu) {
        self.time(cpu);
    }

    /// Whether `stimecmp` controls the supervisor's timer interrupt (Sstc).
    fn has_supervisor_timer(&self) -> bool {
        self.menvcfg & csr::MENVCFG_STCE != 0
    }

    /// Applies the state to what engines decode and to memory. Called after each change that may matter.
    fn apply(&mut self, cpu: &Cpu, mem: &HartMemory) {
        let float = if self.status.fs() == FS_DIRTY { feature::FLOAT } else { 0 };
        let envcfg = match self.mode {
            Mode::Machine => csr::MENVCFG_CBZE | csr::MENVCFG_CBCFE,
            Mode::Supervisor => self.menvcfg,
            Mode::User if csr::has_supervisor(cpu) => self.menvcfg & self.senvcfg,
            Mode::User => self.menvcfg,
        };
        let zero = if envcfg & csr::MENVCFG_CBZE != 0 { feature::CBO_ZERO } else { 0 };
        let clean = if envcfg & csr::MENVCFG_CBCFE != 0 { feature::CBO_CLEAN } else { 0 };
        self.features = float | zero | clean;
        let fetches = self.regime(cpu, self.mode, false);
        // MPRV is clear below machine mode.
        let data_mode = if self.status.mprv() { self.status.mpp() } else { self.mode };
        let data = self.regime(cpu, data_mode, true);
        mem.set_regimes(&fetches, &data);
    }

    fn regime(&self, cpu: &Cpu, mode: Mode, is_data: bool) -> Regime {
        if mode == Mode::Machine {
            return Regime::MACHINE;
        }
        let (paging, asid, ppn) = match cpu.isa.xlen {
            Xlen::Rv32 if self.satp >> 31 == 0 => (Paging::Bare, 0, 0),
            Xlen::Rv32 => (Paging::Sv32, (self.satp >> 22 & 0x1ff) as u16, self.satp & 0x3f_ffff),
            Xlen::Rv64 => {
                let paging = match self.satp >> 60 {
                    8 => Paging::Sv39,
                    9 => Paging::Sv48,
                    10 => Paging::Sv57,
                    _ => Paging::Bare,
                };
                (paging, (self.satp >> 44) as u16, self.satp & ((1 << 44) - 1))
            }
        };
        if paging == Paging::Bare {
            return Regime { level: mode.level(), ..Regime::MACHINE };
        }
        let root = ppn << 12;
        let sum = is_data && mode == Mode::Supervisor && self.status.sum();
        Regime { level: mode.level(), paging, root, asid, sum, mxr: is_data && self.status.mxr() }
    }

    fn walk_options(&self) -> WalkOptions {
        WalkOptions {
            sets_accessed: self.menvcfg & csr::MENVCFG_ADUE != 0,
            memory_types: self.menvcfg & csr::MENVCFG_PBMTE != 0,
        }
    }

    /// The extensions of instructions that may be executed in the current state. Floating point may not until its state
    /// is dirty, so that its first use is noticed.
    fn executable(&self, isa: &Isa) -> Isa {
        let mut exts = isa.exts;
        if self.features & feature::FLOAT == 0 {
            exts = without_float(exts);
        }
        if self.features & feature::CBO_ZERO == 0 {
            exts = exts.without(Ext::Zicboz);
        }
        Isa::new(isa.xlen, exts)
    }
}

/// `exts` without the extensions that have floating-point state.
fn without_float(exts: ExtSet) -> ExtSet {
    // Computed once, since this runs for each block that is decoded.
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
