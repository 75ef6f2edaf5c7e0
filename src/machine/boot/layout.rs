//! Where in RAM everything is loaded.

use super::image::{ImageHeader, compression};
use super::{BootError, BootFault, BootPlan, Part, Program};
use crate::elf::{Image, PhysicalSegment};
use crate::machine::MachineConfig;
use remu_isa::Xlen;
use std::ops::Range;

/// Kernels and device trees start at multiples of a large page.
const LARGE_PAGE: u64 = 0x20_0000;
/// The alignment of an initial RAM disk, and of a device tree in little RAM.
const PAGE: u64 = 0x1000;

/// An initial RAM disk is loaded this far from its kernel, or half of RAM: the kernel may unpack itself.
const INITRD_DISTANCE: u64 = 512 << 20;

/// The device tree ends below this address if RAM starts below it: software of 32 bits may map no more.
const TREE_LIMIT: u64 = 3 << 30;

/// Bytes to copy to the beginning of a range of RAM.
pub struct Chunk<'a> {
    pub part: Part,
    pub range: Range<u64>,
    pub bytes: &'a [u8],
}

/// The contents of RAM at power-on.
pub struct Layout<'a> {
    ram: Range<u64>,
    xlen: Xlen,
    pub chunks: Vec<Chunk<'a>>,
    /// The entry point of the program that starts first.
    pub entry: u64,
    /// The entry point of the kernel that firmware starts, or 0.
    pub kernel: u64,
    pub initrd: Option<Range<u64>>,
}

impl<'a> Layout<'a> {
    /// Places everything but the device tree.
    pub fn new(config: &MachineConfig, plan: &'a BootPlan<'_>) -> Result<Self, BootError> {
        let ram = config.ram_base..config.ram_base.saturating_add(config.ram_size);
        let mut layout = Self { ram, xlen: config.isa.xlen, chunks: Vec::new(), entry: 0, kernel: 0, initrd: None };
        match (&plan.firmware, &plan.kernel) {
            (Some(firmware), kernel) => {
                layout.entry = layout.place(firmware, layout.ram.start)?;
                if let Some(kernel) = kernel {
                    let align = if layout.xlen == Xlen::Rv64 { LARGE_PAGE } else { 2 * LARGE_PAGE };
                    let after = (layout.end() - layout.ram.start).next_multiple_of(align);
                    layout.kernel = layout.place(kernel, layout.ram.start + after)?;
                }
            }
            (None, Some(kernel)) => layout.entry = layout.place(kernel, layout.ram.start)?,
            (None, None) => {}
        }
        if let Some(initrd) = plan.initrd {
            let start = plan.kernel.as_ref().and_then(|_| layout.start_of(Part::Kernel));
            let start = start.ok_or_else(|| Part::Initrd.error(BootFault::NoKernel))?;
            let distance = INITRD_DISTANCE.min(config.ram_size / 2);
            let at = start.saturating_add(distance).max(layout.end()).next_multiple_of(PAGE);
            let size = initrd.len() as u64;
            layout.claim(Part::Initrd, at, size, initrd)?;
            layout.initrd = Some(at..at + size);
        }
        Ok(layout)
    }

    /// Places the device tree at the top of RAM, away from programs, and returns its address.
    pub fn place_tree(&mut self, tree: &'a [u8]) -> Result<u64, BootError> {
        let end = if self.ram.start < TREE_LIMIT { self.ram.end.min(TREE_LIMIT) } else { self.ram.end };
        let size = tree.len() as u64;
        let start = end.saturating_sub(size);
        // In little RAM, a large page would be too much.
        let at = [LARGE_PAGE, PAGE].map(|align| start & !(align - 1));
        let at = if at[0] >= self.end() { at[0] } else { at[1] };
        self.claim(Part::DeviceTree, at, size, tree)?;
        Ok(at)
    }

    /// The error of a part that needs memory outside RAM.
    pub fn no_memory(&self, part: Part, range: &Range<u64>) -> BootError {
        let size = range.end - range.start;
        part.error(BootFault::NoMemory { addr: range.start, size, start: self.ram.start, end: self.ram.end })
    }

    /// The end of what is placed so far.
    fn end(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.range.end).max().unwrap_or(self.ram.start)
    }

    fn start_of(&self, part: Part) -> Option<u64> {
        self.chunks.iter().filter(|chunk| chunk.part == part).map(|chunk| chunk.range.start).min()
    }

    /// Places a program and returns its entry point. A raw binary is loaded at `at`, unless its header says where.
    fn place(&mut self, program: &'a Program<'_>, at: u64) -> Result<u64, BootError> {
        let part = program.part;
        let Some(image) = &program.image else {
            if let Some(name) = compression(program.bytes) {
                return Err(part.error(BootFault::Compressed(name)));
            }
            let header = ImageHeader::parse(program.bytes);
            let at = header.map_or(at, |header| self.ram.start.saturating_add(header.text_offset));
            let size = header.map_or(0, |header| header.size).max(program.bytes.len() as u64);
            self.claim(part, at, size, program.bytes)?;
            return Ok(at);
        };
        if image.is_64bit != (self.xlen == Xlen::Rv64) {
            return Err(part.error(BootFault::Width { is_64bit: image.is_64bit }));
        }
        for segment in &image.segments {
            self.place_segment(part, segment, program.bytes)?;
        }
        self.check_addresses(part, image)?;
        Ok(image.entry)
    }

    /// Places the part of a segment that is in RAM. Linkers put the headers and the build id of a bare-metal program
    /// far below its code, outside RAM; QEMU skips them too. If RAM ends inside the segment, the program needs more.
    fn place_segment(&mut self, part: Part, segment: &PhysicalSegment, file: &'a [u8]) -> Result<(), BootError> {
        let start = segment.addr;
        let no_memory = || {
            let (size, ram) = (segment.size, &self.ram);
            part.error(BootFault::NoMemory { addr: start, size, start: ram.start, end: ram.end })
        };
        let end = start.checked_add(segment.size).ok_or_else(no_memory)?;
        if end <= self.ram.start || start >= self.ram.end {
            return Ok(());
        }
        if end > self.ram.end {
            return Err(no_memory());
        }
        let below = self.ram.start.saturating_sub(start);
        let bytes = usize::try_from(below).ok().and_then(|below| file[segment.file.clone()].get(below..));
        self.claim(part, start + below, end - start - below, bytes.unwrap_or_default())
    }

    /// Checks that RAM contains the addresses at which the program starts and communicates.
    fn check_addresses(&self, part: Part, image: &Image) -> Result<(), BootError> {
        let htif = image.htif();
        let needed = [
            ("its entry point is", Some(image.entry)),
            ("its tohost is", htif.map(|at| at.tohost)),
            ("its fromhost is", htif.and_then(|at| at.fromhost)),
        ];
        let ram = &self.ram;
        match needed.into_iter().find_map(|(what, addr)| Some((what, addr.filter(|addr| !ram.contains(addr))?))) {
            Some((what, addr)) => Err(part.error(BootFault::LeftOut { what, addr, start: ram.start, end: ram.end })),
            None => Ok(()),
        }
    }

    /// Takes a range of RAM that no other part has.
    fn claim(&mut self, part: Part, addr: u64, size: u64, bytes: &'a [u8]) -> Result<(), BootError> {
        let range = addr..addr.saturating_add(size);
        if range.start < self.ram.start || range.end > self.ram.end {
            return Err(self.no_memory(part, &range));
        }
        // The segments of one program may share memory.
        let overlaps =
            |chunk: &&Chunk<'_>| chunk.part != part && chunk.range.start < range.end && range.start < chunk.range.end;
        if let Some(Chunk { part: other, range: at, .. }) = self.chunks.iter().find(overlaps) {
            return Err(part.error(BootFault::Overlap { addr, size, other: *other, at: at.start }));
        }
        self.chunks.push(Chunk { part, range, bytes });
        Ok(())
    }
}
