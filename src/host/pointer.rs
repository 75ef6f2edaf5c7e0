//! Arguments for the host kernel: numbers, memory borrowed from Rust, and pointers to guest memory. Only `memory` makes
//! the latter, and Rust never follows them.

use std::marker::PhantomData;

/// A range of bytes in the guest's window that the host kernel may access. Only `memory` makes one.
///
/// It borrows the window, so the host kernel never gets an address in a window that no longer exists; no call keeps the
/// address in the kernel. If a number limits the kernel's access, [`pass`](super::pass) checks it against the length.
/// If only memory limits it (a string, or a structure with its own length), the kernel accesses memory from the start,
/// in steps shorter than the window's guard, which it cannot access. So it never leaves the window.
#[derive(Clone, Copy, Debug)]
pub struct GuestPtr<'w> {
    host: RawPtr<'w>,
    len: u64,
}

/// The address alone, in the kernel's layout.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub(super) struct RawPtr<'w>(*mut u8, PhantomData<&'w ()>);

impl<'w> GuestPtr<'w> {
    /// An address that the host kernel rejects, for a guest address where no guest memory can be. The kernel then
    /// returns EFAULT itself, after its other checks. The low bits are kept because one of these checks is alignment.
    pub fn refused(guest: u64) -> Self {
        let host = std::ptr::without_provenance_mut(1 << 63 | guest as usize & 0xfff);
        // The kernel finds no memory there, whatever the length.
        Self { host: RawPtr(host, PhantomData), len: u64::MAX }
    }

    /// Wraps a host address unchecked.
    ///
    /// # Safety
    /// The `len` bytes must lie within the guest's window, which must exist for as long as `'w` and end in a guard.
    pub unsafe fn new(host: *mut u8, len: u64) -> Self {
        Self { host: RawPtr(host, PhantomData), len }
    }

    /// The address, for an access by the kernel of at most `len` bytes.
    ///
    /// # Panics
    /// If `len` is larger than the range, which is a bug in the caller.
    pub(super) fn raw(self, len: u64) -> RawPtr<'w> {
        assert!(len <= self.len, "the kernel may access {len} bytes of guest memory, {} are checked", self.len);
        self.host
    }

    /// The first `len` bytes of them.
    ///
    /// # Panics
    /// If there are fewer: a bug in the caller.
    pub(super) fn first(self, len: u64) -> Self {
        Self { host: self.raw(len), len }
    }

    /// The address, for an access by the kernel that only memory limits.
    pub(super) fn open(self) -> RawPtr<'w> {
        self.host
    }
}

impl RawPtr<'_> {
    /// The address as a number.
    pub(super) fn addr(self) -> u64 {
        self.0 as u64
    }
}

/// The address of a pointer that may be missing, for at most `len` bytes.
pub(super) fn raw_or_null(p: Option<GuestPtr<'_>>, len: u64) -> u64 {
    p.map_or(0, |p| p.raw(len).addr())
}

/// An iovec that names guest memory, in the kernel's layout.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct IoVec<'w> {
    base: RawPtr<'w>,
    len: usize,
}

impl<'w> IoVec<'w> {
    /// The first `len` bytes of some guest memory.
    ///
    /// # Panics
    /// If the memory is shorter.
    pub fn new(ptr: GuestPtr<'w>, len: u64) -> Self {
        Self { base: ptr.raw(len), len: len as usize }
    }
}

/// An argument of a system call.
#[derive(Debug)]
pub enum SysArg<'a> {
    /// A number.
    Val(u64),
    /// A pointer to guest memory.
    Guest(GuestPtr<'a>),
    /// A pointer to bytes that the kernel reads. The call's length argument must not exceed them.
    In(&'a [u8]),
    /// A pointer to iovecs that name guest memory. The call's count must not exceed their number.
    Vector(&'a [IoVec<'a>]),
    /// A pointer to bytes that the kernel writes. The call's length argument must not exceed them.
    Out(&'a mut [u8]),
    /// The null pointer.
    Null,
}

impl<'a> From<GuestPtr<'a>> for SysArg<'a> {
    fn from(p: GuestPtr<'a>) -> Self {
        SysArg::Guest(p)
    }
}

impl<'a> From<Option<GuestPtr<'a>>> for SysArg<'a> {
    fn from(p: Option<GuestPtr<'a>>) -> Self {
        p.map_or(SysArg::Null, SysArg::Guest)
    }
}
