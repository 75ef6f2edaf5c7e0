//! The handlers: one for each op and base, each ending in a jump to the next.
//!
//! Stable Rust guarantees no tail calls. Optimised builds make them if nothing on the stack is referenced across the
//! call; `tests/interp.rs` checks this by running every op in a loop on a small stack. A missed tail call would not
//! overflow the stack, as handlers return at the end of each slice. No second loop around a `match` is therefore
//! needed as a fallback.

use super::Leave;
use super::block::{Handler, Link, Memory, Slot, Variant};
use super::cache::jump_index;
use super::env::Env;
use super::step::{At, LAST_RESULT, Step};
use crate::guest::riscv::concrete::{Concrete, Reason, Stopped};
use crate::guest::riscv::{Base, Cpu, Privilege, sem};
use crate::guest::{Exit, Flow, Semantics, alu};
use crate::memory::PAGE_SIZE;
use remu_isa::{Insn, Op};
use std::arch::asm;

/// Runs from `start` until a handler returns.
///
/// # Safety
/// `start` must be the first record of a block in the cache that `env` belongs to, decoded for the privileged state
/// `P`, which is that of `env`.
pub(super) unsafe fn enter<P: Privilege>(cpu: &mut Cpu, start: *const Slot, env: &mut Env, mem: &P::Memory) -> Leave {
    let fuel = env.fuel;
    // SAFETY: the record is as the caller promises, and the other pointers are live references, exclusive where they
    // are mutable.
    unsafe { ((*start).record.handler)(cpu, start, env, std::ptr::from_ref(mem).cast(), 0, fuel) }
}

/// Executes the record at `slot` with `f`, and the records that follow.
///
/// # Safety
/// As for a [`Handler`].
// The arguments of a handler, and two functions.
#[allow(clippy::too_many_arguments)]
#[inline(always)]
unsafe fn execute<'a, B: Base, P: Privilege + 'a, const VARIANT: u8>(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const Memory,
    last: u64,
    fuel: i64,
    full: Handler,
    f: impl FnOnce(&mut Step<'a, B, P, VARIANT, false>, &Insn) -> Result<Flow<u64>, Stopped>,
) -> Leave {
    // SAFETY: by the caller's promise the pointers are valid, and `cpu` and `env` exclusive. The references made here
    // are gone before the next handler runs. The slot holds a record; a record that does not end its block is
    // followed by another, and one that branches by exits.
    unsafe {
        let record = &(*slot).record;
        let mut step = Concrete::new(At::new(&mut *cpu, &mut *env, &*mem.cast::<P::Memory>(), record, last, fuel));
        let flow = f(&mut step, &forwarded::<VARIANT>(record.insn));
        if step.needs_calls() {
            return full(cpu, slot, env, mem, last, fuel);
        }
        let last = step.hart().last();
        match flow {
            Ok(Flow::Next) => {
                let next = slot.add(1);
                ((*next).record.handler)(cpu, next, env, mem, last, fuel)
            }
            Ok(Flow::Jump { .. }) => follow(cpu, slot, env, mem, fuel, true, 1),
            Ok(Flow::Branch { cond, a, b, .. }) => {
                // Two jumps for the host to predict, rather than one to an address selected by the condition, which
                // would make everything after it wait for the operands of the branch. The empty assembly keeps the
                // compiler from merging them.
                if alu::compare(B::WIDTH, cond, a, b) {
                    asm!("", options(nomem, nostack, preserves_flags));
                    follow(cpu, slot, env, mem, fuel, true, 1)
                } else {
                    follow(cpu, slot, env, mem, fuel, false, 1)
                }
            }
            Ok(Flow::Indirect { target, .. }) => {
                let fuel = fuel - i64::from(record.before) - 1;
                let entry = (*(*env).jumps.add(jump_index(target))).get();
                if entry.key == !target && fuel > 0 {
                    let next = entry.start;
                    return ((*next).record.handler)(cpu, next, env, mem, 0, fuel);
                }
                (*cpu).pc = target;
                (*env).fuel = fuel;
                Leave::Lookup
            }
            Ok(Flow::Refetch) => refetch(cpu, slot, env, fuel),
            Err(Stopped { addr, reason }) => {
                (*env).fuel = fuel - i64::from(record.before);
                stop::<P>(cpu, slot, env, mem, addr, reason)
            }
        }
    }
}

/// Executes only the record at `slot` with `f`, calls included. It is a function of its own, so that the handler
/// around it has nothing on the stack. Returns the last result and the reason to leave, if there is one: a pair is
/// returned in registers, a `Result` would not be.
///
/// # Safety
/// As for a [`Handler`].
#[inline(never)]
unsafe fn execute_full<'a, B: Base, P: Privilege + 'a>(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const Memory,
    last: u64,
    fuel: i64,
    f: impl FnOnce(&mut Step<'a, B, P, 0, true>, &Insn) -> Result<Flow<u64>, Stopped>,
) -> (u64, Option<Leave>) {
    // SAFETY: as in `execute`.
    unsafe {
        let record = &(*slot).record;
        let mut step = Concrete::new(At::new(&mut *cpu, &mut *env, &*mem.cast::<P::Memory>(), record, last, fuel));
        let flow = f(&mut step, &record.insn);
        let last = step.hart().last();
        match flow {
            Ok(Flow::Next) => (last, None),
            Ok(Flow::Refetch) => (last, Some(refetch(cpu, slot, env, fuel))),
            Ok(Flow::Jump { .. } | Flow::Branch { .. } | Flow::Indirect { .. }) => {
                unreachable!("control transfers compute nothing that takes calls")
            }
            Err(Stopped { addr, reason }) => {
                (*env).fuel = fuel - i64::from(record.before);
                (last, Some(stop::<P>(cpu, slot, env, mem, addr, reason)))
            }
        }
    }
}

/// Leaves the block through the exits after `slot`, with `retired` instructions run after those before the record.
///
/// # Safety
/// As for a [`Handler`]; the next slot holds exits.
#[inline(always)]
unsafe fn follow(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const Memory,
    fuel: i64,
    taken: bool,
    retired: i64,
) -> Leave {
    // SAFETY: the caller's promise; a link that is not null leads to a block in the same cache.
    unsafe {
        let record = &(*slot).record;
        let exits = &raw const (*slot.add(1)).exits;
        let fuel = fuel - i64::from(record.before) - retired;
        let next = if taken { (*exits).taken } else { (*exits).fallthrough };
        if fuel > 0 && !next.is_null() {
            return ((*next).record.handler)(cpu, next, env, mem, 0, fuel);
        }
        leave_block(cpu, slot, env, mem, taken, fuel)
    }
}

/// Executes any record through [`Base::exec`], for a base whose semantics differ from
/// those the links were decoded by: the result decides where execution continues.
unsafe extern "sysv64" fn by_exec<B: Base, P: Privilege, const VARIANT: u8>(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const Memory,
    last: u64,
    fuel: i64,
) -> Leave {
    // SAFETY: as in `execute`.
    unsafe {
        let record = &(*slot).record;
        let mut step = Step::<B, P, VARIANT, true>::new(At::new(
            &mut *cpu,
            &mut *env,
            &*mem.cast::<P::Memory>(),
            record,
            last,
            fuel,
        ));
        let offset = match B::exec(&mut step, &record.insn) {
            Ok(Flow::Next) => {
                let next = slot.add(1);
                return ((*next).record.handler)(cpu, next, env, mem, last, fuel);
            }
            Ok(Flow::Refetch) => return refetch(cpu, slot, env, fuel),
            Ok(Flow::Jump { offset }) => offset,
            Ok(Flow::Branch { cond, a, b, offset }) if alu::compare(B::WIDTH, cond, a, b) => offset,
            Ok(Flow::Branch { .. }) => record.insn.len.into(),
            Ok(Flow::Indirect { target, .. }) => target.wrapping_sub(record.pc) as i64,
            Err(Stopped { addr, reason }) => {
                (*env).fuel = fuel - i64::from(record.before);
                return stop::<P>(cpu, slot, env, mem, addr, reason);
            }
        };
        (*cpu).pc = step.address(record.pc, offset);
        (*env).fuel = fuel - i64::from(record.before) - 1;
        Leave::Lookup
    }
}

/// Hides from the compiler that a cold path always returns the same value. Otherwise the handler would set the
/// constant after the call, which then is not a tail call and needs a stack frame on all paths.
#[inline(always)]
fn opaque(leave: Leave) -> Leave {
    std::hint::black_box(leave)
}

/// Returns to the loop because the block's exit is not linked or the slice is used up. An exit to another page that is
/// not to be linked is taken through the jump cache.
#[cold]
#[inline(never)]
unsafe extern "sysv64" fn leave_block(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const Memory,
    taken: bool,
    fuel: i64,
) -> Leave {
    // SAFETY: as in `follow`. The link is written later through a pointer made from the arena's own.
    unsafe {
        let exits = &raw const (*slot.add(1)).exits;
        let (pc, link) = if taken {
            ((*exits).taken_pc, &raw const (*exits).taken)
        } else {
            ((*exits).fallthrough_pc, &raw const (*exits).fallthrough)
        };
        (*cpu).pc = pc;
        (*env).fuel = fuel;
        let other_page = (*env).links_in_page && (*slot).record.pc / PAGE_SIZE != pc / PAGE_SIZE;
        if other_page && fuel > 0 && (*env).chain {
            let entry = (*(*env).jumps.add(jump_index(pc))).get();
            if entry.key == !pc {
                let next = entry.start;
                return ((*next).record.handler)(cpu, next, env, mem, 0, fuel);
            }
        }
        let links = (*link).is_null() && (*env).chain && !other_page;
        (*env).link = if links { Some(Link(link.cast_mut())) } else { None };
    }
    opaque(Leave::Lookup)
}

/// Returns to the loop after an instruction that changed what decoding depends on.
#[cold]
#[inline(never)]
unsafe extern "sysv64" fn refetch(cpu: *mut Cpu, slot: *const Slot, env: *mut Env, fuel: i64) -> Leave {
    // SAFETY: as for a handler. An instruction that does not transfer control is followed by a record (perhaps the
    // end of the block), whose address is the next one, also at the end of a 32-bit space.
    unsafe {
        let record = &(*slot).record;
        (*env).fuel = fuel - i64::from(record.before) - 1;
        (*cpu).pc = (*slot.add(1)).record.pc;
        if std::mem::take(&mut (*env).fence_i) { Leave::Revalidate } else { opaque(Leave::Lookup) }
    }
}

/// Returns to the loop before the instruction has had any effect, or after it if it has moved the pc.
#[cold]
#[inline(never)]
unsafe extern "sysv64" fn stop<P: Privilege>(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const Memory,
    addr: u64,
    reason: Reason,
) -> Leave {
    // SAFETY: as for a handler.
    unsafe {
        let record = &(*slot).record;
        if reason.is_resumed() {
            (*env).fuel -= 1;
            return opaque(Leave::Lookup);
        }
        if reason.is_completed() {
            (*env).fuel -= 1;
            // As in `refetch`.
            (*cpu).pc = (*slot.add(1)).record.pc;
            return opaque(Leave::Lookup);
        }
        (*cpu).pc = record.pc;
        match reason.exit(addr, record.pc, record.insn.len, &*mem.cast::<P::Memory>()) {
            Some(exit) => (*env).exit = exit,
            None => return opaque(Leave::Lookup),
        }
    }
    opaque(Leave::Exit)
}

/// Ends a block that has reached its maximum length.
unsafe extern "sysv64" fn end_of_block(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const Memory,
    _: u64,
    fuel: i64,
) -> Leave {
    // SAFETY: as for a handler; this record is always followed by exits.
    unsafe { follow(cpu, slot, env, mem, fuel, true, 0) }
}

/// The handler of the record that ends a block without a control transfer.
pub(super) fn fall_through() -> Handler {
    end_of_block
}

/// Handles a compressed op, which never gets here.
unsafe extern "sysv64" fn unexpanded(
    _: *mut Cpu,
    _: *const Slot,
    env: *mut Env,
    _: *const Memory,
    _: u64,
    _: i64,
) -> Leave {
    // SAFETY: as for a handler.
    unsafe { (*env).exit = Exit::Illegal { bits: 0 } };
    unreachable!("the decoder expands compressed instructions")
}

/// The instruction with its [forwarded](Variant) operands marked as such.
///
/// # Safety
/// Its register fields are those of a record.
#[inline(always)]
unsafe fn forwarded<const VARIANT: u8>(mut insn: Insn) -> Insn {
    // SAFETY: the decoder yields registers below 32, and `predecode` at most the sink. The bound lets the compiler
    // omit the test for an operand that is not forwarded.
    unsafe { std::hint::assert_unchecked(insn.rs1 < LAST_RESULT && insn.rs2 < LAST_RESULT) };
    if VARIANT & Variant::RS1 != 0 {
        insn.rs1 = LAST_RESULT;
    }
    if VARIANT & Variant::RS2 != 0 {
        insn.rs2 = LAST_RESULT;
    }
    insn
}

macro_rules! handlers {
    ($(($op:ident, $function:ident))*) => {
        /// The handlers that records point to.
        mod by_op {
            use super::*;
            $(pub unsafe extern "sysv64" fn $function<B: Base, P: Privilege, const VARIANT: u8>(
                cpu: *mut Cpu,
                slot: *const Slot,
                env: *mut Env,
                mem: *const Memory,
                last: u64,
                fuel: i64,
            ) -> Leave {
                let full = full::$function::<B, P>;
                // SAFETY: the caller's promise is that of `execute`.
                unsafe { execute::<B, P, VARIANT>(cpu, slot, env, mem, last, fuel, full, sem::$function) }
            })*
        }

        /// The handlers that those jump to when an operation needs calls.
        mod full {
            use super::*;
            $(#[inline(never)]
            pub unsafe extern "sysv64" fn $function<B: Base, P: Privilege>(
                cpu: *mut Cpu,
                slot: *const Slot,
                env: *mut Env,
                mem: *const Memory,
                last: u64,
                fuel: i64,
            ) -> Leave {
                // SAFETY: the caller's promise is that of `execute_full`; the instruction does not end its block, so
                // a record follows.
                unsafe {
                    match execute_full::<B, P>(cpu, slot, env, mem, last, fuel, sem::$function) {
                        (last, None) => {
                            let next = slot.add(1);
                            ((*next).record.handler)(cpu, next, env, mem, last, fuel)
                        }
                        (_, Some(leave)) => leave,
                    }
                }
            })*
        }

        fn by_variant<B: Base, P: Privilege, const VARIANT: u8>(op: Op) -> Handler {
            match op {
                $(Op::$op => by_op::$function::<B, P, VARIANT>,)*
                _ => unexpanded,
            }
        }

        fn with_calls<B: Base, P: Privilege>(op: Op) -> Handler {
            match op {
                $(Op::$op => full::$function::<B, P>,)*
                _ => unexpanded,
            }
        }
    };
}

remu_isa::for_each_op!(handlers);

/// The handler of a control transfer that checks its target.
fn aligned_transfer<B: Base, P: Privilege>(op: Op) -> Handler {
    const ALIGNED: u8 = Variant::ALIGNED;
    match op {
        Op::Beq => by_op::beq::<B, P, ALIGNED>,
        Op::Bne => by_op::bne::<B, P, ALIGNED>,
        Op::Blt => by_op::blt::<B, P, ALIGNED>,
        Op::Bge => by_op::bge::<B, P, ALIGNED>,
        Op::Bltu => by_op::bltu::<B, P, ALIGNED>,
        Op::Bgeu => by_op::bgeu::<B, P, ALIGNED>,
        Op::Jal => by_op::jal::<B, P, ALIGNED>,
        Op::Jalr => by_op::jalr::<B, P, ALIGNED>,
        _ => unreachable!("{op} is not a control transfer"),
    }
}

/// The handler of an op in a variant.
pub(super) fn handler<B: Base, P: Privilege>(op: Op, variant: Variant) -> Handler {
    const RS1: u8 = Variant::RS1;
    const RS2: u8 = Variant::RS2;
    const BOTH: u8 = Variant::RS1 | Variant::RS2;
    if B::OWN_MEANINGS {
        return if variant.0 & Variant::ALIGNED == 0 {
            by_exec::<B, P, 0>
        } else {
            by_exec::<B, P, { Variant::ALIGNED }>
        };
    }
    match variant.0 {
        0 => by_variant::<B, P, 0>(op),
        RS1 => by_variant::<B, P, RS1>(op),
        RS2 => by_variant::<B, P, RS2>(op),
        BOTH => by_variant::<B, P, BOTH>(op),
        _ => aligned_transfer::<B, P>(op),
    }
}

/// The handler of an op that always needs calls, or whose destination x0 has a meaning of its own.
pub(super) fn full_handler<B: Base, P: Privilege>(op: Op) -> Handler {
    if B::OWN_MEANINGS { by_exec::<B, P, 0> } else { with_calls::<B, P>(op) }
}
