//! The initial stack: what the kernel's `create_elf_tables` builds for the program's first instruction, byte for
//! byte, as a pure function of its inputs.
//!
//! From the top down: eight zero bytes, the path of the program, the strings of the environment and of
//! the arguments (each group in memory order), sixteen random bytes, then — 16-byte aligned, with sp at
//! its start — argc, argv, envp and the auxiliary vector.

use super::Placed;
use crate::memory::GuestAddr;
use std::ffi::{CStr, CString};
use std::ops::Range;

/// The auxiliary vector's types (uapi/linux/auxvec.h and riscv's uapi/asm/auxvec.h).
#[allow(missing_docs)]
pub mod at {
    pub const NULL: u64 = 0;
    pub const PHDR: u64 = 3;
    pub const PHENT: u64 = 4;
    pub const PHNUM: u64 = 5;
    pub const PAGESZ: u64 = 6;
    pub const BASE: u64 = 7;
    pub const FLAGS: u64 = 8;
    pub const ENTRY: u64 = 9;
    pub const UID: u64 = 11;
    pub const EUID: u64 = 12;
    pub const GID: u64 = 13;
    pub const EGID: u64 = 14;
    pub const HWCAP: u64 = 16;
    pub const CLKTCK: u64 = 17;
    pub const SECURE: u64 = 23;
    pub const RANDOM: u64 = 25;
    pub const RSEQ_FEATURE_SIZE: u64 = 27;
    pub const RSEQ_ALIGN: u64 = 28;
    pub const EXECFN: u64 = 31;
    pub const SYSINFO_EHDR: u64 = 33;
    pub const L1I_CACHESIZE: u64 = 40;
    pub const L3_CACHEGEOMETRY: u64 = 47;
    pub const MINSIGSTKSZ: u64 = 51;
}

/// USER_HZ, which AT_CLKTCK reports.
const USER_HZ: u64 = 100;
/// MAX_ARG_STRLEN: the longest single string, its NUL included.
pub const MAX_STRING: usize = 32 * 4096;

/// The user and group ids for AT_UID and its three neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Credentials {
    pub uid: u32,
    pub euid: u32,
    pub gid: u32,
    pub egid: u32,
}

/// The entries of the auxiliary vector that do not follow from the program file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auxv {
    /// AT_HWCAP.
    pub hwcap: u64,
    /// AT_MINSIGSTKSZ: the size of the largest signal frame.
    pub min_signal_stack: u64,
    /// AT_SYSINFO_EHDR, if there is a vDSO.
    pub vdso: Option<GuestAddr>,
    /// Size and alignment of the rseq area, if the rseq system call works.
    pub rseq: Option<(u64, u64)>,
    /// AT_BASE: the address of the program interpreter; 0 without one.
    pub interpreter_base: GuestAddr,
    /// The user and group ids.
    pub credentials: Credentials,
    /// AT_SECURE: whether the program has rights that the caller does not have.
    pub secure: bool,
}

/// The contents of the initial stack.
#[derive(Clone, Copy, Debug)]
pub struct StackRequest<'a> {
    /// The address after the stack's last byte.
    pub top: GuestAddr,
    /// The largest size of the stack. As in the kernel, arguments and environment may take a quarter.
    pub size: u64,
    /// The arguments, the program's name first.
    pub argv: &'a [CString],
    /// The environment.
    pub envp: &'a [CString],
    /// The path by which the program was started (AT_EXECFN).
    pub path: &'a CStr,
    /// Sixteen bytes for AT_RANDOM.
    pub random: [u8; 16],
    /// The random number of bytes left free below the strings (arch_align_stack), which decides where in its page the
    /// stack pointer is.
    pub shift: u64,
    /// The program's addresses.
    pub placed: &'a Placed,
    /// The number of program headers.
    pub phnum: u16,
    /// The rest of the auxiliary vector.
    pub auxv: Auxv,
}

/// Why the initial stack does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    /// Arguments and environment together (E2BIG).
    #[error("the arguments and the environment take {need} bytes; a stack of {size} has room for {room}: use -s")]
    TooLarge {
        /// The bytes needed.
        need: u64,
        /// The bytes allowed.
        room: u64,
        /// The stack's size.
        size: u64,
    },
    /// One string is too long (E2BIG).
    #[error("an argument or environment string has {0} bytes; Linux allows {MAX_STRING}")]
    StringTooLong(usize),
}

/// The initial stack, to be copied to [`StackImage::sp`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackImage {
    /// The stack pointer, and the address of `bytes`.
    pub sp: GuestAddr,
    /// The contents from sp to the top of the stack.
    pub bytes: Vec<u8>,
    /// The addresses of the argument strings (/proc/self/cmdline).
    pub args: Range<GuestAddr>,
    /// The addresses of the environment strings (/proc/self/environ).
    pub env: Range<GuestAddr>,
    /// The auxiliary vector, AT_NULL included (/proc/self/auxv).
    pub auxv: Vec<(u64, u64)>,
}

impl StackImage {
    /// Lays the stack out.
    pub fn build(request: &StackRequest<'_>) -> Result<Self, StackError> {
        let r = request;
        let strings = || r.argv.iter().chain(r.envp).map(CString::as_c_str).chain([r.path]);
        if let Some(long) = strings().map(|s| s.count_bytes() + 1).find(|&n| n > MAX_STRING) {
            return Err(StackError::StringTooLong(long));
        }
        let string_bytes: u64 = strings().map(|s| s.count_bytes() as u64 + 1).sum();
        let pointers = 8 * (r.argv.len() + r.envp.len()) as u64;
        // The kernel's limit for strings and pointers together: a quarter of the stack, at most 6 MiB.
        let room = (r.size / 4).min(6 << 20);
        if string_bytes + pointers > room {
            return Err(StackError::TooLarge { need: string_bytes + pointers, room, size: r.size });
        }

        // The strings, whose addresses count down from the top.
        let path = r.top.0 - 8 - (r.path.count_bytes() as u64 + 1);
        let env = path - r.envp.iter().map(|s| s.count_bytes() as u64 + 1).sum::<u64>();
        let args = r.top.0 - 8 - string_bytes;
        let random = ((args - r.shift) & !15) - 16;
        let auxv = auxv_entries(r, path, random);
        let words = 1 + r.argv.len() + 1 + r.envp.len() + 1 + 2 * auxv.len();
        let sp = (random - 8 * words as u64) & !15;

        let mut bytes = Vec::with_capacity((r.top.0 - sp) as usize);
        let mut word = |w: u64| bytes.extend_from_slice(&w.to_le_bytes());
        word(r.argv.len() as u64);
        for (list, first) in [(r.argv, args), (r.envp, env)] {
            let mut at = first;
            for s in list {
                word(at);
                at += s.count_bytes() as u64 + 1;
            }
            word(0);
        }
        for (kind, value) in &auxv {
            word(*kind);
            word(*value);
        }
        bytes.resize((random - sp) as usize, 0);
        bytes.extend_from_slice(&r.random);
        bytes.resize((args - sp) as usize, 0);
        for s in strings_in_memory_order(r) {
            bytes.extend_from_slice(s.to_bytes_with_nul());
        }
        bytes.resize((r.top.0 - sp) as usize, 0);
        Ok(Self {
            sp: GuestAddr(sp),
            bytes,
            args: GuestAddr(args)..GuestAddr(env),
            env: GuestAddr(env)..GuestAddr(path),
            auxv,
        })
    }
}

fn strings_in_memory_order<'a>(r: &StackRequest<'a>) -> impl Iterator<Item = &'a CStr> {
    r.argv.iter().chain(r.envp).map(CString::as_c_str).chain([r.path])
}

/// The auxiliary vector in the kernel's order: riscv's ARCH_DLINFO first.
fn auxv_entries(r: &StackRequest<'_>, path: u64, random: u64) -> Vec<(u64, u64)> {
    let a = &r.auxv;
    let ids = a.credentials;
    let mut v = Vec::with_capacity(32);
    v.extend(a.vdso.map(|vdso| (at::SYSINFO_EHDR, vdso.0)));
    // Cache sizes and geometries: 0 means "not described" in the kernel.
    v.extend((at::L1I_CACHESIZE..=at::L3_CACHEGEOMETRY).map(|kind| (kind, 0)));
    v.extend([
        (at::MINSIGSTKSZ, a.min_signal_stack),
        (at::HWCAP, a.hwcap),
        (at::PAGESZ, crate::memory::PAGE_SIZE),
        (at::CLKTCK, USER_HZ),
        (at::PHDR, r.placed.phdr.0),
        (at::PHENT, goblin::elf::program_header::program_header64::SIZEOF_PHDR as u64),
        (at::PHNUM, r.phnum.into()),
        (at::BASE, a.interpreter_base.0),
        (at::FLAGS, 0),
        (at::ENTRY, r.placed.entry.0),
        (at::UID, ids.uid.into()),
        (at::EUID, ids.euid.into()),
        (at::GID, ids.gid.into()),
        (at::EGID, ids.egid.into()),
        (at::SECURE, a.secure.into()),
        (at::RANDOM, random),
        (at::EXECFN, path),
    ]);
    if let Some((size, align)) = a.rseq {
        v.extend([(at::RSEQ_FEATURE_SIZE, size), (at::RSEQ_ALIGN, align)]);
    }
    v.push((at::NULL, 0));
    v
}

#[cfg(test)]
#[path = "stack_tests.rs"]
mod tests;
