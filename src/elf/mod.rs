//! Programs: from an ELF file to a process image that is about to execute its first instruction.
//!
//! The steps can be tested separately. [`LoadPlan`] is what the file requests, read from bounded parts of it and
//! checked as in the kernel's `load_elf_binary`; it touches no memory. [`map()`] executes the plans of a program and
//! its interpreter in a user address space. [`StackImage`] is the initial stack, which [`Mapped::enter`] copies in.
//! [`Script`] is the first line of a `#!` script. [`Image`] is what whole machines load.
//!
//! The module knows guest memory and the kernel's loading rules, but no engines and no system calls.

mod error;
mod image;
mod load;
mod plan;
mod script;
mod stack;

use error::machine_name;
pub use error::{ElfError, OpenError};
pub use image::{HtifAddresses, Image, ImageError, PhysicalSegment};
pub use load::{Executable, Layout, LoadError, Loaded, Mapped, Program, is_for_riscv, map, open, segments_of};
pub use plan::{FileSource, FloatAbi, LoadPlan, LoadRange, Placed, Segment, SegmentMap, StackExec};
pub use script::{Script, ScriptError};
pub use stack::{Auxv, Credentials, MAX_STRING, StackError, StackImage, StackRequest, at};
