//! What is in memory when a machine is switched on: programs, the device tree, and the code at which
//! harts come out of reset.

use super::{MachineConfig, MachineError};
use crate::elf::{Image, Piece};
use crate::memory::machine::Ram;
use remu_isa::{EncodeError, Insn, Op, Xlen, encode};

/// Where harts start.
const RESET: u64 = 0x1000;
/// Where they start if memory is there; no device is here.
const RESET_ELSEWHERE: u64 = 0x3000_0000;
const ROM_SIZE: u64 = 0x1000;

/// How far behind the start of memory a kernel is put that firmware is to start: a large page.
const fn kernel_offset(xlen: Xlen) -> u64 {
    match xlen {
        Xlen::Rv32 => 0x40_0000,
        Xlen::Rv64 => 0x20_0000,
    }
}

/// A program to be put into memory: an ELF file, or bytes.
pub struct Program<'a> {
    bytes: &'a [u8],
    image: Option<Image>,
}

impl<'a> Program<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, BootError> {
        let image = bytes.starts_with(b"\x7fELF").then(|| Image::parse(bytes)).transpose()?;
        Ok(Self { bytes, image })
    }
}

/// What a machine starts.
pub struct BootPlan<'a> {
    firmware: Option<Program<'a>>,
    kernel: Option<Program<'a>>,
}

/// Why something cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// It is an ELF file that cannot be loaded.
    #[error(transparent)]
    Image(#[from] crate::elf::ImageError),
    /// There is nothing to start.
    #[error("there is nothing to run: name an ELF file, or --bios or --kernel")]
    Nothing,
    /// Harts of the machine cannot run it.
    #[error("a {}-bit program on {}-bit harts", if *.is_64bit { 64 } else { 32 }, if *.is_64bit { 32 } else { 64 })]
    Width {
        /// Whether the program is for RV64.
        is_64bit: bool,
    },
    /// What it cannot do without is where there is no memory.
    #[error("{what} at {addr:#x}, and there is memory from {start:#x} to {end:#x}")]
    LeftOut {
        /// What that is, as the subject of a sentence.
        what: &'static str,
        /// Where it is.
        addr: u64,
        /// Where memory starts.
        start: u64,
        /// Where it ends.
        end: u64,
    },
    /// It does not fit into memory.
    #[error("it wants {size:#x} bytes at {addr:#x}, and there is memory from {start:#x} to {end:#x}")]
    NoMemory {
        /// Where.
        addr: u64,
        /// How much.
        size: u64,
        /// Where memory starts.
        start: u64,
        /// Where it ends.
        end: u64,
    },
    /// The code at reset cannot be encoded: a defect.
    #[error("the code at reset: {0}")]
    Reset(#[from] EncodeError),
}

impl<'a> BootPlan<'a> {
    /// Starts firmware, which is told of a kernel; without firmware the kernel itself.
    pub fn new(firmware: Option<&'a [u8]>, kernel: Option<&'a [u8]>) -> Result<Self, BootError> {
        if firmware.is_none() && kernel.is_none() {
            return Err(BootError::Nothing);
        }
        let [firmware, kernel] = [firmware, kernel].map(|bytes| bytes.map(Program::new).transpose());
        Ok(Self { firmware: firmware?, kernel: kernel? })
    }

    fn first(&self) -> Option<&Program<'a>> {
        self.firmware.as_ref().or(self.kernel.as_ref())
    }

    /// The ELF file that is started.
    pub fn image(&self) -> Option<&Image> {
        self.first().and_then(|program| program.image.as_ref())
    }

    /// The width of the harts that it wants, if it says so.
    pub fn xlen(&self) -> Option<Xlen> {
        self.image().map(|image| if image.is_64bit { Xlen::Rv64 } else { Xlen::Rv32 })
    }
}

/// Loads a program, at `at` if it does not say where; yields where it starts.
fn put(program: &Program<'_>, at: u64, xlen: Xlen, ram: &Ram) -> Result<u64, BootError> {
    let range = ram.range();
    let no_memory = |addr, size| BootError::NoMemory { addr, size, start: range.start, end: range.end };
    let Some(image) = &program.image else {
        let size = program.bytes.len() as u64;
        ram.write(at, program.bytes).ok_or_else(|| no_memory(at, size))?;
        return Ok(at);
    };
    if image.is_64bit != (xlen == Xlen::Rv64) {
        return Err(BootError::Width { is_64bit: image.is_64bit });
    }
    for piece in &image.pieces {
        load_piece(piece, program.bytes, ram).ok_or_else(|| no_memory(piece.addr, piece.size))?;
    }
    let htif = image.htif();
    let needed = [
        ("it starts", Some(image.entry)),
        ("its tohost is", htif.map(|at| at.tohost)),
        ("its fromhost is", htif.and_then(|at| at.fromhost)),
    ];
    match needed.into_iter().find_map(|(what, addr)| Some((what, addr.filter(|addr| !range.contains(addr))?))) {
        Some((what, addr)) => Err(BootError::LeftOut { what, addr, start: range.start, end: range.end }),
        None => Ok(image.entry),
    }
}

/// Loads the part of a segment that is in memory. Linkers put the headers and the build id of a bare-metal program
/// far below its code, where a machine has no memory; QEMU leaves them out too. `None` if memory ends before the
/// segment does: the program then needs more.
fn load_piece(piece: &Piece, file: &[u8], ram: &Ram) -> Option<()> {
    let range = ram.range();
    let end = piece.addr.checked_add(piece.size)?;
    if end <= range.start || piece.addr >= range.end {
        return Some(());
    }
    let bytes = &file[piece.file.clone()];
    let below = range.start.saturating_sub(piece.addr);
    let bytes = usize::try_from(below).ok().and_then(|below| bytes.get(below..)).unwrap_or_default();
    if end > range.end { None } else { ram.write(piece.addr + below, bytes) }
}

/// Puts all into memory; yields the read-only memory with the code at reset.
pub(super) fn load(config: &MachineConfig, plan: &BootPlan<'_>, ram: &Ram, tree: &[u8]) -> Result<Ram, MachineError> {
    let range = ram.range();
    let xlen = config.isa.xlen;
    let first = plan.first().ok_or(BootError::Nothing)?;
    let entry = put(first, range.start, xlen, ram)?;
    let kernel = match (&plan.firmware, &plan.kernel) {
        (Some(_), Some(kernel)) => put(kernel, range.start + kernel_offset(xlen), xlen, ram)?,
        _ => 0,
    };
    // As far up as it can be, where programs that start at the bottom will not meet it.
    let at = (range.end - tree.len() as u64) & !0xfff;
    let no_room = || BootError::NoMemory { addr: at, size: tree.len() as u64, start: range.start, end: range.end };
    ram.write(at, tree).ok_or_else(no_room)?;
    let taken = range.start < RESET + ROM_SIZE && range.end > RESET;
    let reset = if taken { RESET_ELSEWHERE } else { RESET };
    let rom = Ram::new(reset, ROM_SIZE)?;
    rom.write(reset, &reset_code(xlen, entry, at, kernel).map_err(BootError::from)?).ok_or_else(no_room)?;
    Ok(rom.read_only())
}

/// What harts run at reset: a0 is the hart's number, a1 the device tree, a2 what firmware is told of the
/// kernel (OpenSBI's `fw_dynamic_info`), and on to the entry.
fn reset_code(xlen: Xlen, entry: u64, tree: u64, kernel: u64) -> Result<Vec<u8>, EncodeError> {
    const T0: u8 = 5;
    const A0: u8 = 10;
    const DATA: i32 = 32;
    let word = if xlen == Xlen::Rv64 { 8 } else { 4 };
    let load = if xlen == Xlen::Rv64 { Op::Ld } else { Op::Lw };
    let insn = |op, rd, rs1, imm| Insn { op, rd, rs1, rs2: 0, rs3: 0, rm: 0, len: 4, imm };
    let code = [
        insn(Op::Auipc, T0, 0, 0),
        insn(Op::Addi, A0 + 2, T0, DATA + 2 * word),
        insn(Op::Csrrs, A0, 0, 0xf14),
        insn(load, A0 + 1, T0, DATA + word),
        insn(load, T0, T0, DATA),
        insn(Op::Jalr, 0, T0, 0),
    ];
    let mut bytes = Vec::new();
    for insn in code {
        bytes.extend(encode(&insn, xlen)?.to_le_bytes());
    }
    bytes.resize(DATA as usize, 0);
    /// `fw_dynamic_info`: its magic, its version, and the mode the kernel is entered in.
    const MAGIC: u64 = 0x4942_534f;
    const VERSION: u64 = 2;
    const SUPERVISOR: u64 = 1;
    for value in [entry, tree, MAGIC, VERSION, kernel, SUPERVISOR, 0, 0] {
        bytes.extend_from_slice(&value.to_le_bytes()[..word as usize]);
    }
    Ok(bytes)
}
