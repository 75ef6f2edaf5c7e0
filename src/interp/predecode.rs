//! Decodes guest code into the records of a block.

use super::block::{Exits, Record, SINK, Slot, Variant};
use super::threaded;
use crate::guest::riscv::{Base, insn_align};
use crate::guest::{DecodeError, Exit, Width};
use crate::memory::{Access, FaultKind, GuestAddr, GuestFault, GuestMemory, PAGE_SIZE};
use remu_isa::{Insn, Isa, Op, OpInfo, Operand, RegClass};
use std::ops::Range;
use std::ptr::null;

/// A block as decoded, to be copied into the cache. The buffers are used for one block after the other.
#[derive(Default)]
pub(super) struct Decoded {
    pub pc: u64,
    pub slots: Vec<Slot>,
    /// The bytes it was decoded from.
    pub source: Vec<u8>,
    insns: Vec<(u64, Insn)>,
    /// The integer register written last in this block.
    last_written: Option<u8>,
}

impl Decoded {
    /// The instructions with their addresses, compressed ones expanded.
    pub fn insns(&self) -> &[(u64, Insn)] {
        &self.insns
    }

    /// Decodes from `pc` up to the first instruction that may transfer control, at most `max_block` instructions and
    /// not past the end of the page. Fails only if there is no first instruction; the block is useless then.
    pub fn decode<B: Base, M: GuestMemory>(
        &mut self,
        pc: u64,
        max_block: usize,
        isa: &Isa,
        mem: &M,
    ) -> Result<(), Exit> {
        let limit = limit(max_block);
        let align = insn_align(isa);
        let in_page = PAGE_SIZE - pc % PAGE_SIZE;
        let range = fetched(pc, max_block);
        self.start(pc, (range.end.0 - range.start.0) as usize);
        let got = mem.fetch(GuestAddr(pc), &mut self.source).map_err(Exit::Fault)?;
        let mut at = 0;
        while self.insns.len() < limit && (at as u64) < in_page {
            let insn_pc = pc + at as u64;
            let insn = match B::decode(&self.source[at..got], isa) {
                Ok(insn) => insn,
                // If it is ever reached, it is decoded again as the first of its own block, and fails there.
                Err(_) if at > 0 => break,
                Err(DecodeError::Illegal { bits }) => return Err(Exit::Illegal { bits }),
                Err(DecodeError::Truncated) => {
                    return Err(Exit::Fault(second_page_fault(wrap::<B>(insn_pc + 2), mem)));
                }
            };
            at += usize::from(insn.len);
            self.push::<B, M>(insn_pc, insn, align);
            if ends_block(&insn) {
                break;
            }
        }
        self.source.truncate(at);
        self.finish::<B>(pc + at as u64);
        Ok(())
    }

    /// Begins a block at `pc`, with room for its bytes.
    fn start(&mut self, pc: u64, len: usize) {
        self.pc = pc;
        self.slots.clear();
        self.insns.clear();
        self.source.resize(len, 0);
        self.last_written = None;
    }
}

fn limit(max_block: usize) -> usize {
    max_block.clamp(1, 1024)
}

/// The bytes that [`Decoded::decode`] fetches at most, before it knows where the block ends.
pub(super) fn fetched(pc: u64, max_block: usize) -> Range<GuestAddr> {
    let in_page = PAGE_SIZE - pc % PAGE_SIZE;
    // Two bytes of the next page complete an instruction that crosses the page boundary.
    let len = (limit(max_block) as u64 * 4).min(in_page + 2);
    GuestAddr(pc)..GuestAddr(pc.saturating_add(len))
}

/// An address truncated to the guest's address width.
fn wrap<B: Base>(pc: u64) -> u64 {
    if B::WIDTH == Width::W32 { pc & 0xffff_ffff } else { pc }
}

/// The fault of an instruction whose second half, at `addr`, cannot be fetched.
fn second_page_fault(addr: u64, mem: &impl GuestMemory) -> GuestFault {
    let addr = GuestAddr(addr);
    let fault = mem.fetch(addr, &mut [0; 2]).err();
    fault.unwrap_or(GuestFault { addr, access: Access::Fetch, kind: FaultKind::Unmapped })
}

/// Whether the instruction reads each source register once, as an operand and nothing else.
fn is_simple(info: &OpInfo) -> bool {
    !info.is_atomic && !info.reads_rd && !info.operands.contains(&Operand::Csr)
}

/// Whether every path leaves the straight line here. CSR instructions rarely do; those that do return to the loop.
fn ends_block(insn: &Insn) -> bool {
    let info = insn.op.info();
    info.ends_block && !info.operands.contains(&Operand::Csr)
}

/// Whether the instruction is a branch or a jump.
fn is_transfer(op: Op) -> bool {
    matches!(op, Op::Jal | Op::Jalr | Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu)
}

impl Decoded {
    #[inline]
    fn push<B: Base, M: GuestMemory>(&mut self, pc: u64, mut insn: Insn, insn_align: u64) {
        let before = self.insns.len() as u32;
        self.insns.push((pc, insn));
        let info = insn.op.info();
        let simple = is_simple(info);
        let variant = if insn_align == 4 && is_transfer(insn.op) {
            Variant(Variant::ALIGNED)
        } else if simple {
            self.forward(&insn)
        } else {
            Variant::default()
        };
        let mut handler = threaded::handler::<B, M>(insn.op, variant);
        if info.rd == RegClass::X {
            // Compare-and-swap reads its destination and may write two registers.
            self.last_written = (insn.rd != 0 && !info.reads_rd).then_some(insn.rd);
            if insn.rd == 0 {
                if simple || info.is_atomic && !info.reads_rd {
                    insn.rd = SINK;
                } else {
                    handler = threaded::full_handler::<B, M>(insn.op);
                }
            }
        }
        self.slots.push(Slot { record: Record { handler, insn, before, pc } });
    }

    /// Which operands are the register written last.
    fn forward(&self, insn: &Insn) -> Variant {
        let info = insn.op.info();
        let is_last = |class, r| class == RegClass::X && self.last_written == Some(r);
        let rs1 = if is_last(info.rs1, insn.rs1) { Variant::RS1 } else { 0 };
        let rs2 = if is_last(info.rs2, insn.rs2) { Variant::RS2 } else { 0 };
        Variant(rs1 | rs2)
    }

    /// Adds exits after the last instruction, if it needs them.
    fn finish<B: Base>(&mut self, next_pc: u64) {
        let &(pc, insn) = self.insns.last().expect("a block has at least one instruction");
        let target = wrap::<B>(pc.wrapping_add_signed(i64::from(insn.imm)));
        let next_pc = wrap::<B>(next_pc);
        let exits = |taken_pc| Exits { taken: null(), fallthrough: null(), taken_pc, fallthrough_pc: next_pc };
        match insn.op {
            Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu | Op::Jal => {
                self.slots.push(Slot { exits: exits(target) });
            }
            Op::Jalr => {}
            _ => {
                let before = self.insns.len() as u32;
                let handler = threaded::fall_through();
                self.slots.push(Slot { record: Record { handler, insn, before, pc: next_pc } });
                self.slots.push(Slot { exits: exits(next_pc) });
            }
        }
    }
}
