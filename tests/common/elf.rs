//! Composes small ELF files, so that tests need no guest compiler: a header with every field settable, segments,
//! symbols, and code from mnemonics.

#![allow(dead_code, reason = "each test uses a part")]

use remu_isa::{Insn, Op, Xlen, encode};

pub const PT_LOAD: u32 = 1;
pub const PT_DYNAMIC: u32 = 2;
pub const PT_INTERP: u32 = 3;
pub const PT_TLS: u32 = 7;
pub const PT_GNU_STACK: u32 = 0x6474_e551;

pub const R: u32 = 4;
pub const W: u32 = 2;
pub const X: u32 = 1;

/// A program header and its data.
#[derive(Clone, Debug)]
pub struct Segment {
    pub kind: u32,
    pub flags: u32,
    pub vaddr: u64,
    /// The physical address, if it differs.
    pub paddr: Option<u64>,
    pub data: Vec<u8>,
    /// The size in memory; tests of hostile files may set it below the size of `data`.
    pub mem_size: u64,
    pub align: u64,
    /// Overrides the file offset, for hostile files.
    pub offset: Option<u64>,
    /// Overrides the size in the file.
    pub file_size: Option<u64>,
}

impl Segment {
    pub fn new(kind: u32, flags: u32, vaddr: u64, data: impl Into<Vec<u8>>) -> Self {
        let data = data.into();
        let mem_size = data.len() as u64;
        Self { kind, flags, vaddr, paddr: None, data, mem_size, align: 0x1000, offset: None, file_size: None }
    }

    pub fn load(flags: u32, vaddr: u64, data: impl Into<Vec<u8>>) -> Self {
        Self::new(PT_LOAD, flags, vaddr, data)
    }

    pub fn mem_size(self, mem_size: u64) -> Self {
        Self { mem_size, ..self }
    }
}

/// An ELF file under construction.
#[derive(Clone, Debug)]
pub struct Elf {
    pub class: u8,
    pub data: u8,
    pub kind: u16,
    pub machine: u16,
    pub flags: u32,
    pub entry: u64,
    pub phentsize: u16,
    pub phnum: Option<u16>,
    pub phoff: u64,
    pub segments: Vec<Segment>,
    pub symbols: Vec<(&'static str, u64, u64)>,
}

/// An empty riscv64 executable with the double-float ABI.
pub fn elf(entry: u64) -> Elf {
    Elf {
        class: 2,
        data: 1,
        kind: 2,
        machine: 243,
        flags: 4,
        entry,
        phentsize: 56,
        phnum: None,
        phoff: 64,
        segments: Vec::new(),
        symbols: Vec::new(),
    }
}

/// A riscv64 executable whose text is at 0x10000 + its file offset.
pub fn program(code: &[Insn]) -> Elf {
    let mut e = elf(0x11000);
    e.segments.push(Segment::load(R | X, 0x11000, assemble(code)));
    e.segments.push(Segment::new(PT_GNU_STACK, R | W, 0, []));
    e.symbols.push(("_start", 0x11000, 4 * code.len() as u64));
    e
}

impl Elf {
    pub fn segment(mut self, s: Segment) -> Self {
        self.segments.push(s);
        self
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![0; 64 + 56 * self.segments.len()];
        let mut table = Vec::new();
        for s in &self.segments {
            // At the next offset congruent to the address modulo the page size.
            let mut at = out.len() as u64;
            if s.kind == PT_LOAD && !s.data.is_empty() {
                at += (s.vaddr % 0x1000 + 0x1000 - at % 0x1000) % 0x1000;
            }
            out.resize(at as usize, 0);
            out.extend_from_slice(&s.data);
            let file_size = s.file_size.unwrap_or(s.data.len() as u64);
            table.extend_from_slice(&s.kind.to_le_bytes());
            table.extend_from_slice(&s.flags.to_le_bytes());
            for word in [s.offset.unwrap_or(at), s.vaddr, s.paddr.unwrap_or(s.vaddr), file_size, s.mem_size, s.align] {
                table.extend_from_slice(&word.to_le_bytes());
            }
        }
        out[64..64 + table.len()].copy_from_slice(&table);
        let sections = self.sections(&mut out);
        out[..64].copy_from_slice(&self.header(sections));
        out
    }

    /// Appends the symbol and string tables and the section headers; returns the offset and number of the section
    /// headers.
    fn sections(&self, out: &mut Vec<u8>) -> (u64, u16) {
        if self.symbols.is_empty() {
            return (0, 0);
        }
        let mut strings = vec![0];
        let mut table = vec![0; 24];
        for (name, value, size) in &self.symbols {
            table.extend_from_slice(&(strings.len() as u32).to_le_bytes());
            table.extend_from_slice(&[0x12, 0]);
            table.extend_from_slice(&1u16.to_le_bytes());
            table.extend_from_slice(&value.to_le_bytes());
            table.extend_from_slice(&size.to_le_bytes());
            strings.extend_from_slice(name.as_bytes());
            strings.push(0);
        }
        out.resize(out.len().next_multiple_of(8), 0);
        let (table_at, strings_at) = (out.len() as u64, (out.len() + table.len()) as u64);
        let headers =
            [(0, 0, 0, 0, 0), (2, table_at, table.len() as u64, 2, 24), (3, strings_at, strings.len() as u64, 0, 0)];
        out.extend(table);
        out.extend(strings);
        out.resize(out.len().next_multiple_of(8), 0);
        let at = out.len() as u64;
        for (kind, offset, size, link, entsize) in headers {
            out.extend_from_slice(&0u32.to_le_bytes());
            out.extend_from_slice(&u32::to_le_bytes(kind));
            out.extend([0; 16]);
            out.extend_from_slice(&offset.to_le_bytes());
            out.extend_from_slice(&size.to_le_bytes());
            out.extend_from_slice(&u32::to_le_bytes(link));
            out.extend([0; 4]);
            out.extend_from_slice(&8u64.to_le_bytes());
            out.extend_from_slice(&u64::to_le_bytes(entsize));
        }
        (at, headers.len() as u16)
    }

    fn header(&self, (shoff, shnum): (u64, u16)) -> [u8; 64] {
        let mut h = Vec::with_capacity(64);
        h.extend_from_slice(b"\x7fELF");
        h.extend_from_slice(&[self.class, self.data, 1, 0]);
        h.extend([0; 8]);
        let half = |v: u16| if self.data == 2 { v.to_be_bytes() } else { v.to_le_bytes() };
        h.extend_from_slice(&half(self.kind));
        h.extend_from_slice(&half(self.machine));
        h.extend_from_slice(&1u32.to_le_bytes());
        h.extend_from_slice(&self.entry.to_le_bytes());
        h.extend_from_slice(&self.phoff.to_le_bytes());
        h.extend_from_slice(&shoff.to_le_bytes());
        h.extend_from_slice(&self.flags.to_le_bytes());
        for v in [64, self.phentsize, self.phnum.unwrap_or(self.segments.len() as u16), 64, shnum, 0] {
            h.extend_from_slice(&v.to_le_bytes());
        }
        h.try_into().expect("64 bytes")
    }
}

/// Encodes instructions, each of four bytes.
pub fn assemble(code: &[Insn]) -> Vec<u8> {
    code.iter().flat_map(|i| encode(i, Xlen::Rv64).unwrap_or_else(|e| panic!("{i:?}: {e}")).to_le_bytes()).collect()
}

fn insn(op: Op) -> Insn {
    Insn { op, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, len: 4, imm: 0 }
}

pub const ZERO: u8 = 0;
pub const RA: u8 = 1;
pub const SP: u8 = 2;
pub const T0: u8 = 5;
pub const T1: u8 = 6;
pub const T2: u8 = 7;
pub const A0: u8 = 10;
pub const A1: u8 = 11;
pub const A2: u8 = 12;
pub const A3: u8 = 13;
pub const A7: u8 = 17;

/// An operation on a register and an immediate, loads included.
pub fn imm(op: Op, rd: u8, rs1: u8, imm: i32) -> Insn {
    Insn { rd, rs1, imm, ..insn(op) }
}

pub fn reg(op: Op, rd: u8, rs1: u8, rs2: u8) -> Insn {
    Insn { rd, rs1, rs2, ..insn(op) }
}

/// `li` of a small constant.
pub fn li(rd: u8, value: i32) -> Insn {
    imm(Op::Addi, rd, ZERO, value)
}

pub fn mv(rd: u8, rs: u8) -> Insn {
    imm(Op::Addi, rd, rs, 0)
}

/// `lui`, with the immediate as the value it loads.
pub fn lui(rd: u8, value: i32) -> Insn {
    imm(Op::Lui, rd, ZERO, value)
}

/// `auipc rd, 0`: the address of this instruction.
pub fn here(rd: u8) -> Insn {
    imm(Op::Auipc, rd, ZERO, 0)
}

/// A store of `rs2` at `rs1 + imm`.
pub fn store(op: Op, rs2: u8, rs1: u8, imm: i32) -> Insn {
    Insn { rs1, rs2, imm, ..insn(op) }
}

/// A conditional branch.
pub fn branch(op: Op, rs1: u8, rs2: u8, offset: i32) -> Insn {
    Insn { rs1, rs2, imm: offset, ..insn(op) }
}

/// `j` to an offset.
pub fn jump(offset: i32) -> Insn {
    imm(Op::Jal, ZERO, ZERO, offset)
}

pub fn ecall() -> Insn {
    insn(Op::Ecall)
}

pub fn ebreak() -> Insn {
    insn(Op::Ebreak)
}

/// `exit_group(status)`.
pub fn exit(status: i32) -> Vec<Insn> {
    vec![li(A0, status), li(A7, 94), ecall()]
}

/// Writes `count` bytes at the address in a1 to standard output.
pub fn write_out(count: i32) -> Vec<Insn> {
    vec![li(A0, 1), li(A2, count), li(A7, 64), ecall()]
}
