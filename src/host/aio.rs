//! Asynchronous I/O contexts (io_setup(2)), whose rings of completions are in guest memory.
//!
//! The kernel names a context by the address of its ring, and moves both with mremap. So these calls work only where
//! guest addresses are the host's.

use super::calls::Timespec;
use super::pass::syscall;
use super::pointer::{GuestPtr, raw_or_null};
use super::signals::{CallError, interruptible};
use rustix::io::Errno;
use std::ffi::c_void;

/// The size of `struct io_event`.
const EVENT: u64 = 32;

/// The number of io_pgetevents(2), which libc does not have.
const IO_PGETEVENTS: libc::c_long = 333;

/// The size of `struct iocb`.
const IOCB: u64 = 64;

/// A context whose ring is still where the kernel has mapped it.
#[derive(Debug)]
pub struct AioRing {
    at: u64,
    len: u64,
}

impl AioRing {
    /// Makes a context for this many events.
    pub fn new(events: u32) -> Result<Self, Errno> {
        let mut at = 0u64;
        // SAFETY: the kernel writes the context's name, and maps the ring where nothing is.
        unsafe { syscall(libc::SYS_io_setup, [events.into(), &raw mut at as u64, 0, 0, 0, 0])? };
        // The header: id, number of events that fit, head, tail, magic, two sets of features, its own length.
        // SAFETY: the kernel has just mapped the ring, which begins with the header. The kernel alone writes to it, and
        // these fields only when it makes the ring.
        let header = unsafe { std::ptr::read_volatile(std::ptr::with_exposed_provenance::<[u32; 8]>(at as usize)) };
        let len = (u64::from(header[7]) + u64::from(header[1]) * EVENT).next_multiple_of(4096);
        Ok(Self { at, len })
    }

    /// The size of the ring in bytes, whole pages.
    pub fn size(&self) -> u64 {
        self.len
    }

    /// Moves the ring, and thus renames the context.
    ///
    /// # Safety
    /// What is mapped in the range of the ring's size at `to` must be the caller's to replace.
    pub unsafe fn move_to(self, to: *mut c_void) -> Result<(), Errno> {
        let flags = (libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED) as u64;
        // SAFETY: Rust refers to nothing in the ring, and the caller allows its new place.
        unsafe { syscall(libc::SYS_mremap, [self.at, self.len, self.len, flags, to as u64, 0])? };
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for AioRing {
    fn drop(&mut self) {
        // SAFETY: Rust refers to nothing in the ring, which is unmapped.
        let _ = unsafe { syscall(libc::SYS_io_destroy, [self.at, 0, 0, 0, 0, 0]) };
    }
}

/// Ends a context, waits for its requests, and unmaps its ring.
///
/// # Safety
/// If there is such a context, its ring must be the caller's to unmap.
pub unsafe fn aio_destroy(context: u64) -> Result<(), Errno> {
    // SAFETY: as promised by the caller.
    unsafe { syscall(libc::SYS_io_destroy, [context, 0, 0, 0, 0, 0]) }.map(drop)
}

/// Submits a request, or none, which only checks the context.
///
/// The kernel reads the request again: a guest that has another thread change it meanwhile may direct the kernel to
/// memory of remu's.
pub fn aio_submit(context: u64, request: Option<GuestPtr<'_>>) -> Result<u64, CallError> {
    let list = [raw_or_null(request, IOCB)];
    let count = u64::from(request.is_some());
    // SAFETY: the kernel reads the list, and the request, which is guest memory. The addresses in it are those of guest
    // memory, as the caller has checked.
    unsafe { interruptible(libc::SYS_io_submit, [context, count, list.as_ptr() as u64, 0, 0, 0]) }
}

/// Cancels a request, which is named by its address.
pub fn aio_cancel(context: u64, request: GuestPtr<'_>, result: Option<GuestPtr<'_>>) -> Result<u64, CallError> {
    let args = [context, request.raw(IOCB).addr(), raw_or_null(result, EVENT), 0, 0, 0];
    // SAFETY: the kernel reads the request and writes the event, which are guest memory.
    unsafe { interruptible(libc::SYS_io_cancel, args) }
}

/// Which events of a context to wait for.
#[derive(Clone, Copy, Debug)]
pub struct AioWait {
    /// The context.
    pub context: u64,
    /// How many to wait for.
    pub least: i64,
    /// How many to return at most.
    pub most: u32,
    /// How long to wait.
    pub timeout: Option<Timespec>,
    /// The temporary mask of blocked signals.
    pub mask: Option<u64>,
}

impl AioWait {
    /// Waits, and writes the events.
    pub fn events(&self, events: Option<GuestPtr<'_>>) -> Result<u64, CallError> {
        let timeout = self.timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let mask = self.mask.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let sigset = [mask as u64, 8];
        let events = raw_or_null(events, u64::from(self.most) * EVENT);
        let (least, most) = (self.least as u64, self.most.into());
        let args = [self.context, least, most, events, timeout as u64, sigset.as_ptr() as u64];
        // SAFETY: the kernel writes at most that many events to guest memory, and reads the timeout and the mask.
        unsafe { interruptible(IO_PGETEVENTS, args) }
    }
}
