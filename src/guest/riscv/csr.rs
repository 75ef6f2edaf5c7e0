//! The control and status registers of a user-level hart: `fcsr` and the unprivileged counters.

use super::Cpu;
use super::fp::Flags;
use remu_isa::Ext;

/// The CSRs of user level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserCsr {
    /// Accrued exceptions.
    Fflags,
    /// Dynamic rounding mode.
    Frm,
    /// Both.
    Fcsr,
    /// Cycles. There is no pipeline model, so each retired instruction counts as one.
    Cycle,
    /// Real time, in units of [`TIMEBASE_HZ`].
    Time,
    /// Retired instructions.
    Instret,
}

/// The CSR number of `fflags`.
pub const FFLAGS: u16 = 0x001;

/// The CSR number of `frm`.
pub const FRM: u16 = 0x002;

/// The CSR number of `fcsr`.
pub const FCSR: u16 = 0x003;

/// The CSR number of `mip`.
pub const MIP: u16 = 0x344;

/// Stands for the value of `mip` without the signals that are not writable. No instruction can name it.
pub const MIP_WRITABLE: u16 = 0x1344;

/// Whether a write of the CSR changes nothing that decoding, translation or pending interrupts depend on: the accrued
/// exceptions, which compilers save and restore around comparisons, and what trap handlers save and restore.
pub const fn is_inert(number: u16) -> bool {
    matches!(number, FFLAGS | 0x140..=0x143 | 0x340..=0x343)
}

/// Ticks per second of the `time` CSR.
pub const TIMEBASE_HZ: u64 = 10_000_000;

impl UserCsr {
    /// The register with this number, and whether the number names the upper half of a 64-bit register (RV32's
    /// `cycleh`). `None` if the hart has no such register.
    pub fn find(number: u16, cpu: &Cpu) -> Option<(Self, bool)> {
        use UserCsr::*;
        let (csr, high) = match number {
            FFLAGS => (Fflags, false),
            FRM => (Frm, false),
            FCSR => (Fcsr, false),
            0xc00 => (Cycle, false),
            0xc01 => (Time, false),
            0xc02 => (Instret, false),
            0xc80 => (Cycle, true),
            0xc81 => (Time, true),
            0xc82 => (Instret, true),
            _ => return None,
        };
        let ext = if matches!(csr, Fflags | Frm | Fcsr) { Ext::F } else { Ext::Zicntr };
        (cpu.isa.exts.contains(ext) && !(high && cpu.is_64bit())).then_some((csr, high))
    }
}

/// Reads a CSR; `time` is the current time in ticks. `None` if there is no such register at user level.
pub fn read(cpu: &Cpu, number: u16, time: impl FnOnce() -> u64) -> Option<u64> {
    let (csr, high) = UserCsr::find(number, cpu)?;
    let value = match csr {
        UserCsr::Fflags => u64::from(cpu.fflags.0),
        UserCsr::Frm => u64::from(cpu.frm),
        UserCsr::Fcsr => u64::from(cpu.fcsr()),
        UserCsr::Cycle | UserCsr::Instret => cpu.instret,
        UserCsr::Time => time(),
    };
    Some(match (cpu.is_64bit(), high) {
        (true, _) => value,
        (false, false) => value as i32 as i64 as u64,
        (false, true) => (value >> 32) as i32 as i64 as u64,
    })
}

/// Writes a CSR. `None` if there is no such register at user level, or it is read-only.
pub fn write(cpu: &mut Cpu, number: u16, value: u64) -> Option<()> {
    let (csr, _) = UserCsr::find(number, cpu)?;
    match csr {
        UserCsr::Fflags => cpu.fflags = Flags(value as u8 & 0x1f),
        UserCsr::Frm => cpu.frm = value as u8 & 7,
        UserCsr::Fcsr => cpu.set_fcsr(value as u32),
        UserCsr::Cycle | UserCsr::Time | UserCsr::Instret => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use remu_isa::{Isa, csr_number};

    #[test]
    fn numbers_are_those_of_the_table() {
        let cpu = Cpu::new(Isa::rv32_max());
        for name in ["fflags", "frm", "fcsr", "cycle", "time", "instret", "cycleh", "timeh", "instreth"] {
            let number = csr_number(name).expect("in the table");
            assert!(UserCsr::find(number, &cpu).is_some(), "{name}");
        }
    }

    #[test]
    fn counters_are_read_only_and_split_on_rv32() {
        let mut cpu = Cpu::new(Isa::rv32_max());
        cpu.instret = 0x1_8000_0001;
        assert_eq!(read(&cpu, 0xc02, || 0), Some(0xffff_ffff_8000_0001));
        assert_eq!(read(&cpu, 0xc82, || 0), Some(1));
        assert_eq!(write(&mut cpu, 0xc02, 0), None);
        let cpu = Cpu::new(Isa::rv64_max());
        assert_eq!(read(&cpu, 0xc82, || 0), None);
    }

    #[test]
    fn fcsr_is_made_of_its_parts() {
        let mut cpu = Cpu::new(Isa::rv64_max());
        write(&mut cpu, 3, !0).unwrap();
        assert_eq!((cpu.frm, cpu.fflags.0), (7, 31));
        assert_eq!(read(&cpu, 3, || 0), Some(0xff));
        write(&mut cpu, 1, 0).unwrap();
        assert_eq!(read(&cpu, 3, || 0), Some(0xe0));
    }
}
