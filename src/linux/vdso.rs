//! The vDSO: the small shared library that the kernel maps into every process.
//!
//! C libraries look up their clock functions in it, signal handlers return through it, and unwinders recognise a signal
//! frame by the bytes of `__vdso_rt_sigreturn`. Every function makes its system call. `build/vdso.rs` assembles the
//! image when remu is built.
//!
//! The kernel's vDSO reads most clocks without a system call. Here the engine answers these calls without leaving guest
//! code, unless they are logged.

use super::arch::riscv64 as arch;
use crate::guest::riscv::{Cpu, QuickCalls};
use crate::host::{Timespec, clock};
use crate::memory::{Backing, GuestAddr, GuestMemory, MapError, MapRequest, PAGE_SIZE, Place, Prot, UserSpace};
use rustix::io::Errno;

/// The ELF image.
const IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/vdso.so"));
const _: () = assert!(IMAGE.len() as u64 <= PAGE_SIZE);

/// The offset of `__vdso_rt_sigreturn` in the image.
const RESTORER: u64 = include!(concat!(env!("OUT_DIR"), "/vdso-restorer.in"));

/// A mapped vDSO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vdso {
    /// The address of its ELF header (AT_SYSINFO_EHDR).
    pub base: GuestAddr,
    /// The address that signal handlers return to.
    pub restorer: GuestAddr,
}

impl Vdso {
    /// Maps the vDSO at a free address.
    pub fn map(space: &UserSpace) -> Result<Self, MapError> {
        let backing = Backing::Anonymous(Some("[vdso]"));
        let place = Place::Anywhere { hint: None };
        let writable = Prot::READ | Prot::WRITE | Prot::EXEC;
        let request = MapRequest { backing, ..MapRequest::anonymous(place, PAGE_SIZE, writable) };
        let base = space.map(&request)?;
        space.write_bytes(base, IMAGE).map_err(|_| MapError(Errno::FAULT))?;
        space.protect(base, PAGE_SIZE, Prot::READ | Prot::EXEC)?;
        Ok(Self { base, restorer: base.offset(RESTORER) })
    }

    /// Whether the kernel's vDSO answers this call, made before `pc`, in user mode: it reads clocks from memory. There
    /// is no system call then that a filter could see.
    pub fn answers(&self, pc: GuestAddr, number: u64, clock: u64) -> bool {
        pc.0.wrapping_sub(self.base.0) < PAGE_SIZE
            && match number {
                CLOCK_GETTIME | CLOCK_GETRES => is_in_memory(clock),
                GETTIMEOFDAY => true,
                _ => false,
            }
    }

    /// The calls that the engine answers.
    pub fn quick_calls(&self) -> QuickCalls {
        QuickCalls { page: self.base, answer: read_clock }
    }
}

const CLOCK_GETTIME: u64 = 113;
const CLOCK_GETRES: u64 = 114;
const GETTIMEOFDAY: u64 = 169;

/// Whether the kernel's vDSO has this clock.
fn is_in_memory(clock: u64) -> bool {
    matches!(
        clock as i32,
        libc::CLOCK_REALTIME
            | libc::CLOCK_MONOTONIC
            | libc::CLOCK_MONOTONIC_RAW
            | libc::CLOCK_REALTIME_COARSE
            | libc::CLOCK_MONOTONIC_COARSE
            | libc::CLOCK_BOOTTIME
            | libc::CLOCK_TAI
    )
}

/// Answers calls that read a clock. See [`QuickCalls::answer`].
fn read_clock(cpu: &mut Cpu, space: &UserSpace) -> bool {
    let (number, args) = arch::system_call(cpu);
    let (time, to) = match (number, args) {
        (CLOCK_GETTIME, [clock, to, ..]) if is_in_memory(clock) => (clock::now(clock as i32), to),
        // Only the system call returns the kernel's time zone.
        (GETTIMEOFDAY, [to, 0, ..]) if to != 0 => {
            let now = clock::now(libc::CLOCK_REALTIME);
            (now.map(|now| Timespec { nsec: now.nsec / 1000, ..now }), to)
        }
        _ => return false,
    };
    let Ok(Timespec { sec, nsec }) = time else { return false };
    let words = [(to, sec), (to.wrapping_add(8), nsec)];
    if words.iter().any(|&(addr, word)| space.store(8, GuestAddr(addr), word as u64).is_err()) {
        return false;
    }
    arch::set_result(cpu, 0);
    arch::skip_call(cpu);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::table;
    use goblin::elf::Elf;

    const FUNCTIONS: [&str; 8] = [
        "__vdso_rt_sigreturn",
        "__vdso_gettimeofday",
        "__vdso_clock_gettime",
        "__vdso_clock_getres",
        "__vdso_getcpu",
        "__vdso_flush_icache",
        "__vdso_riscv_hwprobe",
        "__vdso_getrandom",
    ];

    #[test]
    fn every_function_is_found_by_name_and_version() {
        let elf = Elf::parse(IMAGE).unwrap();
        assert_eq!(elf.soname, Some("linux-vdso.so.1"));
        let name = |at: usize| elf.dynstrtab.get_at(at).unwrap();
        let found: Vec<_> = elf.dynsyms.iter().skip(1).map(|s| name(s.st_name)).collect();
        assert_eq!(found, FUNCTIONS);
        let definitions: Vec<_> = elf.verdef.as_ref().unwrap().iter().collect();
        assert_eq!(definitions.len(), 2);
        let (index, hash) = (definitions[1].vd_ndx, definitions[1].vd_hash);
        // The hash value in glibc's sources.
        assert_eq!((index, hash), (2, 182_943_605));
        assert_eq!(definitions[1].iter().map(|a| name(a.vda_name)).collect::<Vec<_>>(), ["LINUX_4.15"]);
        let versions: Vec<_> = elf.versym.as_ref().unwrap().iter().map(|v| v.vs_val).collect();
        assert_eq!(versions, [0, 2, 2, 2, 2, 2, 2, 2, 2]);
        // The hash chain visits each symbol once.
        let at = elf.dynamic.as_ref().unwrap().info.hash.unwrap() as usize;
        let word = |i: usize| u32::from_le_bytes(*IMAGE[at + 4 * i..].first_chunk().unwrap()) as usize;
        let mut chain = vec![word(2)];
        while chain[chain.len() - 1] != 0 {
            chain.push(word(3 + chain[chain.len() - 1]));
        }
        assert_eq!((word(0), word(1)), (1, 9));
        assert_eq!(chain, (0..9).rev().collect::<Vec<_>>());
    }

    #[test]
    fn each_makes_the_call_of_its_name() {
        let elf = Elf::parse(IMAGE).unwrap();
        for (symbol, name) in elf.dynsyms.iter().skip(1).zip(FUNCTIONS) {
            let code = &IMAGE[symbol.st_value as usize..][..symbol.st_size as usize];
            let words: Vec<u32> = code.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
            // li a7, NUMBER, before an ecall.
            let call = words.iter().position(|&word| word == 0x73).unwrap();
            let li = words[call - 1];
            assert_eq!(li & 0xf_ffff, 17 << 7 | 0x13, "{name}");
            let row = table::find(u64::from(li >> 20)).unwrap();
            let call = row.name.strip_prefix("riscv_").filter(|_| !name.contains("riscv")).unwrap_or(row.name);
            assert_eq!(name, format!("__vdso_{call}"));
        }
        assert_eq!(elf.dynsyms.get(1).unwrap().st_value, RESTORER);
        assert_eq!(IMAGE[RESTORER as usize..][..8], [0x93, 0x08, 0xb0, 0x08, 0x73, 0, 0, 0]);
    }
}
