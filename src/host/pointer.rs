//! Arguments for the host kernel: numbers, memory borrowed from Rust, and pointers to guest memory. Only `memory` makes
//! the latter, and Rust never follows them.

/// A host address inside the guest's window. Only `memory` makes one.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct GuestPtr(*mut u8);

impl GuestPtr {
    /// An address that the host kernel rejects, for a guest address where no guest memory can be. The kernel then
    /// returns EFAULT itself, after its other checks. The low bits are kept because one of these checks is alignment.
    pub fn refused(guest: u64) -> Self {
        Self(std::ptr::without_provenance_mut(1 << 63 | guest as usize & 0xfff))
    }

    /// Wraps a host address unchecked.
    ///
    /// # Safety
    /// All bytes that the system call may access there must lie within the guest's window, or be rejected by the host
    /// kernel.
    pub unsafe fn new(p: *mut u8) -> Self {
        Self(p)
    }
}

/// The number in a checked pointer, for a structure that the kernel reads.
pub(super) fn raw_pointer(p: GuestPtr) -> u64 {
    p.0 as u64
}

/// An iovec that names guest memory, in the kernel's layout.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct IoVec {
    base: GuestPtr,
    len: usize,
}

impl IoVec {
    /// `len` bytes at `base`.
    ///
    /// # Safety
    /// The whole range must lie within the guest's window.
    pub unsafe fn new(base: GuestPtr, len: usize) -> Self {
        Self { base, len }
    }

    /// An iovec of `len` bytes at an address that the host kernel rejects.
    pub fn refused(guest: u64, len: u64) -> Self {
        Self { base: GuestPtr::refused(guest), len: len as usize }
    }
}

/// An argument of a system call.
#[derive(Debug)]
pub enum SysArg<'a> {
    /// A number.
    Val(u64),
    /// A pointer to guest memory.
    Guest(GuestPtr),
    /// A pointer to bytes that the kernel reads. The call's length argument must not exceed them.
    In(&'a [u8]),
    /// A pointer to iovecs that name guest memory. The call's count must not exceed their number.
    Pieces(&'a [IoVec]),
    /// A pointer to bytes that the kernel writes. The call's length argument must not exceed them.
    Out(&'a mut [u8]),
    /// The null pointer.
    Null,
}

impl From<GuestPtr> for SysArg<'_> {
    fn from(p: GuestPtr) -> Self {
        SysArg::Guest(p)
    }
}
