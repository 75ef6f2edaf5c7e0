//! Accesses to guest memory at host addresses that may fault at any time.
//!
//! Each function is one or two host instructions with an entry in the [exception table](crate::host::fault), so that
//! a bad address becomes an error value. Rust never holds a reference into guest memory: the guest and other
//! processes may change it at any moment.

use crate::exception_entry;
use crate::host::fault::FaultCode;
use std::arch::asm;

/// Memory refused an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad guest address")]
pub struct BadAddress(pub(super) FaultCode);

impl BadAddress {
    pub(super) const REFUSED: BadAddress = BadAddress(FaultCode::REFUSED);

    /// Whether the mapping had no backing there (SIGBUS).
    pub fn is_bus(self) -> bool {
        self.0.is_bus()
    }
}

#[inline(always)]
fn check(code: u64) -> Result<(), BadAddress> {
    if code == 0 { Ok(()) } else { Err(BadAddress(FaultCode(code))) }
}

macro_rules! loads {
    ($($name:ident $access:literal;)*) => {$(
        /// Loads, zero-extended.
        ///
        /// # Safety
        /// `host` must point into guest memory or its guard.
        #[inline(always)]
        pub(super) unsafe fn $name(host: *const u8) -> Result<u64, BadAddress> {
            let (code, value): (u64, u64);
            // SAFETY: a load from the guest's window touches no Rust object; if it faults, the
            // exception table resumes at 3 with the code in r11.
            unsafe {
                asm!(
                    "xor r11d, r11d",
                    concat!("2: ", $access),
                    "3:",
                    exception_entry!(),
                    // The address is not needed any more when the value is there: they may share a register.
                    p = in(reg) host, v = lateout(reg) value, out("r11") code,
                    options(nostack, readonly),
                );
            }
            check(code)?;
            Ok(value)
        }
    )*};
}

loads! {
    load8 "movzx {v:e}, byte ptr [{p}]";
    load16 "movzx {v:e}, word ptr [{p}]";
    load32 "mov {v:e}, dword ptr [{p}]";
    load64 "mov {v}, qword ptr [{p}]";
}

macro_rules! stores {
    ($($name:ident $access:literal;)*) => {$(
        /// Stores the low bytes of `value`.
        ///
        /// # Safety
        /// `host` must point into guest memory or its guard.
        #[inline(always)]
        pub(super) unsafe fn $name(host: *mut u8, value: u64) -> Result<(), BadAddress> {
            let code: u64;
            // SAFETY: a store to the guest's window touches no Rust object; if it faults, the
            // exception table resumes at 3 with the code in r11.
            unsafe {
                asm!(
                    "xor r11d, r11d",
                    concat!("2: ", $access),
                    "3:",
                    exception_entry!(),
                    p = in(reg) host, v = in(reg) value, out("r11") code,
                    options(nostack),
                );
            }
            check(code)
        }
    )*};
}

stores! {
    store8 "mov byte ptr [{p}], {v:l}";
    store16 "mov word ptr [{p}], {v:x}";
    store32 "mov dword ptr [{p}], {v:e}";
    store64 "mov qword ptr [{p}], {v}";
}

/// Loads 1, 2, 4 or 8 bytes, zero-extended.
///
/// # Safety
/// `host` must point into guest memory or its guard.
#[inline(always)]
pub(super) unsafe fn load(size: u64, host: *const u8) -> Result<u64, BadAddress> {
    // SAFETY: the caller's promise is that of the functions called.
    unsafe {
        match size {
            1 => load8(host),
            2 => load16(host),
            4 => load32(host),
            _ => load64(host),
        }
    }
}

/// Stores the low 1, 2, 4 or 8 bytes of `value`.
///
/// # Safety
/// `host` must point into guest memory or its guard.
#[inline(always)]
pub(super) unsafe fn store(size: u64, host: *mut u8, value: u64) -> Result<(), BadAddress> {
    // SAFETY: the caller's promise is that of the functions called.
    unsafe {
        match size {
            1 => store8(host, value),
            2 => store16(host, value),
            4 => store32(host, value),
            _ => store64(host, value),
        }
    }
}

macro_rules! exchanges {
    ($(#[doc = $doc:literal] $name:ident $access:literal;)*) => {$(
        #[doc = $doc]
        ///
        /// # Safety
        /// `host` must point into guest memory or its guard, aligned to the access.
        #[inline(always)]
        unsafe fn $name(host: *mut u8, value: u64) -> Result<u64, BadAddress> {
            let (code, old): (u64, u64);
            // SAFETY: an atomic access to the guest's window touches no Rust object; if it faults,
            // the exception table resumes at 3 with the code in r11.
            unsafe {
                asm!(
                    "xor r11d, r11d",
                    concat!("2: ", $access),
                    "3:",
                    exception_entry!(),
                    p = in(reg) host, v = inout(reg) value => old, out("r11") code,
                    options(nostack),
                );
            }
            check(code)?;
            Ok(old)
        }
    )*};
}

exchanges! {
    #[doc = "Exchanges a byte."] xchg8 "xchg byte ptr [{p}], {v:l}";
    #[doc = "Exchanges two bytes."] xchg16 "xchg word ptr [{p}], {v:x}";
    #[doc = "Exchanges four bytes."] xchg32 "xchg dword ptr [{p}], {v:e}";
    #[doc = "Exchanges eight bytes."] xchg64 "xchg qword ptr [{p}], {v}";
    #[doc = "Adds to a byte; yields the old one."] xadd8 "lock xadd byte ptr [{p}], {v:l}";
    #[doc = "Adds to two bytes; yields the old ones."] xadd16 "lock xadd word ptr [{p}], {v:x}";
    #[doc = "Adds to four bytes; yields the old ones."] xadd32 "lock xadd dword ptr [{p}], {v:e}";
    #[doc = "Adds to eight bytes; yields the old ones."] xadd64 "lock xadd qword ptr [{p}], {v}";
}

macro_rules! compare_exchanges {
    ($($name:ident $access:literal;)*) => {$(
        /// Stores `new` if the memory holds `expected`; yields what it held, in the low bytes.
        ///
        /// # Safety
        /// `host` must point into guest memory or its guard, aligned to the access.
        #[inline(always)]
        unsafe fn $name(host: *mut u8, expected: u64, new: u64) -> Result<u64, BadAddress> {
            let (code, old): (u64, u64);
            // SAFETY: an atomic access to the guest's window touches no Rust object; if it faults,
            // the exception table resumes at 3 with the code in r11.
            unsafe {
                asm!(
                    "xor r11d, r11d",
                    concat!("2: lock cmpxchg ", $access),
                    "3:",
                    exception_entry!(),
                    p = in(reg) host, v = in(reg) new, inout("rax") expected => old, out("r11") code,
                    options(nostack),
                );
            }
            check(code)?;
            Ok(old)
        }
    )*};
}

compare_exchanges! {
    cmpxchg8 "byte ptr [{p}], {v:l}";
    cmpxchg16 "word ptr [{p}], {v:x}";
    cmpxchg32 "dword ptr [{p}], {v:e}";
    cmpxchg64 "qword ptr [{p}], {v}";
}

/// Compare-and-exchange of 16 bytes; yields the old value, low half first.
///
/// # Safety
/// `host` must point into guest memory or its guard, aligned to 16 bytes.
#[inline(always)]
pub(super) unsafe fn cmpxchg128(host: *mut u8, expected: [u64; 2], new: [u64; 2]) -> Result<[u64; 2], BadAddress> {
    let (code, low, high): (u64, u64, u64);
    // SAFETY: as for the narrower ones. rbx, which may not be named as an operand, is swapped in around the
    // instruction and restored on both paths. The address is in rdi because the compiler could otherwise choose rbx
    // for it.
    unsafe {
        asm!(
            "xor r11d, r11d",
            "xchg rbx, {b}",
            "2: lock cmpxchg16b xmmword ptr [rdi]",
            "3:",
            "xchg rbx, {b}",
            exception_entry!(),
            in("rdi") host, b = inout(reg) new[0] => _, in("rcx") new[1],
            inout("rax") expected[0] => low, inout("rdx") expected[1] => high, out("r11") code,
            options(nostack),
        );
    }
    check(code)?;
    Ok([low, high])
}

/// Copies out of the guest. On an error, any part may have been copied.
///
/// # Safety
/// `host` and the `to.len()` bytes from it must lie within the guest's window or its guard.
pub(super) unsafe fn copy_from(host: *const u8, to: &mut [u8]) -> Result<(), BadAddress> {
    let code: u64;
    // SAFETY: writes only the live slice; the source is the guest's window, and a fault there
    // resumes at 3 with the code in r11. The direction flag is clear by the ABI.
    unsafe {
        asm!(
            "xor r11d, r11d",
            "2: rep movsb",
            "3:",
            exception_entry!(),
            inout("rsi") host => _, inout("rdi") to.as_mut_ptr() => _, inout("rcx") to.len() => _, out("r11") code,
            options(nostack),
        );
    }
    check(code)
}

/// Copies into the guest; the bytes before a bad address are written.
///
/// # Safety
/// `host` and the `from.len()` bytes from it must lie within the guest's window or its guard.
pub(super) unsafe fn copy_to(host: *mut u8, from: &[u8]) -> Result<(), BadAddress> {
    let code: u64;
    // SAFETY: reads only the live slice; the destination is the guest's window, and a fault there
    // resumes at 3 with the code in r11. The direction flag is clear by the ABI.
    unsafe {
        asm!(
            "xor r11d, r11d",
            "2: rep movsb",
            "3:",
            exception_entry!(),
            inout("rsi") from.as_ptr() => _, inout("rdi") host => _, inout("rcx") from.len() => _, out("r11") code,
            options(nostack),
        );
    }
    check(code)
}

/// Fills guest memory with zeroes.
///
/// # Safety
/// `host` and the `len` bytes from it must lie within the guest's window or its guard.
pub(super) unsafe fn zero(host: *mut u8, len: u64) -> Result<(), BadAddress> {
    let code: u64;
    // SAFETY: writes only the guest's window; a fault there resumes at 3 with the code in r11. The
    // direction flag is clear by the ABI.
    unsafe {
        asm!(
            "xor r11d, r11d",
            "2: rep stosb",
            "3:",
            exception_entry!(),
            inout("rdi") host => _, inout("rcx") len => _, in("al") 0u8, out("r11") code,
            options(nostack),
        );
    }
    check(code)
}

/// The size of an atomic access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtomicSize {
    /// One byte.
    B1,
    /// Two bytes.
    B2,
    /// Four bytes.
    B4,
    /// Eight bytes.
    B8,
}

impl AtomicSize {
    /// The size in bytes.
    #[inline(always)]
    pub const fn bytes(self) -> u64 {
        match self {
            AtomicSize::B1 => 1,
            AtomicSize::B2 => 2,
            AtomicSize::B4 => 4,
            AtomicSize::B8 => 8,
        }
    }
}

/// An atomic read-modify-write operation that the host has an instruction for.
#[derive(Clone, Copy, Debug)]
pub enum AtomicRmw {
    /// Stores the operand.
    Swap,
    /// Adds the operand.
    Add,
}

/// Compare-and-exchange of `size`; yields the old value, zero-extended.
///
/// # Safety
/// `host` must point into guest memory or its guard, aligned to the size.
#[inline(always)]
pub(super) unsafe fn compare_exchange(
    size: AtomicSize,
    host: *mut u8,
    expected: u64,
    new: u64,
) -> Result<u64, BadAddress> {
    // SAFETY: the caller's promise is that of the functions called. A narrow result leaves the upper bytes of its
    // register as they were in `expected`, so they are masked off.
    unsafe {
        match size {
            AtomicSize::B1 => Ok(cmpxchg8(host, expected, new)? & 0xff),
            AtomicSize::B2 => Ok(cmpxchg16(host, expected, new)? & 0xffff),
            AtomicSize::B4 => Ok(cmpxchg32(host, expected, new)? & 0xffff_ffff),
            AtomicSize::B8 => cmpxchg64(host, expected, new),
        }
    }
}

/// An atomic read-modify-write of `size`; yields the old value, zero-extended.
///
/// # Safety
/// `host` must point into guest memory or its guard, aligned to the size.
#[inline(always)]
pub(super) unsafe fn read_modify_write(
    op: AtomicRmw,
    size: AtomicSize,
    host: *mut u8,
    operand: u64,
) -> Result<u64, BadAddress> {
    // SAFETY: the caller's promise is that of the functions called.
    unsafe {
        match (op, size) {
            (AtomicRmw::Swap, AtomicSize::B1) => Ok(xchg8(host, operand)? & 0xff),
            (AtomicRmw::Swap, AtomicSize::B2) => Ok(xchg16(host, operand)? & 0xffff),
            (AtomicRmw::Swap, AtomicSize::B4) => Ok(xchg32(host, operand)? & 0xffff_ffff),
            (AtomicRmw::Swap, AtomicSize::B8) => xchg64(host, operand),
            (AtomicRmw::Add, AtomicSize::B1) => Ok(xadd8(host, operand)? & 0xff),
            (AtomicRmw::Add, AtomicSize::B2) => Ok(xadd16(host, operand)? & 0xffff),
            (AtomicRmw::Add, AtomicSize::B4) => Ok(xadd32(host, operand)? & 0xffff_ffff),
            (AtomicRmw::Add, AtomicSize::B8) => xadd64(host, operand),
        }
    }
}
