//! Physical memory protection, as the CSRs of a hart currently set it.

use super::Level;
use crate::memory::{Access, PAGE_SIZE};

/// A PMP region. The first region that contains any byte of an access decides, and fails the access unless it
/// contains all of it (privileged specification, "Physical Memory Protection").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first address.
    pub start: u64,
    /// The last address.
    pub last: u64,
    /// Whether machine mode may make each kind of access, in the order of [`Access`].
    pub machine: [bool; 3],
    /// Whether less privileged modes may.
    pub others: [bool; 3],
}

/// The memory protection of a hart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PmpView {
    /// The regions in order of priority.
    pub regions: Vec<Region>,
    /// Whether machine mode may access memory that matches no region. Other modes may not, even if no region is enabled.
    pub unmatched: [bool; 3],
}

impl Default for PmpView {
    fn default() -> Self {
        Self { regions: Vec::new(), unmatched: [true; 3] }
    }
}

impl PmpView {
    /// Whether an access to `len` bytes is allowed.
    pub(super) fn allow(&self, addr: u64, len: u64, access: Access, level: Level) -> bool {
        let last = addr.saturating_add(len - 1);
        let machine = level == Level::Machine;
        match self.regions.iter().find(|r| addr <= r.last && last >= r.start) {
            Some(r) if addr < r.start || last > r.last => false,
            Some(r) if machine => r.machine[access as usize],
            Some(r) => r.others[access as usize],
            None => machine && self.unmatched[access as usize],
        }
    }

    /// Whether the same rule applies to the whole page.
    pub(super) fn is_uniform(&self, page: u64) -> bool {
        let last = page + (PAGE_SIZE - 1);
        self.regions
            .iter()
            .find(|r| page <= r.last && last >= r.start)
            .is_none_or(|r| page >= r.start && last <= r.last)
    }
}
