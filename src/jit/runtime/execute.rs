//! Executes single instructions by their definition: those that are not compiled, and those that faulted.

use super::set_word;
use super::statistics::HelperCalls;
use crate::guest::riscv::concrete::{Concrete, PlainHart, Stopped};
use crate::guest::riscv::fp::{FpMode, Rm};
use crate::guest::riscv::{Base, Cpu, Privilege, Rv64};
use crate::guest::{BlockContext, Exit, Flow, Guest, Width, alu};
use crate::jit::baseline::Reason;
use crate::jit::baseline::map::Word;
use crate::memory::GuestMemory;
use remu_isa::{Insn, Op};

/// What the helper called by emitted code works on.
pub struct Context<P: Privilege> {
    pub cpu: *mut Cpu,
    pub privilege: *mut P,
    pub mem: *const P::Memory,
    pub mode: FpMode,
    /// Whether instructions are counted.
    pub count: bool,
    /// The calls of the helper.
    pub helper_calls: HelperCalls,
    /// Why execution stopped, for [`Reason::Stopped`].
    pub exit: Exit,
}

/// In a [`BlockContext`]: a rounding mode that the host does not have, or a reserved one.
pub const IN_SOFTWARE: Rm = Rm::Rmm;

impl<P: Privilege> Context<P> {
    /// What compiled code depends on.
    pub fn block_context(&self, privilege: &P) -> BlockContext {
        let rounding = if self.mode.dynamic_is_hardware() { self.mode.hardware() } else { IN_SOFTWARE };
        BlockContext { rounding: rounding.bits(), ..privilege.context() }
    }
}

/// The helper: executes the instruction with this encoding at the pc. Returns 0 if the next instruction follows, else a
/// [`Reason`].
///
/// # Safety
/// The context is that of a running engine, whose state nothing else refers to.
pub unsafe extern "sysv64" fn execute_bits<P: Privilege>(context: *mut Context<P>, bits: u32) -> u64 {
    // SAFETY: emitted code passes the pointer that the engine has put into its word. The engine does not use the context
    // while emitted code runs, and the pointers in it are those of the states and the memory that it was lent.
    let (context, cpu, privilege, mem) =
        unsafe { (&mut *context, &mut *(*context).cpu, &mut *(*context).privilege, &*(*context).mem) };
    let reason = match Rv64::decode(&bits.to_le_bytes(), &cpu.isa) {
        Ok(insn) => {
            context.helper_calls.add(&insn);
            execute(context, cpu, privilege, mem, &insn).map_or(0, |reason| reason as u64)
        }
        Err(_) => unreachable!("it was decoded when it was compiled"),
    };
    if P::Memory::TRANSLATES {
        // SAFETY: the context's state is that of a hart that was lent to the engine.
        unsafe { set_word(context.cpu, Word::Space, mem.space()) };
    }
    reason
}

/// Executes an instruction at the pc. `None` if the next one follows; the pc is not moved then.
pub fn execute<P: Privilege>(
    context: &mut Context<P>,
    cpu: &mut Cpu,
    privilege: &mut P,
    mem: &P::Memory,
    insn: &Insn,
) -> Option<Reason> {
    let pc = cpu.pc;
    let offset = loop {
        let mut concrete = Concrete::new(PlainHart::<Rv64, P>::new(cpu, &mut context.mode, privilege, mem));
        match Rv64::exec(&mut concrete, insn) {
            Ok(Flow::Next) => return None,
            Ok(Flow::Refetch) => break i64::from(insn.len),
            Ok(Flow::Jump { offset }) => break offset,
            Ok(Flow::Branch { cond, a, b, offset }) if alu::compare(Width::W64, cond, a, b) => break offset,
            Ok(Flow::Branch { .. }) => return None,
            Ok(Flow::Indirect { target, .. }) => break target.wrapping_sub(pc) as i64,
            Err(Stopped { reason, .. }) if reason.is_completed() => break i64::from(insn.len),
            // The instruction has moved the pc.
            Err(Stopped { reason, .. }) if reason.is_resumed() => break cpu.pc.wrapping_sub(pc) as i64,
            Err(Stopped { addr, reason }) => {
                if let Some(exit) = reason.exit(addr, pc, insn.len, mem) {
                    context.exit = exit;
                    return Some(match exit {
                        Exit::Syscall => Reason::Syscall,
                        Exit::Breakpoint => Reason::Breakpoint,
                        _ => Reason::Stopped,
                    });
                }
            }
        }
    };
    cpu.pc = pc.wrapping_add_signed(offset);
    if context.count {
        cpu.instret += 1;
    }
    Some(if insn.op == Op::FenceI { Reason::Revalidate } else { Reason::Lookup })
}
