//! The log items about the address space: `mmu` for what becomes of it, `page` for the map of it.

use super::Log;
use crate::memory::{AreaChange, AreaObserver, GuestAddr, GuestFault, Source, UserSpace, Vma};
use std::fmt::Write;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes changes of an address space to a log, as far as they are wanted.
#[derive(Debug)]
pub struct MapLog {
    log: Log,
    mmu: bool,
    page: bool,
    /// Whether the map has changed since it was written.
    changed: AtomicBool,
}

impl MapLog {
    /// Logs each change if `mmu`, and the map that comes of changes if `page`.
    pub fn new(log: Log, mmu: bool, page: bool) -> Self {
        Self { log, mmu, page, changed: AtomicBool::new(true) }
    }

    /// Writes the map if it is wanted and is not what it was the last time.
    pub fn update(&self, space: &UserSpace) {
        if self.page && self.changed.swap(false, Ordering::Relaxed) {
            let mut text = String::from("page\n");
            for area in space.vmas() {
                let _ = writeln!(text, "  {}", described(&area));
            }
            self.log.put(&text);
        }
    }

    /// Writes an access that was refused to the instruction at `pc`.
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

/// An area in the manner of /proc/self/maps.
fn described(area: &Vma) -> String {
    let what = match &area.source {
        Source::Anonymous => String::new(),
        Source::Named(name) => format!(" {name}"),
        Source::File { path, offset, .. } => format!(" {} {offset:#x}", path.display()),
    };
    format!("{} {}{}{what}", addresses(&area.range), area.prot, if area.shared { 's' } else { 'p' })
}
