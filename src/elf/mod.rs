//! Programs: from an ELF file to a process image that is about to execute its first instruction.
//!
//! Steps that are tested apart. [`LoadPlan`] is what the file asks for, read from bounded parts of
//! it and checked as the kernel's `load_elf_binary` checks; it touches no memory. [`map()`] carries
//! the plans of a program and its interpreter out in a user address space. [`StackImage`] is the
//! initial stack, which [`Mapped::enter`] fills in. [`Script`] is the first line of a `#!` script.
//! [`Image`] is what whole machines load instead.
//! Knows guest memory and the kernel's loading rules, and neither engines nor system calls.

mod error;
mod image;
mod load;
mod plan;
mod script;
mod stack;

use error::machine_name;
pub use error::{ElfError, OpenError};
pub use image::{HtifAddresses, Image, ImageError, Piece};
pub use load::{Executable, Layout, LoadError, Loaded, Mapped, Program, is_for_riscv, map};
pub use plan::{FileSource, FloatAbi, LoadPlan, LoadRange, Placed, Segment, SegmentMap, StackExec};
pub use script::{Script, ScriptError};
pub use stack::{Auxv, Credentials, StackError, StackImage, StackRequest, at};
