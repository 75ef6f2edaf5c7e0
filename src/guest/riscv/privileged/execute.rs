//! The instructions that engines leave to the privileged architecture.

use super::csr::ExternalInputs;
use super::{Cause, Mode, Privileged, mstatus};
use crate::guest::CACHE_BLOCK;
use crate::guest::riscv::{Base, Cpu};
use crate::memory::{Access, GuestAddr, GuestFault, GuestMemory, Refusal};
use remu_isa::{Insn, Isa, Op};

/// What has become of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It has been carried out; the pc is that of the next one.
    Retired,
    /// It is to be executed by an engine after all, in the state that has changed.
    Again,
    /// It has been carried out, and the hart waits for an interrupt.
    Waits,
    /// It has been carried out, and code may have changed.
    CodeChanged,
    /// It raises this.
    Traps(Cause, u64),
    /// It would access what it may not.
    Faults(GuestFault),
}

/// Carries out the instruction with these bits, which an engine could not.
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
            match access(hart, cpu, &insn, inputs) {
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
        // There are no caches to lose anything from, but the block has to be one that may be accessed.
        Op::CboInval if hart.may_invalidate() => {
            let addr = GuestAddr(super::zero_extended(cpu, cpu.x(insn.rs1)));
            let allowed = memory.probe(addr.floor(CACHE_BLOCK), CACHE_BLOCK);
            match allowed.map_err(|_| memory.classify(addr, 1, Access::Write)) {
                Err(Refusal::Fault(fault)) => return Done::Faults(fault),
                Err(Refusal::Again | Refusal::Completed) => return Done::Again,
                Ok(()) => Done::Retired,
            }
        }
        // An instruction that only the state of floating point kept from being executed.
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

/// Whether an instruction needs extensions that work on floating-point state.
fn is_float<B: Base>(bits: u32, cpu: &Cpu) -> bool {
    let without = Isa::new(cpu.isa.xlen, super::without_float(cpu.isa.exts));
    B::decode(&bits.to_le_bytes(), &without).is_err()
}

/// A CSR instruction.
fn access(hart: &mut Privileged, cpu: &mut Cpu, insn: &Insn, inputs: &ExternalInputs) -> Option<()> {
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
