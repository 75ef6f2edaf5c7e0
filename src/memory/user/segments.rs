//! System V shared memory: attaching and detaching segments.
//!
//! A guest attachment is a host attachment at the same place, so the host counts them.

use super::{MapError, State, UserSpace, failed};
use crate::host;
use crate::memory::{Attachment, GuestAddr, Source, Vma};
use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use rustix::mm::{MprotectFlags, ProtFlags};
use std::ffi::c_void;
use std::path::Path;

/// A segment to be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShmSegment {
    /// Its number (shmid).
    pub id: i32,
    /// Its key, from which its name in /proc/self/maps is made.
    pub key: i32,
    /// SHM_RDONLY and SHM_EXEC, for which the host checks the segment's permissions.
    pub flags: i32,
}

impl ShmSegment {
    /// Attaches the segment at `at`, replacing what is mapped there.
    pub(super) fn attach(&self, at: *mut c_void, len: u64, prot: ProtFlags) -> Result<Source, MapError> {
        // The kernel keeps segments in the same file system as memory files.
        let memory = rustix::fs::memfd_create(c"segment", MemfdFlags::CLOEXEC).map_err(failed)?;
        let dev = rustix::fs::fstat(&memory).map_err(failed)?.st_dev;
        // SAFETY: replaces guest memory inside the window, which Rust holds no reference into. The caller has made
        // the range as long as the segment, whose size never changes.
        unsafe { host::attach_segment(self.id, at, self.flags) }.map_err(failed)?;
        if self.flags & libc::SHM_EXEC != 0 {
            let prot = MprotectFlags::from_bits_retain(prot.bits());
            // SAFETY: changes only the guest memory just mapped.
            unsafe { rustix::mm::mprotect(at, len as usize, prot) }.map_err(failed)?;
        }
        let path = format!("/SYSV{:08x} (deleted)", self.key);
        Ok(Source::File { path: Path::new(&path).into(), offset: 0, id: (dev, self.id as u64) })
    }
}

impl State {
    /// The attachment for a segment of `size` bytes, whole pages, that has just been attached.
    pub(super) fn new_attachment(&mut self, size: u64) -> Attachment {
        self.attachments += 1;
        Attachment { number: self.attachments, size }
    }
}

/// The attachment that `area` belongs to, and the address at which it begins or began.
fn base(area: &Vma) -> Option<(Attachment, u64)> {
    match (area.attachment, &area.source) {
        (Some(attachment), Source::File { offset, .. }) => Some((attachment, area.range.start.0.wrapping_sub(*offset))),
        _ => None,
    }
}

impl UserSpace {
    /// shmdt(2): unmaps what is left, in its original place, of the segment attached at `addr`.
    pub fn detach(&self, addr: GuestAddr) -> Result<(), MapError> {
        let mut state = self.state();
        let from = addr..self.limit().max(addr);
        let mut parts = state.areas.overlapping(&from).filter(|area| area.range.start >= addr);
        let is_part = |area: &Vma| base(area).filter(|(_, base)| *base == addr.0).map(|(attachment, _)| attachment);
        let (first, attachment) =
            parts.find_map(|area| Some((area.range.clone(), is_part(area)?))).ok_or(failed(Errno::INVAL))?;
        let rest = parts
            .take_while(|area| area.range.end.0 - addr.0 <= attachment.size)
            .filter(|area| is_part(area) == Some(attachment))
            .map(|area| area.range.clone());
        let gone: Vec<_> = std::iter::once(first).chain(rest).collect();
        // As in the kernel, a part that cannot be unmapped stays without an error.
        for part in gone {
            let _ = self.unmap_in(&mut state, &part);
        }
        Ok(())
    }
}
