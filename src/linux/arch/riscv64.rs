//! riscv64's registers in the kernel interface: system calls, signal handlers, new threads.

use crate::guest::riscv::{Cpu, Reservation};
use crate::linux::abi::signal::{Sigcontext, UserRegs};
use rustix::io::Errno;

const RA: u8 = 1;
const SP: u8 = 2;
#[allow(dead_code)]
const TP: u8 = 4;
const A0: u8 = 10;
const A7: u8 = 17;

/// The architecture in `struct seccomp_data` (AUDIT_ARCH_RISCV64): EM_RISCV, 64-bit, little-endian.
pub const AUDIT_ARCH: u32 = 243 | 1 << 31 | 1 << 30;

/// The length of `ecall` in bytes.
const ECALL: u64 = 4;

/// The number and the arguments of a system call.
pub fn system_call(cpu: &Cpu) -> (u64, [u64; 6]) {
    (cpu.x(A7), std::array::from_fn(|i| cpu.x(A0 + i as u8)))
}

/// Moves the pc past the system call, where signal frames and the program continue.
pub fn skip_call(cpu: &mut Cpu) {
    cpu.pc = cpu.pc.wrapping_add(ECALL);
}

/// Moves the pc back to the system call.
pub fn repeat_call(cpu: &mut Cpu) {
    cpu.pc = cpu.pc.wrapping_sub(ECALL);
}

/// The register that holds the first argument before a call and the result after it.
pub fn result(cpu: &Cpu) -> u64 {
    cpu.x(A0)
}

/// Sets the register that holds the first argument before a call and the result after it.
pub fn set_result(cpu: &mut Cpu, value: u64) {
    cpu.set_x(A0, value);
}

/// The result register's value for an error.
pub fn failure(errno: Errno) -> u64 {
    (-i64::from(errno.raw_os_error())) as u64
}

/// The stack pointer.
pub fn stack_pointer(cpu: &Cpu) -> u64 {
    cpu.x(SP)
}

/// Sets the stack pointer.
pub fn set_stack_pointer(cpu: &mut Cpu, sp: u64) {
    cpu.set_x(SP, sp);
}

/// Sets the register that points to thread-local storage (CLONE_SETTLS).
#[allow(dead_code)]
pub fn set_thread_pointer(cpu: &mut Cpu, tp: u64) {
    cpu.set_x(TP, tp);
}

/// The arguments of a signal handler.
#[derive(Clone, Copy, Debug)]
pub struct HandlerCall {
    /// The handler's address.
    pub handler: u64,
    /// The address that it returns to.
    pub restorer: u64,
    /// Its stack pointer.
    pub sp: u64,
    /// The signal, and the addresses of its siginfo and ucontext.
    pub args: [u64; 3],
}

/// Calls a signal handler. Sets pc as `sret` would.
pub fn call_handler(cpu: &mut Cpu, call: &HandlerCall) {
    cpu.set_x(RA, call.restorer);
    cpu.set_x(SP, call.sp);
    for (register, value) in (A0..).zip(call.args) {
        cpu.set_x(register, value);
    }
    cpu.enter(call.handler);
    cpu.reservation = Reservation::NONE;
}

/// The registers as a signal frame has them.
pub fn save(cpu: &Cpu) -> Sigcontext {
    Sigcontext {
        regs: UserRegs { pc: cpu.pc, x: std::array::from_fn(|i| cpu.x(i as u8 + 1)) },
        f: cpu.f,
        fcsr: cpu.fcsr(),
        pad: [0; 64],
        reserved: 0,
        end_magic: 0,
        end_size: 0,
    }
}

/// Fails if a signal frame has extension state, which is never saved.
pub fn check(context: &Sigcontext) -> Result<(), Errno> {
    let is_known = context.reserved == 0 && context.end_magic == 0 && context.end_size == 0;
    if is_known { Ok(()) } else { Err(Errno::INVAL) }
}

/// Restores the registers from a signal frame.
pub fn restore(cpu: &mut Cpu, context: &Sigcontext) {
    for (register, value) in (1..32).zip(context.regs.x) {
        cpu.set_x(register, value);
    }
    cpu.enter(context.regs.pc);
    cpu.f = context.f;
    cpu.set_fcsr(context.fcsr);
    cpu.reservation = Reservation::NONE;
}
