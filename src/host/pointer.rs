//! What may be handed to the host kernel as an argument: numbers, memory that Rust lends, and pointers to
//! guest memory, which only `memory` makes and which Rust never follows.

/// An address inside the guest's window, for the host kernel to follow. Only `memory` makes one.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct GuestPtr(*mut u8);

impl GuestPtr {
    /// An address that the host kernel refuses: what becomes of a guest address that no guest memory
    /// can be at, so that it is the kernel that answers EFAULT, and after what else it checks, such as
    /// the alignment, which is therefore kept.
    pub fn refused(guest: u64) -> Self {
        Self(std::ptr::without_provenance_mut(1 << 63 | guest as usize & 0xfff))
    }

    /// Takes a host address on trust.
    ///
    /// # Safety
    /// As many bytes as the system call it is used in may access must lie within the guest's
    /// window, or be refused by the host kernel.
    pub unsafe fn new(p: *mut u8) -> Self {
        Self(p)
    }
}

/// The number behind a checked pointer, for a structure that the kernel follows.
pub(super) fn raw_pointer(p: GuestPtr) -> u64 {
    p.0 as u64
}

/// An element of a scatter/gather list in guest memory, in the kernel's layout.
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
}

/// An argument of a system call.
#[derive(Debug)]
pub enum SysArg<'a> {
    /// A number.
    Val(u64),
    /// A pointer to guest memory.
    Guest(GuestPtr),
    /// A pointer to bytes that the kernel reads; the callee's length argument must not exceed them.
    In(&'a [u8]),
    /// A pointer to a list of pieces of guest memory; the callee's count must not exceed it.
    Pieces(&'a [IoVec]),
    /// A pointer to bytes that the kernel writes; the callee's length argument must not exceed them.
    Out(&'a mut [u8]),
    /// The null pointer.
    Null,
}

impl From<GuestPtr> for SysArg<'_> {
    fn from(p: GuestPtr) -> Self {
        SysArg::Guest(p)
    }
}
