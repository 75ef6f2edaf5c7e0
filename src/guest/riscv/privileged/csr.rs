//! The CSRs of machine and supervisor mode, and the user-level ones that those control.

use super::pmp;
use super::{Interrupts, Mode, Privileged, sign_extended, status, trap, zero_extended};
use crate::guest::riscv::csr::MIP_WRITABLE;
use crate::guest::riscv::{Cpu, Reservation, csr as user};
use crate::memory::machine::HartMemory;
use remu_isa::{Ext, Xlen};

/// `menvcfg`, `senvcfg`: the effect of CBO.INVAL in less privileged modes.
pub const MENVCFG_CBIE: u64 = 3 << 4;
/// `menvcfg`, `senvcfg`: enables CBO.CLEAN and CBO.FLUSH in less privileged modes.
pub const MENVCFG_CBCFE: u64 = 1 << 6;
/// `menvcfg`, `senvcfg`: enables CBO.ZERO in less privileged modes.
pub const MENVCFG_CBZE: u64 = 1 << 7;
/// `menvcfg`: the hart sets the accessed and dirty bits of page tables.
pub const MENVCFG_ADUE: u64 = 1 << 61;
/// `menvcfg`: page tables may select memory types.
pub const MENVCFG_PBMTE: u64 = 1 << 62;
/// `menvcfg`: `stimecmp` exists for supervisor mode.
pub const MENVCFG_STCE: u64 = 1 << 63;
/// `menvcfg`, `senvcfg`: fences of I/O also order memory.
const MENVCFG_FIOM: u64 = 1;

/// The bits of `mcounteren` and `scounteren`: cycle, time, instret.
const COUNTERS: u32 = 0b111;
const TIME: u32 = 0b010;
/// The bits of `mcountinhibit`, which has none for the time.
const STOPPABLE: u32 = 0b101;

impl Privileged {
    /// Reads a CSR; `None` if it does not exist or is not readable in this mode.
    pub(super) fn read_csr(&mut self, cpu: &Cpu, number: u16) -> Option<u64> {
        self.permit(cpu, number)?;
        let (xlen, rv32) = (cpu.isa.xlen, cpu.isa.xlen == Xlen::Rv32);
        let value = match number {
            0x001..=0x003 => return self.float_csr(cpu).and_then(|()| user::read(cpu, number, || 0)),
            0x100 => self.status.read_supervisor(xlen),
            0x104 => self.mie & self.mideleg,
            0x106 => self.scounteren.into(),
            0x10a => self.senvcfg,
            0x105 | 0x305 => self.trap_csrs(mode_of(number)).tvec,
            0x140 | 0x340 => self.trap_csrs(mode_of(number)).scratch,
            0x141 | 0x341 => self.epc(cpu, mode_of(number)),
            0x142 | 0x342 => self.trap_csrs(mode_of(number)).cause,
            0x143 | 0x343 => self.trap_csrs(mode_of(number)).tval,
            0x144 => self.pending_now(cpu) & self.mideleg,
            0x14d => self.stimecmp,
            0x15d if rv32 => self.stimecmp >> 32,
            0x180 => self.satp,
            0x300 => self.status.read(xlen),
            0x301 => misa(cpu),
            0x302 if has_supervisor(cpu) => self.medeleg,
            0x303 if has_supervisor(cpu) => self.mideleg,
            0x304 => self.mie,
            0x306 => self.mcounteren.into(),
            // mstatush: all modes are little-endian, so it is zero. medelegh: no exception has so high a number.
            0x310 | 0x312 if rv32 => 0,
            0x30a => self.menvcfg,
            0x31a if rv32 => self.menvcfg >> 32,
            0x320 => self.mcountinhibit.into(),
            // mhpmevent: no event can be selected, and the counters are zero.
            0x323..=0x33f => 0,
            user::MIP => self.pending_now(cpu),
            MIP_WRITABLE => self.software_pending,
            0x3a0..=0x3a3 => self.pmp_configs(number, rv32)?,
            0x3b0..=0x3bf => self.pmp.addr(usize::from(number - 0x3b0)),
            0x747 => self.mseccfg.0,
            0x757 if rv32 => 0,
            // tselect, tdata: there are no triggers.
            0x7a0..=0x7a3 => 0,
            0xb00 | 0xb02 => self.counter(cpu, number == 0xb02),
            0xb80 | 0xb82 if rv32 => self.counter(cpu, number == 0xb82) >> 32,
            0xb03..=0xb1f => 0,
            0xb83..=0xb9f if rv32 => 0,
            0xc00 | 0xc02 => self.counter(cpu, number == 0xc02),
            0xc01 => self.time(cpu),
            0xc80 | 0xc82 if rv32 => self.counter(cpu, number == 0xc82) >> 32,
            0xc81 if rv32 => self.time(cpu) >> 32,
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
    pub(super) fn write_csr(&mut self, cpu: &mut Cpu, mem: &HartMemory, number: u16, value: u64) -> Option<()> {
        self.permit(cpu, number)?;
        if number >> 10 == 3 {
            return None;
        }
        let rv32 = cpu.isa.xlen == Xlen::Rv32;
        let has_float = cpu.isa.exts.contains(Ext::F);
        let value = zero_extended(cpu, value);
        let low_half = |old: u64| if rv32 { old & !0xffff_ffff | value } else { value };
        let high_half = |old: u64| old & 0xffff_ffff | value << 32;
        match number {
            0x001..=0x003 => {
                self.float_csr(cpu)?;
                user::write(cpu, number, value)?;
                self.status.touch_float();
                self.apply(cpu, mem);
            }
            0x100 => {
                self.status.write_supervisor(value, has_float);
                self.apply(cpu, mem);
            }
            0x104 => self.mie = self.mie & !self.mideleg | value & self.mideleg,
            0x105 | 0x305 => self.trap_csrs_mut(number).tvec = value & !2,
            0x106 => self.scounteren = value as u32 & COUNTERS,
            // It is applied when user mode is entered.
            0x10a => self.senvcfg = envcfg(cpu, self.senvcfg, value),
            0x140 | 0x340 => self.trap_csrs_mut(number).scratch = value,
            0x141 | 0x341 => self.trap_csrs_mut(number).epc = value & !1,
            0x142 | 0x342 => self.trap_csrs_mut(number).cause = value,
            0x143 | 0x343 => self.trap_csrs_mut(number).tval = value,
            0x144 => {
                let writable = self.mideleg & Interrupts::SUPERVISOR_SOFTWARE.0;
                self.software_pending = self.software_pending & !writable | value & writable;
            }
            0x14d => self.set_stimecmp(cpu, low_half(self.stimecmp)),
            0x15d if rv32 => self.set_stimecmp(cpu, high_half(self.stimecmp)),
            0x180 => {
                if let Some(satp) = satp(cpu, value) {
                    self.satp = satp;
                    // Its address may mean other memory now.
                    cpu.reservation = Reservation::NONE;
                    self.apply(cpu, mem);
                }
            }
            0x300 => {
                self.status.write(value, has_float, has_supervisor(cpu));
                self.apply(cpu, mem);
            }
            0x302 if has_supervisor(cpu) => self.medeleg = value & trap::DELEGABLE,
            0x303 if has_supervisor(cpu) => self.mideleg = value & Interrupts::SUPERVISOR.0,
            0x304 => {
                let all = if has_supervisor(cpu) { Interrupts::ALL.0 } else { Interrupts::MACHINE.0 };
                self.mie = value & all;
            }
            0x306 => self.mcounteren = value as u32 & COUNTERS,
            0x30a => self.set_menvcfg(cpu, mem, low_half(self.menvcfg)),
            0x31a if rv32 => self.set_menvcfg(cpu, mem, high_half(self.menvcfg)),
            0x320 => self.inhibit(cpu, value as u32 & STOPPABLE),
            user::MIP => {
                if has_supervisor(cpu) {
                    let mut writable = Interrupts::SUPERVISOR.0;
                    if self.has_supervisor_timer() {
                        writable &= !Interrupts::SUPERVISOR_TIMER.0;
                    }
                    self.software_pending = value & writable;
                }
            }
            0x3a0..=0x3a3 => {
                self.set_pmp_configs(number, rv32, value)?;
                mem.set_pmp(self.pmp.view(self.mseccfg));
            }
            0x3b0..=0x3bf => {
                self.pmp.set_addr(usize::from(number - 0x3b0), value, self.mseccfg);
                mem.set_pmp(self.pmp.view(self.mseccfg));
            }
            0x747 => {
                self.mseccfg = self.mseccfg.written(value, self.pmp.any_locked());
                mem.set_pmp(self.pmp.view(self.mseccfg));
            }
            0xb00 | 0xb02 => {
                let old = self.counter(cpu, number == 0xb02);
                self.set_counter(cpu, number == 0xb02, low_half(old));
            }
            0xb80 | 0xb82 if rv32 => {
                let old = self.counter(cpu, number == 0xb82);
                self.set_counter(cpu, number == 0xb82, high_half(old));
            }
            // Writable, but no bit changes.
            0x301 | 0x310 | 0x312 | 0x323..=0x33f | 0x757 | 0x7a0..=0x7a3 | 0xb03..=0xb1f | 0xb83..=0xb9f => {
                self.read_csr(cpu, number)?;
            }
            _ => return None,
        }
        Some(())
    }

    /// `Some` if the current mode may access the CSR.
    fn permit(&self, cpu: &Cpu, number: u16) -> Option<()> {
        let needed = match number >> 8 & 3 {
            0 => Mode::User,
            1 if has_supervisor(cpu) => Mode::Supervisor,
            3 => Mode::Machine,
            _ => return None,
        };
        let counters = match self.mode {
            Mode::Machine => u32::MAX,
            Mode::Supervisor => self.mcounteren,
            Mode::User if has_supervisor(cpu) => self.mcounteren & self.scounteren,
            Mode::User => self.mcounteren,
        };
        let permitted = self.mode >= needed
            && match number {
                0xc00..=0xc1f | 0xc80..=0xc9f => counters >> (number & 0x1f) & 1 != 0,
                0x14d | 0x15d => self.mode == Mode::Machine || self.has_supervisor_timer() && counters & TIME != 0,
                0x180 => self.mode == Mode::Machine || !self.status.has(status::TVM),
                _ => true,
            };
        permitted.then_some(())
    }

    /// `mip`, with the timers up to date.
    fn pending_now(&mut self, cpu: &Cpu) -> u64 {
        self.update_clock(cpu);
        self.pending()
    }

    fn set_stimecmp(&mut self, cpu: &Cpu, value: u64) {
        self.stimecmp = value;
        if self.has_supervisor_timer() {
            self.update_clock(cpu);
            self.inputs.set_supervisor_timer(Some(value));
        }
    }

    fn trap_csrs_mut(&mut self, number: u16) -> &mut super::TrapCsrs {
        if mode_of(number) == Mode::Machine { &mut self.machine } else { &mut self.supervisor }
    }

    /// `Some` if the floating-point CSRs are accessible.
    fn float_csr(&self, cpu: &Cpu) -> Option<()> {
        (cpu.isa.exts.contains(Ext::F) && self.status.fs() != 0).then_some(())
    }

    fn set_menvcfg(&mut self, cpu: &Cpu, mem: &HartMemory, value: u64) {
        let supervisor = if has_supervisor(cpu) { MENVCFG_STCE | MENVCFG_ADUE | MENVCFG_PBMTE } else { 0 };
        // RV32 has no page tables with memory types.
        let supervisor = if cpu.is_64bit() { supervisor } else { supervisor & !MENVCFG_PBMTE };
        let had_timer = self.has_supervisor_timer();
        self.menvcfg = envcfg(cpu, self.menvcfg, value) & !supervisor | value & supervisor;
        if self.has_supervisor_timer() != had_timer {
            // STIP belongs to the comparison from now on, or to software, which has not set it.
            self.software_pending &= !Interrupts::SUPERVISOR_TIMER.0;
            self.inputs.set_supervisor_timer(self.has_supervisor_timer().then_some(self.stimecmp));
        }
        mem.set_walk_options(self.walk_options());
    }

    /// Whether CBO.INVAL may be executed.
    pub(super) fn may_invalidate(&self, cpu: &Cpu) -> bool {
        let allowed = match self.mode {
            Mode::Machine => MENVCFG_CBIE,
            Mode::User if has_supervisor(cpu) && self.senvcfg & MENVCFG_CBIE == 0 => 0,
            _ => self.menvcfg & MENVCFG_CBIE,
        };
        allowed != 0
    }

    fn pmp_configs(&self, number: u16, rv32: bool) -> Option<u64> {
        let entries = pmp_entries(number, rv32)?;
        Some(entries.rev().fold(0, |value, entry| value << 8 | u64::from(self.pmp.config(entry))))
    }

    fn set_pmp_configs(&mut self, number: u16, rv32: bool, value: u64) -> Option<()> {
        for (i, entry) in pmp_entries(number, rv32)?.enumerate() {
            self.pmp.set_config(entry, (value >> (8 * i)) as u8, self.mseccfg);
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

/// The mode that a trap-handling CSR belongs to.
const fn mode_of(number: u16) -> Mode {
    if number >> 8 & 3 == 3 { Mode::Machine } else { Mode::Supervisor }
}

/// Whether the hart has supervisor mode.
pub(super) fn has_supervisor(cpu: &Cpu) -> bool {
    cpu.isa.exts.contains(Ext::S)
}

/// The value of `menvcfg` or `senvcfg`, but for the fields that only the former has.
fn envcfg(cpu: &Cpu, old: u64, value: u64) -> u64 {
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
    old & !fields | value & fields
}

/// The value of `satp` after a write; `None` if its mode is not supported, so that the write has no effect.
fn satp(cpu: &Cpu, value: u64) -> Option<u64> {
    match cpu.isa.xlen {
        Xlen::Rv32 => Some(value),
        Xlen::Rv64 => matches!(value >> 60, 0 | 8 | 9 | 10).then_some(value),
    }
}

/// `misa`: XLEN and the single-letter extensions. Read-only.
fn misa(cpu: &Cpu) -> u64 {
    let letter = |c: u8| 1u64 << (c - b'A');
    let mut value = letter(b'I') | letter(b'U');
    for (ext, c) in
        [(Ext::S, b'S'), (Ext::M, b'M'), (Ext::A, b'A'), (Ext::F, b'F'), (Ext::D, b'D'), (Ext::C, b'C'), (Ext::B, b'B')]
    {
        if cpu.isa.exts.contains(ext) {
            value |= letter(c);
        }
    }
    match cpu.isa.xlen {
        Xlen::Rv32 => value | 1 << 30,
        Xlen::Rv64 => value | 2 << 62,
    }
}
