//! Memory at power-on: the programs, the device tree and the reset code.

mod image;
mod layout;
mod reset;

pub use image::{compression, is_linux_image};

use super::{MachineConfig, MachineError, devicetree};
use crate::elf::Image;
use crate::memory::machine::Ram;
use layout::Layout;
use remu_isa::Xlen;
use std::fmt;

/// What is loaded into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The program that starts first if there is a kernel as well.
    Firmware,
    /// The kernel, or the only program.
    Kernel,
    /// The kernel's initial RAM disk.
    Initrd,
    /// The device tree.
    DeviceTree,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Firmware => "the firmware",
            Self::Kernel => "the kernel",
            Self::Initrd => "the initial RAM disk",
            Self::DeviceTree => "the device tree",
        })
    }
}

/// A program to load: an ELF file or a raw binary.
struct Program<'a> {
    part: Part,
    bytes: &'a [u8],
    image: Option<Image>,
}

impl<'a> Program<'a> {
    fn new(part: Part, bytes: &'a [u8]) -> Result<Self, BootError> {
        if bytes.is_empty() {
            return Err(part.error(BootFault::Empty));
        }
        let image = bytes.starts_with(b"\x7fELF").then(|| Image::parse(bytes)).transpose();
        Ok(Self { part, bytes, image: image.map_err(|error| part.error(error))? })
    }
}

/// The files that a machine starts.
pub struct BootPlan<'a> {
    firmware: Option<Program<'a>>,
    kernel: Option<Program<'a>>,
    initrd: Option<&'a [u8]>,
}

/// Why a part cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct BootError {
    /// The part.
    pub part: Part,
    /// The reason.
    pub fault: BootFault,
}

impl Part {
    fn error(self, fault: impl Into<BootFault>) -> BootError {
        BootError { part: self, fault: fault.into() }
    }
}

/// Why a part cannot be loaded: the rest of a sentence that begins with the name of its file.
#[derive(Debug, thiserror::Error)]
pub enum BootFault {
    /// The ELF file cannot be loaded.
    #[error(transparent)]
    Image(#[from] crate::elf::ImageError),
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
    /// An empty file.
    #[error("is an empty file")]
    Empty,
    /// A compressed kernel.
    #[error("compressed with {0}; decompress it first")]
    Compressed(&'static str),
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
    /// A part does not fit into RAM.
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
    /// Two parts need the same memory.
    #[error("needs {size:#x} bytes at {addr:#x}, which overlaps {other} at {at:#x}")]
    Overlap {
        /// The first address needed.
        addr: u64,
        /// The size in bytes.
        size: u64,
        /// The other part.
        other: Part,
        /// Its first address.
        at: u64,
    },
    /// The initial RAM disk has no kernel to use it.
    #[error("an initial RAM disk needs a kernel")]
    NoKernel,
}

impl<'a> BootPlan<'a> {
    /// Starts the firmware, which starts the kernel. Without firmware, starts the kernel directly.
    pub fn new(firmware: Option<&'a [u8]>, kernel: Option<&'a [u8]>) -> Result<Self, BootError> {
        let program = |part, bytes: Option<&'a [u8]>| bytes.map(|bytes| Program::new(part, bytes)).transpose();
        let (firmware, kernel) = (program(Part::Firmware, firmware)?, program(Part::Kernel, kernel)?);
        Ok(Self { firmware, kernel, initrd: None })
    }

    /// Loads an initial RAM disk for the kernel.
    #[must_use]
    pub fn with_initrd(mut self, initrd: Option<&'a [u8]>) -> Self {
        self.initrd = initrd;
        self
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

/// The flattened device tree of a machine that starts `plan`, which may be empty.
pub fn device_tree(config: &MachineConfig, plan: &BootPlan<'_>) -> Result<Vec<u8>, MachineError> {
    Ok(devicetree::compose(config, Layout::new(config, plan)?.initrd)?)
}

/// Loads the programs and the device tree into RAM, and returns a ROM with the reset code.
pub(super) fn load(config: &MachineConfig, plan: &BootPlan<'_>, ram: &Ram) -> Result<Ram, MachineError> {
    if plan.first().is_none() {
        return Err(MachineError::NoProgram);
    }
    let mut layout = Layout::new(config, plan)?;
    let tree = devicetree::compose(config, layout.initrd.clone())?;
    let tree_at = layout.place_tree(&tree)?;
    for chunk in &layout.chunks {
        ram.write(chunk.range.start, chunk.bytes).ok_or_else(|| layout.no_memory(chunk.part, &chunk.range))?;
    }
    reset::rom(config.isa.xlen, &ram.range(), layout.entry, tree_at, layout.kernel)
}
