//! Memory at power-on: the programs, the device tree and the reset code.

use super::{MachineConfig, MachineError};
use crate::elf::{Image, PhysicalSegment};
use crate::memory::machine::Ram;
use remu_isa::{EncodeError, Insn, Op, Xlen, encode};

/// The reset vector.
const RESET: u64 = 0x1000;
/// The reset vector if RAM covers [`RESET`]. No device is mapped here.
const RESET_ELSEWHERE: u64 = 0x3000_0000;
const ROM_SIZE: u64 = 0x1000;

/// The offset from the start of RAM of a kernel that firmware starts: one large page.
const fn kernel_offset(xlen: Xlen) -> u64 {
    match xlen {
        Xlen::Rv32 => 0x40_0000,
        Xlen::Rv64 => 0x20_0000,
    }
}

/// A program to load: an ELF file or a raw binary.
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

/// The programs that a machine starts.
pub struct BootPlan<'a> {
    firmware: Option<Program<'a>>,
    kernel: Option<Program<'a>>,
}

/// Why a machine cannot start its programs.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The ELF file cannot be loaded.
    #[error(transparent)]
    Image(#[from] crate::elf::ImageError),
    /// No program was given.
    #[error("no program to run: name an ELF file, or use --bios or --kernel")]
    Nothing,
    /// The program is for the other register width.
    #[error(
        "a {}-bit program cannot run on {}-bit harts",
        if *.is_64bit { 64 } else { 32 },
        if *.is_64bit { 32 } else { 64 }
    )]
    Width {
        /// Whether the program is for RV64.
        is_64bit: bool,
    },
    /// An address that the program needs is outside RAM.
    #[error("{what} at {addr:#x}, outside memory, {start:#x}..{end:#x}")]
    LeftOut {
        /// The beginning of the message, such as "its entry point is".
        what: &'static str,
        /// The address.
        addr: u64,
        /// The first address of RAM.
        start: u64,
        /// The address after the last of RAM.
        end: u64,
    },
    /// A segment, a raw binary or the device tree does not fit into RAM.
    #[error("needs {size:#x} bytes at {addr:#x}, outside memory, {start:#x}..{end:#x}")]
    NoMemory {
        /// The first address needed.
        addr: u64,
        /// The size in bytes.
        size: u64,
        /// The first address of RAM.
        start: u64,
        /// The address after the last of RAM.
        end: u64,
    },
    /// The reset code cannot be encoded: a defect of remu.
    #[error("the reset code cannot be encoded: {0}")]
    Reset(#[from] EncodeError),
}

impl<'a> BootPlan<'a> {
    /// Starts the firmware, which starts the kernel. Without firmware, starts the kernel directly.
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

    /// The ELF file that runs first.
    pub fn image(&self) -> Option<&Image> {
        self.first().and_then(|program| program.image.as_ref())
    }

    /// The register width of the program, if it is an ELF file.
    pub fn xlen(&self) -> Option<Xlen> {
        self.image().map(|image| if image.is_64bit { Xlen::Rv64 } else { Xlen::Rv32 })
    }
}

/// Loads a program and returns its entry point. A raw binary is loaded at `at`.
fn load_program(program: &Program<'_>, at: u64, xlen: Xlen, ram: &Ram) -> Result<u64, BootError> {
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
    for segment in &image.segments {
        load_segment(segment, program.bytes, ram).ok_or_else(|| no_memory(segment.addr, segment.size))?;
    }
    let htif = image.htif();
    let needed = [
        ("its entry point is", Some(image.entry)),
        ("its tohost is", htif.map(|at| at.tohost)),
        ("its fromhost is", htif.and_then(|at| at.fromhost)),
    ];
    match needed.into_iter().find_map(|(what, addr)| Some((what, addr.filter(|addr| !range.contains(addr))?))) {
        Some((what, addr)) => Err(BootError::LeftOut { what, addr, start: range.start, end: range.end }),
        None => Ok(image.entry),
    }
}

/// Loads the part of a segment that is in RAM. Linkers put the headers and the build id of a bare-metal program far
/// below its code, outside RAM; QEMU skips them too. `None` if RAM ends inside the segment: the program needs more.
fn load_segment(segment: &PhysicalSegment, file: &[u8], ram: &Ram) -> Option<()> {
    let range = ram.range();
    let end = segment.addr.checked_add(segment.size)?;
    if end <= range.start || segment.addr >= range.end {
        return Some(());
    }
    let bytes = &file[segment.file.clone()];
    let below = range.start.saturating_sub(segment.addr);
    let bytes = usize::try_from(below).ok().and_then(|below| bytes.get(below..)).unwrap_or_default();
    if end > range.end { None } else { ram.write(segment.addr + below, bytes) }
}

/// Loads the programs and the device tree into RAM, and returns a ROM with the reset code.
pub(super) fn load(config: &MachineConfig, plan: &BootPlan<'_>, ram: &Ram, tree: &[u8]) -> Result<Ram, MachineError> {
    let range = ram.range();
    let xlen = config.isa.xlen;
    let first = plan.first().ok_or(BootError::Nothing)?;
    let entry = load_program(first, range.start, xlen, ram)?;
    let kernel = match (&plan.firmware, &plan.kernel) {
        (Some(_), Some(kernel)) => load_program(kernel, range.start + kernel_offset(xlen), xlen, ram)?,
        _ => 0,
    };
    // At the top of RAM, away from programs, which start at the bottom.
    let at = (range.end - tree.len() as u64) & !0xfff;
    let no_room = || BootError::NoMemory { addr: at, size: tree.len() as u64, start: range.start, end: range.end };
    ram.write(at, tree).ok_or_else(no_room)?;
    let taken = range.start < RESET + ROM_SIZE && range.end > RESET;
    let reset = if taken { RESET_ELSEWHERE } else { RESET };
    let rom = Ram::new(reset, ROM_SIZE)?;
    rom.write(reset, &reset_code(xlen, entry, at, kernel).map_err(BootError::from)?).ok_or_else(no_room)?;
    Ok(rom.read_only())
}

/// The reset code: jumps to the entry point with a0 = hart id, a1 = device tree, a2 = OpenSBI's `fw_dynamic_info`.
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
    /// `fw_dynamic_info`: magic, version, and the privilege mode in which the kernel starts.
    const MAGIC: u64 = 0x4942_534f;
    const VERSION: u64 = 2;
    const SUPERVISOR: u64 = 1;
    for value in [entry, tree, MAGIC, VERSION, kernel, SUPERVISOR, 0, 0] {
        bytes.extend_from_slice(&value.to_le_bytes()[..word as usize]);
    }
    Ok(bytes)
}
