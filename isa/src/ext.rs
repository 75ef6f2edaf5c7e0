//! Extensions and sets of them.

pub use crate::tables::Ext;
use crate::tables::{EXT_INFO, EXT_SUMS, EXTS};
use std::fmt;

/// Whether this crate knows an extension's instructions.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ExtKind {
    /// Its instructions are in the tables, or it only combines extensions whose instructions are.
    Instructions,
    /// A guarantee about behaviour, without instructions.
    Property,
    /// It has instructions, but they are not in the tables.
    Absent,
}

pub(crate) struct ExtInfo {
    pub name: &'static str,
    pub kind: ExtKind,
    pub implies: ExtSet,
}

impl Ext {
    /// The number of extensions.
    pub const COUNT: usize = EXTS.len();
    /// All extensions, in the order of ISA strings.
    pub const ALL: [Ext; Ext::COUNT] = EXTS;

    /// The name as the specifications write it: `M`, `Zba`, `Svinval`.
    pub fn name(self) -> &'static str {
        EXT_INFO[self as usize].name
    }

    /// The extension with this name, ignoring case.
    pub fn from_name(name: &str) -> Option<Ext> {
        Ext::ALL.into_iter().find(|e| e.name().eq_ignore_ascii_case(name))
    }

    /// Whether this crate knows its instructions.
    pub fn kind(self) -> ExtKind {
        EXT_INFO[self as usize].kind
    }

    /// Whether none of its instructions are missing from the tables; true for extensions without instructions.
    pub fn implemented(self) -> bool {
        self.kind() != ExtKind::Absent
    }

    /// The extensions that it directly implies or depends on, by its specification.
    pub fn implies(self) -> ExtSet {
        EXT_INFO[self as usize].implies
    }
}

impl fmt::Display for Ext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of extensions.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Default)]
pub struct ExtSet(u128);

impl ExtSet {
    /// The empty set.
    pub const EMPTY: ExtSet = ExtSet(0);

    pub(crate) const fn from_bits(bits: u128) -> ExtSet {
        ExtSet(bits)
    }

    /// This set with `ext`.
    #[must_use]
    pub const fn with(self, ext: Ext) -> ExtSet {
        ExtSet(self.0 | 1 << ext as u32)
    }

    /// This set without `ext`.
    #[must_use]
    pub const fn without(self, ext: Ext) -> ExtSet {
        ExtSet(self.0 & !(1 << ext as u32))
    }

    /// Whether `ext` is in the set.
    pub const fn contains(self, ext: Ext) -> bool {
        self.0 >> ext as u32 & 1 != 0
    }

    /// The extensions in either set.
    #[must_use]
    pub const fn union(self, other: ExtSet) -> ExtSet {
        ExtSet(self.0 | other.0)
    }

    /// The extensions in both sets.
    #[must_use]
    pub const fn intersection(self, other: ExtSet) -> ExtSet {
        ExtSet(self.0 & other.0)
    }

    /// The extensions in this set that are not in `other`.
    #[must_use]
    pub const fn difference(self, other: ExtSet) -> ExtSet {
        ExtSet(self.0 & !other.0)
    }

    /// Whether `other` contains this set.
    pub const fn is_subset(self, other: ExtSet) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The number of members.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The members in the order of ISA strings.
    pub fn iter(self) -> impl Iterator<Item = Ext> {
        Ext::ALL.into_iter().filter(move |e| self.contains(*e))
    }

    /// This set with all that its members imply, and with each letter whose parts are then complete (`Zba`, `Zbb` and
    /// `Zbs` make `B`).
    #[must_use]
    pub fn with_implied(self) -> ExtSet {
        let mut set = self;
        loop {
            let mut next = set.iter().fold(set, |all, ext| all.union(ext.implies()));
            for (whole, parts) in &EXT_SUMS {
                if parts.is_subset(next) {
                    next = next.with(*whole);
                }
            }
            if next == set {
                return set;
            }
            set = next;
        }
    }

    /// The extensions that its members imply and that it lacks.
    pub fn missing_dependencies(self) -> ExtSet {
        self.with_implied().difference(self)
    }

    /// This set without `ext` and every extension that implies it, which is the meaning of `ext=off`. Turning off a sum
    /// such as `B` turns off its parts.
    #[must_use]
    pub fn without_dependents(self, ext: Ext) -> ExtSet {
        let gone = EXT_SUMS.iter().filter(|(w, _)| *w == ext).fold(ExtSet::EMPTY.with(ext), |g, (_, p)| match ext {
            Ext::A | Ext::B => g.union(*p),
            _ => g,
        });
        let gone = if ext == Ext::C { gone.with(Ext::Zca) } else { gone };
        let depends = |e: &Ext| !ExtSet::EMPTY.with(*e).with_implied().intersection(gone).is_empty();
        self.iter().filter(|e| !depends(e)).collect()
    }
}

impl FromIterator<Ext> for ExtSet {
    fn from_iter<I: IntoIterator<Item = Ext>>(exts: I) -> ExtSet {
        exts.into_iter().fold(ExtSet::EMPTY, ExtSet::with)
    }
}

impl fmt::Debug for ExtSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
