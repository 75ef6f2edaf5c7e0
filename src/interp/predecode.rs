//! Decodes guest code into the records of a block.

use super::block::{Exits, Record, SINK, Slot, Variant};
use super::threaded;
use crate::guest::Exit;
use crate::guest::riscv::fetch::{FetchLimits, Fetched, wrap};
use crate::guest::riscv::{Base, Privilege, insn_align};
use remu_isa::{Insn, Isa, Op, OpInfo, Operand, RegClass};
use std::ptr::null;

/// A block as decoded, to be copied into the cache. The buffers are used for one block after the other.
#[derive(Default)]
pub(super) struct Decoded {
    pub slots: Vec<Slot>,
    fetched: Fetched,
    /// The integer register written last in this block.
    last_written: Option<u8>,
}

impl Decoded {
    /// The bytes that were decoded.
    pub fn source(&self) -> &[u8] {
        &self.fetched.source
    }

    /// Whether the block lies on two pages.
    pub fn crosses_pages(&self) -> bool {
        self.fetched.crosses_pages()
    }

    /// The instructions with their addresses, compressed ones expanded.
    pub fn insns(&self) -> &[(u64, Insn)] {
        &self.fetched.insns
    }

    /// Decodes from `pc` up to the first instruction that may transfer control, at most `max_block` instructions and
    /// not past the end of the page. Fails only if there is no first instruction; the block is useless then.
    pub fn decode<B: Base, P: Privilege>(
        &mut self,
        pc: u64,
        max_block: usize,
        isa: &Isa,
        mem: &P::Memory,
    ) -> Result<(), Exit> {
        self.slots.clear();
        self.last_written = None;
        self.fetched.fetch::<B, P::Memory>(pc, limits(max_block), isa, mem, ends_block)?;
        let align = insn_align(isa);
        for before in 0..self.fetched.insns.len() {
            let (pc, insn) = self.fetched.insns[before];
            self.push::<B, P>(before as u32, pc, insn, align);
        }
        self.finish::<B>();
        Ok(())
    }
}

/// The limits of a block of at most `max_block` instructions.
pub(super) fn limits(max_block: usize) -> FetchLimits {
    FetchLimits { insns: max_block.clamp(1, 1024), in_page: true }
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
    fn push<B: Base, P: Privilege>(&mut self, before: u32, pc: u64, mut insn: Insn, insn_align: u64) {
        let info = insn.op.info();
        let simple = is_simple(info);
        let variant = if insn_align == 4 && is_transfer(insn.op) {
            Variant(Variant::ALIGNED)
        } else if simple {
            self.forward(&insn)
        } else {
            Variant::default()
        };
        let mut handler = threaded::handler::<B, P>(insn.op, variant);
        if info.rd == RegClass::X {
            // Compare-and-swap reads its destination and may write two registers.
            self.last_written = (insn.rd != 0 && !info.reads_rd).then_some(insn.rd);
            if insn.rd == 0 {
                if simple || info.is_atomic && !info.reads_rd {
                    insn.rd = SINK;
                } else {
                    handler = threaded::full_handler::<B, P>(insn.op);
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
    fn finish<B: Base>(&mut self) {
        let &(pc, insn) = self.insns().last().expect("a block has at least one instruction");
        let target = wrap::<B>(pc.wrapping_add_signed(i64::from(insn.imm)));
        let next_pc = self.fetched.end::<B>();
        let exits = |taken_pc| Exits { taken: null(), fallthrough: null(), taken_pc, fallthrough_pc: next_pc };
        match insn.op {
            Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu | Op::Jal => {
                self.slots.push(Slot { exits: exits(target) });
            }
            Op::Jalr => {}
            _ => {
                let before = self.insns().len() as u32;
                let handler = threaded::fall_through();
                self.slots.push(Slot { record: Record { handler, insn, before, pc: next_pc } });
                self.slots.push(Slot { exits: exits(next_pc) });
            }
        }
    }
}
