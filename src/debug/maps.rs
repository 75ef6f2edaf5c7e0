//! The log items about the address space: `mmu` logs its changes, `page` the memory map.

use super::Log;
use crate::memory::{AreaChange, AreaObserver, GuestAddr, GuestFault, Source, UserSpace, Vma};
use std::fmt::Write;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Logs changes of an address space.
#[derive(Debug)]
pub struct MapLog {
    log: Log,
    mmu: bool,
    page: bool,
    /// Whether the map has changed since it was logged.
    changed: AtomicBool,
}

impl MapLog {
    /// Logs each change if `mmu` is set, and the map after changes if `page` is set.
    pub fn new(log: Log, mmu: bool, page: bool) -> Self {
        Self { log, mmu, page, changed: AtomicBool::new(true) }
    }

    /// Logs the map if it has changed.
    pub fn update(&self, space: &UserSpace) {
        if self.page && self.changed.swap(false, Ordering::Relaxed) {
            let mut text = String::from("page\n");
            for area in space.vmas() {
                let _ = writeln!(text, "  {}", described(&area));
            }
            self.log.put(&text);
        }
    }

    /// Logs a fault of the instruction at `pc`.
    pub fn fault(&self, fault: &GuestFault, pc: u64) {
        if !self.mmu {
            return;
        }
        self.log.put(&format!("mmu fault at {pc:#x}: {fault}\n"));
    }
}

impl AreaObserver for MapLog {
    fn areas_changed(&self, change: AreaChange<'_>) {
        self.changed.store(true, Ordering::Relaxed);
        if !self.mmu {
            return;
        }
        let what = match change {
            AreaChange::Mapped(area) => format!("map {}", described(area)),
            AreaChange::Unmapped(range) => format!("unmap {}", addresses(range)),
            AreaChange::Protected(range, prot) => format!("protect {} {prot}", addresses(range)),
            AreaChange::Grown(range) => format!("grow {}", addresses(range)),
        };
        self.log.put(&format!("mmu {what}\n"));
    }
}

fn addresses(range: &Range<GuestAddr>) -> String {
    format!("{:#014x}-{:#014x}", range.start.0, range.end.0)
}

/// An area in the style of /proc/self/maps.
fn described(area: &Vma) -> String {
    let what = match &area.source {
        Source::Anonymous => String::new(),
        Source::Named(name) => format!(" {name}"),
        Source::File { path, offset, .. } => format!(" {} {offset:#x}", path.display()),
    };
    format!("{} {}{}{what}", addresses(&area.range), area.prot, if area.shared { 's' } else { 'p' })
}
