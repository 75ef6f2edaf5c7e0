//! Robust lists: the kernel marks the locks of a thread that exits while holding them.
//!
//! The kernel walks the list after the thread exits. remu walks it on every exit that it handles.

use super::vm::foreign;
use crate::host::{self, FutexWake};
use crate::linux::call::Call;
use crate::linux::outcome::SysResult;
use crate::linux::task::Task;
use crate::memory::{AtomicSize, GuestAddr, GuestMemory};
use rustix::io::Errno;

/// The size of `struct robust_list_head`: the first entry, the offset from an entry to its lock, and the entry being
/// added or removed.
const HEAD: u64 = 24;

/// The maximum number of locks handled (ROBUST_LIST_LIMIT).
const LIMIT: usize = 2048;

const FUTEX_WAITERS: u32 = 0x8000_0000;
const FUTEX_OWNER_DIED: u32 = 0x4000_0000;
const FUTEX_TID_MASK: u32 = 0x3fff_ffff;

pub(in crate::linux) fn set_robust_list(c: &mut Call<'_>) -> SysResult {
    if c.args[1] != HEAD {
        return Err(Errno::INVAL.into());
    }
    c.task.robust_list = (c.args[0], c.args[1]);
    // The host marks the locks of a thread that is killed.
    if c.task.mm.is_identity() {
        host::set_robust_list(c.task.mm.host_range(c.addr(0), HEAD).ok().filter(|_| c.args[0] != 0));
    }
    Ok(0)
}

pub(in crate::linux) fn get_robust_list(c: &mut Call<'_>) -> SysResult {
    let who = c.int(0);
    let is_own = who == 0 || who == c.task.tid();
    let head = match who {
        _ if is_own => c.task.robust_list.0,
        _ if c.task.mm.is_identity() => {
            // A thread that has set none has that of remu's C library, outside the guest's memory.
            Some(host::robust_list(who)?).filter(|&head| head < c.task.mm.limit().0).unwrap_or(0)
        }
        other => return Err(foreign(c, other)),
    };
    c.write(c.args[2], &HEAD)?;
    c.write(c.args[1], &head)?;
    Ok(0)
}

impl Task {
    /// Marks the locks on the list as those of a dead owner, and wakes one waiter of each.
    pub(in crate::linux) fn release_robust_list(&mut self) {
        let (head, _) = std::mem::take(&mut self.robust_list);
        if head != 0 {
            if self.mm.is_identity() {
                host::set_robust_list(None);
            }
            // As in the kernel, a list that cannot be read is ignored.
            let _ = self.walk_robust_list(head);
        }
    }

    fn walk_robust_list(&self, head: u64) -> Result<(), Errno> {
        let word = |addr: u64| self.mm.read::<u64>(GuestAddr(addr)).map_err(Errno::from);
        // The lowest bit of an entry's address marks a priority-inheritance lock.
        let fetch = |addr: u64| word(addr).map(|entry| (entry & !1, entry & 1 != 0));
        let (mut entry, mut inherits) = fetch(head)?;
        let offset = word(head.wrapping_add(8))?;
        let (pending, pending_inherits) = fetch(head.wrapping_add(16))?;
        for _ in 0..LIMIT {
            if entry == head {
                break;
            }
            let next = fetch(entry);
            if entry != pending {
                self.owner_died(entry.wrapping_add(offset), inherits, false)?;
            }
            (entry, inherits) = next?;
        }
        if pending == 0 { Ok(()) } else { self.owner_died(pending.wrapping_add(offset), pending_inherits, true) }
    }

    fn owner_died(&self, lock: u64, inherits: bool, pending: bool) -> Result<(), Errno> {
        let addr = GuestAddr(lock);
        if !lock.is_multiple_of(4) {
            return Err(Errno::FAULT);
        }
        loop {
            let value: u32 = self.mm.read(addr)?;
            let owner = value & FUTEX_TID_MASK;
            if pending && !inherits && owner == 0 {
                // The owner died while unlocking, and may not have woken the waiter.
                self.wake_one(addr);
                return Ok(());
            }
            if owner != self.tid() as u32 {
                return Ok(());
            }
            let died = value & FUTEX_WAITERS | FUTEX_OWNER_DIED;
            let seen = self.mm.compare_exchange(AtomicSize::B4, addr, value.into(), died.into());
            if seen.map_err(|_| Errno::FAULT)? == u64::from(value) {
                if !inherits && value & FUTEX_WAITERS != 0 {
                    self.wake_one(addr);
                }
                return Ok(());
            }
        }
    }

    fn wake_one(&self, lock: GuestAddr) {
        let Ok(word) = self.mm.host_range(lock, 4) else { return };
        // Having no waiter is not an error.
        let _ = FutexWake::WAKE.make(Some(word), 1, 0);
    }
}
