//! Why a file cannot be run as a program. Each message says what to do about it: the reader usually has the wrong
//! file and wants to know which is the right one.

use super::ScriptError;
use crate::host::limits_behind;
use goblin::elf::header;
use rustix::io::Errno;
use std::borrow::Cow;
use std::io;

/// Why a file could not be opened as a program.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// ENOENT.
    #[error("no such file; give the path of a program (PATH is not searched)")]
    NotFound,
    /// ENOTDIR: a part of the path is not a directory.
    #[error("no such file; give the path of a program (PATH is not searched)")]
    BelowFile,
    /// A directory.
    #[error("is a directory, not a program")]
    Directory,
    /// A device, a pipe or a socket.
    #[error("is not a regular file")]
    NotRegular,
    /// No execute permission.
    #[error("is not executable; if it is a program, chmod +x it")]
    NotExecutable,
    /// No read permission: unlike the kernel, an emulator has to read the program.
    #[error("cannot be read: permission denied")]
    NotReadable,
    /// Anything else.
    #[error("{}cannot be opened: {}", limits_behind(.0), .0)]
    Other(#[source] io::Error),
}

impl OpenError {
    /// The errno of execve(2).
    pub fn errno(&self) -> Errno {
        match self {
            Self::NotFound => Errno::NOENT,
            Self::BelowFile => Errno::NOTDIR,
            Self::Directory | Self::NotRegular | Self::NotExecutable | Self::NotReadable => Errno::ACCESS,
            Self::Other(error) => error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error),
        }
    }
}

/// What is wrong with the contents of a program file.
#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    /// Reading failed.
    #[error("{}cannot be read: {}", limits_behind(.0), .0)]
    Io(#[from] io::Error),
    /// An empty file.
    #[error("is an empty file")]
    Empty,
    /// A script that the kernel would not run.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// Not ELF at all.
    #[error("is neither an ELF program nor a script that begins with #!")]
    NotElf,
    /// The file ends inside a required structure.
    #[error("is cut off: {what} ends at byte {end:#x}, the file at {len:#x}; copy or download it again")]
    Truncated {
        /// What is incomplete.
        what: String,
        /// Where it would end.
        end: u64,
        /// Where the file ends.
        len: u64,
    },
    /// A program for another CPU.
    #[error("is built for {}; {}", machine_name(*.machine), advice(*.machine))]
    WrongMachine {
        /// `e_machine`.
        machine: u16,
    },
    /// RISC-V, but RV32.
    #[error("is a 32-bit (RV32) RISC-V program, which is not supported yet; build it for riscv64")]
    Rv32,
    /// RISC-V, but with big-endian data.
    #[error("is a big-endian RISC-V program; Linux on RISC-V is little-endian")]
    BigEndian,
    /// Neither of the two classes.
    #[error("has ELF class {0}, which is neither 32-bit nor 64-bit")]
    BadClass(u8),
    /// An object file.
    #[error("is an object file; link it first")]
    Object,
    /// A core dump.
    #[error("is a core dump, not a program")]
    Core,
    /// Another `e_type`.
    #[error("has ELF type {0:#x}, which is not a program")]
    BadType(u16),
    /// A shared library: position-independent, no interpreter, no entry point.
    #[error("is a shared library: it has no entry point")]
    SharedLibrary,
    /// `e_phentsize` is not the size of a program header.
    #[error("has program headers of {0} bytes; those of a 64-bit file have 56")]
    BadHeaderSize(u16),
    /// `e_phnum` is 0, or the headers exceed the kernel's 64 KiB.
    #[error("has {0} program headers; a program has 1 to 1170")]
    BadHeaderCount(u16),
    /// No PT_LOAD.
    #[error("has nothing to load: no PT_LOAD segment")]
    NothingToLoad,
    /// `p_filesz > p_memsz`.
    #[error("segment {index} has {file:#x} bytes in the file but only {mem:#x} in memory")]
    FileLargerThanMemory {
        /// The program header's index.
        index: usize,
        /// `p_filesz`.
        file: u64,
        /// `p_memsz`.
        mem: u64,
    },
    /// Address and file offset differ modulo the page size.
    #[error("segment {index} cannot be mapped: address {vaddr:#x} and file offset {offset:#x} differ modulo 4096")]
    Misaligned {
        /// The program header's index.
        index: usize,
        /// `p_vaddr`.
        vaddr: u64,
        /// `p_offset`.
        offset: u64,
    },
    /// The segment's end, in memory or in the file, is past 2^64.
    #[error("segment {index} wraps around: address {vaddr:#x}, size {size:#x}")]
    Wraps {
        /// The program header's index.
        index: usize,
        /// `p_vaddr`.
        vaddr: u64,
        /// `p_memsz`.
        size: u64,
    },
    /// The segment is not inside the user address space.
    #[error("segment {index} at {start:#x}..{end:#x} is outside user memory, {low:#x}..{high:#x}")]
    OutsideUserMemory {
        /// The program header's index.
        index: usize,
        /// Its first address.
        start: u64,
        /// The address after its last.
        end: u64,
        /// The first usable address.
        low: u64,
        /// The address after the last usable one.
        high: u64,
    },
    /// The entry point is not inside user memory.
    #[error("has its entry point at {entry:#x}, outside user memory")]
    BadEntry {
        /// The address.
        entry: u64,
    },
    /// PT_INTERP is not a path.
    #[error("has a malformed PT_INTERP: no path of 1 to 4095 bytes ended by NUL")]
    BadInterpreter,
    /// EF_RISCV_RVE.
    #[error("is built for RV64E (16 registers), which Linux does not run; build it for rv64gc")]
    Rve,
    /// The float ABI passes quad-precision values in registers.
    #[error("uses the quad-precision float ABI, which needs the extension Q; build it with -mabi=lp64d")]
    QuadFloatAbi,
    /// The flags require an extension that is switched off.
    #[error("needs the extension {0}, which -cpu switches off")]
    NeedsExtension(&'static str),
}

/// The name of an ELF machine, or its number if it is a rare one.
pub(super) fn machine_name(machine: u16) -> Cow<'static, str> {
    Cow::Borrowed(match machine {
        header::EM_X86_64 => "x86-64",
        header::EM_386 => "i386",
        header::EM_AARCH64 => "AArch64",
        header::EM_ARM => "32-bit Arm",
        header::EM_MIPS => "MIPS",
        header::EM_PPC => "32-bit PowerPC",
        header::EM_PPC64 => "PowerPC",
        header::EM_S390 => "IBM Z",
        header::EM_SPARC | header::EM_SPARC32PLUS => "32-bit SPARC",
        header::EM_SPARCV9 => "SPARC",
        header::EM_68K => "m68k",
        header::EM_SH => "SuperH",
        header::EM_PARISC => "PA-RISC",
        header::EM_FAKE_ALPHA | 0x9026 => "Alpha",
        header::EM_IA_64 => "Itanium",
        header::EM_RISCV => "RISC-V",
        247 => "BPF",
        258 => "LoongArch",
        other => return Cow::Owned(format!("ELF machine {other}")),
    })
}

/// What to do with a program of another machine.
fn advice(machine: u16) -> &'static str {
    match machine {
        header::EM_X86_64 | header::EM_386 => "run it without remu",
        _ => "remu runs riscv64 Linux programs",
    }
}
