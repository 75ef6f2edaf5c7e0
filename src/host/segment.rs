//! System V shared memory segments.

use super::pass::syscall;
use rustix::io::Errno;
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// A segment attached at an address of the kernel's choice. Dropping it detaches the segment.
#[derive(Debug)]
pub struct AttachedSegment {
    at: *mut c_void,
    size: u64,
}

impl AttachedSegment {
    /// shmat(2). Only the flags SHM_RDONLY and SHM_EXEC have an effect.
    pub fn attach(id: i32, flags: i32) -> Result<Self, Errno> {
        let flags = flags & (libc::SHM_RDONLY | libc::SHM_EXEC);
        // SAFETY: without an address and SHM_REMAP, the kernel maps the segment at an unused address.
        let at = unsafe { syscall(libc::SYS_shmat, [id as u64, 0, flags as u64, 0, 0, 0])? };
        let mut attached = Self { at: at as *mut c_void, size: 0 };
        // The size can be read only now: while a segment is attached, its ID cannot be reused.
        let mut status = MaybeUninit::<libc::shmid_ds>::uninit();
        // SAFETY: the kernel writes one structure, which is live.
        unsafe {
            let args = [id as u64, libc::IPC_STAT as u64, status.as_mut_ptr() as u64, 0, 0, 0];
            syscall(libc::SYS_shmctl, args)?;
            attached.size = status.assume_init().shm_segsz as u64;
        }
        Ok(attached)
    }

    /// The size in bytes with which the segment was created.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Moves the attachment to `to`, replacing what is mapped there.
    ///
    /// # Safety
    /// The pages of the segment's size from `to` must be the caller's to replace.
    pub unsafe fn move_to(self, to: *mut c_void) -> Result<(), Errno> {
        let size = self.size as usize;
        // SAFETY: nothing else knows the address of the attachment, so it is ours alone. The target is the caller's.
        unsafe { rustix::mm::mremap_fixed(self.at, size, size, rustix::mm::MremapFlags::MAYMOVE, to)? };
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for AttachedSegment {
    fn drop(&mut self) {
        // SAFETY: detaches what `attach` attached. Nothing else knows the address.
        let detached = unsafe { syscall(libc::SYS_shmdt, [self.at as u64, 0, 0, 0, 0, 0]) };
        debug_assert!(detached.is_ok());
    }
}
