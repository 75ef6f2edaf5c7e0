//! One lookup in the TLB for several loads and stores by the same base register.
//!
//! The first of them looks up all that they access, from the lowest byte to the highest: their span. If it lies in one
//! page, a word before the CPU state holds what is added to a guest address in the page to have the host's. If not, the
//! word is zero, and each access looks for itself, out of line. An addend that is really zero costs no more than that.
//!
//! The others read the word instead of the TLB. It is still true then, although a helper may have executed other loads and
//! stores in between:
//! - The span is forgotten where the base register is written, where execution can come from elsewhere, and behind
//!   instructions that are executed by their definition. Only these change what addresses mean: SFENCE.VMA and CSRs.
//! - No other hart changes this hart's TLB. That hart asks for a fence, which this one executes itself.
//! - A hart that is about to decode from a page waits until this one has left emitted code (see `memory/machine/code.rs`),
//!   which no span outlives. This hart decodes only outside.
//! - A miss in between can replace the entry that was found, but the page is mapped as before.
//!
//! # The micro-TLB
//!
//! In a loop that chases pointers, a load's address is known when the load before has ended, and the way through the TLB
//! takes longer than a load. So such accesses, or the spans that begin with them, have an entry each in the micro-TLB,
//! which is chosen when they are compiled. An access whose page is another one looks in the TLB, out of line, and fills
//! the entry. The entries are dropped with any entry of the TLB, by all that drops those, and are as true as they are.

use super::emitter::{Cold, Emitter};
use super::map::Word;
use super::node::{Node, Val};
use crate::guest::{MemType, Reg};
use crate::jit::x64::{self, Alu, Gpr, Label, Mem, RegMem, Scale, Size};
use crate::memory::machine::tlb_layout;
use crate::memory::{Access, PAGE_SIZE};
use remu_isa::{Insn, Op, RegClass};

/// How many spans are known at a time.
pub const SPANS: usize = Word::ADDENDS.len();

/// The most bytes of a span. The longer it is, the more often it crosses the end of a page.
const LONGEST: i32 = 512;

/// How many instructions are searched for accesses.
const FARTHEST: usize = 32;

/// Memory at a distance from a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The register.
    pub base: Reg,
    /// The displacement of the first byte, and of the one past the last.
    start: i32,
    end: i32,
    /// A page that permits stores permits loads, too.
    access: Access,
}

impl Span {
    /// Whether an access of `size` bytes at `disp` is covered.
    pub fn serves(&self, access: Access, disp: i32, size: u64) -> bool {
        let permits = access == self.access || self.access == Access::Write;
        permits && self.start <= disp && disp + size as i32 <= self.end
    }
}

/// A lookup of one access, out of line.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    from: Label,
    /// Where the addend is in the first of the registers.
    back: Label,
    missed: Label,
    access: Access,
    size: u64,
    base: Reg,
    disp: i32,
    regs: [Gpr; 3],
    why: Why,
}

/// Why an access is looked up out of line.
#[derive(Clone, Copy, Debug)]
enum Why {
    /// Its span is known not to lie in one page.
    Crossing,
    /// Its span, whose word this is, does not lie in one page, or not in the TLB.
    Unknown(Word),
    /// The micro-TLB does not have it, at this offset.
    Refill(i32),
}

/// The access that an instruction makes at a displacement from its first register, and its size.
fn access_of(op: Op) -> Option<(Access, i32)> {
    use Op::*;
    Some(match op {
        Lb | Lbu => (Access::Read, 1),
        Lh | Lhu | Flh => (Access::Read, 2),
        Lw | Lwu | Flw => (Access::Read, 4),
        Ld | Fld => (Access::Read, 8),
        Sb => (Access::Write, 1),
        Sh | Fsh => (Access::Write, 2),
        Sw | Fsw => (Access::Write, 4),
        Sd | Fsd => (Access::Write, 8),
        _ => return None,
    })
}

/// The span of the accesses by the base register of the first of these instructions, if there are several. `is_target`
/// tells which instructions execution comes to from elsewhere.
pub fn ahead(insns: &[(u64, Insn)], is_target: impl Fn(usize) -> bool) -> Option<Span> {
    let &(_, first) = insns.first()?;
    let (access, size) = access_of(first.op)?;
    let mut span = Span { base: first.rs1, start: first.imm, end: first.imm + size, access };
    let mut is_shared = false;
    // Behind a branch it is less likely that the store is made, and the page may permit only loads.
    let mut is_certain = true;
    for (index, &(pc, insn)) in insns.iter().enumerate().take(FARTHEST) {
        if index > 0 {
            if is_target(index) {
                break;
            }
            if let Some((access, size)) = access_of(insn.op).filter(|_| insn.rs1 == span.base) {
                let (start, end) = (span.start.min(insn.imm), span.end.max(insn.imm + size));
                let permits = access == Access::Read || span.access == Access::Write || is_certain;
                if permits && end - start <= LONGEST {
                    (span.start, span.end, is_shared) = (start, end, true);
                    if access == Access::Write {
                        span.access = Access::Write;
                    }
                }
            }
        }
        is_certain &= super::direct_target(pc, &insn).is_none();
        let writes = insn.op.info().rd == RegClass::X && insn.rd == span.base;
        if writes || super::never_continues(&insn) {
            break;
        }
    }
    (is_shared && span.base != 0).then_some(span)
}

impl Emitter<'_> {
    /// The operand of an access in a span. `None` if the access is the only one in its span.
    pub fn in_span(&mut self, access: Access, ty: MemType, addr: Val, to: Option<Gpr>) -> Option<Mem> {
        let sum = self.sum_of(addr, false);
        let (Node::Reg(base), None) = (self.nodes.get(sum.base?), sum.index) else { return None };
        let (disp, size) = (sum.disp, ty.size());
        let known = self.known.span(access, base, disp, size);
        let ahead = self.ahead.filter(|span| span.base == base && span.serves(access, disp, size));
        let is_alone = known.is_none() && ahead.is_none();
        if is_alone && !self.is_chased {
            return None;
        }
        let at = to.filter(|&to| self.is_scratch(to)).unwrap_or_else(|| self.scratch());
        let regs @ [_, entry, page] = [at, self.scratch(), self.scratch()];
        if self.uncompiled {
            return Some(Mem::base(at, 0));
        }
        if is_alone {
            let missed = self.asm.new_label();
            self.find_in_micro_tlb(access, size, (base, disp), regs, missed);
            self.missed.push((missed, self.known.fp));
            self.release(entry);
            self.release(page);
            return Some(self.by_addend(at, base, disp));
        }
        let [from, back, missed] = [(); 3].map(|()| self.asm.new_label());
        let why = match (known, ahead) {
            (Some(number), _) => {
                self.asm.mov(Size::Qword, at, Word::ADDENDS[number].mem());
                self.asm.test(Size::Qword, at, at);
                self.asm.jcc(x64::Cond::E, from);
                Why::Crossing
            }
            (None, Some(span)) => {
                let word = Word::ADDENDS[self.known.add_span(span)];
                let size = (span.end - span.start) as u64;
                if self.is_chased {
                    self.find_in_micro_tlb(span.access, size, (base, span.start), regs, from);
                } else {
                    self.address_by(at, base, span.start);
                    let addend = self.find_in_tlb(span.access, size, regs, from);
                    self.asm.mov(Size::Qword, at, addend);
                }
                self.asm.mov_store(Size::Qword, word.mem(), at);
                Why::Unknown(word)
            }
            (None, None) => unreachable!("one of the two was found above"),
        };
        self.asm.bind(back);
        self.cold.push(Cold::Look(Look { from, back, missed, access, size, base, disp, regs, why }));
        self.missed.push((missed, self.known.fp));
        self.release(entry);
        self.release(page);
        Some(self.by_addend(at, base, disp))
    }

    /// The operand at a displacement from a register, whose addend is in `at`.
    fn by_addend(&mut self, at: Gpr, base: Reg, disp: i32) -> Mem {
        match self.map.x(base) {
            RegMem::Reg(base) => Mem::indexed(at, base, Scale::One, disp),
            RegMem::Mem(_) => {
                self.asm.alu(Alu::Add, Size::Qword, at, self.map.x(base));
                Mem::base(at, disp)
            }
        }
    }

    /// Has the first of these registers hold what is added to addresses in the page of `size` bytes at a displacement
    /// from a register. The micro-TLB predicts the page: unlike the TLB, it does not have the access wait for the address
    /// of an entry, but only for the guest's address.
    fn find_in_micro_tlb(
        &mut self,
        access: Access,
        size: u64,
        (base, disp): (Reg, i32),
        regs: [Gpr; 3],
        missed: Label,
    ) {
        let [at, table, distance] = regs;
        let [from, back] = [(); 2].map(|()| self.asm.new_label());
        let entry = tlb_layout::micro(access, self.pc);
        self.asm.mov(Size::Qword, table, Word::Space.mem());
        self.address_by(distance, base, disp);
        self.asm.alu(Alu::Sub, Size::Qword, distance, Mem::base(table, entry + tlb_layout::PAGE));
        self.asm.alu_imm(Alu::Cmp, Size::Qword, distance, (PAGE_SIZE - size) as i32);
        self.asm.jcc(x64::Cond::A, from);
        self.asm.mov(Size::Qword, at, Mem::base(table, entry + tlb_layout::DELTA));
        // Distances have no value that none is near to: an empty entry is told by its addend.
        self.asm.test(Size::Qword, at, at);
        self.asm.jcc(x64::Cond::E, from);
        self.asm.bind(back);
        let why = Why::Refill(entry);
        self.cold.push(Cold::Look(Look { from, back, missed, access, size, base, disp, regs, why }));
    }

    /// Computes an address into a register.
    fn address_by(&mut self, d: Gpr, base: Reg, disp: i32) {
        let base = match self.map.x(base) {
            RegMem::Reg(base) => base,
            place => {
                self.asm.mov(Size::Qword, d, place);
                d
            }
        };
        self.asm.lea(Size::Qword, d, Mem::base(base, disp));
    }

    /// Emits [`Cold::Look`].
    pub fn cold_look(&mut self, look: &Look) {
        let &Look { from, back, missed, access, size, base, disp, regs, why } = look;
        let [at, table, page] = regs;
        self.asm.bind(from);
        if let Why::Unknown(word) = why {
            self.asm.mov_store_imm(Size::Qword, word.mem(), 0);
        }
        self.address_by(at, base, disp);
        let addend = self.find_in_tlb(access, size, regs, missed);
        self.asm.mov(Size::Qword, at, addend);
        if let Why::Refill(entry) = why {
            self.asm.mov(Size::Qword, table, Word::Space.mem());
            self.asm.mov_store(Size::Qword, Mem::base(table, entry + tlb_layout::PAGE), page);
            self.asm.mov_store(Size::Qword, Mem::base(table, entry + tlb_layout::DELTA), at);
        }
        self.asm.jmp(back);
    }
}
