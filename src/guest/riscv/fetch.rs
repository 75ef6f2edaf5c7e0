//! Fetches and decodes the instructions of a block, for engines that translate before they execute.

use super::Base;
use crate::guest::{DecodeError, Exit, Width};
use crate::memory::{Access, FaultKind, GuestAddr, GuestFault, GuestMemory, PAGE_SIZE};
use remu_isa::{ExtSet, Insn, Isa, Op, Xlen};
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

/// Instructions by their encoding, as they were last decoded. A few hundred encodings make up most code, and a look here
/// costs a fraction of decoding.
#[derive(Debug)]
struct Known {
    isa: Isa,
    /// Empty until used.
    insns: Box<[(u32, Insn)]>,
    /// Whether nothing is added.
    is_frozen: bool,
}

/// The number of bits of an index into the known instructions.
const KNOWN_BITS: u32 = 11;

/// An element without an instruction. Nothing has this encoding: it has more than the 16 bits that its lowest two call for.
const UNKNOWN: (u32, Insn) = (1 << 16, Insn { op: Op::Addi, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, len: 4, imm: 0 });

impl Default for Known {
    fn default() -> Self {
        Self { isa: Isa { xlen: Xlen::Rv64, exts: ExtSet::EMPTY }, insns: Box::default(), is_frozen: false }
    }
}

impl Known {
    /// Decodes the instruction at the start of the bytes, as [`Guest::decode`](crate::guest::Guest::decode) does.
    #[inline]
    fn decode<B: Base>(&mut self, bytes: &[u8], isa: &Isa) -> Result<Insn, DecodeError> {
        let bits = match *bytes {
            [a, b, c, d, ..] if a & 3 == 3 => u32::from_le_bytes([a, b, c, d]),
            [a, b, ..] if a & 3 != 3 => u32::from(u16::from_le_bytes([a, b])),
            _ => return Err(DecodeError::Truncated),
        };
        if self.insns.is_empty() || self.isa != *isa {
            self.forget(isa);
        }
        // The golden ratio, by which products spread.
        let known = &mut self.insns[(bits.wrapping_mul(0x9e37_79b9) >> (32 - KNOWN_BITS)) as usize];
        if known.0 == bits {
            return Ok(known.1);
        }
        let insn = B::decode(bytes, isa)?;
        if !self.is_frozen {
            *known = (bits, insn);
        }
        Ok(insn)
    }

    #[cold]
    fn forget(&mut self, isa: &Isa) {
        self.isa = *isa;
        self.insns = vec![UNKNOWN; 1 << KNOWN_BITS].into();
    }
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
    known: Known,
}

/// What follows of what was fetched.
#[derive(Clone, Copy, Debug)]
pub struct Next {
    at: usize,
    got: usize,
    limits: FetchLimits,
}

impl Fetched {
    /// Sets whether instructions are kept by their encoding, as is the default. Others are found either way.
    pub fn keep_decoded(&mut self, keep: bool) {
        self.known.is_frozen = !keep;
    }

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
        let mut next = self.begin::<B, M>(pc, limits, isa, mem)?;
        while let Some(insn) = self.decode::<B, M>(&mut next, isa, mem)? {
            if ends(&insn) {
                break;
            }
        }
        self.source.truncate(next.at);
        Ok(())
    }

    /// Fetches the bytes of the instructions from `pc` on, within the limits, to be [decoded](Self::decode) one by one.
    ///
    /// # Errors
    /// If none can be fetched.
    pub fn begin<B: Base, M: GuestMemory>(
        &mut self,
        pc: u64,
        limits: FetchLimits,
        isa: &Isa,
        mem: &M,
    ) -> Result<Next, Exit> {
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
        Ok(Next { at: 0, got, limits })
    }

    /// Decodes the next instruction and adds it to [`Self::insns`]. `None` if the next one must be fetched as the first.
    ///
    /// # Errors
    /// If it is the first, and there is none.
    #[inline]
    pub fn decode<B: Base, M: GuestMemory>(
        &mut self,
        next: &mut Next,
        isa: &Isa,
        mem: &M,
    ) -> Result<Option<Insn>, Exit> {
        let Next { at, got, limits } = *next;
        if self.insns.len() == limits.insns || limits.in_page && at as u64 >= in_page(self.pc) {
            return Ok(None);
        }
        let pc = self.pc + at as u64;
        let insn = match self.known.decode::<B>(&self.source[at..got], isa) {
            Ok(insn) => insn,
            // If it is ever reached, it is decoded again as the first of its own block, and fails there.
            Err(_) if at > 0 => return Ok(None),
            Err(DecodeError::Illegal { bits }) => return Err(Exit::Illegal { bits }),
            Err(DecodeError::Truncated) => return Err(Exit::Fault(second_page_fault(wrap::<B>(pc + 2), mem))),
        };
        next.at += usize::from(insn.len);
        self.insns.push((pc, insn));
        Ok(Some(insn))
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
