//! Programs: from an ELF file to a process image that is about to execute its first instruction.
//!
//! Three steps that are tested apart. [`LoadPlan`] is what the file asks for, read from bounded
//! pieces of it and checked as the kernel's `load_elf_binary` checks; it touches no memory.
//! [`load()`] carries a plan out in a user address space. [`StackImage`] is the initial stack.
//! Knows guest memory and the kernel's loading rules, and neither engines nor system calls.

mod error;
mod load;
mod plan;
mod stack;

pub use error::{ElfError, OpenError};
pub use load::{Layout, LoadError, Loaded, Program, load};
pub use plan::{FileSource, FloatAbi, LoadPlan, Placed, Segment, SegmentMap, StackExec, Window};
pub use stack::{Auxv, Credentials, StackError, StackImage, StackRequest};
