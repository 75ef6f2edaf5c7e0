//! ELF files that are put into the memory of a machine as they are: no loader, no process, by physical
//! addresses.

use goblin::elf::Elf;
use goblin::elf::header::{EM_RISCV, ET_EXEC};
use goblin::elf::program_header::{PF_X, PT_LOAD};
use std::ops::Range;

/// Why a file is no image for a machine.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// It is no ELF file, or a broken one.
    #[error("not an ELF file: {0}")]
    Malformed(#[from] goblin::error::Error),
    /// It is built for another machine.
    #[error("built for {}, not for RISC-V", super::machine_name(*.0))]
    Machine(u16),
    /// It is no executable.
    #[error("ELF type {0} is no executable")]
    Type(u16),
    /// A segment is not in the file.
    #[error("segment {index} is not in the file")]
    Truncated {
        /// Its index among the program headers.
        index: usize,
    },
    /// There is nothing in it.
    #[error("there is nothing to load")]
    Empty,
}

/// A piece of memory as it is at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its physical address.
    pub addr: u64,
    /// Where its bytes are in the file.
    pub file: Range<usize>,
    /// How many bytes there are in memory: zero behind those of the file.
    pub size: u64,
}

/// Where a program has the two words of the host-target interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HtifAddresses {
    /// `tohost`.
    pub tohost: u64,
    /// `fromhost`.
    pub fromhost: Option<u64>,
}

/// What is to be loaded.
#[derive(Clone, Debug)]
pub struct Image {
    /// Whether it is for RV64.
    pub is_64bit: bool,
    /// The physical address at which it starts.
    pub entry: u64,
    /// What it has in memory.
    pub pieces: Vec<Piece>,
    symbols: Vec<(String, u64)>,
}

impl Image {
    /// Reads a whole file.
    pub fn parse(bytes: &[u8]) -> Result<Self, ImageError> {
        let elf = Elf::parse(bytes)?;
        if elf.header.e_machine != EM_RISCV {
            return Err(ImageError::Machine(elf.header.e_machine));
        }
        if elf.header.e_type != ET_EXEC {
            return Err(ImageError::Type(elf.header.e_type));
        }
        let mut pieces = Vec::new();
        let mut entry = elf.entry;
        for (index, p) in elf.program_headers.iter().enumerate().filter(|(_, p)| p.p_type == PT_LOAD && p.p_memsz > 0) {
            let start = usize::try_from(p.p_offset).ok();
            let file = start.and_then(|start| Some(start..start.checked_add(usize::try_from(p.p_filesz).ok()?)?));
            let file = file.filter(|f| f.end <= bytes.len() && p.p_filesz <= p.p_memsz);
            if p.p_flags & PF_X != 0 && elf.entry.wrapping_sub(p.p_vaddr) < p.p_memsz {
                // The header has the virtual address.
                entry = elf.entry.wrapping_sub(p.p_vaddr).wrapping_add(p.p_paddr);
            }
            pieces.push(Piece { addr: p.p_paddr, file: file.ok_or(ImageError::Truncated { index })?, size: p.p_memsz });
        }
        if pieces.is_empty() {
            return Err(ImageError::Empty);
        }
        let named = |s: goblin::elf::Sym| Some((elf.strtab.get_at(s.st_name)?.to_owned(), s.st_value));
        let symbols = elf.syms.iter().filter(|s| s.st_shndx != 0).filter_map(named).collect();
        Ok(Self { is_64bit: elf.is_64, entry, pieces, symbols })
    }

    /// The value of a symbol.
    pub fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.iter().find(|(n, _)| n == name).map(|(_, value)| *value)
    }

    /// All symbols, by value and name.
    pub fn symbols(&self) -> impl Iterator<Item = (u64, &str)> {
        self.symbols.iter().map(|(name, value)| (*value, name.as_str()))
    }

    /// The words of the host-target interface, if it has them.
    pub fn htif(&self) -> Option<HtifAddresses> {
        Some(HtifAddresses { tohost: self.symbol("tohost")?, fromhost: self.symbol("fromhost") })
    }
}
