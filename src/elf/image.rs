//! ELF files loaded into the memory of a machine as they are, by physical address: no loader, no process.

use goblin::elf::Elf;
use goblin::elf::header::{EM_RISCV, ET_EXEC};
use goblin::elf::program_header::{PF_X, PT_LOAD};
use goblin::elf::section_header::SHN_LORESERVE;
use goblin::elf::sym::{STT_FUNC, STT_NOTYPE, Sym};
use std::ops::Range;

/// Why a file is not an image for a machine.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file is not ELF, or is malformed.
    #[error("not an ELF file: {0}")]
    Malformed(#[from] goblin::error::Error),
    /// The file is built for another machine.
    #[error("built for {}, not for RISC-V", super::machine_name(*.0))]
    Machine(u16),
    /// The file is not an executable.
    #[error("ELF type {0} is not an executable")]
    Type(u16),
    /// The file range of a segment exceeds the file, or `p_filesz > p_memsz`.
    #[error("segment {index} has more bytes in the file than the file or its memory holds")]
    Truncated {
        /// The segment's index among the program headers.
        index: usize,
    },
    /// The file has nothing to load.
    #[error("has nothing to load: no PT_LOAD segment")]
    Empty,
}

/// A PT_LOAD segment, to be loaded at its physical address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhysicalSegment {
    /// The physical address (`p_paddr`).
    pub addr: u64,
    /// The range of the file that holds the segment's bytes.
    pub file: Range<usize>,
    /// The size in memory in bytes (`p_memsz`). The part past the bytes of the file is zero.
    pub size: u64,
}

/// The addresses of the two words of the host-target interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HtifAddresses {
    /// `tohost`.
    pub tohost: u64,
    /// `fromhost`.
    pub fromhost: Option<u64>,
}

#[derive(Clone, Debug)]
struct Symbol {
    name: String,
    value: u64,
    /// Whether it can name code: it lies in a section, and is not a file, a section or data.
    is_code: bool,
}

/// A machine's program.
#[derive(Clone, Debug)]
pub struct Image {
    /// Whether it is for RV64.
    pub is_64bit: bool,
    /// The physical address of the entry point.
    pub entry: u64,
    /// The segments in file order.
    pub segments: Vec<PhysicalSegment>,
    symbols: Vec<Symbol>,
}

impl Image {
    /// Parses a whole file.
    pub fn parse(bytes: &[u8]) -> Result<Self, ImageError> {
        let elf = Elf::parse(bytes)?;
        if elf.header.e_machine != EM_RISCV {
            return Err(ImageError::Machine(elf.header.e_machine));
        }
        if elf.header.e_type != ET_EXEC {
            return Err(ImageError::Type(elf.header.e_type));
        }
        let mut segments = Vec::new();
        let mut entry = elf.entry;
        for (index, p) in elf.program_headers.iter().enumerate().filter(|(_, p)| p.p_type == PT_LOAD && p.p_memsz > 0) {
            let start = usize::try_from(p.p_offset).ok();
            let file = start.and_then(|start| Some(start..start.checked_add(usize::try_from(p.p_filesz).ok()?)?));
            let file = file.filter(|f| f.end <= bytes.len() && p.p_filesz <= p.p_memsz);
            if p.p_flags & PF_X != 0 && elf.entry.wrapping_sub(p.p_vaddr) < p.p_memsz {
                // `e_entry` is a virtual address.
                entry = elf.entry.wrapping_sub(p.p_vaddr).wrapping_add(p.p_paddr);
            }
            let file = file.ok_or(ImageError::Truncated { index })?;
            segments.push(PhysicalSegment { addr: p.p_paddr, file, size: p.p_memsz });
        }
        if segments.is_empty() {
            return Err(ImageError::Empty);
        }
        let symbol = |s: Sym| {
            let name = elf.strtab.get_at(s.st_name)?.to_owned();
            Some(Symbol { name, value: s.st_value, is_code: can_name_code(&s) })
        };
        let symbols = elf.syms.iter().filter(|s| s.st_shndx != 0).filter_map(symbol).collect();
        Ok(Self { is_64bit: elf.is_64, entry, segments, symbols })
    }

    /// The value of a symbol.
    pub fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.iter().find(|s| s.name == name).map(|s| s.value)
    }

    /// The symbols of code, as values and names.
    pub fn symbols(&self) -> impl Iterator<Item = (u64, &str)> {
        self.symbols.iter().filter(|s| s.is_code).map(|s| (s.value, s.name.as_str()))
    }

    /// The words of the host-target interface, if the program has them.
    pub fn htif(&self) -> Option<HtifAddresses> {
        Some(HtifAddresses { tohost: self.symbol("tohost")?, fromhost: self.symbol("fromhost") })
    }
}

/// Whether a symbol can name code. A file's, a section's, data's and a plain number's cannot.
fn can_name_code(symbol: &Sym) -> bool {
    matches!(symbol.st_type(), STT_FUNC | STT_NOTYPE) && (symbol.st_shndx as u32) < SHN_LORESERVE
}

#[cfg(test)]
mod tests {
    use super::*;
    use goblin::elf::section_header::SHN_ABS;
    use goblin::elf::sym::{STT_FILE, STT_OBJECT, STT_SECTION};

    #[test]
    fn files_sections_data_and_numbers_name_no_code() {
        let symbol = |kind: u8, section: u32| Sym { st_info: kind, st_shndx: section as usize, ..Sym::default() };
        assert!(can_name_code(&symbol(STT_FUNC, 1)) && can_name_code(&symbol(STT_NOTYPE, 1)));
        for (kind, section) in [(STT_FILE, SHN_ABS), (STT_SECTION, 1), (STT_OBJECT, 2), (STT_NOTYPE, SHN_ABS)] {
            assert!(!can_name_code(&symbol(kind, section)), "{kind} {section:#x}");
        }
    }
}
