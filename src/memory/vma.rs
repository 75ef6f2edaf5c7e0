//! Virtual memory areas: what is mapped where and with which permissions, in an ordered tree that mirrors the host's
//! mappings. It answers what the host kernel cannot answer about the guest: whether a fault is MAPERR or ACCERR,
//! whether a page may be executed, and where there is room.

use super::{AreaChange, AreaObserver, GuestAddr, PAGE_SIZE};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

bitflags::bitflags! {
    /// Page permissions, with the values of PROT_*.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Prot: u32 {
        /// May be read.
        const READ = 1;
        /// May be written.
        const WRITE = 2;
        /// May be executed.
        const EXEC = 4;
    }
}

impl std::fmt::Display for Prot {
    /// In the format of /proc/self/maps: `r-x`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bit = |p, c| if self.contains(p) { c } else { '-' };
        write!(f, "{}{}{}", bit(Prot::READ, 'r'), bit(Prot::WRITE, 'w'), bit(Prot::EXEC, 'x'))
    }
}

/// Where the contents of an area come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Zeroes.
    Anonymous,
    /// Zeroes, with a name in brackets for /proc/self/maps: `[heap]`, `[stack]`, `[vdso]`.
    Named(&'static str),
    /// A file.
    File {
        /// The path when it was mapped, as the guest sees it.
        path: Arc<Path>,
        /// The file offset of the area's first byte.
        offset: u64,
        /// Device and inode, for /proc/self/maps.
        id: (u64, u64),
    },
}

impl Source {
    /// The source of the part that begins `bytes` into the area.
    pub(super) fn advance(&self, bytes: u64) -> Self {
        match self {
            Source::File { path, offset, id } => Source::File { path: path.clone(), offset: offset + bytes, id: *id },
            other => other.clone(),
        }
    }
}

/// Whether an area's pages are locked in memory (VM_LOCKED, VM_LOCKONFAULT).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MlockMode {
    /// Not locked.
    #[default]
    None,
    /// All pages are locked at once.
    Now,
    /// Each page is locked from its first use.
    OnFault,
}

/// Memory that one call maps, and another unmaps as a whole, even if the guest has split it since: a System V segment,
/// or a ring of completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Unique within an address space.
    pub number: u64,
    /// Whether it is a ring of completions.
    pub is_ring: bool,
    /// Its size in bytes.
    pub size: u64,
}

/// One area. Adjacent areas with the same properties are merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vma {
    /// The addresses, page-aligned.
    pub range: Range<GuestAddr>,
    /// The guest's permissions.
    pub prot: Prot,
    /// Whether stores are visible to other processes (MAP_SHARED).
    pub shared: bool,
    /// Whether the area grows downwards on access below it (MAP_GROWSDOWN).
    pub grows_down: bool,
    /// Whether the host reserves no swap for it (MAP_NORESERVE).
    pub noreserve: bool,
    /// Whether its pages may be dropped when memory is short (MAP_DROPPABLE).
    pub droppable: bool,
    /// Whether it is locked in memory.
    pub lock: MlockMode,
    /// Where its contents come from.
    pub source: Source,
    /// The attachment it belongs to.
    pub attachment: Option<Attachment>,
    /// Whether it is sealed (mseal).
    pub sealed: bool,
    /// Whether it is missing in the child of a fork (MADV_DONTFORK).
    pub not_forked: bool,
}

impl Vma {
    /// The size in bytes.
    pub fn len(&self) -> u64 {
        self.range.end.0 - self.range.start.0
    }

    /// Always false.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether RLIMIT_DATA counts it: private and writable, but not a stack.
    pub fn is_data(&self) -> bool {
        self.prot.contains(Prot::WRITE) && !self.shared && !self.grows_down
    }

    /// The highest end for a mapping placed below: leaves the gap below an area that grows.
    pub(super) fn floor(&self) -> GuestAddr {
        let gap = if self.grows_down { GUARD_GAP } else { 0 };
        GuestAddr(self.range.start.0.saturating_sub(gap))
    }

    /// The part of this area inside `range`.
    fn cut(&self, range: &Range<GuestAddr>) -> Vma {
        let start = self.range.start.max(range.start);
        let end = self.range.end.min(range.end);
        Vma { range: start..end, source: self.source.advance(start.0 - self.range.start.0), ..self.clone() }
    }

    /// Whether `next`, which begins at this area's end, can be merged with it.
    fn continues_into(&self, next: &Vma) -> bool {
        self.range.end == next.range.start
            && self.prot == next.prot
            && self.shared == next.shared
            && self.grows_down == next.grows_down
            && self.noreserve == next.noreserve
            && self.droppable == next.droppable
            && self.lock == next.lock
            && self.attachment == next.attachment
            && self.sealed == next.sealed
            && self.not_forked == next.not_forked
            && self.source.advance(self.len()) == next.source
        // Two adjacent named areas stay separate lines of /proc/self/maps only if their names differ.
    }
}

/// The areas of one address space, disjoint and ordered by start address.
#[derive(Clone, Default)]
pub(super) struct VmaTree {
    areas: BTreeMap<GuestAddr, Vma>,
    total: u64,
    data: u64,
    growing: Option<Growing>,
    observer: Option<Arc<dyn AreaObserver>>,
}

/// Where the areas are that grow down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Growing {
    /// The lowest end of one.
    pub lowest_end: GuestAddr,
    /// The highest start of one.
    pub highest_start: GuestAddr,
}

impl VmaTree {
    /// Reports all further changes to an observer.
    pub fn observe(&mut self, observer: Arc<dyn AreaObserver>) {
        self.observer = Some(observer);
    }

    fn tell(&self, change: AreaChange<'_>) {
        if let Some(observer) = &self.observer {
            observer.areas_changed(change);
        }
    }

    /// The area that holds `addr`.
    pub fn find(&self, addr: GuestAddr) -> Option<&Vma> {
        self.areas.range(..=addr).next_back().map(|(_, v)| v).filter(|v| addr < v.range.end)
    }

    /// The areas that touch `range`, in order.
    pub fn overlapping(&self, range: &Range<GuestAddr>) -> impl Iterator<Item = &Vma> {
        let first = self.find(range.start).map_or(range.start, |v| v.range.start);
        self.areas.range(first..range.end.max(first)).map(|(_, v)| v)
    }

    /// The last area that ends at or before `addr`.
    pub fn before(&self, addr: GuestAddr) -> Option<&Vma> {
        self.areas.range(..addr).next_back().map(|(_, v)| v).filter(|v| v.range.end <= addr)
    }

    /// The first area that starts at or after `addr`.
    pub fn after(&self, addr: GuestAddr) -> Option<&Vma> {
        self.areas.range(addr..).next().map(|(_, v)| v)
    }

    /// Whether a new area may be placed there.
    pub fn has_room(&self, range: &Range<GuestAddr>) -> bool {
        self.overlapping(range).next().is_none() && self.after(range.end).is_none_or(|v| range.end <= v.floor())
    }

    /// The mapped parts of `range`, adjacent areas joined.
    pub fn parts(&self, range: &Range<GuestAddr>) -> Vec<Range<GuestAddr>> {
        let mut parts: Vec<Range<GuestAddr>> = Vec::new();
        for v in self.overlapping(range) {
            let part = v.range.start.max(range.start)..v.range.end.min(range.end);
            match parts.last_mut() {
                Some(last) if last.end == part.start => last.end = part.end,
                _ => parts.push(part),
            }
        }
        parts
    }

    /// All areas in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Vma> {
        self.areas.values()
    }

    /// The sum of all areas' sizes in bytes.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The sum of the sizes of those that are [data](Vma::is_data).
    pub fn data(&self) -> u64 {
        self.data
    }

    /// Where those are that grow down, if there are any.
    pub fn growing(&self) -> Option<Growing> {
        self.growing
    }

    /// Removes `range` and returns the removed areas.
    pub fn remove(&mut self, range: &Range<GuestAddr>) -> Vec<Vma> {
        let removed = self.cut_out(range);
        for v in &removed {
            self.tell(AreaChange::Unmapped(&v.range));
        }
        removed
    }

    /// Removes `range` without notifying the observer.
    fn cut_out(&mut self, range: &Range<GuestAddr>) -> Vec<Vma> {
        let touched: Vec<Vma> = self.overlapping(range).cloned().collect();
        for v in &touched {
            self.take(v.range.start);
            if v.range.start < range.start {
                self.put(v.cut(&(v.range.start..range.start)));
            }
            if v.range.end > range.end {
                self.put(v.cut(&(range.end..v.range.end)));
            }
        }
        touched.iter().map(|v| v.cut(range)).collect()
    }

    /// Inserts an area in place of what its range holds, and returns what it replaced.
    pub fn insert(&mut self, area: Vma) -> Vec<Vma> {
        let replaced = self.remove(&area.range);
        self.tell(AreaChange::Mapped(&area));
        self.merge_in(area);
        replaced
    }

    /// Inserts the part by which the area above has grown down.
    pub fn grow(&mut self, more: Vma) {
        self.tell(AreaChange::Grown(&more.range));
        self.merge_in(more);
    }

    /// Changes the permissions of the areas in `range`.
    pub fn protect(&mut self, range: &Range<GuestAddr>, prot: Prot) {
        for v in self.cut_out(range) {
            self.tell(AreaChange::Protected(&v.range, prot));
            self.merge_in(Vma { prot, ..v });
        }
    }

    /// Changes properties other than addresses and permissions of the areas in `range`.
    pub fn update(&mut self, range: &Range<GuestAddr>, change: impl Fn(&mut Vma)) {
        for mut v in self.cut_out(range) {
            change(&mut v);
            self.merge_in(v);
        }
    }

    /// The highest gap of `len` bytes inside `within` that ends at or below its end.
    pub fn gap_top_down(&self, len: u64, within: &Range<GuestAddr>) -> Option<GuestAddr> {
        let mut end = within.end;
        for v in self.areas.range(..within.end).map(|(_, v)| v).rev() {
            let floor = v.range.end.max(within.start);
            if floor <= end && end.0 - floor.0 >= len {
                return Some(GuestAddr(end.0 - len));
            }
            end = end.min(v.floor());
            if end <= within.start {
                return None;
            }
        }
        (end >= within.start && end.0 - within.start.0 >= len).then(|| GuestAddr(end.0 - len))
    }

    /// The lowest gap of `len` bytes inside `within`.
    pub fn gap_bottom_up(&self, len: u64, within: &Range<GuestAddr>) -> Option<GuestAddr> {
        let mut start = self.find(within.start).map_or(within.start, |v| v.range.end);
        for v in self.areas.range(within.start..within.end).map(|(_, v)| v) {
            if v.floor() >= start && v.floor().0 - start.0 >= len {
                return Some(start);
            }
            start = start.max(v.range.end);
        }
        (within.end >= start && within.end.0 - start.0 >= len).then_some(start)
    }

    fn merge_in(&mut self, mut area: Vma) {
        if let Some(next) = self.areas.get(&area.range.end)
            && area.continues_into(next)
        {
            let next = self.take(area.range.end);
            area.range.end = next.range.end;
        }
        let before = self.areas.range(..area.range.start).next_back().map(|(_, v)| v);
        if let Some(prev) = before
            && prev.continues_into(&area)
        {
            let start = prev.range.start;
            let prev = self.take(start);
            area = Vma { range: prev.range.start..area.range.end, ..prev };
        }
        self.put(area);
    }

    fn put(&mut self, v: Vma) {
        self.total += v.len();
        self.data += if v.is_data() { v.len() } else { 0 };
        let grows_down = v.grows_down;
        self.areas.insert(v.range.start, v);
        if grows_down {
            self.find_growing();
        }
    }

    fn take(&mut self, start: GuestAddr) -> Vma {
        let v = self.areas.remove(&start).expect("the caller has just found this area");
        self.total -= v.len();
        self.data -= if v.is_data() { v.len() } else { 0 };
        if v.grows_down {
            self.find_growing();
        }
        v
    }

    fn find_growing(&mut self) {
        let mut growing = self.areas.values().filter(|v| v.grows_down);
        self.growing = growing.next().map(|lowest| Growing {
            lowest_end: lowest.range.end,
            highest_start: growing.next_back().unwrap_or(lowest).range.start,
        });
    }
}

/// The gap that the kernel keeps free below an area that grows: its stack_guard_gap.
pub(super) const GUARD_GAP: u64 = 256 * PAGE_SIZE;

/// Rounds a length up to whole pages; `None` if that overflows.
pub fn page_len(len: u64) -> Option<u64> {
    Some(len.checked_add(PAGE_SIZE - 1)? & !(PAGE_SIZE - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(start: u64, end: u64, prot: Prot) -> Vma {
        Vma {
            range: GuestAddr(start)..GuestAddr(end),
            prot,
            shared: false,
            grows_down: false,
            noreserve: false,
            droppable: false,
            lock: MlockMode::None,
            source: Source::Anonymous,
            attachment: None,
            sealed: false,
            not_forked: false,
        }
    }

    fn ranges(t: &VmaTree) -> Vec<(u64, u64, Prot)> {
        t.iter().map(|v| (v.range.start.0, v.range.end.0, v.prot)).collect()
    }

    #[test]
    fn neighbours_that_agree_merge_and_split_again() {
        let mut t = VmaTree::default();
        t.insert(area(0x1000, 0x3000, Prot::READ));
        t.insert(area(0x5000, 0x6000, Prot::READ));
        t.insert(area(0x3000, 0x5000, Prot::READ));
        assert_eq!(ranges(&t), [(0x1000, 0x6000, Prot::READ)]);
        t.protect(&(GuestAddr(0x2000)..GuestAddr(0x3000)), Prot::WRITE);
        assert_eq!(
            ranges(&t),
            [(0x1000, 0x2000, Prot::READ), (0x2000, 0x3000, Prot::WRITE), (0x3000, 0x6000, Prot::READ)]
        );
        t.protect(&(GuestAddr(0x2000)..GuestAddr(0x3000)), Prot::READ);
        assert_eq!(ranges(&t), [(0x1000, 0x6000, Prot::READ)]);
        assert_eq!((t.total(), t.data()), (0x5000, 0));
        t.protect(&(GuestAddr(0x2000)..GuestAddr(0x4000)), Prot::WRITE);
        assert_eq!((t.total(), t.data()), (0x5000, 0x2000));
    }

    #[test]
    fn the_tree_knows_where_areas_grow_down() {
        let growing = |start, end| Vma { grows_down: true, ..area(start, end, Prot::WRITE) };
        let known = |t: &VmaTree| t.growing().map(|g| (g.lowest_end.0, g.highest_start.0));
        let mut t = VmaTree::default();
        t.insert(area(0x1000, 0x3000, Prot::READ));
        assert_eq!(known(&t), None);
        t.insert(growing(0x8000, 0x9000));
        assert_eq!(known(&t), Some((0x9000, 0x8000)));
        t.insert(growing(0x20000, 0x24000));
        assert_eq!(known(&t), Some((0x9000, 0x20000)));
        t.grow(growing(0x1f000, 0x20000));
        assert_eq!(known(&t), Some((0x9000, 0x1f000)));
        t.remove(&(GuestAddr(0x8000)..GuestAddr(0x9000)));
        assert_eq!(known(&t), Some((0x24000, 0x1f000)));
        t.protect(&(GuestAddr(0x20000)..GuestAddr(0x21000)), Prot::READ);
        assert_eq!(known(&t), Some((0x20000, 0x21000)), "three areas");
        t.remove(&(GuestAddr(0)..GuestAddr(0x30000)));
        assert_eq!(known(&t), None);
    }

    #[test]
    fn observers_are_notified_of_every_change() {
        #[derive(Default)]
        struct Told(std::sync::Mutex<Vec<String>>);
        impl AreaObserver for Told {
            fn areas_changed(&self, change: AreaChange<'_>) {
                self.0.lock().unwrap().push(match change {
                    AreaChange::Mapped(v) => format!("map {:?} {}", v.range, v.prot),
                    AreaChange::Unmapped(range) => format!("unmap {range:?}"),
                    AreaChange::Protected(range, prot) => format!("protect {range:?} {prot}"),
                    AreaChange::Grown(range) => format!("grow {range:?}"),
                });
            }
        }
        let told = Arc::new(Told::default());
        let mut t = VmaTree::default();
        t.observe(told.clone());
        t.insert(area(0x3000, 0x6000, Prot::READ));
        t.insert(area(0x5000, 0x7000, Prot::WRITE));
        t.protect(&(GuestAddr(0x4000)..GuestAddr(0x6000)), Prot::EXEC);
        t.grow(area(0x2000, 0x3000, Prot::READ));
        t.remove(&(GuestAddr(0)..GuestAddr(0x2800)));
        assert_eq!(
            *told.0.lock().unwrap(),
            [
                "map 0x3000..0x6000 r--",
                "unmap 0x5000..0x6000",
                "map 0x5000..0x7000 -w-",
                "protect 0x4000..0x5000 --x",
                "protect 0x5000..0x6000 --x",
                "grow 0x2000..0x3000",
                "unmap 0x2000..0x2800"
            ]
        );
    }

    #[test]
    fn removal_cuts_a_hole_and_keeps_file_offsets() {
        let mut t = VmaTree::default();
        let source = Source::File { path: Path::new("/f").into(), offset: 0x10000, id: (1, 2) };
        t.insert(Vma { source, ..area(0x1000, 0x5000, Prot::READ) });
        let gone = t.remove(&(GuestAddr(0x2000)..GuestAddr(0x3000)));
        assert!(matches!(gone[0].source, Source::File { offset: 0x11000, .. }));
        let rest = t.find(GuestAddr(0x3000)).unwrap();
        assert!(matches!(rest.source, Source::File { offset: 0x12000, .. }));
        assert!(t.find(GuestAddr(0x2fff)).is_none());
    }

    #[test]
    fn gaps_are_found_from_the_top() {
        let mut t = VmaTree::default();
        let all = GuestAddr(0x1000)..GuestAddr(0x10000);
        assert_eq!(t.gap_top_down(0x1000, &all), Some(GuestAddr(0xf000)));
        t.insert(area(0xf000, 0x10000, Prot::READ));
        t.insert(area(0xc000, 0xe000, Prot::READ));
        assert_eq!(t.gap_top_down(0x1000, &all), Some(GuestAddr(0xe000)));
        assert_eq!(t.gap_top_down(0x2000, &all), Some(GuestAddr(0xa000)));
        assert_eq!(t.gap_top_down(0xb000, &all), Some(GuestAddr(0x1000)));
        assert_eq!(t.gap_top_down(0xc000, &all), None);
        assert_eq!(t.gap_bottom_up(0xb000, &all), Some(GuestAddr(0x1000)));
        assert_eq!(t.gap_bottom_up(0xc000, &all), None);
        assert_eq!(t.gap_bottom_up(0x1000, &(GuestAddr(0xd000)..GuestAddr(0x10000))), Some(GuestAddr(0xe000)));
        t.insert(Vma { grows_down: true, ..area(0x40_0000, 0x40_1000, Prot::READ) });
        let above = GuestAddr(0x10000)..GuestAddr(0x41_0000);
        assert_eq!(t.gap_bottom_up(0x2f_0000, &above), Some(GuestAddr(0x1_0000)), "up to the gap below the stack");
        assert_eq!(t.gap_bottom_up(0x2f_1000, &above), None);
    }
}
