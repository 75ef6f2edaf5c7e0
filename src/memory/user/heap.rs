//! The heap: brk.

use super::{Backing, MapRequest, Place, UserSpace, failed};
use crate::memory::vma::page_len;
use crate::memory::{GuestAddr, PAGE_SIZE, Prot};
use rustix::io::Errno;

impl UserSpace {
    /// Sets the start of the heap, to which randomisation is added. The heap is empty at first.
    ///
    /// `program_data` is the size of the program's own data.
    pub fn set_heap(&self, start: GuestAddr, program_data: u64) {
        let start = start.page_ceil().unwrap_or(start);
        let mut state = self.state();
        let moved = start.offset(state.layout.heap_shift);
        // In a small address space, another mapping may be in the way.
        let free = moved.0 < self.window.limit() && state.areas.has_room(&(start..moved));
        let start = if free { moved.0 } else { start.0 };
        state.heap = start..start;
        state.program_data = program_data;
    }

    /// brk(2): moves the end of the heap if possible, and returns the end.
    pub fn brk(&self, new: GuestAddr) -> GuestAddr {
        let mut state = self.state();
        let heap = state.heap.clone();
        let pages = |a: u64| page_len(a).unwrap_or(u64::MAX);
        let (old_end, new_end) = (pages(heap.end), pages(new.0));
        let data = (new.0.saturating_sub(heap.start)).saturating_add(state.program_data);
        if new.0 < heap.start || new_end > self.window.limit() || data > state.limits.heap {
            return GuestAddr(heap.end);
        }
        let moved = match new_end.cmp(&old_end) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Less => self.unmap_in(&mut state, &(GuestAddr(new_end)..GuestAddr(old_end))),
            // As in the kernel, the heap keeps a page's distance to the area above.
            std::cmp::Ordering::Greater
                if !state.areas.has_room(&(GuestAddr(old_end)..GuestAddr(new_end.saturating_add(PAGE_SIZE)))) =>
            {
                Err(failed(Errno::NOMEM))
            }
            std::cmp::Ordering::Greater => {
                let place = Place::Exactly(GuestAddr(old_end));
                let backing = Backing::Anonymous(Some("[heap]"));
                let prot = Prot::READ | Prot::WRITE;
                let request = MapRequest { backing, ..MapRequest::anonymous(place, new_end - old_end, prot) };
                self.map_in(&mut state, &request).map(|_| ())
            }
        };
        match moved {
            Ok(()) => {
                state.heap.end = new.0;
                new
            }
            Err(_) => GuestAddr(heap.end),
        }
    }
}
