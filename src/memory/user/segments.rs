//! System V shared memory: attaching and detaching segments.
//!
//! A guest attachment is a host attachment at the same place, so the host counts them.

use super::{MapError, State, UserSpace, failed};
use crate::host;
use crate::memory::{Attachment, GuestAddr, Source, Vma, page_len};
use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use rustix::mm::{MprotectFlags, ProtFlags};
use std::ffi::c_void;
use std::ops::Range;
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

impl UserSpace {
    /// Attaches a segment, which should be as long as `range`, and replaces what is mapped there. Fails without a change
    /// if the segment may not be attached at all; otherwise the range is lost.
    ///
    /// The kernel replaces mappings only over the whole segment (SHM_REMAP), whose size may have changed. So the range is
    /// unmapped first, and the kernel refuses a segment that does not fit. Nor can it be attached elsewhere and then
    /// moved: that would set the time of its last detachment.
    pub(super) fn attach(
        &self,
        state: &mut State,
        segment: &ShmSegment,
        range: &Range<GuestAddr>,
        prot: ProtFlags,
    ) -> Result<Source, MapError> {
        let len = range.end.0 - range.start.0;
        let at = self.host(range.start, len).map_err(|_| failed(Errno::NOMEM))?.cast::<c_void>();
        // The kernel keeps segments in the same file system as memory files.
        let memory = rustix::fs::memfd_create(c"segment", MemfdFlags::CLOEXEC).map_err(failed)?;
        let dev = rustix::fs::fstat(&memory).map_err(failed)?.st_dev;
        // The range is mapped, so this fails. It does so with EINVAL unless the segment may not be attached at all.
        match host::attach_segment(segment.id, at, segment.flags) {
            Err(Errno::INVAL) => {}
            Err(error) => return Err(failed(error)),
            Ok(_) => unreachable!("the window is mapped everywhere"),
        }
        // SAFETY: unmaps guest memory inside the window, which Rust holds no reference into.
        unsafe { rustix::mm::munmap(at, len as usize) }.map_err(failed)?;
        let attached = attach_exactly(segment, at, len, prot);
        if attached.is_err() {
            // Another thread of remu may have mapped something there meanwhile.
            self.give_up_unmapped(state, range);
        }
        attached?;
        let path = format!("/SYSV{:08x} (deleted)", segment.key);
        Ok(Source::File { path: Path::new(&path).into(), offset: 0, id: (dev, segment.id as u64) })
    }
}

/// Attaches a segment of `len` bytes where nothing is mapped. If it fails, nothing is attached.
fn attach_exactly(segment: &ShmSegment, at: *mut c_void, len: u64, prot: ProtFlags) -> Result<(), MapError> {
    // The number may have become that of another segment since the caller asked for its size.
    let size = host::attach_segment(segment.id, at, segment.flags).map_err(failed)?;
    let result = match page_len(size) == Some(len) {
        false => Err(Errno::INVAL),
        true if segment.flags & libc::SHM_EXEC == 0 => Ok(()),
        // SAFETY: changes only the guest memory just mapped.
        true => unsafe { rustix::mm::mprotect(at, len as usize, MprotectFlags::from_bits_retain(prot.bits())) },
    };
    if result.is_err() {
        // SAFETY: the attachment was made just above, inside the window.
        unsafe { host::detach_segment(at) }.map_err(failed)?;
    }
    result.map_err(failed)
}

impl State {
    /// The attachment for a segment or ring of `size` bytes, whole pages, that has just been mapped.
    pub(super) fn new_attachment(&mut self, size: u64, is_ring: bool) -> Attachment {
        self.attachments += 1;
        Attachment { number: self.attachments, is_ring, size }
    }
}

/// The attachment that `area` belongs to, and the address at which it begins or began.
fn base(area: &Vma) -> Option<(Attachment, u64)> {
    match (area.attachment, &area.source) {
        (Some(attachment), Source::File { offset, .. }) if !attachment.is_ring => {
            Some((attachment, area.range.start.0.wrapping_sub(*offset)))
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Sys, SysArg};
    use crate::memory::{Backing, MapRequest, PAGE_SIZE, Place, Prot, SpaceConfig};
    use rustix::mm::MapFlags;

    fn pass(call: Sys, numbers: &[i32]) -> u64 {
        let mut args: Vec<_> = numbers.iter().map(|&n| SysArg::Val(n as u64)).collect();
        host::pass(call, &mut args).unwrap()
    }

    /// The caller asks for a segment's size and then attaches it. Another process may meanwhile remove the segment
    /// and create a larger or smaller one that gets the same number.
    #[test]
    fn a_segment_of_another_size_than_expected_is_not_attached() {
        let mem = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).unwrap();
        let at = Place::Fixed(GuestAddr(0x20_0000));
        mem.map(&MapRequest::anonymous(at, 4 * PAGE_SIZE, Prot::READ | Prot::WRITE)).unwrap();
        for page in 0..4 {
            mem.write(GuestAddr(0x20_0000 + page * PAGE_SIZE), &(page + 1)).unwrap();
        }
        let id = pass(Sys::Shmget, &[libc::IPC_PRIVATE, 2 * PAGE_SIZE as i32, 0o600]) as i32;
        let backing = Backing::ShmSegment(ShmSegment { id, key: 0, flags: 0 });
        let attach = |pages: u64| {
            let request = MapRequest::anonymous(at, pages * PAGE_SIZE, Prot::READ | Prot::WRITE);
            mem.map(&MapRequest { shared: true, backing: backing.clone(), ..request })
        };
        let results = [1, 3].map(attach);
        let word = |page: u64| mem.read::<u64>(GuestAddr(0x20_0000 + page * PAGE_SIZE)).ok();
        let kept = [0, 1, 2, 3].map(word);
        let fits = attach(2);
        let after = [0, 1, 2, 3].map(word);
        let mut remove = [SysArg::Val(id as u64), SysArg::Val(libc::IPC_RMID as u64), SysArg::Null];
        host::pass(Sys::Shmctl, &mut remove).unwrap();
        assert_eq!(results, [Err(failed(Errno::INVAL)); 2]);
        // What was to be replaced is gone, as after a call that fails half-way. What lies beyond is not touched.
        assert_eq!(kept, [None, None, None, Some(4)]);
        assert!(fits.is_ok());
        assert_eq!(after, [Some(0), Some(0), None, Some(4)]);
    }

    /// Between unmapping a range and attaching a segment there, another thread of remu may map something in it.
    #[test]
    fn what_has_been_mapped_into_a_hole_is_kept() {
        let mem = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).unwrap();
        let start = GuestAddr(0x20_0000);
        let request = MapRequest::anonymous(Place::Fixed(start), 2 * PAGE_SIZE, Prot::READ | Prot::WRITE);
        mem.map(&request).unwrap();
        let range = start..start.offset(2 * PAGE_SIZE);
        let host = mem.host(start, 2 * PAGE_SIZE).unwrap();
        let (prot, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
        // SAFETY: guest memory, which Rust holds no reference into, and then a page that only this test knows.
        let foreign = unsafe {
            rustix::mm::munmap(host.cast(), 2 * PAGE_SIZE as usize).unwrap();
            let page = rustix::mm::mmap_anonymous(host.cast(), PAGE_SIZE as usize, prot, flags).unwrap().cast::<u32>();
            page.write(7);
            page
        };
        mem.give_up_unmapped(&mut mem.state(), &range);
        // SAFETY: the page is mapped unless what is tested has replaced it, by another one.
        assert_eq!(unsafe { foreign.read_volatile() }, 7);
        assert_eq!(mem.vma_at(start).map(|area| area.source), Some(Source::Named("[unusable]")));
    }
}
