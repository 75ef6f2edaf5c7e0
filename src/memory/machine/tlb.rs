//! The TLB of a hart: for each translation regime in use, a bank of tables for loads, stores and fetches.

use super::walk::Regime;
use crate::memory::{Access, FetchView, PAGE_SIZE};
use std::arch::asm;
use std::cell::{Cell, RefCell};
use std::mem::offset_of;

/// A TLB entry: a page that permits one kind of access, and its host address.
#[derive(Clone, Copy)]
#[repr(C)]
struct Entry {
    /// The address of the page; that of [`Entry::EMPTY`] matches no page.
    page: u64,
    /// The host address minus the guest address.
    delta: u64,
}

impl Entry {
    /// Matches no access, since its address is not page-aligned.
    const EMPTY: Self = Self { page: u64::MAX, delta: 0 };

    /// Empty in the micro-TLB, which compares distances. No address in this page is valid, and the addend of zero has code
    /// look in the TLB.
    const MICRO_EMPTY: Self = Self { page: 1 << 62, delta: 0 };
}

/// The number of entries for each kind of access.
const ENTRIES: usize = 4096;

/// Entries that are cleared together.
const GROUP: usize = ENTRIES / u64::BITS as usize;

/// The number of entries of the micro-TLB for loads, and for stores.
const MICRO: usize = 64;

/// The most large pages whose ranges are remembered. With more, each flush of an address clears the bank.
const MAX_LARGE: usize = 32;

#[inline(always)]
const fn index(addr: u64) -> usize {
    (addr / PAGE_SIZE) as usize % ENTRIES
}

/// Where compiled code finds entries in the [tables](crate::memory::GuestMemory::space) in force. An entry is the address
/// of its page and what is added to an address in that page to have the host's.
pub mod layout {
    use super::{Access, Bank, ENTRIES, Entry, MICRO, PAGE_SIZE, offset_of};

    /// The offset of an address's entry in a table is the address shifted right by this, in the bits of
    /// [`ENTRY_MASK`].
    pub const ENTRY_SHIFT: u8 = (PAGE_SIZE / size_of::<Entry>() as u64).trailing_zeros() as u8;
    /// See [`ENTRY_SHIFT`].
    pub const ENTRY_MASK: i32 = ((ENTRIES - 1) * size_of::<Entry>()) as i32;
    /// The offset of the page's address in an entry.
    pub const PAGE: i32 = offset_of!(Entry, page) as i32;
    /// The offset of what is added.
    pub const DELTA: i32 = offset_of!(Entry, delta) as i32;

    const _: () = assert!(size_of::<Entry>().is_power_of_two() && ENTRIES.is_power_of_two());
    // Rotating the low half of an address to the right by the shift brings nothing else under the mask.
    const _: () = assert!(ENTRY_MASK.ilog2() + ENTRY_SHIFT as u32 <= 31);

    /// The offset of the table for a kind of access.
    pub const fn table(access: Access) -> i32 {
        (offset_of!(Bank, tables) + access as usize * ENTRIES * size_of::<Entry>()) as i32
    }

    /// The offset of an address's entry in a table.
    pub const fn entry(addr: u64) -> i32 {
        (super::index(addr) * size_of::<Entry>()) as i32
    }

    /// The offset of the entry in the micro-TLB for loads or stores by the instruction at `pc`.
    pub const fn micro(access: Access, pc: u64) -> i32 {
        let index = access as usize * MICRO + (pc / 2) as usize % MICRO;
        (offset_of!(Bank, micro) + index * size_of::<Entry>()) as i32
    }
}

/// The entries of one regime.
#[repr(C)]
pub(super) struct Bank {
    /// By [`Access`].
    tables: [[Cell<Entry>; ENTRIES]; 3],
    /// The micro-TLB: copies of entries for loads and stores, by the place of the instruction. Compiled code fills it.
    micro: [[Cell<Entry>; MICRO]; 2],
    /// Which groups of entries of each table may hold some.
    groups: [Cell<u64>; 3],
    regime: Cell<Regime>,
    /// Whether there may be an entry.
    filled: Cell<bool>,
    /// The large pages behind entries, as first address and size: an entry covers only a part of such a page, but a
    /// flush names any address in it.
    large: RefCell<Vec<(u64, u64)>>,
    /// Changes when all entries for fetches are dropped.
    generation: Cell<u64>,
    /// How often those of a single page were.
    forgotten: Cell<u64>,
    /// The last of these pages, each at the remainder of its number.
    pages: [Cell<u64>; FetchView::PAGES as usize],
    /// When the bank was last selected.
    used: Cell<u64>,
}

impl Bank {
    fn new(regime: Regime) -> Self {
        Self {
            tables: [const { [const { Cell::new(Entry::EMPTY) }; ENTRIES] }; 3],
            micro: [const { [const { Cell::new(Entry::MICRO_EMPTY) }; MICRO] }; 2],
            groups: [const { Cell::new(0) }; 3],
            regime: Cell::new(regime),
            filled: Cell::new(false),
            large: RefCell::default(),
            generation: Cell::new(0),
            forgotten: Cell::new(0),
            pages: [const { Cell::new(0) }; FetchView::PAGES as usize],
            used: Cell::new(0),
        }
    }

    pub fn regime(&self) -> Regime {
        self.regime.get()
    }

    pub fn generation(&self) -> u64 {
        self.generation.get()
    }

    /// The number of times that a single page was forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgotten.get()
    }

    /// The page that was forgotten as number `n`, one of the last ones.
    pub fn forgotten_page(&self, n: u64) -> u64 {
        self.pages[(n % FetchView::PAGES) as usize].get()
    }

    /// The host address of an access that hits.
    #[allow(clippy::pointers_in_nomem_asm_block, reason = "there is no instruction")]
    #[inline(always)]
    pub fn hit(&self, access: Access, mut addr: u64, size: u64) -> Option<*mut u8> {
        let mut entry: *const Cell<Entry> = &raw const self.tables[access as usize][index(addr)];
        // Keeps the compiler from computing the two addresses below each from the operands of the instruction, and those in
        // the entry each from the bank. This takes registers that handlers of the interpreter would have to save.
        // SAFETY: there is no instruction.
        unsafe {
            asm!("/* {} {} */", inout(reg) addr, inout(reg) entry, options(pure, nomem, nostack, preserves_flags));
        }
        // SAFETY: it still points into the table.
        let entry = unsafe { &*entry }.get();
        // An access that crosses the end of the page compares the next page, and misses.
        let last = addr.wrapping_add(size - 1);
        (last & !(PAGE_SIZE - 1) == entry.page).then(|| addr.wrapping_add(entry.delta) as *mut u8)
    }

    /// Adds a page for one kind of access. `large` is the size of the page that the page table maps.
    pub fn fill(&self, access: Access, addr: u64, host: *mut u8, large: u64) {
        let page = addr & !(PAGE_SIZE - 1);
        let delta = (host as u64).wrapping_sub(addr);
        let index = index(addr);
        self.tables[access as usize][index].set(Entry { page, delta });
        let groups = &self.groups[access as usize];
        groups.set(groups.get() | 1 << (index / GROUP));
        self.filled.set(true);
        if large > PAGE_SIZE {
            let mut known = self.large.borrow_mut();
            let start = addr & !(large - 1);
            if known.len() <= MAX_LARGE && !known.contains(&(start, large)) {
                known.push((start, large));
            }
        }
    }

    /// Drops all entries.
    pub fn clear(&self) {
        if self.filled.replace(false) {
            for (table, groups) in self.tables.iter().zip(&self.groups) {
                let mut groups = groups.take();
                while groups != 0 {
                    let start = groups.trailing_zeros() as usize * GROUP;
                    table[start..start + GROUP].iter().for_each(|entry| entry.set(Entry::EMPTY));
                    groups &= groups - 1;
                }
            }
            self.clear_micro();
            self.large.borrow_mut().clear();
        }
        // Code may be known by addresses of which no entry is left.
        self.generation.set(self.generation.get() + 1);
    }

    /// Drops all copies. They may be older than the entries of their pages, which are replaced by others.
    fn clear_micro(&self) {
        self.micro.iter().flatten().for_each(|entry| entry.set(Entry::MICRO_EMPTY));
    }

    /// Drops the entries of the page that holds `addr`.
    fn clear_page(&self, addr: u64) {
        let in_large = {
            let large = self.large.borrow();
            large.len() > MAX_LARGE || large.iter().any(|&(start, size)| addr & !(size - 1) == start)
        };
        if in_large {
            return self.clear();
        }
        self.clear_micro();
        let page = addr & !(PAGE_SIZE - 1);
        for table in &self.tables {
            let entry = &table[index(addr)];
            if entry.get().page == page {
                entry.set(Entry::EMPTY);
            }
        }
        let n = self.forgotten.get();
        self.pages[(n % FetchView::PAGES) as usize].set(page);
        self.forgotten.set(n + 1);
    }

    /// Drops the entries through which the page at a host address can be stored to.
    fn forget_writes(&self, host: u64) {
        if !self.filled.get() {
            return;
        }
        self.clear_micro();
        for entry in &self.tables[Access::Write as usize] {
            let Entry { page, delta } = entry.get();
            if page.wrapping_add(delta) == host {
                entry.set(Entry::EMPTY);
            }
        }
    }
}

/// The banks of a hart.
pub(super) struct Tlb {
    banks: Box<[Bank]>,
    clock: Cell<u64>,
}

impl Tlb {
    pub const BANKS: usize = crate::memory::FetchView::COUNT;

    pub fn new() -> Self {
        let banks = (0..Self::BANKS).map(|_| Bank::new(Regime::MACHINE)).collect();
        Self { banks, clock: Cell::new(0) }
    }

    pub fn bank(&self, index: usize) -> &Bank {
        &self.banks[index]
    }

    /// The index of the bank of a regime. If there is none, the one that was not used for longest becomes it, other than
    /// `kept`.
    pub fn select(&self, regime: &Regime, kept: usize) -> usize {
        let now = self.clock.get() + 1;
        self.clock.set(now);
        let same = self.banks.iter().position(|bank| bank.used.get() != 0 && bank.regime.get() == *regime);
        let index = same.unwrap_or_else(|| {
            let oldest = (0..self.banks.len()).filter(|&i| i != kept).min_by_key(|&i| self.banks[i].used.get());
            let index = oldest.expect("there are several");
            self.banks[index].clear();
            self.banks[index].regime.set(*regime);
            index
        });
        self.banks[index].used.set(now);
        index
    }

    /// Drops the entries of an address, or of all; in one address space, or in all.
    pub fn flush(&self, addr: Option<u64>, asid: Option<u16>) {
        for bank in self.banks.iter().filter(|bank| asid.is_none_or(|asid| bank.regime.get().asid == asid)) {
            match addr {
                Some(addr) => bank.clear_page(addr),
                None => bank.clear(),
            }
        }
    }

    /// Drops everything.
    pub fn clear(&self) {
        self.banks.iter().for_each(Bank::clear);
    }

    /// Drops the entries through which the page at a host address can be stored to.
    pub fn forget_writes(&self, host: *mut u8) {
        self.banks.iter().for_each(|bank| bank.forget_writes(host as u64));
    }
}
