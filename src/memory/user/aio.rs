//! The rings of completions of asynchronous I/O contexts. The kernel maps a ring at an address of its own choice, from
//! where it is moved into guest memory.

use super::{Backing, MapError, MapRequest, Place, UserSpace, failed};
use crate::host::{self, AioRing};
use crate::memory::{GuestAddr, Prot, Source};
use rustix::io::Errno;
use std::cell::RefCell;
use std::ffi::c_void;
use std::path::Path;

/// A ring that is to be mapped.
pub type NewRing = RefCell<Option<AioRing>>;

/// Moves the ring to its place.
pub(super) fn place(ring: &NewRing, at: *mut c_void) -> Result<Source, MapError> {
    let ring = ring.take().expect("a ring is mapped once");
    // SAFETY: replaces guest memory inside the window, which Rust holds no reference into.
    unsafe { ring.move_to(at) }.map_err(failed)?;
    // The kernel's file system of rings has no path, and each ring a file of its own that cannot be asked for.
    Ok(Source::File { path: Path::new("/[aio] (deleted)").into(), offset: 0, id: (0, 0) })
}

impl UserSpace {
    /// Makes a context for asynchronous I/O. Its name is the address of its ring.
    pub fn new_ring(&self, events: u32) -> Result<GuestAddr, MapError> {
        let ring = AioRing::new(events).map_err(failed)?;
        let place = Place::Anywhere { hint: None };
        let request = MapRequest::anonymous(place, ring.size(), Prot::READ | Prot::WRITE);
        let ring = RefCell::new(Some(ring));
        self.map(&MapRequest { shared: true, backing: Backing::AioRing(&ring), ..request })
    }

    /// Ends a context, and unmaps its ring.
    pub fn destroy_ring(&self, context: GuestAddr) -> Result<(), MapError> {
        let mut state = self.state();
        let area = state.areas.find(context).filter(|area| area.range.start == context);
        let ring = area.and_then(|area| area.attachment).filter(|attachment| attachment.is_ring);
        let range = context..context.offset(ring.ok_or(failed(Errno::INVAL))?.size);
        // SAFETY: the ring is in guest memory, which Rust holds no reference into.
        unsafe { host::aio_destroy(context.0) }.map_err(failed)?;
        // The kernel has unmapped the ring itself.
        self.give_up_unmapped(&mut state, &range);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::SpaceConfig;

    /// The context and the reservation under its ring are gone.
    #[test]
    fn a_ring_is_guest_memory_until_its_context_ends() {
        let mem = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).unwrap();
        let at = mem.new_ring(1).unwrap();
        let host = GuestAddr(at.0 + mem.host_offset());
        let area = mem.vma_at(at).unwrap();
        assert!(area.shared && area.attachment.is_some_and(|ring| ring.is_ring && ring.size == area.len()));
        assert_eq!(mem.read::<u32>(at.offset(16)), Ok(0xa10a_10a1), "the magic number");
        assert_eq!(mem.detach(at), Err(failed(Errno::INVAL)), "it is no segment");
        assert!(host::aio_submit(host.0, None).is_ok(), "the context has moved");
        assert_eq!(mem.destroy_ring(at.offset(4096)), Err(failed(Errno::INVAL)));
        // The name is a guest address: this only works where that is the host's.
        assert_eq!(mem.destroy_ring(at), Err(failed(Errno::INVAL)));
        assert!(mem.vma_at(at).is_some());
    }
}
