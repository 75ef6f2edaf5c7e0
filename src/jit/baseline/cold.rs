//! Emits cold code, behind the rest of a superblock: what is rarely executed, and the exits.

use super::emitter::Cold;
use super::map::Word;
use super::{Block, Part, Reason, count, jump_to_known};
use crate::jit::x64::{self, Assembler, Gpr};

impl Block<'_> {
    /// Emits what was left for here, in the order in which it was.
    pub(super) fn emit_cold(&mut self) {
        let map = &self.config.map;
        for index in 0..self.emitter.cold.len() {
            let cold = self.emitter.cold[index];
            let owner = self.parts.cold.partition_point(|&(first, _)| first <= index);
            self.part(Part::Rare(self.parts.cold[owner - 1].1));
            let asm = &mut *self.emitter.asm;
            match cold {
                Cold::Pause { from, pc, known } => {
                    asm.bind(from);
                    self.emitter.cold_settle(known);
                    self.exchange();
                    let asm = &mut *self.emitter.asm;
                    leave_to(asm, pc);
                }
                Cold::Enter { at, pc } => {
                    self.entries.push((pc, asm.offset() as u32));
                    self.exchange();
                    self.emitter.asm.jmp(at);
                }
                Cold::Join { from, to, pc, uncounted, known, expected } => {
                    asm.bind(from);
                    let other = asm.new_label();
                    self.emitter.cold_join(known, expected, other);
                    self.emitter.asm.jmp(to);
                    self.emitter.asm.bind(other);
                    self.exchange();
                    let asm = &mut *self.emitter.asm;
                    if self.config.count {
                        count(asm, map, uncounted.into());
                    }
                    leave_to(asm, pc);
                }
                Cold::Exit { from, pc, uncounted } => {
                    asm.bind(from);
                    if self.config.count {
                        count(asm, map, uncounted.into());
                    }
                    self.exchange();
                    if self.is_elsewhere(pc) {
                        let asm = &mut *self.emitter.asm;
                        let from = asm.new_label();
                        jump_to_known(asm, pc, from);
                        asm.bind(from);
                        leave_to(asm, pc);
                        continue;
                    }
                    let at = self.emitter.asm.jmp_patchable();
                    self.emit_unlinked(at, pc);
                }
                Cold::Missed { from } => {
                    asm.bind(from);
                    asm.jmp_indirect(Word::LeaveTo.mem());
                }
                Cold::MissedAt { from, pc } => {
                    asm.bind(from);
                    leave_to(asm, pc);
                }
                Cold::Leave { from } => {
                    asm.bind(from);
                    asm.jmp_indirect(Word::Leave.mem());
                }
                Cold::Unlinked { at, pc } => self.emit_unlinked(at, pc),
                Cold::Definition { from, back, pc, bits, uncounted } => {
                    asm.bind(from);
                    // The instruction cannot stop, but it may read the counter.
                    let n = if self.config.count { uncounted.into() } else { 0 };
                    count(asm, map, n);
                    self.exchange();
                    let asm = &mut *self.emitter.asm;
                    execute(asm, pc, bits);
                    count(asm, map, -n);
                    self.exchange();
                    self.emitter.asm.jmp(back);
                }
                Cold::Miss { from, back, pc, bits, uncounted, known } => {
                    asm.bind(from);
                    self.emitter.cold_settle(known);
                    self.exchange();
                    let asm = &mut *self.emitter.asm;
                    let n = if self.config.count { uncounted.into() } else { 0 };
                    count(asm, map, n);
                    let leave = asm.new_label();
                    execute(asm, pc, bits);
                    asm.jcc(x64::Cond::Ne, leave);
                    count(asm, map, -n);
                    self.exchange();
                    let asm = &mut *self.emitter.asm;
                    asm.jmp(back);
                    asm.bind(leave);
                    asm.jmp_indirect(Word::Leave.mem());
                }
                Cold::Rare { from, pc, bits, next, uncounted, known } => {
                    asm.bind(from);
                    self.emitter.cold_settle(known);
                    self.exchange();
                    let asm = &mut *self.emitter.asm;
                    if self.config.count {
                        count(asm, map, uncounted.into());
                    }
                    let leave = asm.new_label();
                    execute(asm, pc, bits);
                    asm.jcc(x64::Cond::Ne, leave);
                    if self.config.count {
                        count(asm, map, 1);
                    }
                    leave_to(asm, next);
                    asm.bind(leave);
                    asm.jmp_indirect(Word::Leave.mem());
                }
                Cold::Look(look) => self.emitter.cold_look(&look),
                Cold::Refused { from, access } => {
                    asm.bind(from);
                    asm.lea_label(Gpr::Rdx, access);
                    asm.mov_imm(Gpr::Rax, Reason::Fault as u64);
                    asm.jmp_indirect(Word::Leave.mem());
                }
                Cold::Reserve { from, back } => {
                    asm.bind(from);
                    self.emitter.cold_reserve();
                    self.emitter.asm.jmp(back);
                }
                Cold::NotStored { from, back } => {
                    asm.bind(from);
                    self.emitter.cold_not_stored();
                    self.emitter.asm.jmp(back);
                }
                Cold::LeaveWindow { from, window, to, pc, uncounted } => {
                    asm.bind(from);
                    if self.config.count {
                        count(asm, map, uncounted.into());
                    }
                    self.emitter.late_reservation(window);
                    if let Some(label) = to {
                        self.emitter.asm.jmp(label);
                        continue;
                    }
                    self.exchange();
                    let asm = &mut *self.emitter.asm;
                    if self.config.link {
                        let at = asm.jmp_patchable();
                        self.emit_unlinked(at, pc);
                    } else {
                        leave_to(asm, pc);
                    }
                }
                Cold::Reserved { from, back, bucket } => {
                    asm.bind(from);
                    self.emitter.cold_reserved(bucket);
                    self.emitter.asm.jmp(back);
                }
                Cold::Nan { from, back, fmt, regs } => {
                    asm.bind(from);
                    self.emitter.cold_found_nan(fmt, regs);
                    self.emitter.asm.jmp(back);
                }
                Cold::ScratchNan { from, back, fmt, reg } => {
                    asm.bind(from);
                    self.emitter.make_canonical(fmt, reg);
                    self.emitter.asm.jmp(back);
                }
                Cold::LoadMxcsr { from, back, value } => {
                    asm.bind(from);
                    self.emitter.cold_load_mxcsr(value);
                    self.emitter.asm.jmp(back);
                }
                Cold::Equal { from, back, op, operands: [d, a, b] } => {
                    asm.bind(from);
                    self.emitter.cold_equal(op, d, a, b);
                    self.emitter.asm.jmp(back);
                }
                Cold::Class { from, back, fmt, bits, exponent } => {
                    asm.bind(from);
                    self.emitter.cold_class(fmt, bits, exponent, back);
                }
                Cold::Division { from, back, op, size } => self.emitter.cold_division(from, back, op, size),
            }
        }
    }
}

/// Calls the code that executes the instruction at `pc` by its definition.
pub(super) fn execute(asm: &mut Assembler, pc: u64, bits: u32) {
    asm.mov_imm(Gpr::Rax, pc);
    asm.mov_imm(Gpr::Rcx, bits.into());
    asm.call(Word::Execute.mem());
}

/// Leaves to go on at a pc.
fn leave_to(asm: &mut Assembler, pc: u64) {
    asm.mov_imm(Gpr::Rax, pc);
    asm.jmp_indirect(Word::LeaveTo.mem());
}
