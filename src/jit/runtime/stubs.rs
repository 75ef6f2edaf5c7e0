//! The code at the start of the area: how emitted code is entered and left.

use crate::jit::baseline::Reason;
use crate::jit::baseline::map::{INSTRET, PC, RegisterMap, Word, f_slot, x_slot};
use crate::jit::x64::{Alu, AsmError, Assembler, Fp, Gpr, RegMem, Size, Unary};

/// What emitted code returns when it is left.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Left {
    /// A [`Reason`].
    pub reason: u64,
    /// What belongs to it.
    pub data: u64,
}

/// The offsets of the stubs in the area.
#[derive(Clone, Copy, Debug)]
pub struct Stubs {
    /// Enters code: a function of the value of rbp and the address of the code.
    pub enter: u32,
    /// See [`Word::Leave`]. It is at the very start.
    pub leave: u32,
    /// See [`Word::LeaveTo`].
    pub leave_to: u32,
    /// See [`Word::LeaveLink`].
    pub leave_link: u32,
    /// See [`Word::Execute`].
    pub execute: u32,
    /// Where they end.
    pub end: u32,
}

/// The registers that a function preserves for its caller.
const PRESERVED: [Gpr; 6] = [Gpr::Rbx, Gpr::Rbp, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];

/// Emits the stubs. `helper` is the address of the function that executes an instruction, `base` the host address of
/// guest address 0.
pub fn emit(asm: &mut Assembler, map: &RegisterMap, helper: u64, base: u64) -> Result<Stubs, AsmError> {
    let here = |asm: &Assembler| asm.offset() as u32;
    let leave_label = asm.new_label();
    asm.bind(leave_label);
    let leave = here(asm);
    store_pinned(asm, map);
    asm.alu_imm(Alu::Add, Size::Qword, Gpr::Rsp, 8);
    for reg in PRESERVED.into_iter().rev() {
        asm.pop(reg);
    }
    asm.ret();

    let leave_to = here(asm);
    asm.mov_store(Size::Qword, PC, Gpr::Rax);
    asm.mov_imm(Gpr::Rax, Reason::Lookup as u64);
    asm.jmp(leave_label);

    let leave_link = here(asm);
    asm.pop(Gpr::Rdx);
    asm.mov_imm(Gpr::Rax, Reason::Link as u64);
    asm.jmp(leave_label);

    let execute = here(asm);
    asm.mov_store(Size::Qword, PC, Gpr::Rax);
    store_pinned(asm, map);
    asm.mov(Size::Qword, Gpr::Rdi, Word::Context.mem());
    asm.mov(Size::Dword, Gpr::Rsi, Gpr::Rcx);
    // The caller's return address is on the stack, which a function wants to be aligned.
    asm.alu_imm(Alu::Sub, Size::Qword, Gpr::Rsp, 8);
    asm.mov_imm(Gpr::Rax, helper);
    asm.call(RegMem::Reg(Gpr::Rax));
    asm.alu_imm(Alu::Add, Size::Qword, Gpr::Rsp, 8);
    load_pinned(asm, map, base);
    asm.test(Size::Dword, Gpr::Rax, Gpr::Rax);
    asm.ret();

    let enter = here(asm);
    for reg in PRESERVED {
        asm.push(reg);
    }
    asm.alu_imm(Alu::Sub, Size::Qword, Gpr::Rsp, 8);
    asm.mov(Size::Qword, Gpr::Rbp, Gpr::Rdi);
    asm.mov(Size::Qword, Gpr::Rax, Gpr::Rsi);
    load_pinned(asm, map, base);
    asm.jmp_indirect(RegMem::Reg(Gpr::Rax));
    asm.finish()?;
    Ok(Stubs { enter, leave, leave_to, leave_link, execute, end: asm.offset() as u32 })
}

fn store_pinned(asm: &mut Assembler, map: &RegisterMap) {
    for (guest, host) in map.all_pinned() {
        asm.mov_store(Size::Qword, x_slot(guest), host);
    }
    for (guest, host) in map.all_pinned_f() {
        asm.vmov_store(Fp::Double, f_slot(guest), host);
    }
    if let Some(counter) = map.counter() {
        // Whoever stores the registers does not use them any more.
        asm.unary(Unary::Neg, Size::Qword, counter);
        asm.alu(Alu::Add, Size::Qword, counter, Word::Limit.mem());
        asm.mov_store(Size::Qword, INSTRET, counter);
    }
}

fn load_pinned(asm: &mut Assembler, map: &RegisterMap, base: u64) {
    for (guest, host) in map.all_pinned() {
        asm.mov(Size::Qword, host, x_slot(guest));
    }
    for (guest, host) in map.all_pinned_f() {
        asm.vmov_load(Fp::Double, host, f_slot(guest));
    }
    if let Some(counter) = map.counter() {
        asm.mov(Size::Qword, counter, Word::Limit.mem());
        asm.alu(Alu::Sub, Size::Qword, counter, INSTRET);
    }
    if let Some(reg) = map.base() {
        asm.mov_imm(reg, base);
    }
}
