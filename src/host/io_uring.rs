//! io_uring(7). The kernel maps its rings at addresses of its own choice only, so they are made in memory given to it
//! (IORING_SETUP_NO_MMAP), which can then be mapped anywhere.

use super::pass::syscall;
use super::pointer::{GuestPtr, raw_or_null};
use super::signals::{CallError, interruptible};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// `struct io_uring_params`.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub struct UringParams {
    /// The sizes of the two rings.
    pub entries: [u32; 2],
    /// Flags, `IORING_SETUP_*`.
    pub flags: u32,
    /// The CPU and the idle time of the thread that polls for submissions; what the kernel supports.
    pub thread: [u32; 3],
    /// Another ring, whose workers are shared.
    pub workers: i32,
    reserved: [u32; 3],
    /// Where the parts of the ring of submissions are: the head, the tail, the mask, the number of entries, flags, what
    /// was dropped, and the indices.
    pub submissions: [u32; 8],
    /// The address of the submissions, with [`SETUP_NO_MMAP`].
    pub submissions_at: u64,
    completions: [u32; 8],
    /// The address of the rings, with [`SETUP_NO_MMAP`].
    pub completions_at: u64,
}

const SETUP_CQSIZE: u32 = 1 << 3;
/// The rings are in the caller's memory.
pub const SETUP_NO_MMAP: u32 = 1 << 14;

/// The largest numbers of entries.
const MAX_SUBMISSIONS: u32 = 1 << 15;
const MAX_COMPLETIONS: u32 = MAX_SUBMISSIONS * 2;

/// The largest sizes of a submission and of a completion.
const SUBMISSION: u64 = 128;
const COMPLETION: u64 = 32;

/// At least the size of the head of the rings.
const HEAD: u64 = 4096;

/// A part of a ring's memory that is mapped by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UringPart {
    /// The heads, the completions and the indices of submissions.
    Rings,
    /// The submissions.
    Submissions,
}

/// The memory of a ring.
#[derive(Debug)]
pub struct UringMemory {
    at: *mut c_void,
    rings: u64,
    submissions: u64,
}

// SAFETY: the address is that of a mapping of its own, which Rust accesses by atomics only. The kernel's calls on it may
// be made from any thread.
unsafe impl Send for UringMemory {}

// SAFETY: as above.
unsafe impl Sync for UringMemory {}

impl UringMemory {
    /// Memory for rings of these sizes, at least as much as the kernel uses: it rounds the numbers of entries up in the
    /// same way or refuses them, and has no larger entries than [`SUBMISSION`] and [`COMPLETION`].
    fn new(entries: u32, params: &UringParams) -> Result<Self, Errno> {
        let submissions = entries.clamp(1, MAX_SUBMISSIONS).next_power_of_two();
        let sized = params.flags & SETUP_CQSIZE != 0;
        let completions = if sized { params.entries[1].clamp(1, MAX_COMPLETIONS) } else { 2 * submissions };
        let completions = completions.next_power_of_two().max(submissions);
        let rings = HEAD + u64::from(completions) * COMPLETION + u64::from(submissions) * 4;
        let rings = rings.next_multiple_of(4096);
        let size = u64::from(submissions) * SUBMISSION;
        let submissions = size.next_multiple_of(4096);
        let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED | MapFlags::NORESERVE);
        // SAFETY: maps fresh memory.
        let at = unsafe { mmap_anonymous(std::ptr::null_mut(), (rings + submissions) as usize, protection, flags) }?;
        Ok(Self { at, rings, submissions })
    }

    /// io_uring_setup(2): a ring in new memory. `params` gets what the kernel says of it, as if it had mapped the rings
    /// itself. Returns the ring's descriptor, too.
    pub fn set_up(entries: u32, params: &mut UringParams) -> Result<(i32, Self), Errno> {
        let memory = Self::new(entries, params)?;
        let mut own = *params;
        own.flags |= SETUP_NO_MMAP;
        own.completions_at = memory.at.expose_provenance() as u64;
        own.submissions_at = own.completions_at + memory.rings;
        let fd = match set_up(entries, &mut own) {
            // A kernel before 6.10 does not support it, or only for rings of one page.
            Err(Errno::INVAL) if params.flags & SETUP_NO_MMAP == 0 => {
                let fd = set_up(entries, &mut params.clone())?;
                super::close(fd);
                return Err(Errno::NOSYS);
            }
            other => other?,
        };
        *params = UringParams { flags: params.flags, submissions_at: 0, completions_at: 0, ..own };
        Ok((fd, memory))
    }

    fn word(&self, part: UringPart, offset: u64) -> Option<&AtomicU32> {
        let start = if part == UringPart::Rings { 0 } else { self.rings };
        let fits = offset.is_multiple_of(4) && offset.checked_add(4)? <= self.len(part);
        // SAFETY: the word is inside the mapping, which lives as long as this, and aligned. The kernel and the guest
        // change it at any time; Rust accesses it as an atomic only.
        fits.then(|| unsafe { &*self.at.wrapping_byte_add((start + offset) as usize).cast::<AtomicU32>() })
    }

    /// Reads a word of a part; `None` outside.
    pub fn load(&self, part: UringPart, offset: u64) -> Option<u32> {
        Some(self.word(part, offset)?.load(Ordering::Acquire))
    }

    /// Writes a word of a part, if it is inside.
    pub fn store(&self, part: UringPart, offset: u64, value: u32) {
        if let Some(word) = self.word(part, offset) {
            word.store(value, Ordering::Release);
        }
    }

    /// The size of a part.
    pub fn len(&self, part: UringPart) -> u64 {
        match part {
            UringPart::Rings => self.rings,
            UringPart::Submissions => self.submissions,
        }
    }

    /// Maps the first `len` bytes of a part at another place, too.
    ///
    /// # Safety
    /// What is mapped in that range at `to` must be the caller's to replace.
    ///
    /// # Panics
    /// If the part is shorter, which is a bug in the caller.
    pub unsafe fn map_at(&self, part: UringPart, len: u64, to: *mut c_void) -> Result<(), Errno> {
        assert!(len <= self.len(part), "more than the ring's memory");
        let start = if part == UringPart::Rings { 0 } else { self.rings };
        let from = self.at as u64 + start;
        let flags = (libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED) as u64;
        // SAFETY: with an old length of zero, the kernel makes a second mapping of shared memory. The caller allows its
        // place.
        unsafe { syscall(libc::SYS_mremap, [from, 0, len, flags, to as u64, 0]) }.map(drop)
    }
}

impl Drop for UringMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own. The kernel and other mappings keep the pages that they use.
        let _ = unsafe { munmap(self.at, (self.rings + self.submissions) as usize) };
    }
}

fn set_up(entries: u32, params: &mut UringParams) -> Result<i32, Errno> {
    // SAFETY: the kernel reads and writes the structure. It keeps the pages for the rings that the structure names: those
    // of a `UringMemory`, which are enough, or those of the guest's choice, see `uring_in_guest_memory`.
    let fd = unsafe { syscall(libc::SYS_io_uring_setup, [entries.into(), &raw mut *params as u64, 0, 0, 0, 0]) };
    fd.map(|fd| fd as i32)
}

/// io_uring_setup(2) with rings in guest memory. The kernel follows the addresses in `params` unchecked, also to memory
/// of remu's: a guest that uses io_uring is trusted not to name any.
pub fn uring_in_guest_memory(entries: u32, params: &mut UringParams) -> Result<i32, Errno> {
    set_up(entries, params)
}

/// io_uring_enter(2).
///
/// The kernel follows the addresses in submissions unchecked, also to memory of remu's: a guest that uses io_uring is
/// trusted not to.
pub fn uring_enter(
    fd: i32,
    counts: [u32; 2],
    flags: u32,
    arg: Option<GuestPtr<'_>>,
    size: u64,
) -> Result<u64, CallError> {
    let [submit, wait] = counts.map(u64::from);
    let args = [fd as u64, submit, wait, flags.into(), raw_or_null(arg, size), size];
    // SAFETY: the argument is guest memory, and what submissions name is the guest's responsibility, see above.
    unsafe { interruptible(libc::SYS_io_uring_enter, args) }
}

/// io_uring_register(2), with an argument whose size depends on the operation. The kernel follows the addresses in it
/// unchecked.
pub fn uring_register(fd: i32, operation: u32, arg: Option<GuestPtr<'_>>, count: u32) -> Result<u64, CallError> {
    let args = [fd as u64, operation.into(), arg.map_or(0, |arg| arg.open().addr()), count.into(), 0, 0];
    // SAFETY: the argument starts in guest memory, which the kernel accesses from there upwards, so that it stops at the
    // guard at the latest. What the argument names is the guest's responsibility, see above.
    unsafe { interruptible(libc::SYS_io_uring_register, args) }
}
