//! Executes the instructions that engines do not: those that depend on privileged state.

use super::csr::ExternalInputs;
use super::{Cause, Mode, Privileged, mstatus};
use crate::guest::CACHE_BLOCK;
use crate::guest::riscv::{Base, Cpu};
use crate::memory::{Access, GuestAddr, GuestFault, GuestMemory, Refusal};
use remu_isa::{Insn, Isa, Op};

/// The outcome of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Retired; the pc is that of the next instruction.
    Retired,
    /// Not executed. The state has changed so that an engine can execute it now.
    Again,
    /// Retired; the hart waits for an interrupt.
    Waits,
    /// Retired; code may have changed.
    CodeChanged,
    /// It raises this exception, with this value for `mtval`.
    Traps(Cause, u64),
    /// Its memory access faults.
    Faults(GuestFault),
}

/// Executes the instruction with these bits, which an engine reported as illegal.
pub fn execute<B: Base>(
    hart: &mut Privileged,
    cpu: &mut Cpu,
    memory: &impl GuestMemory,
    bits: u32,
    inputs: &ExternalInputs,
) -> Done {
    let illegal = Done::Traps(Cause::IllegalInstruction, bits.into());
    let Ok(insn) = B::decode(&bits.to_le_bytes(), &cpu.isa) else { return illegal };
    let machine = hart.mode == Mode::Machine;
    let done = match insn.op {
        Op::Csrrw | Op::Csrrs | Op::Csrrc | Op::Csrrwi | Op::Csrrsi | Op::Csrrci => {
            match access_csr(hart, cpu, &insn, inputs) {
                Some(()) => Done::Retired,
                None => return illegal,
            }
        }
        Op::Mret if machine => {
            hart.mret(cpu);
            cpu.instret += 1;
            return Done::Retired;
        }
        Op::Wfi if machine || hart.mstatus & mstatus::TW == 0 => Done::Waits,
        Op::FenceI => Done::CodeChanged,
        // There are no caches to invalidate, but the access to the block must be permitted.
        Op::CboInval if hart.may_invalidate() => {
            let addr = GuestAddr(super::zero_extended(cpu, cpu.x(insn.rs1)));
            let allowed = memory.probe(addr.floor(CACHE_BLOCK), CACHE_BLOCK);
            match allowed.map_err(|_| memory.classify(addr, 1, Access::Write)) {
                Err(Refusal::Fault(fault)) => return Done::Faults(fault),
                Err(Refusal::Again | Refusal::Completed) => return Done::Again,
                Ok(()) => Done::Retired,
            }
        }
        // The first floating-point instruction since the state was clean: mark it dirty and retry.
        _ if hart.fs() != 0 && hart.fs() != super::FS_DIRTY && is_float::<B>(bits, cpu) => {
            hart.touch_float();
            return Done::Again;
        }
        _ => return illegal,
    };
    cpu.pc = super::zero_extended(cpu, cpu.pc.wrapping_add(insn.len.into()));
    cpu.instret += 1;
    done
}

/// Whether an instruction needs an extension with floating-point state.
fn is_float<B: Base>(bits: u32, cpu: &Cpu) -> bool {
    let without = Isa::new(cpu.isa.xlen, super::without_float(cpu.isa.exts));
    B::decode(&bits.to_le_bytes(), &without).is_err()
}

/// Executes a CSR instruction; `None` if it is illegal.
fn access_csr(hart: &mut Privileged, cpu: &mut Cpu, insn: &Insn, inputs: &ExternalInputs) -> Option<()> {
    let number = insn.imm as u16;
    let (immediate, writes) = match insn.op {
        Op::Csrrw => (false, true),
        Op::Csrrwi => (true, true),
        Op::Csrrs | Op::Csrrc => (false, insn.rs1 != 0),
        _ => (true, insn.rs1 != 0),
    };
    let operand = if immediate { insn.rs1.into() } else { cpu.x(insn.rs1) };
    let reads = insn.rd != 0 || !matches!(insn.op, Op::Csrrw | Op::Csrrwi);
    let old = if reads { hart.read_csr(cpu, number, inputs)? } else { 0 };
    if writes {
        let new = match insn.op {
            Op::Csrrw | Op::Csrrwi => operand,
            Op::Csrrs | Op::Csrrsi => old | operand,
            _ => old & !operand,
        };
        hart.write_csr(cpu, number, new)?;
    }
    cpu.set_x(insn.rd, old);
    Some(())
}
