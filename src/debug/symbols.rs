//! Names for addresses, from the symbol table of an ELF file. Files are read on first use.
//!
//! Malformed parts of a file yield no names and no error.

use super::trace::Names;
use crate::memory::{GuestAddr, Source, UserSpace};
use goblin::container::{Container, Ctx, Endian};
use goblin::elf::header::header64::{Header, SIZEOF_EHDR};
use goblin::elf::program_header::{PT_LOAD, ProgramHeader, program_header64::SIZEOF_PHDR};
use goblin::elf::section_header::{SHN_UNDEF, SHT_DYNSYM, SHT_SYMTAB, SectionHeader, section_header64::SIZEOF_SHDR};
use goblin::elf::sym::{STT_FUNC, STT_NOTYPE, Sym, sym64::SIZEOF_SYM};
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

const CTX: Ctx = Ctx { container: Container::Big, le: Endian::Little };

/// The largest table that is read.
const MAX_TABLE: u64 = 256 << 20;

/// A position in a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The function's name.
    pub name: String,
    /// The offset in bytes from its start.
    pub offset: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:#x}", self.name, self.offset)
    }
}

#[derive(Clone, Copy, Debug)]
struct Symbol {
    addr: u64,
    size: u64,
    name: usize,
}

/// The functions of one file.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    /// Sorted by address.
    list: Vec<Symbol>,
    strings: Vec<u8>,
    /// (file offset, size, address) of the segments.
    segments: Vec<(u64, u64, u64)>,
}

impl Symbols {
    /// Reads the symbols of a file; the result is empty if that fails.
    pub fn read(path: &Path) -> Self {
        File::open(path).ok().and_then(|file| Self::try_read(&file)).unwrap_or_default()
    }

    fn try_read(file: &File) -> Option<Self> {
        let header = *Header::from_bytes(read_range(file, 0, SIZEOF_EHDR as u64)?.first_chunk()?);
        let table = |offset, count: u16, size: usize| read_range(file, offset, u64::from(count) * size as u64);
        let loads = table(header.e_phoff, header.e_phnum, SIZEOF_PHDR)?;
        let segments = ProgramHeader::parse(&loads, 0, header.e_phnum.into(), CTX).ok()?;
        let segments = segments.iter().filter(|h| h.p_type == PT_LOAD).map(|h| (h.p_offset, h.p_filesz, h.p_vaddr));
        let segments: Vec<_> = segments.collect();
        let (list, strings) = Self::read_names(file, &header).unwrap_or_default();
        Some(Self { list, strings, segments })
    }

    /// The functions of a file, and the bytes of their names.
    fn read_names(file: &File, header: &Header) -> Option<(Vec<Symbol>, Vec<u8>)> {
        let size = u64::from(header.e_shnum) * SIZEOF_SHDR as u64;
        let raw = read_range(file, header.e_shoff, size)?;
        let sections = SectionHeader::parse_from(&raw, 0, header.e_shnum.into(), CTX).ok()?;

        // The full table, or the dynamic one if the file is stripped.
        let of_kind = |kind| sections.iter().find(|s| s.sh_type == kind);
        let table = of_kind(SHT_SYMTAB).or_else(|| of_kind(SHT_DYNSYM))?;
        let strings = sections.get(table.sh_link as usize)?;
        let raw = read_range(file, table.sh_offset, table.sh_size)?;
        let symbols = Sym::parse(&raw, 0, raw.len() / SIZEOF_SYM, CTX).ok()?;
        let is_code = |s: &Sym| {
            let shndx = s.st_shndx as u32;
            matches!(s.st_type(), STT_FUNC | STT_NOTYPE) && shndx != SHN_UNDEF && shndx < 0xff00
        };
        let mut list: Vec<Symbol> = symbols
            .iter()
            .filter(|s| is_code(s))
            .map(|s| Symbol { addr: s.st_value, size: s.st_size, name: s.st_name })
            .collect();
        // Lookups search backwards, so the largest of several symbols at one address is found first.
        list.sort_by_key(|s| (s.addr, s.size));
        let strings = read_range(file, strings.sh_offset, strings.sh_size)?;
        Some((list, strings))
    }

    /// Symbols from a list of addresses and names.
    pub fn from_names<'a>(names: impl IntoIterator<Item = (u64, &'a str)>) -> Self {
        let mut symbols = Self::default();
        for (addr, name) in names {
            symbols.list.push(Symbol { addr, size: 0, name: symbols.strings.len() });
            symbols.strings.extend_from_slice(name.as_bytes());
            symbols.strings.push(0);
        }
        symbols.list.sort_by_key(|s| s.addr);
        symbols
    }

    /// The function at a file offset, if a segment contains it.
    pub fn at_offset(&self, offset: u64) -> Option<Location> {
        self.at_address(self.linked_address(offset)?)
    }

    /// The address, as linked, of what is at a file offset, if a segment contains it.
    pub fn linked_address(&self, offset: u64) -> Option<u64> {
        let (start, _, vaddr) =
            self.segments.iter().find(|&&(start, size, _)| offset >= start && offset - start < size)?;
        Some((offset - start).wrapping_add(*vaddr))
    }

    /// The function at an address as linked.
    pub fn at_address(&self, addr: u64) -> Option<Location> {
        let upto = self.list.partition_point(|s| s.addr <= addr);
        // A symbol without a size extends to the next one.
        let holds = |s: &&Symbol| s.size == 0 || addr - s.addr < s.size;
        // Mapping symbols ($x, $d) and the assembler's local labels are not functions.
        let named = |s: &Symbol| Some((self.name(s.name)?, s.addr)).filter(|(n, _)| !n.starts_with(['$', '.']));
        let (name, start) = self.list[..upto].iter().rev().take(64).filter(holds).find_map(named)?;
        Some(Location { name, offset: addr - start })
    }

    fn name(&self, at: usize) -> Option<String> {
        let bytes = self.strings.get(at..)?.split(|&b| b == 0).next()?;
        // Control characters must not reach a terminal.
        Some(String::from_utf8_lossy(bytes).escape_default().to_string()).filter(|n| !n.is_empty())
    }
}

/// Reads a range of a file; `None` if the file ends before it.
fn read_range(file: &File, offset: u64, len: u64) -> Option<Vec<u8>> {
    let size = file.metadata().ok()?.len();
    if len > MAX_TABLE || offset.checked_add(len).is_none_or(|end| end > size) {
        return None;
    }
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, offset).ok()?;
    Some(bytes)
}

impl Names for Symbols {
    fn location(&mut self, pc: u64) -> Option<Location> {
        self.at_address(pc)
    }
}

/// The functions of the files that are mapped in an address space.
pub struct MappedFiles {
    space: Arc<UserSpace>,
    files: HashMap<Arc<Path>, Symbols>,
}

impl MappedFiles {
    /// The functions of the files mapped in `space`.
    pub fn new(space: Arc<UserSpace>) -> Self {
        Self { space, files: HashMap::new() }
    }
}

impl Names for MappedFiles {
    fn location(&mut self, pc: u64) -> Option<Location> {
        let area = self.space.vma_at(GuestAddr(pc))?;
        let Source::File { path, offset, .. } = &area.source else { return None };
        let symbols = self.files.entry(path.clone()).or_insert_with(|| Symbols::read(path));
        symbols.at_offset(pc - area.range.start.0 + offset)
    }
}

#[cfg(test)]
#[path = "symbols_tests.rs"]
mod tests;
