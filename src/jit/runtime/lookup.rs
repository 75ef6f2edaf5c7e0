//! Where the code for a key is. Readers take no lock; one thread at a time writes, under the lock of the code cache.
//!
//! A table of numbers leads to entries, which are written once and stay where they are. What a reader finds may have been
//! discarded a moment ago, and it may miss what was added just now: both are as if it had looked a moment earlier.
//! Discarded code stays until every engine has been asked to leave it, which a reader does after it has entered it.

use crate::guest::BlockKey;
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use zerocopy::FromZeros;

/// A place in the code where execution may begin.
#[derive(Debug, FromZeros)]
struct Entry {
    key: [AtomicU64; 2],
    /// The offset of the code.
    offset: AtomicU32,
    /// The exits that lead here: the offset of the first one's data, or 0.
    incoming: AtomicU32,
}

/// The number of an entry. Those of starts and of loops are counted apart, so that a superblock need not say which entry
/// is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryId(u32);

/// What begins at an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// A superblock.
    Block = 0,
    /// A loop in a superblock.
    Loop = 1,
}

impl EntryId {
    /// The entry of the superblock that was added after `n` others.
    pub fn of_block(n: u32) -> Self {
        Self::new(Begins::Block, n)
    }

    fn new(begins: Begins, n: u32) -> Self {
        Self(n << 1 | begins as u32)
    }

    /// The part that it is in, and its index there. Part `n` begins with entry `SMALLEST * (2^n - 1)`.
    fn place(self) -> (usize, usize) {
        let at = (self.0 >> 1) + SMALLEST;
        let part = at.ilog2() - SMALLEST.ilog2();
        (part as usize, (at - (SMALLEST << part)) as usize)
    }
}

/// A slot of a table whose entry was removed. Free ones are 0, others the number of an entry plus [`FIRST`].
const REMOVED: u32 = 1;
const FIRST: u32 = 2;

/// The size of the first table and of the first part of the entries. Each further one is twice as large.
const SMALLEST: u32 = 1 << 10;

/// The number of tables and of parts: more than a code cache of the largest size needs.
const SIZES: usize = 20;

type Parts<T> = [OnceLock<Box<[T]>>; SIZES];

/// See the module.
pub struct Lookup {
    /// Tables of numbers, of which one is in use. The others wait until no reader can be in them, which is never known,
    /// so they stay.
    tables: Parts<AtomicU32>,
    table: AtomicU32,
    /// By [`Begins`].
    entries: [Parts<Entry>; 2],
}

/// What only the writer knows.
#[derive(Debug, Default)]
pub struct Size {
    /// Entries that exist, removed ones included, by [`Begins`].
    entries: [u32; 2],
    /// Slots of the table that are not free.
    slots: u32,
}

/// Zeroed memory, which costs nothing until it is used.
fn zeroed<T: FromZeros>(len: u32) -> Box<[T]> {
    <[T]>::new_box_zeroed_with_elems(len as usize).expect("the allocator ends the process when memory runs out")
}

fn hash(key: &BlockKey) -> u32 {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    hasher.finish() as u32
}

impl Entry {
    fn key(&self) -> BlockKey {
        let [addr, page] = &self.key;
        BlockKey::of_words([addr.load(Ordering::Relaxed), page.load(Ordering::Relaxed)])
    }
}

impl Lookup {
    pub fn new() -> Self {
        let lookup = Self {
            tables: [const { OnceLock::new() }; SIZES],
            table: AtomicU32::new(0),
            entries: [const { [const { OnceLock::new() }; SIZES] }; 2],
        };
        lookup.tables[0].get_or_init(|| zeroed(SMALLEST));
        lookup
    }

    fn table(&self) -> &[AtomicU32] {
        self.tables[self.table.load(Ordering::Acquire) as usize].get().expect("it was made before it was used")
    }

    fn entry(&self, id: EntryId) -> &Entry {
        let (part, index) = id.place();
        let parts = &self.entries[(id.0 & 1) as usize];
        &parts[part].get().expect("the part was made before the entry")[index]
    }

    /// The slot of a key in the table, and its entry.
    #[inline]
    fn slot(&self, key: &BlockKey) -> Option<(&AtomicU32, EntryId)> {
        let table = self.table();
        let mask = table.len() - 1;
        let mut at = hash(key) as usize & mask;
        loop {
            // The entry was written before its number.
            match table[at].load(Ordering::Acquire) {
                0 => return None,
                REMOVED => {}
                number => {
                    let id = EntryId(number - FIRST);
                    if self.entry(id).key() == *key {
                        return Some((&table[at], id));
                    }
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// The entry for a key.
    pub fn find(&self, key: &BlockKey) -> Option<EntryId> {
        self.slot(key).map(|(_, id)| id)
    }

    /// The offset of the code of an entry.
    pub fn offset(&self, id: EntryId) -> u32 {
        self.entry(id).offset.load(Ordering::Relaxed)
    }

    /// The key of an entry.
    pub fn key(&self, id: EntryId) -> BlockKey {
        self.entry(id).key()
    }

    /// The first of the exits that lead to an entry. Only for the writer.
    pub fn incoming(&self, id: EntryId) -> u32 {
        self.entry(id).incoming.load(Ordering::Relaxed)
    }

    /// Sets the first of the exits that lead to an entry.
    pub fn set_incoming(&self, id: EntryId, exit: u32) {
        self.entry(id).incoming.store(exit, Ordering::Relaxed);
    }

    /// How many of the entries of a kind lie before `offset`. They are in the order of their code, in which they were added.
    fn count_before(&self, size: &Size, begins: Begins, offset: u32) -> u32 {
        let (mut first, mut after) = (0, size.entries[begins as usize]);
        while first < after {
            let middle = first.midpoint(after);
            match self.offset(EntryId::new(begins, middle)) < offset {
                true => first = middle + 1,
                false => after = middle,
            }
        }
        first
    }

    /// The entries of loops at `offset` and behind it, in the order of their code.
    pub fn loops_from(&self, size: &Size, offset: u32) -> impl Iterator<Item = EntryId> + use<> {
        let first = self.count_before(size, Begins::Loop, offset);
        (first..size.entries[Begins::Loop as usize]).map(|n| EntryId::new(Begins::Loop, n))
    }

    /// The number of the last superblock that begins at `offset` or before it.
    pub fn last_block(&self, size: &Size, offset: u32) -> Option<u32> {
        self.count_before(size, Begins::Block, offset + 1).checked_sub(1)
    }

    /// Adds an entry, which is found unless there is one for the key already. `None` if there is no room for it.
    pub fn add(&self, size: &mut Size, begins: Begins, key: &BlockKey, offset: u32) -> Option<EntryId> {
        let count = &mut size.entries[begins as usize];
        let id = EntryId::new(begins, *count);
        let (part, _) = id.place();
        self.entries[begins as usize].get(part)?.get_or_init(|| zeroed(SMALLEST << part));
        *count += 1;
        let entry = self.entry(id);
        for (to, word) in entry.key.iter().zip(key.words()) {
            to.store(word, Ordering::Relaxed);
        }
        entry.offset.store(offset, Ordering::Relaxed);
        entry.incoming.store(0, Ordering::Relaxed);
        if self.find(key).is_none() {
            self.make_room(size);
            Self::place(self.table(), key, id);
            size.slots += 1;
        }
        Some(id)
    }

    /// Puts an entry into a table that has room.
    fn place(table: &[AtomicU32], key: &BlockKey, id: EntryId) {
        let mask = table.len() - 1;
        let mut at = hash(key) as usize & mask;
        while table[at].load(Ordering::Relaxed) != 0 {
            at = (at + 1) & mask;
        }
        table[at].store(id.0 + FIRST, Ordering::Release);
    }

    /// Goes on to a table of twice the size when the table is three quarters full.
    fn make_room(&self, size: &mut Size) {
        let (old, index) = (self.table(), self.table.load(Ordering::Relaxed));
        if size.slots < old.len() as u32 / 4 * 3 {
            return;
        }
        let next = self.tables[index as usize + 1].get_or_init(|| zeroed(2 * old.len() as u32));
        size.slots = 0;
        for number in old.iter().map(|slot| slot.load(Ordering::Relaxed)).filter(|&number| number >= FIRST) {
            let id = EntryId(number - FIRST);
            Self::place(next, &self.key(id), id);
            size.slots += 1;
        }
        self.table.store(index + 1, Ordering::Release);
    }

    /// Has an entry no longer be found.
    pub fn remove(&self, id: EntryId) {
        if let Some((slot, found)) = self.slot(&self.key(id))
            && found == id
        {
            slot.store(REMOVED, Ordering::Release);
        }
    }

    /// Has no entry be found. The entries stay as they are until the writer begins anew with a [`Size`] of nothing, which
    /// it does when no reader is where it was before.
    pub fn clear(&self) {
        for table in self.tables.iter().filter_map(OnceLock::get) {
            table.iter().for_each(|slot| slot.store(0, Ordering::Release));
        }
    }

    /// The bytes of an entry and of its share of the table.
    pub fn bytes_of_entry(&self, size: &Size) -> usize {
        size_of::<Entry>() + size_of_val(self.table()) / (size.slots as usize).max(SMALLEST as usize / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::BlockContext;
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    fn key(n: u64) -> BlockKey {
        BlockKey::new(2 * n, 2 * n, BlockContext { features: (n % 3) as u8, ..BlockContext::default() })
    }

    #[test]
    fn what_was_added_is_found_until_it_is_removed() {
        let (lookup, mut size) = (Lookup::new(), Size::default());
        for _ in 0..2 {
            let mut model = HashMap::new();
            for n in 0..20_000u64 {
                // Some keys are added again, with or without having been removed.
                let n = if n % 5 == 0 { n / 2 } else { n };
                let begins = if n % 3 == 0 { Begins::Loop } else { Begins::Block };
                let id = lookup.add(&mut size, begins, &key(n), 16 + n as u32).unwrap();
                model.entry(n).or_insert(id);
                let old = n / 3;
                if n % 7 == 0
                    && let Some(id) = model.remove(&old)
                {
                    lookup.remove(id);
                    // One that was added later for the same key is not found in its place.
                    lookup.remove(id);
                }
            }
            for n in 0..20_001 {
                let found = lookup.find(&key(n));
                assert_eq!(found, model.get(&n).copied(), "{n}");
                assert!(found.is_none_or(|id| lookup.key(id) == key(n) && lookup.offset(id) == 16 + n as u32));
            }
            lookup.clear();
            size = Size::default();
            assert!((0..20_001).all(|n| lookup.find(&key(n)).is_none()));
        }
    }

    #[test]
    fn loops_are_in_the_order_of_their_code() {
        let (lookup, mut size) = (Lookup::new(), Size::default());
        assert_eq!(lookup.loops_from(&size, 0).count(), 0);
        for n in 0..3000 {
            let begins = if n % 4 == 0 { Begins::Block } else { Begins::Loop };
            lookup.add(&mut size, begins, &key(n), 32 * n as u32).unwrap();
        }
        for offset in [0, 1, 32, 33, 64, 16 * 1000, 32 * 2999] {
            let found = lookup.loops_from(&size, offset).map(|id| lookup.offset(id));
            let expected = (0..3000).filter(|n| n % 4 != 0).map(|n| 32 * n).filter(|&at| at >= offset);
            assert!(found.eq(expected), "{offset}");
        }
        let block = |offset| lookup.last_block(&size, offset).map(|n| lookup.key(EntryId::of_block(n)));
        assert_eq!([0, 127, 128, 32 * 2999].map(block), [key(0), key(0), key(4), key(2996)].map(Some));
    }

    #[test]
    fn readers_find_what_was_there_before_they_looked() {
        const KEYS: u32 = 50_000;
        let (lookup, mut size) = (Arc::new(Lookup::new()), Size::default());
        let (added, done) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let readers: Vec<_> = (0..3)
            .map(|n| {
                let (lookup, added, done) = (lookup.clone(), added.clone(), done.clone());
                std::thread::spawn(move || {
                    let mut at = n;
                    while !done.load(Ordering::Acquire) {
                        let known = added.load(Ordering::Acquire);
                        at = (at * 7 + 1) % KEYS;
                        let found = lookup.find(&key(at.into())).map(|id| lookup.offset(id));
                        assert!(found == Some(at) || found.is_none() && at >= known, "{at} of {known}: {found:?}");
                    }
                })
            })
            .collect();
        for n in 0..KEYS {
            lookup.add(&mut size, Begins::Block, &key(n.into()), n).unwrap();
            added.store(n + 1, Ordering::Release);
        }
        done.store(true, Ordering::Release);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    }
}
