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
        let contiguous = extensions & N != 0;
        let page_size = match (contiguous, level) {
            (false, _) => 1 << shift,
            // The only size: 64 KiB, given by the low bits of the page number.
            (true, 0) if page >> 12 & 0xf == 8 => 1 << 16,
            (true, _) => return Err(FaultKind::PageFault),
        };
        let napot = if contiguous { 8 << 12 } else { 0 };
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
            // A leaf that is not readable is executable.
            Access::Read => entry & R != 0 || regime.mxr,
            Access::Write => entry & W != 0,
            Access::Fetch => entry & X != 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::HashMap;

    /// Page tables in memory that is zero elsewhere, but for what a walk may not access.
    #[derive(Default)]
    struct Memory {
        entries: RefCell<HashMap<u64, u64>>,
        denied: Option<u64>,
    }

    impl Tables for Memory {
        fn read(&self, addr: u64, _: u64) -> Option<u64> {
            (self.denied != Some(addr)).then(|| self.entries.borrow().get(&addr).copied().unwrap_or(0))
        }

        fn replace(&self, addr: u64, _: u64, old: u64, new: u64) -> Option<bool> {
            let mut entries = self.entries.borrow_mut();
            let entry = entries.get_mut(&addr)?;
            let same = *entry == old;
            *entry = if same { new } else { *entry };
            Some(same)
        }
    }

    const ROOT: u64 = 0x8000_0000;
    const ALL: u64 = V | R | W | X | A | D;

    fn regime(paging: Paging) -> Regime {
        Regime { level: Level::Supervisor, paging, root: ROOT, asid: 0, sum: false, mxr: false }
    }

    fn pte(addr: u64, flags: u64) -> u64 {
        addr >> 12 << 10 | flags
    }

    /// Sv39 tables with these entries on the way to address 0x5555_6789, from the root on.
    fn tables(entries: &[u64]) -> Memory {
        let memory = Memory::default();
        let addr = 0x5555_6789_u64;
        for (depth, entry) in entries.iter().enumerate() {
            let index = addr >> (30 - 9 * depth) & 0x1ff;
            memory.entries.borrow_mut().insert(ROOT + 0x1000 * depth as u64 + 8 * index, *entry);
        }
        memory
    }

    fn next(depth: u64) -> u64 {
        pte(ROOT + 0x1000 * depth, V)
    }

    fn walk39(memory: &Memory, regime: &Regime, options: WalkOptions, access: Access) -> Result<u64, FaultKind> {
        translate(memory, regime, options, 0x5555_6789, access).map(|t| t.addr)
    }

    fn read(memory: &Memory) -> Result<u64, FaultKind> {
        walk39(memory, &regime(Paging::Sv39), WalkOptions::default(), Access::Read)
    }

    const FAULT: Result<u64, FaultKind> = Err(FaultKind::PageFault);

    #[test]
    fn pages_of_each_size_are_found() {
        let leaf = pte(0x12_3456_7000, ALL);
        assert_eq!(read(&tables(&[next(1), next(2), leaf])), Ok(0x12_3456_7789));
        assert_eq!(read(&tables(&[next(1), pte(0x12_3440_0000, ALL)])), Ok(0x12_3455_6789));
        assert_eq!(read(&tables(&[pte(0x12_0000_0000 + 0x4000_0000, ALL)])), Ok(0x12_5555_6789));
        // Low bits of a large page's number, a leaf that is a pointer, and a pointer that is a pointer.
        assert_eq!(read(&tables(&[next(1), pte(0x12_3440_1000, ALL)])), FAULT);
        assert_eq!(read(&tables(&[next(1), next(2), next(3)])), FAULT);
        assert_eq!(read(&tables(&[next(1), next(2), leaf & !V])), FAULT);
        // 64 KiB: the low bits of the number give the size.
        let napot = |low: u64| tables(&[next(1), next(2), pte(0x12_3450_0000 + (low << 12), ALL) | N]);
        assert_eq!(read(&napot(8)), Ok(0x12_3450_6789));
        assert_eq!((read(&napot(4)), read(&napot(0))), (FAULT, FAULT));
        assert_eq!(read(&tables(&[next(1), pte(0x12_3440_0000, ALL) | N])), FAULT);
    }

    #[test]
    fn reserved_bits_fault() {
        for bit in [A, D, U, N, 1 << 61, 1 << 62, 1 << 54, 1 << 60] {
            assert_eq!(read(&tables(&[next(1), next(2) | bit, pte(0x12_3456_7000, ALL)])), FAULT, "{bit:#x}");
        }
        let typed = |bits: u64| tables(&[next(1), next(2), pte(0x12_3456_7000, ALL) | bits << 61]);
        let options = WalkOptions { memory_types: true, ..WalkOptions::default() };
        let walk = |memory: &Memory| walk39(memory, &regime(Paging::Sv39), options, Access::Read);
        assert_eq!((read(&typed(1)), walk(&typed(1)).is_ok(), walk(&typed(2)).is_ok()), (FAULT, true, true));
        assert_eq!(walk(&typed(3)), FAULT);
        assert_eq!(read(&tables(&[next(1), next(2), pte(0x12_3456_7000, ALL) | 1 << 57])), FAULT);
        assert_eq!(read(&tables(&[next(1), next(2), pte(0x12_3456_7000, V | W | X | A | D)])), FAULT);
    }

    #[test]
    fn addresses_must_be_canonical() {
        let memory = tables(&[next(1), next(2), pte(0x12_3456_7000, ALL)]);
        let at = |addr| translate(&memory, &regime(Paging::Sv39), WalkOptions::default(), addr, Access::Read);
        assert!(at(0x5555_6789).is_ok());
        assert_eq!(at(0x5555_6789 | 1 << 39), Err(FaultKind::PageFault));
        assert_eq!(at(0x5555_6789 | 1 << 63), Err(FaultKind::PageFault));
        assert!(Paging::Sv57.is_canonical(!0 << 56) && !Paging::Sv57.is_canonical(1 << 56));
    }

    #[test]
    fn permissions_depend_on_the_privilege() {
        use Access::{Fetch, Read, Write};
        let page = |flags| tables(&[next(1), next(2), pte(0x12_3456_7000, V | A | D | flags)]);
        let may = |flags, level, sum, mxr, access| {
            let regime = Regime { level, sum, mxr, ..regime(Paging::Sv39) };
            walk39(&page(flags), &regime, WalkOptions::default(), access).is_ok()
        };
        let (user, supervisor) = (Level::User, Level::Supervisor);
        for (flags, access) in [(R, Read), (R | W, Write), (X, Fetch)] {
            assert!(may(flags, supervisor, false, false, access) && may(flags | U, user, false, false, access));
            assert!(!may(flags, user, false, false, access) && !may(flags | U, supervisor, false, false, access));
            assert_eq!(may(flags | U, supervisor, true, false, access), access != Fetch);
        }
        assert!(!may(R, supervisor, false, false, Write) && !may(R | W, supervisor, false, false, Fetch));
        assert!(!may(X, supervisor, false, false, Read) && may(X, supervisor, false, true, Read));
        assert!(!may(X, supervisor, false, true, Write));
    }

    #[test]
    fn accessed_and_dirty_bits_are_set_or_fault() {
        let leaf = pte(0x12_3456_7000, V | R | W);
        let memory = tables(&[next(1), next(2), leaf]);
        let at = ROOT + 0x2000 + 8 * (0x5555_6789 >> 12 & 0x1ff);
        let walk = |access, sets_accessed| {
            let options = WalkOptions { sets_accessed, ..WalkOptions::default() };
            walk39(&memory, &regime(Paging::Sv39), options, access)
        };
        assert_eq!((walk(Access::Read, false), walk(Access::Write, false)), (FAULT, FAULT));
        // Permissions come first.
        assert_eq!(walk(Access::Fetch, true), FAULT);
        assert_eq!(memory.entries.borrow()[&at], leaf);
        assert!(walk(Access::Read, true).is_ok());
        assert_eq!(memory.entries.borrow()[&at], leaf | A);
        assert!(walk(Access::Read, false).is_ok());
        assert_eq!(walk(Access::Write, false), FAULT);
        assert!(walk(Access::Write, true).is_ok());
        assert_eq!(memory.entries.borrow()[&at], leaf | A | D);
    }

    #[test]
    fn a_table_that_cannot_be_read_is_an_access_fault() {
        let mut memory = tables(&[next(1), next(2), pte(0x12_3456_7000, ALL)]);
        memory.denied = Some(ROOT + 0x1000 + 8 * (0x5555_6789 >> 21 & 0x1ff));
        assert_eq!(read(&memory), Err(FaultKind::AccessFault));
    }

    #[test]
    fn narrow_harts_have_two_levels_and_34_bits() {
        let memory = Memory::default();
        let addr = 0x8765_4321_u64;
        let entry = |depth: u64, index: u64, entry| {
            memory.entries.borrow_mut().insert(ROOT + 0x1000 * depth + 4 * index, entry);
        };
        entry(0, addr >> 22, (ROOT + 0x1000) >> 12 << 10 | V);
        entry(1, addr >> 12 & 0x3ff, 0x3_ffff_f000 >> 12 << 10 | ALL);
        let found = translate(&memory, &regime(Paging::Sv32), WalkOptions::default(), addr, Access::Fetch).unwrap();
        assert_eq!((found.addr, found.page_size), (0x3_ffff_f321, 0x1000));
        entry(0, addr >> 22, 0x40_0000 >> 12 << 10 | ALL);
        let found = translate(&memory, &regime(Paging::Sv32), WalkOptions::default(), addr, Access::Fetch).unwrap();
        assert_eq!((found.addr, found.page_size), (0x65_4321, 1 << 22));
    }
}
