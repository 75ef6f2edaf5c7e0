//! Instructions that the privileged state answers.

use super::{Hart, Stopped};
use crate::guest::Flow;
use crate::guest::riscv::fp::{self, FpMode};
use crate::guest::riscv::{After, Cpu, Privilege};
use remu_isa::Insn;

/// Calls the privileged state with [`Cpu::instret`] up to date.
#[inline(always)]
fn consult<H: Hart, T>(
    hart: &mut H,
    f: impl FnOnce(&mut H::Privilege, &mut Cpu, &<H::Privilege as Privilege>::Memory) -> T,
) -> T {
    let uncounted = hart.uncounted();
    let (privilege, cpu, mem) = hart.privileged();
    let stale = cpu.instret;
    cpu.instret += uncounted;
    let result = f(privilege, cpu, mem);
    cpu.instret = stale;
    result
}

/// Whether the CSR is one of floating point, whose state is partly in the host's unit.
const fn is_float(number: u16) -> bool {
    matches!(number, 1..=3)
}

/// Reads a CSR; `None` if the instruction is illegal.
#[inline(never)]
pub(super) fn read_csr<H: Hart>(hart: &mut H, number: u16) -> Option<u64> {
    if is_float(number) {
        hart.cpu().fflags = fp::host::accrued();
    }
    consult(hart, |privilege, cpu, mem| privilege.csr_read(cpu, mem, number))
}

/// Writes a CSR; `None` if the instruction is illegal.
#[inline(never)]
pub(super) fn write_csr<H: Hart>(hart: &mut H, number: u16, value: u64) -> Option<()> {
    if is_float(number) {
        hart.cpu().fflags = fp::host::accrued();
    }
    consult(hart, |privilege, cpu, mem| privilege.csr_write(cpu, mem, number, value))?;
    if is_float(number) {
        let (cpu, mode) = hart.state();
        *mode = FpMode::new(cpu.frm);
        fp::host::set(mode.hardware(), cpu.fflags);
    }
    Some(())
}

/// Executes an instruction of the privileged architecture.
#[inline(never)]
pub(super) fn execute_privileged<H: Hart>(hart: &mut H, insn: &Insn, rs1: u64, rs2: u64) -> Result<Flow<u64>, Stopped> {
    let pc = hart.pc();
    hart.cpu().pc = pc;
    match consult(hart, |privilege, cpu, mem| privilege.execute(cpu, mem, insn, rs1, rs2)) {
        Some(After::Refetch) => Ok(Flow::Refetch),
        Some(After::Resume) => Err(Stopped::RESUMED),
        Some(After::Wait) => Err(Stopped::WAIT),
        None => Err(Stopped::ILLEGAL),
    }
}
