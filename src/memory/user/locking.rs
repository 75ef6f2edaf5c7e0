//! Locked pages: mlock and its relatives.
//!
//! The host locks the pages and counts them against RLIMIT_MEMLOCK. The areas record it because pages that grow or
//! are mapped later may have to be locked as well.

use super::{MapError, State, UserSpace, failed};
use crate::memory::{GuestAddr, MlockMode};
use rustix::io::Errno;
use rustix::mm::MlockFlags;
use std::ffi::c_void;
use std::ops::Range;

impl UserSpace {
    /// mlock2(2) and munlock(2) of whole pages: ENOMEM at the first hole, after locking what comes before it.
    pub fn lock(&self, range: &Range<GuestAddr>, lock: MlockMode) -> Result<(), MapError> {
        let mut state = self.state();
        let mut at = range.start;
        for part in state.areas.parts(range) {
            if part.start != at {
                break;
            }
            self.lock_in(&mut state, &part, lock)?;
            at = part.end;
        }
        if at < range.end { Err(failed(Errno::NOMEM)) } else { Ok(()) }
    }

    /// mlockall(2) and munlockall(2): `now` applies to existing mappings if given, `future` to new ones. As in the
    /// kernel, a page that cannot be locked is not an error. The caller checks the limit.
    pub fn lock_all(&self, now: Option<MlockMode>, future: MlockMode) {
        let mut state = self.state();
        state.lock_future = future;
        let Some(lock) = now else { return };
        let areas: Vec<_> = state.areas.iter().map(|v| v.range.clone()).collect();
        for area in areas {
            let _ = self.lock_in(&mut state, &area, lock);
        }
    }

    fn lock_in(&self, state: &mut State, range: &Range<GuestAddr>, lock: MlockMode) -> Result<(), MapError> {
        self.lock_on_host(range, lock)?;
        state.areas.update(range, |v| v.lock = lock);
        Ok(())
    }

    /// Has the host lock or unlock the mapped parts of `range`.
    pub(super) fn lock_on_host(&self, range: &Range<GuestAddr>, lock: MlockMode) -> Result<(), MapError> {
        let len = range.end.0 - range.start.0;
        let at = self.host(range.start, len).map_err(|_| failed(Errno::NOMEM))?.cast::<c_void>();
        let len = len as usize;
        // SAFETY: guest memory inside the window; locking changes nothing that Rust can see.
        let done = unsafe {
            match lock {
                MlockMode::None => rustix::mm::munlock(at, len),
                MlockMode::Now => rustix::mm::mlock(at, len),
                MlockMode::OnFault => rustix::mm::mlock_with(at, len, MlockFlags::ONFAULT),
            }
        };
        done.map_err(failed)
    }
}
