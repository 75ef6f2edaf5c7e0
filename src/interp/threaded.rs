//! The handlers: one for each op and base, each ending in a jump to the next.
//!
//! Stable Rust promises no tail calls. In optimised builds the compiler makes them, provided nothing
//! on the stack is referred to across the call; `tests/interp.rs` runs every op in a loop on a small
//! stack to see that it does.

use super::Leave;
use super::block::{Cell, Handler, Slot};
use super::cache::jump_index;
use super::step::{Env, Reason, Step, Stopped};
use crate::guest::riscv::{Base, Cpu, sem};
use crate::guest::{Exit, Flow};
use crate::memory::UserSpace;
use remu_isa::{Insn, Op};

/// Runs from `start` until a handler returns.
pub(super) fn enter(cpu: &mut Cpu, start: *const Slot, env: &mut Env, mem: &UserSpace) -> Leave {
    // SAFETY: `start` is the first record of a block in the cache that `env` belongs to, and the
    // other pointers are live references, exclusive where they are mutable.
    unsafe { ((*start).record.handler)(cpu, start, env, mem) }
}

/// Executes the record at `slot` by `f`, and what follows.
///
/// # Safety
/// As for a [`Handler`].
#[inline(always)]
unsafe fn execute<'a, B: Base>(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const UserSpace,
    f: impl FnOnce(&mut Step<'a, B>, &Insn) -> Result<Flow<u64>, Stopped>,
) -> Leave {
    // SAFETY: by the caller's promise the pointers are valid, and `cpu` and `env` exclusive: the
    // references made here are gone before the next handler runs. The slot holds a record, a record
    // that does not end its block is followed by another, and one that branches by exits.
    unsafe {
        let record = &(*slot).record;
        let flow = f(&mut Step::new(&mut *cpu, &mut *env, &*mem, record), &record.insn);
        match flow {
            Ok(Flow::Next) => {
                let next = slot.add(1);
                ((*next).record.handler)(cpu, next, env, mem)
            }
            Ok(Flow::Jump { .. }) => follow(cpu, slot, env, mem, true, 1),
            Ok(Flow::Branch { taken, .. }) => follow(cpu, slot, env, mem, taken != 0, 1),
            Ok(Flow::Indirect { target, .. }) => {
                (*env).fuel -= i64::from(record.before) + 1;
                let entry = &*(*env).jumps.add(jump_index(target));
                if entry.key == !target && (*env).fuel > 0 {
                    let next = entry.start;
                    return ((*next).record.handler)(cpu, next, env, mem);
                }
                (*cpu).pc = target;
                Leave::Lookup
            }
            Ok(Flow::Resync) => resync(cpu, slot, env),
            Err(Stopped { addr, reason }) => stop(cpu, slot, env, mem, addr, reason),
        }
    }
}

/// Leaves the block through the exits behind `slot`, with so many instructions run beyond those
/// before it.
///
/// # Safety
/// As for a [`Handler`]; the next slot holds exits.
#[inline(always)]
unsafe fn follow(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const UserSpace,
    taken: bool,
    retired: i64,
) -> Leave {
    // SAFETY: the caller's promise; a link that is not null leads to a block in the same cache.
    unsafe {
        let record = &(*slot).record;
        let exits = &raw const (*slot.add(1)).exits;
        (*env).fuel -= i64::from(record.before) + retired;
        let next = if taken { (*exits).taken } else { (*exits).fallthrough };
        if (*env).fuel > 0 && !next.is_null() {
            return ((*next).record.handler)(cpu, next, env, mem);
        }
        leave_block(cpu, slot, env, taken)
    }
}

/// Returns to the loop from a block whose exit is not linked, or because the slice is used up.
#[cold]
#[inline(never)]
unsafe extern "sysv64" fn leave_block(cpu: *mut Cpu, slot: *const Slot, env: *mut Env, taken: bool) -> Leave {
    // SAFETY: as in `follow`. The link is written later through a pointer made from the arena's own.
    unsafe {
        let exits = &raw const (*slot.add(1)).exits;
        let (pc, link) = if taken {
            ((*exits).taken_pc, &raw const (*exits).taken)
        } else {
            ((*exits).fallthrough_pc, &raw const (*exits).fallthrough)
        };
        (*cpu).pc = pc;
        (*env).link = if (*link).is_null() && (*env).chain { Some(Cell(link.cast_mut())) } else { None };
    }
    Leave::Lookup
}

/// Returns to the loop after the instruction, which has changed what decoding depends on.
#[cold]
#[inline(never)]
unsafe extern "sysv64" fn resync(cpu: *mut Cpu, slot: *const Slot, env: *mut Env) -> Leave {
    // SAFETY: as for a handler.
    unsafe {
        let record = &(*slot).record;
        (*env).fuel -= i64::from(record.before) + 1;
        (*cpu).pc = record.pc + u64::from(record.insn.len);
        if std::mem::take(&mut (*env).fence_i) { Leave::Revalidate } else { Leave::Lookup }
    }
}

/// Returns to the loop before the instruction has had any effect.
#[cold]
#[inline(never)]
unsafe extern "sysv64" fn stop(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const UserSpace,
    addr: u64,
    reason: Reason,
) -> Leave {
    // SAFETY: as for a handler.
    unsafe {
        let record = &(*slot).record;
        (*env).fuel -= i64::from(record.before);
        (*cpu).pc = record.pc;
        (*env).exit = reason.exit(addr, record, &*mem);
    }
    Leave::Exit
}

/// The end of a block that is merely long enough.
unsafe extern "sysv64" fn end_of_block(
    cpu: *mut Cpu,
    slot: *const Slot,
    env: *mut Env,
    mem: *const UserSpace,
) -> Leave {
    // SAFETY: as for a handler; this record is always followed by exits.
    unsafe { follow(cpu, slot, env, mem, true, 0) }
}

/// The handler of the record that ends a block which no instruction ends.
pub(super) fn fall_through() -> Handler {
    end_of_block
}

/// A compressed op, which the decoder expands.
unsafe extern "sysv64" fn unexpanded(_: *mut Cpu, _: *const Slot, env: *mut Env, _: *const UserSpace) -> Leave {
    // SAFETY: as for a handler.
    unsafe { (*env).exit = Exit::Illegal { bits: 0 } };
    unreachable!("the decoder expands compressed instructions")
}

macro_rules! handlers {
    ($(($op:ident, $function:ident))*) => {
        mod by_op {
            use super::*;
            $(pub unsafe extern "sysv64" fn $function<B: Base>(
                cpu: *mut Cpu,
                slot: *const Slot,
                env: *mut Env,
                mem: *const UserSpace,
            ) -> Leave {
                // SAFETY: the caller's promise is that of `execute`.
                unsafe { execute::<B>(cpu, slot, env, mem, sem::$function) }
            })*
        }

        /// The handler of an op.
        pub(super) fn handler<B: Base>(op: Op) -> Handler {
            match op {
                $(Op::$op => by_op::$function::<B>,)*
                _ => unexpanded,
            }
        }
    };
}

remu_isa::for_each_op!(handlers);
