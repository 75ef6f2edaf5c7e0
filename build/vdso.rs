//! Builds the vDSO image: code from the encoder of `remu-isa`, wrapped in an ELF file.

use remu_isa::{EncodeError, Insn, Op, Xlen, encode};
use std::ops::Range;

/// The functions and their system calls. Signal handlers return to the first.
const FUNCTIONS: [(&str, u32); 8] = [
    ("__vdso_rt_sigreturn", 139),
    ("__vdso_gettimeofday", 169),
    ("__vdso_clock_gettime", 113),
    ("__vdso_clock_getres", 114),
    ("__vdso_getcpu", 168),
    ("__vdso_flush_icache", 259),
    ("__vdso_riscv_hwprobe", 258),
    (GETRANDOM, 278),
];
const GETRANDOM: &str = "__vdso_getrandom";
const SONAME: &str = "linux-vdso.so.1";
/// The symbol version of all functions.
const VERSION: &str = "LINUX_4.15";

const PAGE: u64 = 4096;

const ZERO: u8 = 0;
const RA: u8 = 1;
const T0: u8 = 5;
const A0: u8 = 10;
const A1: u8 = 11;
const A2: u8 = 12;
const A3: u8 = 13;
const A4: u8 = 14;
const A7: u8 = 17;

/// The image.
pub struct Image {
    /// The file.
    pub bytes: Vec<u8>,
    /// Offset of `__vdso_rt_sigreturn`.
    pub restorer: u64,
}

/// Constants of the kernel's headers and of ELF.
mod number {
    pub const PROT_READ_WRITE: i32 = 3;
    pub const MAP_PRIVATE_ANONYMOUS: i32 = 0x22;
    pub const DT_NULL: u64 = 0;
    pub const DT_HASH: u64 = 4;
    pub const DT_STRTAB: u64 = 5;
    pub const DT_SYMTAB: u64 = 6;
    pub const DT_STRSZ: u64 = 10;
    pub const DT_SYMENT: u64 = 11;
    pub const DT_SONAME: u64 = 14;
    pub const DT_VERSYM: u64 = 0x6fff_fff0;
    pub const DT_VERDEF: u64 = 0x6fff_fffc;
    pub const DT_VERDEFNUM: u64 = 0x6fff_fffd;
    pub const SHT_PROGBITS: u32 = 1;
    pub const SHT_STRTAB: u32 = 3;
    pub const SHT_HASH: u32 = 5;
    pub const SHT_DYNAMIC: u32 = 6;
    pub const SHT_DYNSYM: u32 = 11;
    pub const SHT_GNU_VERDEF: u32 = 0x6fff_fffd;
    pub const SHT_GNU_VERSYM: u32 = 0x6fff_ffff;
    pub const SHF_ALLOC: u32 = 2;
    pub const SHF_EXECINSTR: u32 = 4;
}
use number::*;

fn insn(op: Op) -> Insn {
    Insn { op, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, len: 4, imm: 0 }
}

fn addi(rd: u8, rs1: u8, imm: i32) -> Insn {
    Insn { rd, rs1, imm, ..insn(Op::Addi) }
}

fn or(rd: u8, rs1: u8, rs2: u8) -> Insn {
    Insn { rd, rs1, rs2, ..insn(Op::Or) }
}

fn bnez(rs1: u8, imm: i32) -> Insn {
    Insn { rs1, rs2: ZERO, imm, ..insn(Op::Bne) }
}

fn store(op: Op, value: u8, base: u8, imm: i32) -> Insn {
    Insn { rs2: value, rs1: base, imm, ..insn(op) }
}

/// `li a7, number; ecall`.
fn call(number: u32) -> [Insn; 2] {
    [addi(A7, ZERO, number as i32), insn(Op::Ecall)]
}

fn ret() -> Insn {
    Insn { rs1: RA, ..insn(Op::Jalr) }
}

/// `getrandom(buffer, len, flags, state, state_len)`: makes the call. With a `state_len` of -1 and zeroes in the first
/// three arguments, it returns how to allocate states (struct vgetrandom_opaque_params).
fn getrandom(number: u32) -> Vec<Insn> {
    /// The size of the kernel's struct vgetrandom_state.
    const STATE_SIZE: i32 = 144;
    let mut tell = vec![
        addi(T0, ZERO, STATE_SIZE),
        store(Op::Sw, T0, A3, 0),
        addi(T0, ZERO, PROT_READ_WRITE),
        store(Op::Sw, T0, A3, 4),
        addi(T0, ZERO, MAP_PRIVATE_ANONYMOUS),
        store(Op::Sw, T0, A3, 8),
        store(Op::Sw, ZERO, A3, 12),
    ];
    tell.extend((16..64).step_by(8).map(|at| store(Op::Sd, ZERO, A3, at)));
    // a0 is already 0.
    tell.push(ret());
    let test = [addi(T0, A4, 1), or(T0, T0, A0), or(T0, T0, A1), or(T0, T0, A2)];
    let mut code = test.to_vec();
    code.push(bnez(T0, 4 * (tell.len() as i32 + 1)));
    code.extend(tell);
    code.extend(call(number));
    code.push(ret());
    code
}

/// The System V ELF hash, for DT_HASH and versions.
fn elf_hash(name: &str) -> u32 {
    name.bytes().fold(0u32, |h, b| {
        let h = (h << 4).wrapping_add(b.into());
        let high = h & 0xf000_0000;
        (h ^ high >> 24) & !high
    })
}

/// A little-endian byte buffer.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u16s(&mut self, values: &[u16]) {
        self.0.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    }

    fn u32s(&mut self, values: &[u32]) {
        self.0.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    }

    fn u64s(&mut self, values: &[u64]) {
        self.0.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    }

    /// Appends what `part` writes at the next multiple of 16 and returns its range.
    fn part(&mut self, part: impl FnOnce(&mut Self)) -> Range<u64> {
        self.0.resize(self.0.len().next_multiple_of(16), 0);
        let start = self.0.len() as u64;
        part(self);
        start..self.0.len() as u64
    }
}

/// A string table: NUL-terminated names, the first one empty.
#[derive(Default)]
struct Names(Vec<u8>);

impl Names {
    fn add(&mut self, name: &str) -> u32 {
        if self.0.is_empty() {
            self.0.push(0);
        }
        let at = self.0.len() as u32;
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(0);
        at
    }
}

/// Assembles the image. Symbol n + 1 is function n.
pub fn image() -> Result<Image, EncodeError> {
    const HEADERS: usize = 64 + 2 * 56;
    let mut names = Names::default();
    let mut out = Bytes(vec![0; HEADERS]);

    let mut functions = Vec::new();
    for (name, number) in FUNCTIONS {
        let mut code = match name {
            GETRANDOM => getrandom(number),
            _ => call(number).to_vec(),
        };
        if functions.is_empty() {
            // Unwinders match these bytes exactly.
        } else if name != GETRANDOM {
            code.push(ret());
        }
        let words: Vec<u32> = code.iter().map(|i| encode(i, Xlen::Rv64)).collect::<Result<_, _>>()?;
        functions.push((names.add(name), out.part(|out| out.u32s(&words))));
    }
    let restorer = functions[0].1.start;

    let symbols = out.part(|out| {
        out.u64s(&[0; 3]);
        for (name, range) in &functions {
            out.u32s(&[*name]);
            // STB_GLOBAL, STT_FUNC; default visibility; .text.
            out.u16s(&[1 << 4 | 2, 1]);
            out.u64s(&[range.start, range.end - range.start]);
        }
    });
    // One bucket: its chain holds all symbols, from the last to the first.
    let hash = out.part(|out| {
        let count = FUNCTIONS.len() as u32 + 1;
        out.u32s(&[1, count, count - 1, 0]);
        out.u32s(&(0..count - 1).collect::<Vec<_>>());
    });
    let (soname, version) = (names.add(SONAME), names.add(VERSION));
    // Debuggers need sections. Their names are in the symbols' string table.
    let section_names =
        [".text", ".dynsym", ".hash", ".gnu.version", ".gnu.version_d", ".dynstr", ".dynamic"].map(|n| names.add(n));
    let versions = out.part(|out| {
        out.u16s(&[0]);
        out.u16s(&[2; FUNCTIONS.len()]);
    });
    let definitions = out.part(|out| {
        // The file's own name (VER_FLG_BASE), then the version.
        for (flags, index, name, text, next) in [(1, 1, soname, SONAME, 28), (0, 2, version, VERSION, 0)] {
            out.u16s(&[1, flags, index, 1]);
            out.u32s(&[elf_hash(text), 20, next, name, 0]);
        }
    });
    let strings = out.part(|out| out.0.extend_from_slice(&names.0));
    let dynamic = out.part(|out| {
        let entries = [
            (DT_SONAME, soname.into()),
            (DT_HASH, hash.start),
            (DT_STRTAB, strings.start),
            (DT_SYMTAB, symbols.start),
            (DT_STRSZ, strings.end - strings.start),
            (DT_SYMENT, 24),
            (DT_VERSYM, versions.start),
            (DT_VERDEF, definitions.start),
            (DT_VERDEFNUM, 2),
            (DT_NULL, 0),
        ];
        entries.iter().for_each(|&(kind, value)| out.u64s(&[kind, value]));
    });
    let text = restorer..functions[FUNCTIONS.len() - 1].1.end;
    let sections = {
        // Type, range, sh_link, sh_info, sh_entsize.
        let rows = [
            (SHT_PROGBITS, text, 0, 0, 0),
            (SHT_DYNSYM, symbols, 6, 1, 24),
            (SHT_HASH, hash, 2, 0, 4),
            (SHT_GNU_VERSYM, versions, 2, 0, 2),
            (SHT_GNU_VERDEF, definitions, 6, 2, 0),
            (SHT_STRTAB, strings, 0, 0, 0),
            (SHT_DYNAMIC, dynamic.clone(), 6, 0, 16),
        ];
        out.part(|out| {
            out.u64s(&[0; 8]);
            for (name, (kind, range, link, info, entry)) in section_names.into_iter().zip(rows) {
                let exec = if kind == SHT_PROGBITS { SHF_EXECINSTR } else { 0 };
                out.u32s(&[name, kind]);
                out.u64s(&[u64::from(SHF_ALLOC | exec), range.start, range.start, range.end - range.start]);
                out.u32s(&[link, info]);
                out.u64s(&[16, entry]);
            }
        })
    };

    let mut head = Bytes::default();
    head.0.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    // ET_DYN for RISC-V.
    head.u16s(&[3, 243]);
    head.u32s(&[1]);
    head.u64s(&[0, 64, sections.start]);
    head.u32s(&[0]);
    head.u16s(&[64, 56, 2, 64, 8, 6]);
    let size = out.0.len() as u64;
    for (kind, flags, range, align) in [(1, 5, 0..size, PAGE), (2, 4, dynamic, 8)] {
        let len = range.end - range.start;
        head.u32s(&[kind, flags]);
        head.u64s(&[range.start, range.start, range.start, len, len, align]);
    }
    out.0[..HEADERS].copy_from_slice(&head.0);
    Ok(Image { bytes: out.0, restorer })
}
