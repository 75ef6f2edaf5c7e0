//! remap_file_pages: reorders the pages of a file mapping. The kernel now emulates it by mapping over the mapping,
//! and so does this.

use super::{MapError, UserSpace, failed};
use crate::host;
use crate::memory::{GuestAddr, PAGE_SIZE, Source, Vma};
use rustix::io::Errno;

impl UserSpace {
    /// remap_file_pages(2): maps the file from page `page` on over a part of its shared mapping.
    pub fn remap_file_pages(&self, addr: GuestAddr, len: u64, page: u64, flags: u32) -> Result<(), MapError> {
        let invalid = failed(Errno::INVAL);
        let start = addr.page_floor();
        let len = GuestAddr(len).page_floor().0;
        if page.checked_add(len / PAGE_SIZE).is_none() {
            return Err(invalid);
        }
        let range = self.check_range(start, len).map_err(|_| invalid)?;
        let mut state = self.state();
        let mut areas = state.areas.overlapping(&range);
        let first = areas.next().filter(|v| v.range.start <= start && v.shared).ok_or(invalid)?.clone();
        let mut end = first.range.end;
        let same = |v: &Vma| v.prot == first.prot && file(v) == file(&first) && v.attachment == first.attachment;
        for next in areas {
            if next.range.start != end || !next.shared || !same(next) {
                return Err(invalid);
            }
            end = next.range.end;
        }
        if end < range.end {
            return Err(invalid);
        }
        state.check_unsealed(&range)?;
        let at = self.host(start, len).map_err(|_| invalid)?.cast();
        // SAFETY: replaces guest memory inside the window, which Rust holds no reference into.
        if let Err(e) = unsafe { host::remap_file_pages(at, len, page, flags) } {
            self.give_up_holes(&mut state, &range);
            return Err(failed(e));
        }
        let source = match &first.source {
            Source::File { path, id, .. } => Source::File { path: path.clone(), offset: page * PAGE_SIZE, id: *id },
            other => other.clone(),
        };
        let replaced = state.areas.insert(Vma { range, source, ..first });
        state.notify_replaced(&replaced);
        Ok(())
    }
}

/// The file that an area maps.
fn file(area: &Vma) -> Option<(u64, u64)> {
    match area.source {
        Source::File { id, .. } => Some(id),
        _ => None,
    }
}
