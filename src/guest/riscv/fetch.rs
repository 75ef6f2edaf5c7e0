//! Fetches and decodes the instructions of a block, for engines that translate before they execute.

use super::Base;
use crate::guest::{DecodeError, Exit, Width};
use crate::memory::{Access, FaultKind, GuestAddr, GuestFault, GuestMemory, PAGE_SIZE};
use remu_isa::{Insn, Isa};
use std::ops::Range;

/// The most that is decoded at a time.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// Instructions.
    pub insns: usize,
    /// Whether the block ends with the page it begins in, but for the rest of its last instruction.
    pub in_page: bool,
}

impl FetchLimits {
    /// The bytes that are fetched from `pc` at most, before it is known where the block ends.
    pub fn range(&self, pc: u64) -> Range<GuestAddr> {
        let mut len = self.insns as u64 * 4;
        if self.in_page {
            len = len.min(in_page(pc) + 2);
        }
        GuestAddr(pc)..GuestAddr(pc.saturating_add(len))
    }
}

/// The bytes from `pc` to the end of its page.
fn in_page(pc: u64) -> u64 {
    PAGE_SIZE - pc % PAGE_SIZE
}

/// Consecutive instructions. The buffers are used for one block after the other.
#[derive(Debug, Default)]
pub struct Fetched {
    /// The address of the first.
    pub pc: u64,
    /// The bytes they were decoded from.
    pub source: Vec<u8>,
    /// The instructions with their addresses, compressed ones expanded. There is at least one.
    pub insns: Vec<(u64, Insn)>,
}

impl Fetched {
    /// Decodes from `pc` up to the first instruction that `ends` the block, within the limits.
    ///
    /// # Errors
    /// If there is no first instruction. What is in the buffers then is no block.
    pub fn fetch<B: Base, M: GuestMemory>(
        &mut self,
        pc: u64,
        limits: FetchLimits,
        isa: &Isa,
        mem: &M,
        ends: impl Fn(&Insn) -> bool,
    ) -> Result<(), Exit> {
        let range = limits.range(pc);
        self.pc = pc;
        self.insns.clear();
        self.source.resize((range.end.0 - range.start.0) as usize, 0);
        // Where the next page can be anywhere, only an instruction that is needed is fetched from it.
        let first = if M::TRANSLATES { self.source.len().min(in_page(pc) as usize) } else { self.source.len() };
        let mut got = mem.fetch(GuestAddr(pc), &mut self.source[..first]).map_err(Exit::Fault)?;
        if M::TRANSLATES && B::decode(&self.source[..got], isa) == Err(DecodeError::Truncated) && got < 4 {
            let rest = &mut self.source[got..got + 2];
            got += mem.fetch(GuestAddr(wrap::<B>(pc + got as u64)), rest).map_err(Exit::Fault)?;
        }
        let mut at = 0;
        while self.insns.len() < limits.insns && !(limits.in_page && at as u64 >= in_page(pc)) {
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
            self.insns.push((insn_pc, insn));
            if ends(&insn) {
                break;
            }
        }
        self.source.truncate(at);
        Ok(())
    }

    /// Whether they lie on two pages.
    pub fn crosses_pages(&self) -> bool {
        self.source.len() as u64 > in_page(self.pc)
    }

    /// The address behind the last instruction.
    pub fn end<B: Base>(&self) -> u64 {
        wrap::<B>(self.pc + self.source.len() as u64)
    }
}

/// An address truncated to the guest's address width.
pub fn wrap<B: Base>(pc: u64) -> u64 {
    if B::WIDTH == Width::W32 { pc & 0xffff_ffff } else { pc }
}

/// The fault of an instruction whose second half, at `addr`, cannot be fetched.
fn second_page_fault(addr: u64, mem: &impl GuestMemory) -> GuestFault {
    let addr = GuestAddr(addr);
    let fault = mem.fetch(addr, &mut [0; 2]).err();
    fault.unwrap_or(GuestFault { addr, access: Access::Fetch, kind: FaultKind::Unmapped })
}
