//! System V shared memory segments.

use super::pass::syscall;
use rustix::io::Errno;
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// shmat(2) where nothing is mapped; fails with EINVAL if anything is, over the whole length of the segment. Returns the
/// size that the segment was created with. The flags are SHM_RDONLY and SHM_EXEC; others have no effect.
pub fn attach_segment(id: i32, at: *mut c_void, flags: i32) -> Result<u64, Errno> {
    let flags = flags & (libc::SHM_RDONLY | libc::SHM_EXEC);
    // SAFETY: without SHM_REMAP the kernel replaces no mapping.
    unsafe { syscall(libc::SYS_shmat, [id as u64, at as u64, flags as u64, 0, 0, 0])? };
    let mut status = MaybeUninit::<libc::shmid_ds>::uninit();
    // The id stays that of this segment while it is attached. Who may attach it may ask for its status.
    // SAFETY: the kernel writes one structure, which is live, unless it fails.
    let size = unsafe {
        let args = [id as u64, libc::IPC_STAT as u64, status.as_mut_ptr() as u64, 0, 0, 0];
        syscall(libc::SYS_shmctl, args).map(|_| status.assume_init().shm_segsz as u64)
    };
    if size.is_err() {
        // SAFETY: undoes the attachment made above, which no caller knows of.
        let _ = unsafe { syscall(libc::SYS_shmdt, [at as u64, 0, 0, 0, 0, 0]) };
    }
    size
}

/// shmdt(2).
///
/// # Safety
/// The attachment at `at` must be the caller's to unmap.
pub unsafe fn detach_segment(at: *mut c_void) -> Result<(), Errno> {
    // SAFETY: as promised by the caller.
    unsafe { syscall(libc::SYS_shmdt, [at as u64, 0, 0, 0, 0, 0]) }.map(drop)
}
