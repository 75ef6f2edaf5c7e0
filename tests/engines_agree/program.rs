//! A program as it is generated and shrunk: instructions in slots, so that one can be dropped while branches keep
//! their targets, and the state and memory it starts with.

use crate::rng::Rng;
use remu::guest::riscv::Cpu;
use remu_isa::{Insn, Isa, Op, Xlen, encode, f_name, x_name};
use std::fmt::Write as _;

/// The place of an instruction in a program.
pub type SlotId = usize;

/// What an instruction refers to.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// Another instruction; one past the last is the final `ebreak`.
    Slot(SlotId),
    /// This many bytes past the start of one: the middle of an instruction.
    Inside(SlotId, u64),
    /// An address.
    Addr(u64),
}

/// How an instruction gets its immediate.
#[derive(Clone, Copy, Debug)]
pub enum Imm {
    /// It has it.
    Given,
    /// The distance to the target, in a branch or `jal`.
    To(Target),
    /// The upper part of that distance, in an `auipc`.
    High(Target),
    /// The low part that belongs to the `auipc` in the second slot.
    Low(Target, SlotId),
}

#[derive(Clone, Copy, Debug)]
pub struct Slot {
    pub insn: Insn,
    pub imm: Imm,
}

/// A program.
#[derive(Clone, Debug)]
pub struct Program {
    /// What kind of program it is.
    pub shape: &'static str,
    /// The address of the first instruction.
    pub base: u64,
    /// The instructions. Shrinking leaves holes.
    pub slots: Vec<Option<Slot>>,
    /// Doublewords in memory that hold the address of an instruction.
    pub tables: Vec<(u64, SlotId)>,
    pub x: [u64; 32],
    pub f: [u64; 32],
    pub fcsr: u32,
    /// The instructions counted before it.
    pub instret: u64,
    /// Registers that nothing but the program's own loops may write: bit `r` for `x[r]`.
    pub reserved: u32,
    /// The seed of the contents of memory; without one, memory is zero.
    pub memory: Option<u64>,
}

/// A program in bytes.
pub struct Assembled {
    pub bytes: Vec<u8>,
    /// The address of each slot; the last is that of the final `ebreak`.
    pub addrs: Vec<u64>,
    /// The instructions with their addresses.
    pub insns: Vec<(u64, Insn)>,
}

impl Assembled {
    /// The address of the final `ebreak`.
    pub fn end(&self) -> u64 {
        *self.addrs.last().expect("at least the end has an address")
    }
}

/// The low twelve bits of a distance, sign-extended.
fn low(distance: i64) -> i32 {
    (distance << 52 >> 52) as i32
}

impl Program {
    /// The program's bytes. A compressed branch that does not reach its target becomes its long form.
    pub fn assemble(&self) -> Assembled {
        let mut slots = self.slots.clone();
        loop {
            let mut addrs = vec![self.base];
            for slot in &slots {
                let last = addrs[addrs.len() - 1];
                addrs.push(last + slot.map_or(0, |s| u64::from(s.insn.len)));
            }
            match place(&slots, &addrs) {
                Ok((bytes, insns)) => return Assembled { bytes, addrs, insns },
                Err(long) => {
                    let slot = slots[long].as_mut().expect("it was encoded");
                    assert!(slot.insn.op.info().compressed, "{:?} in slot {long} cannot be encoded", slot);
                    slot.insn = Insn { len: 4, ..slot.insn.expand(Xlen::Rv64) };
                }
            }
        }
    }

    /// The state in which the program starts.
    pub fn cpu(&self) -> Cpu {
        let mut cpu = Cpu::new(Isa::rv64_max());
        cpu.x[..32].copy_from_slice(&self.x);
        cpu.f = self.f;
        cpu.set_fcsr(self.fcsr);
        cpu.pc = self.base;
        cpu.instret = self.instret;
        cpu
    }

    /// Contents of a part of memory.
    pub fn fill(&self, at: u64, bytes: &mut [u8]) {
        match self.memory {
            None => bytes.fill(0),
            Some(seed) => {
                let mut rng = Rng(seed ^ at);
                for word in bytes.chunks_exact_mut(8) {
                    let v = rng.next();
                    // Short numbers and NaN-boxed ones are among them.
                    let v = match v & 7 {
                        0 => (v as i64 >> 56) as u64,
                        1 => v | u64::MAX << 32,
                        _ => v,
                    };
                    word.copy_from_slice(&v.to_le_bytes());
                }
            }
        }
    }

    /// Instructions that are left.
    pub fn len(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// The disassembly, and the registers that are not zero.
    pub fn listing(&self) -> String {
        let mut text = String::new();
        for (addr, insn) in self.assemble().insns {
            let _ = writeln!(text, "  {addr:#x}: {}", insn.disassemble(addr));
        }
        for (r, v) in self.x.iter().enumerate().filter(|(_, v)| **v != 0) {
            let _ = writeln!(text, "  {:<4} = {v:#018x}", x_name(r as u8));
        }
        for (r, v) in self.f.iter().enumerate().filter(|(_, v)| **v != 0) {
            let _ = writeln!(text, "  {:<4} = {v:#018x}", f_name(r as u8));
        }
        let _ = writeln!(text, "  fcsr = {:#04x}", self.fcsr);
        match self.memory {
            None => text.push_str("  memory is zero\n"),
            Some(seed) => {
                let _ = writeln!(text, "  memory is filled from {seed:#x}");
            }
        }
        text
    }
}

/// Bytes, and the instructions with their addresses.
type Placed = (Vec<u8>, Vec<(u64, Insn)>);

/// Encodes the slots at their addresses, or names the slot whose immediate does not fit.
fn place(slots: &[Option<Slot>], addrs: &[u64]) -> Result<Placed, SlotId> {
    let (mut bytes, mut insns) = (Vec::new(), Vec::new());
    let ebreak = Insn { op: Op::Ebreak, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, len: 4, imm: 0 };
    let end = Some(Slot { insn: ebreak, imm: Imm::Given });
    for (id, slot) in slots.iter().chain([&end]).enumerate() {
        let Some(Slot { mut insn, imm }) = *slot else { continue };
        let distance = |to, from: SlotId| {
            let to = match to {
                Target::Slot(slot) => addrs[slot],
                Target::Inside(slot, bytes) => addrs[slot] + bytes,
                Target::Addr(addr) => addr,
            };
            to.wrapping_sub(addrs[from]) as i64
        };
        match imm {
            Imm::Given => {}
            Imm::To(to) => insn.imm = distance(to, id) as i32,
            Imm::High(to) => {
                let all = distance(to, id);
                insn.imm = (all - i64::from(low(all))) as i32;
            }
            Imm::Low(to, base) => insn.imm = low(distance(to, base)),
        }
        let bits = encode(&insn, Xlen::Rv64).map_err(|_| id)?;
        bytes.extend(&bits.to_le_bytes()[..usize::from(insn.len)]);
        insns.push((addrs[id], insn));
    }
    Ok((bytes, insns))
}
