//! The plan to load an ELF file: the part of loading without side effects, which can be tested on bytes.
//!
//! The rules are those of the kernel's `load_elf_binary`. Where the kernel returns ENOEXEC or EINVAL or kills the
//! process, the errors here name the cause. As in the kernel, segments may come in any order and may overlap; later
//! ones replace earlier ones.

use super::ElfError;
use crate::memory::{GuestAddr, PAGE_SIZE, Prot};
use goblin::container::{Container, Ctx, Endian};
use goblin::elf::header::{self, header64};
use goblin::elf::program_header::{self as ph, ProgramHeader};
use remu_isa::{Ext, ExtSet};
use std::ffi::CString;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// The kernel reads at most this many bytes of program headers (one 64 KiB, `load_elf_phdrs`).
const MAX_PHDR_BYTES: usize = 65536;
/// PATH_MAX, the limit of PT_INTERP.
const PATH_MAX: u64 = 4096;
/// The size of the first read: almost always it contains the header, the program headers and PT_INTERP.
const FIRST_READ: usize = 2048;

/// A source from which parts of a file can be read.
pub trait FileSource {
    /// Reads at `offset` until `buf` or the file ends; returns the number of bytes.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// The file's size.
    fn size(&self) -> io::Result<u64>;
}

impl FileSource for std::fs::File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match FileExt::read_at(self, &mut buf[done..], offset.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl FileSource for [u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|o| self.get(o..)).unwrap_or(&[]);
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

/// The float calling convention in `e_flags`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatAbi {
    /// Values are passed in integer registers.
    Soft,
    /// `float` is passed in f-registers.
    Single,
    /// `double` is passed in f-registers.
    Double,
}

/// The permissions that PT_GNU_STACK requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackExec {
    /// No PT_GNU_STACK; on riscv64 the stack is then not executable either.
    Unspecified,
    /// The stack may not be executed.
    No,
    /// The stack may be executed.
    Yes,
}

/// One PT_LOAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its index among the program headers, for messages.
    pub index: usize,
    /// The address as linked.
    pub vaddr: u64,
    /// The offset in the file of its first byte.
    pub offset: u64,
    /// The number of bytes from the file.
    pub file_size: u64,
    /// The size in memory in bytes; the rest are zero.
    pub mem_size: u64,
    /// The permissions.
    pub prot: Prot,
}

/// The mappings of a [`Segment`], in whole pages, and what to clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentMap {
    /// A private mapping of the file: the pages and the page-aligned file offset.
    pub file: Option<(Range<u64>, u64)>,
    /// The part of the last file page that must be zero. As in the kernel, it is not cleared if the segment is not
    /// writable.
    pub clear: Range<u64>,
    /// The anonymous pages that follow. As in the kernel they are always writable, and executable if the segment is.
    pub zero: Option<Range<u64>>,
}

impl Segment {
    /// The mappings of the segment, moved by `bias`.
    pub fn map(&self, bias: u64) -> SegmentMap {
        let start = self.vaddr.wrapping_add(bias);
        let page = page_floor(start);
        let file_end = start + self.file_size;
        let mem_end = start + self.mem_size;
        let file = (self.file_size > 0).then(|| (page..page_up(file_end), page_floor(self.offset)));
        let mapped = if file.is_some() { page_up(file_end) } else { page };
        let zero = (self.mem_size > self.file_size && page_up(mem_end) > mapped).then(|| mapped..page_up(mem_end));
        let clear = if self.mem_size > self.file_size && file.is_some() { file_end..mapped } else { 0..0 };
        SegmentMap { file, clear, zero }
    }

    fn pages(&self) -> Range<u64> {
        page_floor(self.vaddr)..page_up(self.vaddr + self.mem_size)
    }
}

fn page_floor(a: u64) -> u64 {
    a & !(PAGE_SIZE - 1)
}

/// Segments end below 2^63 (checked when the plan is made), so this does not overflow.
fn page_up(a: u64) -> u64 {
    page_floor(a + (PAGE_SIZE - 1))
}

/// The part of the address space in which programs may be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadRange {
    /// The first usable address.
    pub low: u64,
    /// The address after the last usable one.
    pub high: u64,
    /// Where position-independent programs are placed: two thirds up, as in the kernel (ELF_ET_DYN_BASE).
    pub dyn_base: u64,
}

impl LoadRange {
    /// A range with the kernel's place for position-independent programs.
    pub fn new(low: u64, high: u64) -> Self {
        Self { low, high, dyn_base: page_floor(high / 3 * 2) }
    }
}

/// The addresses of a plan that has been placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The value added to the addresses in the file, modulo 2^64.
    pub bias: u64,
    /// The first instruction.
    pub entry: GuestAddr,
    /// The address of the program headers in memory; as in the kernel, 0 if no segment contains them.
    pub phdr: GuestAddr,
    /// The end of the highest segment, rounded up: the start of the heap.
    pub brk: GuestAddr,
}

/// What a program file requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadPlan {
    /// ET_DYN: the program can be loaded anywhere.
    pub relocatable: bool,
    /// The entry point as linked.
    pub entry: u64,
    /// The PT_LOAD segments in file order.
    pub segments: Vec<Segment>,
    /// The largest alignment of a segment; at least a page.
    pub align: u64,
    /// The address of the program headers as linked, if a segment contains them.
    pub phdr: Option<u64>,
    /// The number of program headers.
    pub phnum: u16,
    /// PT_GNU_STACK.
    pub stack: StackExec,
    /// PT_INTERP.
    pub interpreter: Option<CString>,
    /// Whether the code is marked as using compressed instructions.
    pub compressed: bool,
    /// The float calling convention.
    pub float_abi: FloatAbi,
}

impl LoadPlan {
    /// Reads and checks the headers.
    pub fn read<F: FileSource + ?Sized>(file: &F) -> Result<Self, ElfError> {
        let mut first = [0; FIRST_READ];
        let have = file.read_at(&mut first, 0)?;
        let first = &first[..have];
        let size = file.size()?.max(have as u64);
        let reader = Reader { file, first, size };

        let header = file_header(first, size)?;
        if usize::from(header.e_phentsize) != ph::program_header64::SIZEOF_PHDR {
            return Err(ElfError::BadHeaderSize(header.e_phentsize));
        }
        let table_size = usize::from(header.e_phnum) * ph::program_header64::SIZEOF_PHDR;
        if table_size == 0 || table_size > MAX_PHDR_BYTES {
            return Err(ElfError::BadHeaderCount(header.e_phnum));
        }
        let table = reader.get(header.e_phoff, table_size, || "the program header table".into())?;
        let headers = ProgramHeader::parse(&table, 0, header.e_phnum.into(), Ctx::new(Container::Big, Endian::Little))
            .map_err(|_| ElfError::BadHeaderCount(header.e_phnum))?;

        let mut plan = Self {
            relocatable: header.e_type == header::ET_DYN,
            entry: header.e_entry,
            segments: Vec::new(),
            align: PAGE_SIZE,
            phdr: None,
            phnum: header.e_phnum,
            stack: StackExec::Unspecified,
            interpreter: None,
            compressed: header.e_flags & 1 != 0,
            float_abi: float_abi(header.e_flags)?,
        };
        for (index, h) in headers.iter().enumerate() {
            match h.p_type {
                ph::PT_LOAD => plan.add_segment(index, h, header.e_phoff)?,
                ph::PT_INTERP if plan.interpreter.is_none() => plan.interpreter = Some(interpreter(h, &reader)?),
                ph::PT_GNU_STACK => {
                    plan.stack = if h.p_flags & ph::PF_X != 0 { StackExec::Yes } else { StackExec::No };
                }
                _ => {}
            }
        }
        if plan.segments.iter().all(|s| s.mem_size == 0) {
            return Err(ElfError::NothingToLoad);
        }
        if plan.relocatable && plan.interpreter.is_none() && plan.entry == 0 && !plan.has_code_at_zero() {
            return Err(ElfError::SharedLibrary);
        }
        Ok(plan)
    }

    fn add_segment(&mut self, index: usize, h: &ProgramHeader, phoff: u64) -> Result<(), ElfError> {
        let segment = Segment {
            index,
            vaddr: h.p_vaddr,
            offset: h.p_offset,
            file_size: h.p_filesz,
            mem_size: h.p_memsz,
            prot: [(ph::PF_R, Prot::READ), (ph::PF_W, Prot::WRITE), (ph::PF_X, Prot::EXEC)]
                .into_iter()
                .filter(|&(flag, _)| h.p_flags & flag != 0)
                .map(|(_, prot)| prot)
                .collect(),
        };
        let Segment { vaddr, offset, file_size, mem_size, .. } = segment;
        if file_size > mem_size {
            return Err(ElfError::FileLargerThanMemory { index, file: file_size, mem: mem_size });
        }
        // User memory ends far below 2^63, so every refused segment could not be loaded anyway.
        let top = 1 << 63;
        if vaddr.checked_add(mem_size).is_none_or(|end| end >= top) {
            return Err(ElfError::Wraps { index, vaddr, size: mem_size });
        }
        let Some(file_end) = offset.checked_add(file_size).filter(|&end| end < top) else {
            return Err(ElfError::Wraps { index, vaddr: offset, size: file_size });
        };
        // The file may end before the segment: only accesses to pages wholly past its end fail.
        if file_size > 0 && vaddr % PAGE_SIZE != offset % PAGE_SIZE {
            return Err(ElfError::Misaligned { index, vaddr, offset });
        }
        // As in the kernel, the last segment that contains the headers decides.
        if (offset..file_end).contains(&phoff) {
            self.phdr = Some(phoff - offset + vaddr);
        }
        if h.p_align.is_power_of_two() && h.p_align < top {
            self.align = self.align.max(h.p_align);
        }
        self.segments.push(segment);
        Ok(())
    }

    /// Whether address 0, as linked, holds code. A shared library has its ELF header there.
    fn has_code_at_zero(&self) -> bool {
        let at_zero = |s: &&Segment| s.vaddr == 0 && s.file_size > 0 && s.prot.contains(Prot::EXEC);
        self.segments.iter().rev().find(at_zero).is_some_and(|s| s.offset != 0)
    }

    /// The pages from the lowest segment's first to the highest's last, as linked.
    pub fn span(&self) -> Range<u64> {
        let start = self.segments.iter().map(|s| s.pages().start).min().unwrap_or(0);
        let end = self.segments.iter().map(|s| s.pages().end).max().unwrap_or(0);
        start..end
    }

    /// The size of the initialised data, which the kernel counts with the heap: the part of the highest segment that
    /// is in the file.
    pub fn data_len(&self) -> u64 {
        let start = self.segments.iter().map(|s| s.vaddr).max().unwrap_or(0);
        let end = self.segments.iter().map(|s| s.vaddr + s.file_size).max().unwrap_or(0);
        end.saturating_sub(start)
    }

    /// Decides where the program is placed, and checks that all of it is inside the range.
    pub fn place(&self, window: &LoadRange) -> Result<Placed, ElfError> {
        let bias = if self.relocatable {
            let base = window.dyn_base & !(self.align - 1);
            // As in the kernel, the first segment of the file goes there, and the others may lie below it.
            page_floor(base.wrapping_sub(self.segments.first().map_or(0, |s| s.vaddr)))
        } else {
            0
        };
        for s in &self.segments {
            let Range { start, end } = s.pages();
            let (start, end) = (start.wrapping_add(bias), end.wrapping_add(bias));
            // The kernel checks the address as linked, too, and does so even if there is nothing to map.
            let is_outside = start >= window.high || end > window.high || start > end;
            if is_outside || s.vaddr + s.mem_size > window.high || start < window.low && s.mem_size > 0 {
                let (low, high) = (window.low, window.high);
                return Err(ElfError::OutsideUserMemory { index: s.index, start, end, low, high });
            }
        }
        let entry = self.entry.wrapping_add(bias);
        // With an interpreter, the kernel starts that and ignores this address.
        if self.interpreter.is_none() && entry >= window.high {
            return Err(ElfError::BadEntry { entry });
        }
        Ok(Placed {
            bias,
            entry: GuestAddr(entry),
            phdr: GuestAddr(self.phdr.map_or(0, |a| a.wrapping_add(bias))),
            brk: GuestAddr(self.span().end.wrapping_add(bias)),
        })
    }

    /// Checks that the CPU has the extensions that the file's flags require. The kernel does not check: such a
    /// program dies of its first such instruction.
    ///
    /// EF_RISCV_TSO needs no check: the host's memory order is total store order.
    pub fn check_extensions(&self, exts: &ExtSet) -> Result<(), ElfError> {
        let needed = [
            (self.compressed, Ext::C, "C"),
            (self.float_abi != FloatAbi::Soft, Ext::F, "F"),
            (self.float_abi == FloatAbi::Double, Ext::D, "D"),
        ];
        match needed.into_iter().find(|&(needed, ext, _)| needed && !exts.contains(ext)) {
            Some((_, _, name)) => Err(ElfError::NeedsExtension(name)),
            None => Ok(()),
        }
    }
}

/// Reads parts of the file, most of them from the first read.
struct Reader<'a, F: ?Sized> {
    file: &'a F,
    first: &'a [u8],
    size: u64,
}

impl<F: FileSource + ?Sized> Reader<'_, F> {
    fn get(&self, offset: u64, len: usize, what: impl FnOnce() -> String) -> Result<Vec<u8>, ElfError> {
        let end = offset.saturating_add(len as u64);
        if end <= self.first.len() as u64 {
            return Ok(self.first[offset as usize..end as usize].to_vec());
        }
        let mut bytes = vec![0; len];
        let have = if end <= self.size { self.file.read_at(&mut bytes, offset)? } else { 0 };
        if have < len {
            return Err(ElfError::Truncated { what: what(), end, len: self.size });
        }
        Ok(bytes)
    }
}

/// The file header, checked to be that of a program for this CPU.
fn file_header(first: &[u8], size: u64) -> Result<header64::Header, ElfError> {
    if first.is_empty() {
        return Err(ElfError::Empty);
    }
    if !first.starts_with(header::ELFMAG) {
        return Err(ElfError::NotElf);
    }
    let cut = |end: usize| ElfError::Truncated { what: "the ELF header".into(), end: end as u64, len: size };
    // Check the machine before the class, so that an i386 program is reported as one.
    let ident = first.get(..20).ok_or_else(|| cut(header64::SIZEOF_EHDR))?;
    let (class, data) = (ident[header::EI_CLASS], ident[header::EI_DATA]);
    let half = |at: usize| match data {
        header::ELFDATA2MSB => u16::from_be_bytes([ident[at], ident[at + 1]]),
        _ => u16::from_le_bytes([ident[at], ident[at + 1]]),
    };
    let (e_type, machine) = (half(16), half(18));
    if machine != header::EM_RISCV {
        return Err(ElfError::WrongMachine { machine });
    }
    if data == header::ELFDATA2MSB {
        return Err(ElfError::BigEndian);
    }
    match class {
        header::ELFCLASS64 => {}
        header::ELFCLASS32 => return Err(ElfError::Rv32),
        other => return Err(ElfError::BadClass(other)),
    }
    match e_type {
        header::ET_EXEC | header::ET_DYN => {}
        header::ET_REL => return Err(ElfError::Object),
        header::ET_CORE => return Err(ElfError::Core),
        other => return Err(ElfError::BadType(other)),
    }
    let bytes = first.first_chunk().ok_or_else(|| cut(header64::SIZEOF_EHDR))?;
    Ok(*header64::Header::from_bytes(bytes))
}

/// The calling convention, from EF_RISCV_RVE and EF_RISCV_FLOAT_ABI.
fn float_abi(flags: u32) -> Result<FloatAbi, ElfError> {
    if flags & 8 != 0 {
        return Err(ElfError::Rve);
    }
    match flags & 6 {
        0 => Ok(FloatAbi::Soft),
        2 => Ok(FloatAbi::Single),
        4 => Ok(FloatAbi::Double),
        _ => Err(ElfError::QuadFloatAbi),
    }
}

fn interpreter<F: FileSource + ?Sized>(h: &ProgramHeader, reader: &Reader<'_, F>) -> Result<CString, ElfError> {
    if h.p_filesz < 2 || h.p_filesz > PATH_MAX {
        return Err(ElfError::BadInterpreter);
    }
    let bytes = reader.get(h.p_offset, h.p_filesz as usize, || "PT_INTERP".into())?;
    if bytes.last() != Some(&0) {
        return Err(ElfError::BadInterpreter);
    }
    // A C string ends at its first NUL.
    let path: Vec<u8> = bytes.into_iter().take_while(|&b| b != 0).collect();
    match CString::new(path) {
        Ok(path) if !path.is_empty() => Ok(path),
        _ => Err(ElfError::BadInterpreter),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
