//! The walk of page tables (privileged specification, "Supervisor-Level ISA", Sv32 to Sv57, Svnapot, Svpbmt, Svade and
//! Svadu).

use crate::memory::{Access, FaultKind, PAGE_SIZE};

/// The privilege of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// User mode.
    User,
    /// Supervisor mode.
    Supervisor,
    /// Machine mode, whose addresses are physical.
    Machine,
}

/// How addresses are translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Paging {
    Bare,
    Sv32,
    Sv39,
    Sv48,
    Sv57,
}

impl Paging {
    const fn levels(self) -> u32 {
        match self {
            Paging::Bare => 0,
            Paging::Sv32 => 2,
            Paging::Sv39 => 3,
            Paging::Sv48 => 4,
            Paging::Sv57 => 5,
        }
    }

    /// Bits of the address that select an entry at each level.
    const fn index_bits(self) -> u32 {
        if matches!(self, Paging::Sv32) { 10 } else { 9 }
    }

    /// The size of an entry in bytes.
    pub(super) const fn entry_size(self) -> u64 {
        if matches!(self, Paging::Sv32) { 4 } else { 8 }
    }

    /// Whether the upper bits of an address are all equal to the highest translated one.
    const fn is_canonical(self, addr: u64) -> bool {
        let unused = 64 - (12 + self.levels() * self.index_bits());
        matches!(self, Paging::Bare | Paging::Sv32) || ((addr << unused) as i64 >> unused) as u64 == addr
    }
}

/// What the translation of an address depends on, besides the page tables themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regime {
    /// The privilege.
    pub level: Level,
    /// The kind of page tables.
    pub paging: Paging,
    /// The physical address of the root table.
    pub root: u64,
    /// The address-space identifier.
    pub asid: u16,
    /// Supervisor mode may access user pages (`mstatus.SUM`).
    pub sum: bool,
    /// Executable pages are readable (`mstatus.MXR`).
    pub mxr: bool,
}

impl Regime {
    /// That of machine mode.
    pub const MACHINE: Self =
        Self { level: Level::Machine, paging: Paging::Bare, root: 0, asid: 0, sum: false, mxr: false };
}

/// Extensions of page tables that `menvcfg` enables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalkOptions {
    /// The hart sets the accessed and dirty bits (Svadu). Otherwise an access that finds them clear faults (Svade).
    pub sets_accessed: bool,
    /// Entries may select a memory type (Svpbmt).
    pub memory_types: bool,
}

const V: u64 = 1;
const R: u64 = 1 << 1;
const W: u64 = 1 << 2;
const X: u64 = 1 << 3;
const U: u64 = 1 << 4;
const A: u64 = 1 << 6;
const D: u64 = 1 << 7;
const RESERVED: u64 = 0x7f << 54;
const PBMT: u64 = 3 << 61;
const N: u64 = 1 << 63;

/// Physical memory as a walk accesses it, with the privilege of supervisor mode.
pub(super) trait Tables {
    /// Reads an entry; `None` is an access fault.
    fn read(&self, addr: u64, size: u64) -> Option<u64>;

    /// Replaces an entry if it still is `old`; yields whether it was. `None` is an access fault.
    fn replace(&self, addr: u64, size: u64, old: u64, new: u64) -> Option<bool>;
}

/// The page that holds an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Translation {
    /// The physical address.
    pub addr: u64,
    /// The size of the page that the entry maps.
    pub page_size: u64,
}

/// Translates an address.
pub(super) fn translate(
    tables: &impl Tables,
    regime: &Regime,
    options: WalkOptions,
    addr: u64,
    access: Access,
) -> Result<Translation, FaultKind> {
    let Regime { paging, .. } = *regime;
    if paging == Paging::Bare {
        return Ok(Translation { addr, page_size: PAGE_SIZE });
    }
    if !paging.is_canonical(addr) {
        return Err(FaultKind::PageFault);
    }
    // Again if another hart has changed the entry meanwhile.
    loop {
        if let Some(found) = walk(tables, regime, options, addr, access)? {
            return Ok(found);
        }
    }
}

/// One walk; `None` if the entry has changed meanwhile.
fn walk(
    tables: &impl Tables,
    regime: &Regime,
    options: WalkOptions,
    addr: u64,
    access: Access,
) -> Result<Option<Translation>, FaultKind> {
    let (paging, size) = (regime.paging, regime.paging.entry_size());
    let index_bits = paging.index_bits();
    let mut table = regime.root;
    let mut level = paging.levels();
    loop {
        level -= 1;
        let shift = 12 + level * index_bits;
        let at = table + (addr >> shift & ((1 << index_bits) - 1)) * size;
        let entry = tables.read(at, size).ok_or(FaultKind::AccessFault)?;
        if entry & V == 0 || entry & (R | W) == W {
            return Err(FaultKind::PageFault);
        }
        let (page, extensions) = match paging {
            Paging::Sv32 => (entry >> 10 << 12, 0),
            _ => ((entry >> 10 & ((1 << 44) - 1)) << 12, entry & (RESERVED | PBMT | N)),
        };
        if extensions & RESERVED != 0 {
            return Err(FaultKind::PageFault);
        }
        if entry & (R | X) == 0 {
            // It points to the next table.
            if entry & (A | D | U) != 0 || extensions != 0 || level == 0 {
                return Err(FaultKind::PageFault);
            }
            table = page;
            continue;
        }
        let memory_type = extensions & PBMT;
        if memory_type == PBMT || memory_type != 0 && !options.memory_types {
            return Err(FaultKind::PageFault);
        }
        let page_size = match (extensions & N != 0, level) {
            (false, _) => 1 << shift,
            // The only size: 64 KiB, given by the low bits of the page number.
            (true, 0) if page >> 12 & 0xf == 8 => 1 << 16,
            (true, _) => return Err(FaultKind::PageFault),
        };
        let napot = if extensions & N != 0 { 8 << 12 } else { 0 };
        let start = page & !napot;
        if start & (page_size - 1) != 0 || !permits(regime, entry, access) {
            return Err(FaultKind::PageFault);
        }
        let wanted = entry | A | if access == Access::Write { D } else { 0 };
        if wanted != entry {
            if !options.sets_accessed {
                return Err(FaultKind::PageFault);
            }
            if !tables.replace(at, size, entry, wanted).ok_or(FaultKind::AccessFault)? {
                return Ok(None);
            }
        }
        let addr = start | addr & (page_size - 1);
        return Ok(Some(Translation { addr, page_size }));
    }
}

/// Whether a leaf entry permits the access.
fn permits(regime: &Regime, entry: u64, access: Access) -> bool {
    let privilege = match (regime.level, entry & U != 0) {
        (Level::User, user) => user,
        (_, true) => regime.sum && access != Access::Fetch,
        (_, false) => true,
    };
    privilege
        && match access {
            Access::Read => entry & R != 0 || regime.mxr && entry & X != 0,
            Access::Write => entry & W != 0,
            Access::Fetch => entry & X != 0,
        }
}
