//! The machine-level CSRs, and the user-level ones that machine mode controls.

use super::{FS_DIRTY, Mode, Privileged, mstatus, pmp, sign_extended, zero_extended};
use crate::guest::riscv::{Cpu, csr as user};
use remu_isa::{Ext, Xlen};

/// `menvcfg`: the effect of CBO.INVAL in less privileged modes.
pub const MENVCFG_CBIE: u64 = 3 << 4;
/// `menvcfg`: enables CBO.CLEAN and CBO.FLUSH in less privileged modes.
pub const MENVCFG_CBCFE: u64 = 1 << 6;
/// `menvcfg`: enables CBO.ZERO in less privileged modes.
pub const MENVCFG_CBZE: u64 = 1 << 7;
/// `menvcfg`: fences of I/O also order memory.
const MENVCFG_FIOM: u64 = 1;

/// The bits of `mcounteren`: cycle, time, instret.
const COUNTERS: u32 = 0b111;
/// The bits of `mcountinhibit`, which has none for the time.
const STOPPABLE: u32 = 0b101;

/// The inputs of a hart from its devices.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExternalInputs {
    /// The value of `mtime`.
    pub time: u64,
    /// `mip`.
    pub interrupts: super::Interrupts,
}

impl Privileged {
    /// Reads a CSR; `None` if it does not exist or is not readable in this mode.
    pub(super) fn read_csr(&self, cpu: &Cpu, number: u16, inputs: &ExternalInputs) -> Option<u64> {
        self.permit(number)?;
        let rv32 = cpu.isa.xlen == Xlen::Rv32;
        let value = match number {
            0x001..=0x003 => return self.float_csr(cpu).and_then(|()| user::read(cpu, number, || 0)),
            0x300 => self.mstatus_shown(cpu),
            0x301 => misa(cpu),
            0x304 => self.mie,
            0x305 => self.mtvec,
            0x306 => self.mcounteren.into(),
            // mstatush: both modes are little-endian, so it is zero.
            0x310 if rv32 => 0,
            0x30a => self.menvcfg & 0xffff_ffff,
            0x31a if rv32 => self.menvcfg >> 32,
            0x320 => self.mcountinhibit.into(),
            // mhpmevent: no event can be selected, and the counters are zero.
            0x323..=0x33f => 0,
            0x340 => self.mscratch,
            0x341 => self.mepc(cpu),
            0x342 => self.mcause,
            0x343 => self.mtval,
            0x344 => inputs.interrupts.0,
            0x3a0..=0x3a3 => self.pmp_configs(number, rv32)?,
            0x3b0..=0x3bf => self.pmp.addr(usize::from(number - 0x3b0)),
            // tselect, tdata: there are no triggers.
            0x7a0..=0x7a3 => 0,
            0xb00 | 0xb02 => self.counter(cpu, number == 0xb02),
            0xb80 | 0xb82 if rv32 => self.counter(cpu, number == 0xb82) >> 32,
            0xb03..=0xb1f => 0,
            0xb83..=0xb9f if rv32 => 0,
            0xc00 | 0xc02 => self.counter(cpu, number == 0xc02),
            0xc01 => inputs.time,
            0xc80 | 0xc82 if rv32 => self.counter(cpu, number == 0xc82) >> 32,
            0xc81 if rv32 => inputs.time >> 32,
            0xc03..=0xc1f => 0,
            0xc83..=0xc9f if rv32 => 0,
            // mvendorid, marchid, mimpid and mconfigptr are not implemented.
            0xf11..=0xf13 | 0xf15 => 0,
            0xf14 => self.hart,
            _ => return None,
        };
        Some(sign_extended(cpu, value))
    }

    /// Writes a CSR. Fields are WARL: they keep their value if the new one is not supported. `None` if the CSR does not
    /// exist or is not writable in this mode.
    pub(super) fn write_csr(&mut self, cpu: &mut Cpu, number: u16, value: u64) -> Option<()> {
        self.permit(number)?;
        if number >> 10 == 3 {
            return None;
        }
        let rv32 = cpu.isa.xlen == Xlen::Rv32;
        let value = zero_extended(cpu, value);
        let low_half = |old: u64| if rv32 { old & !0xffff_ffff | value } else { value };
        let high_half = |old: u64| old & 0xffff_ffff | value << 32;
        match number {
            0x001..=0x003 => {
                self.float_csr(cpu)?;
                user::write(cpu, number, value)?;
                self.touch_float();
            }
            0x300 => self.set_mstatus(cpu, value),
            0x304 => self.mie = value & super::Interrupts::ALL.0,
            0x305 => self.mtvec = value & !2,
            0x306 => self.mcounteren = value as u32 & COUNTERS,
            0x30a => self.set_menvcfg(cpu, low_half(self.menvcfg)),
            0x31a if rv32 => self.set_menvcfg(cpu, high_half(self.menvcfg)),
            0x320 => self.inhibit(cpu, value as u32 & STOPPABLE),
            0x340 => self.mscratch = value,
            0x341 => self.mepc = value & !1,
            0x342 => self.mcause = value,
            0x343 => self.mtval = value,
            0x3a0..=0x3a3 => self.set_pmp_configs(number, rv32, value)?,
            0x3b0..=0x3bf => self.pmp.set_addr(usize::from(number - 0x3b0), value),
            0xb00 | 0xb02 => {
                let old = self.counter(cpu, number == 0xb02);
                self.set_counter(cpu, number == 0xb02, low_half(old));
            }
            0xb80 | 0xb82 if rv32 => {
                let old = self.counter(cpu, number == 0xb82);
                self.set_counter(cpu, number == 0xb82, high_half(old));
            }
            // Writable, but no bit changes.
            0x301 | 0x310 | 0x323..=0x33f | 0x344 | 0x7a0..=0x7a3 | 0xb03..=0xb1f | 0xb83..=0xb9f => {
                self.read_csr(cpu, number, &ExternalInputs::default())?;
            }
            _ => return None,
        }
        Some(())
    }

    /// `Some` if the current mode may access the CSR.
    fn permit(&self, number: u16) -> Option<()> {
        let needed = number >> 8 & 3;
        let counter = matches!(number, 0xc00..=0xc1f | 0xc80..=0xc9f);
        let permitted =
            self.mode == Mode::Machine || needed == 0 && (!counter || self.mcounteren >> (number & 0x1f) & 1 != 0);
        permitted.then_some(())
    }

    /// `Some` if the floating-point CSRs are accessible.
    fn float_csr(&self, cpu: &Cpu) -> Option<()> {
        (cpu.isa.exts.contains(Ext::F) && self.fs() != 0).then_some(())
    }

    /// Marks the floating-point state as changed.
    pub(super) fn touch_float(&mut self) {
        self.mstatus |= FS_DIRTY << mstatus::FS_SHIFT;
    }

    fn mstatus_shown(&self, cpu: &Cpu) -> u64 {
        let dirty = self.fs() == FS_DIRTY;
        match cpu.isa.xlen {
            Xlen::Rv32 => self.mstatus | if dirty { 1 << 31 } else { 0 },
            Xlen::Rv64 => self.mstatus | mstatus::UXL_64 | if dirty { 1 << 63 } else { 0 },
        }
    }

    fn set_mstatus(&mut self, cpu: &Cpu, value: u64) {
        let mut fields = mstatus::MIE | mstatus::MPIE | mstatus::MPRV | mstatus::TW;
        if cpu.isa.exts.contains(Ext::F) {
            fields |= mstatus::FS;
        }
        // Only user and machine mode exist.
        if [0, mstatus::MPP].contains(&(value & mstatus::MPP)) {
            fields |= mstatus::MPP;
        }
        self.mstatus = self.mstatus & !fields | value & fields;
    }

    fn set_menvcfg(&mut self, cpu: &Cpu, value: u64) {
        let mut fields = MENVCFG_FIOM;
        if cpu.isa.exts.contains(Ext::Zicbom) {
            fields |= MENVCFG_CBCFE;
            // 2 is reserved.
            if value & MENVCFG_CBIE != 2 << 4 {
                fields |= MENVCFG_CBIE;
            }
        }
        if cpu.isa.exts.contains(Ext::Zicboz) {
            fields |= MENVCFG_CBZE;
        }
        self.menvcfg = self.menvcfg & !fields | value & fields;
    }

    /// Whether CBO.INVAL may be executed.
    pub(super) fn may_invalidate(&self) -> bool {
        self.mode == Mode::Machine || self.menvcfg & MENVCFG_CBIE != 0
    }

    fn pmp_configs(&self, number: u16, rv32: bool) -> Option<u64> {
        let entries = pmp_entries(number, rv32)?;
        Some(entries.rev().fold(0, |value, entry| value << 8 | u64::from(self.pmp.config(entry))))
    }

    fn set_pmp_configs(&mut self, number: u16, rv32: bool, value: u64) -> Option<()> {
        for (i, entry) in pmp_entries(number, rv32)?.enumerate() {
            self.pmp.set_config(entry, (value >> (8 * i)) as u8);
        }
        Some(())
    }

    /// `mcycle` or `minstret`. There is no pipeline model, so each retired instruction counts as one cycle.
    fn counter(&self, cpu: &Cpu, instret: bool) -> u64 {
        let base = self.counters[usize::from(instret)];
        if self.is_inhibited(instret) { base } else { base.wrapping_add(cpu.instret) }
    }

    fn set_counter(&mut self, cpu: &Cpu, instret: bool, value: u64) {
        // The writing instruction is not counted.
        let retired = if self.is_inhibited(instret) { 0 } else { cpu.instret + 1 };
        self.counters[usize::from(instret)] = value.wrapping_sub(retired);
    }

    fn is_inhibited(&self, instret: bool) -> bool {
        self.mcountinhibit & if instret { 4 } else { 1 } != 0
    }

    fn inhibit(&mut self, cpu: &Cpu, which: u32) {
        let values = [false, true].map(|instret| self.counter(cpu, instret));
        self.mcountinhibit = which;
        for (instret, value) in [false, true].into_iter().zip(values) {
            let retired = if self.is_inhibited(instret) { 0 } else { cpu.instret };
            self.counters[usize::from(instret)] = value.wrapping_sub(retired);
        }
    }
}

/// The PMP entries that the CSR `pmpcfgN` configures. RV64 has even N only.
fn pmp_entries(number: u16, rv32: bool) -> Option<std::ops::Range<usize>> {
    let first = usize::from(number - 0x3a0) * 4;
    let count = if rv32 { 4 } else { 8 };
    (first.is_multiple_of(count) && first + count <= pmp::ENTRIES).then_some(first..first + count)
}

/// `misa`: XLEN and the single-letter extensions. Read-only.
fn misa(cpu: &Cpu) -> u64 {
    let letter = |c: u8| 1u64 << (c - b'A');
    let mut value = letter(b'I') | letter(b'U');
    for (ext, c) in [(Ext::M, b'M'), (Ext::A, b'A'), (Ext::F, b'F'), (Ext::D, b'D'), (Ext::C, b'C'), (Ext::B, b'B')] {
        if cpu.isa.exts.contains(ext) {
            value |= letter(c);
        }
    }
    match cpu.isa.xlen {
        Xlen::Rv32 => value | 1 << 30,
        Xlen::Rv64 => value | 2 << 62,
    }
}
