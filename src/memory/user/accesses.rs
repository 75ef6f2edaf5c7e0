//! Reads and writes of the interpreter and the kernel layer, and host addresses for the host kernel: the only way
//! from a guest address to a host address.

use super::UserSpace;
use crate::host::{GuestPtr, IoVec};
use crate::memory::access::{self, AtomicRmw, AtomicSize, BadAddress};
use crate::memory::{
    Access, CodePlace, FetchView, GuestAddr, GuestFault, GuestMemory, Inside, MemoryError, PAGE_SIZE, Reservations,
    Stored,
};
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::ops::Range;
use zerocopy::{FromBytes, Immutable, IntoBytes};

impl UserSpace {
    /// The host address of `len` bytes in the window.
    #[inline(always)]
    pub(super) fn host(&self, addr: GuestAddr, len: u64) -> Result<*mut u8, BadAddress> {
        match addr.0.checked_add(len) {
            Some(end) if end <= self.window.limit() => Ok((self.window.base() + addr.0) as *mut u8),
            _ => Err(BadAddress::REFUSED),
        }
    }

    /// As [`Self::host`] for at most 16 bytes. Cheaper, because the guard covers the length.
    #[inline(always)]
    pub(super) fn host_small(&self, addr: GuestAddr) -> Result<*mut u8, BadAddress> {
        if addr.0 >= self.window.limit() {
            return Err(BadAddress::REFUSED);
        }
        Ok((self.window.base() + addr.0) as *mut u8)
    }

    /// The host address for an atomic access of `size` bytes, a power of two. Callers check the alignment first and
    /// raise the guest's own fault: a misaligned access may cross a cache line, and a host that detects split locks
    /// answers with SIGBUS.
    ///
    /// # Panics
    /// If the address is not aligned.
    #[inline(always)]
    fn host_atomic(&self, addr: GuestAddr, size: u64) -> Result<*mut u8, BadAddress> {
        assert!(addr.0.is_multiple_of(size), "an atomic access to a misaligned address");
        // The window's base is page-aligned, so host and guest addresses have the same alignment.
        self.host_small(addr)
    }

    /// Copies guest memory into `to`.
    pub fn read_bytes(&self, addr: GuestAddr, to: &mut [u8]) -> Result<(), BadAddress> {
        let len = to.len() as u64;
        let host = self.host(addr, len)?;
        // SAFETY: `host` checked that the whole range is in the window.
        let mut copy = || unsafe { access::copy_from(host, to) };
        copy().or_else(|bad| if self.grow_for(addr, len) { copy() } else { Err(bad) })
    }

    /// Copies `from` into guest memory, as far as the first bad address.
    pub fn write_bytes(&self, addr: GuestAddr, from: &[u8]) -> Result<(), BadAddress> {
        let host = self.host(addr, from.len() as u64)?;
        // SAFETY: `host` checked that the whole range is in the window.
        let copy = || unsafe { access::copy_to(host, from) };
        copy().or_else(|bad| if self.grow_for(addr, from.len() as u64) { copy() } else { Err(bad) })
    }

    /// Fills guest memory with zeroes.
    pub fn fill_zero(&self, addr: GuestAddr, len: u64) -> Result<(), BadAddress> {
        let host = self.host(addr, len)?;
        // SAFETY: `host` checked that the whole range is in the window.
        let zero = || unsafe { access::zero(host, len) };
        zero().or_else(|bad| if self.grow_for(addr, len) { zero() } else { Err(bad) })
    }

    /// Copies a structure out of guest memory.
    pub fn read<T: FromBytes>(&self, addr: GuestAddr) -> Result<T, BadAddress> {
        let mut value = MaybeUninit::<T>::zeroed();
        // SAFETY: the slice covers exactly `value`, whose bytes are initialised, and is gone before
        // `value` is used again.
        let bytes = unsafe { std::slice::from_raw_parts_mut(value.as_mut_ptr().cast::<u8>(), size_of::<T>()) };
        self.read_bytes(addr, bytes)?;
        // SAFETY: a type that is FromBytes is valid for any bytes.
        Ok(unsafe { value.assume_init() })
    }

    /// Copies a structure into guest memory.
    pub fn write<T: IntoBytes + Immutable>(&self, addr: GuestAddr, value: &T) -> Result<(), BadAddress> {
        self.write_bytes(addr, value.as_bytes())
    }

    /// Reads a string up to its terminating zero; `None` if there is none within `max` bytes.
    pub fn read_cstr(&self, addr: GuestAddr, max: usize) -> Result<Option<CString>, BadAddress> {
        // Most strings are short.
        const FIRST: usize = 64;
        let mut bytes = Vec::new();
        let mut at = addr;
        while bytes.len() < max {
            let start = bytes.len();
            // Within a page: the one after the string may be unmapped.
            let in_page = (PAGE_SIZE - at.0 % PAGE_SIZE) as usize;
            let len = in_page.min(max - start).min(start.max(FIRST));
            bytes.resize(start + len, 0);
            self.read_bytes(at, &mut bytes[start..])?;
            if let Some(end) = bytes[start..].iter().position(|&b| b == 0) {
                bytes.truncate(start + end + 1);
                return Ok(Some(CString::from_vec_with_nul(bytes).expect("cut after the first zero")));
            }
            at = at.offset(len as u64);
        }
        Ok(None)
    }

    /// The host's view of a range, for the host kernel to access. The host kernel itself returns EFAULT for pages
    /// that are not mapped as needed.
    pub fn host_range(&self, addr: GuestAddr, len: u64) -> Result<GuestPtr<'_>, BadAddress> {
        let host = self.host(addr, len)?;
        // The host kernel does not grow the guest's areas on access.
        self.grow_for(addr, len);
        // SAFETY: `host` checked that the whole range is in the window, which ends in a guard. The pointer borrows it.
        Ok(unsafe { GuestPtr::new(host, len) })
    }

    /// As [`Self::host_range`], as an element of a scatter/gather list.
    pub fn host_iovec(&self, addr: GuestAddr, len: u64) -> Result<IoVec<'_>, BadAddress> {
        Ok(IoVec::new(self.host_range(addr, len)?, len))
    }
}

impl GuestMemory for UserSpace {
    const TRANSLATES: bool = false;

    #[inline(always)]
    fn load(&self, size: u64, addr: GuestAddr) -> Result<u64, MemoryError> {
        let host = self.host_small(addr).map_err(by_host)?;
        // SAFETY: `host_small` yields addresses in the window, and the access ends at the latest in its guard.
        unsafe { access::load(size, host) }.map_err(by_host)
    }

    #[inline(always)]
    fn store(&self, size: u64, addr: GuestAddr, value: u64) -> Result<Stored, MemoryError> {
        let host = self.host_small(addr).map_err(by_host)?;
        // SAFETY: `host_small` yields addresses in the window, and the access ends at the latest in its guard.
        unsafe { access::store(size, host, value) }.map_err(by_host)?;
        Ok(Stored::InMemory)
    }

    #[inline(always)]
    fn read_modify_write(
        &self,
        op: AtomicRmw,
        size: AtomicSize,
        addr: GuestAddr,
        operand: u64,
    ) -> Result<u64, MemoryError> {
        let host = self.host_atomic(addr, size.bytes()).map_err(by_host)?;
        // SAFETY: `host_atomic` yields aligned addresses in the window.
        let old = unsafe { access::read_modify_write(op, size, host, operand) }.map_err(by_host)?;
        self.reservations.written(addr);
        Ok(old)
    }

    #[inline(always)]
    fn compare_exchange(&self, size: AtomicSize, addr: GuestAddr, expected: u64, new: u64) -> Result<u64, MemoryError> {
        let host = self.host_atomic(addr, size.bytes()).map_err(by_host)?;
        // SAFETY: as for `read_modify_write`.
        let old = unsafe { access::compare_exchange(size, host, expected, new) }.map_err(by_host)?;
        self.reservations.written(addr);
        Ok(old)
    }

    #[inline(always)]
    fn compare_exchange_pair(
        &self,
        addr: GuestAddr,
        expected: [u64; 2],
        new: [u64; 2],
    ) -> Result<[u64; 2], MemoryError> {
        let host = self.host_atomic(addr, 16).map_err(by_host)?;
        // SAFETY: `host_atomic` yields aligned addresses in the window.
        let old = unsafe { access::cmpxchg128(host, expected, new) }.map_err(by_host)?;
        self.reservations.written(addr);
        Ok(old)
    }

    #[inline(always)]
    fn reservations(&self) -> &Reservations {
        &self.reservations
    }

    #[inline(always)]
    fn reservation_addr(&self, addr: GuestAddr, _: u64, _: Access) -> Result<GuestAddr, MemoryError> {
        Ok(addr)
    }

    fn fill_zero(&self, addr: GuestAddr, len: u64) -> Result<(), MemoryError> {
        UserSpace::fill_zero(self, addr, len).map_err(by_host)
    }

    fn probe(&self, addr: GuestAddr, _: u64) -> Result<(), MemoryError> {
        // Writable memory is readable, and all bytes of a page have the same permissions.
        self.load(1, addr).map(drop)
    }

    fn fetch(&self, addr: GuestAddr, to: &mut [u8]) -> Result<usize, GuestFault> {
        UserSpace::fetch(self, addr, to)
    }

    fn before_decoding(&self, range: &Range<GuestAddr>, inside: &Inside<'_>) -> bool {
        // Stores to code are not noticed: RISC-V asks for FENCE.I.
        inside.decodes(range);
        false
    }

    fn resume(&self) {}

    fn code_place(&self, addr: GuestAddr) -> Result<CodePlace, GuestFault> {
        Ok(CodePlace { addr: addr.0, whole_page: true })
    }

    fn fetch_view(&self) -> FetchView {
        FetchView::default()
    }

    fn space(&self) -> u64 {
        self.limit().0
    }

    fn explain(&self, _: MemoryError, addr: GuestAddr, size: u64, access: Access) -> Option<GuestFault> {
        self.classify(addr, size, access)
    }
}

/// The error of an access that the host refused.
#[inline(always)]
fn by_host(_: BadAddress) -> MemoryError {
    MemoryError::BY_HOST
}
