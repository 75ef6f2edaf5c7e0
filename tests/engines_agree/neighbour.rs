//! Another hart in the address space of a hart that runs a program. It executes LR, and atomic operations that change no
//! value, at every address; both sides of a [pair](crate::bench::Pair) have the same neighbour. It shows which
//! reservations a program ends, and the program shows which the neighbour ends.

use crate::rng::Rng;
use remu::memory::{GuestAddr, Reservations};

/// A part of the buckets.
#[derive(Clone, Copy)]
pub enum Part {
    None,
    Random(u64),
    All,
}

impl Part {
    pub fn random(rng: &mut Rng) -> Self {
        match rng.below(4) {
            0 => Self::None,
            1 => Self::All,
            _ => Self::Random(rng.next()),
        }
    }

    /// An address for each bucket of the part.
    fn addresses(self) -> impl Iterator<Item = GuestAddr> {
        let has = move |&bucket: &u64| match self {
            Self::None => false,
            Self::Random(seed) => Rng(seed ^ bucket).one_in(2),
            Self::All => true,
        };
        (0..Reservations::BUCKETS as u64).filter(has).map(|bucket| GuestAddr(bucket * Reservations::GRANULE))
    }
}

/// The neighbour's reservations: addresses with what [`Reservations::reserve`] gave for them.
#[derive(Default)]
pub struct Neighbour {
    held: Vec<(GuestAddr, u64)>,
    /// Those whose bucket it has claimed.
    claimed: Vec<(GuestAddr, u64)>,
}

impl Neighbour {
    /// Gives buckets different versions, so that a reservation of one does not hold for another.
    pub fn age(reservations: &Reservations) {
        for (n, addr) in Part::All.addresses().enumerate() {
            for _ in 0..Rng(n as u64).below(50) {
                reservations.reserve(addr);
                reservations.written(addr);
            }
        }
    }

    /// Reserves a part of the buckets, and forgets the reservations that it had.
    pub fn reserve(&mut self, reservations: &Reservations, part: Part) {
        self.held = part.addresses().map(|addr| (addr, reservations.reserve(addr))).collect();
    }

    /// Claims a part of the buckets: the neighbour is in the middle of store-conditionals. To be [ended](Self::unclaim).
    pub fn claim(&mut self, reservations: &Reservations, part: Part) {
        let claimed = part.addresses().map(|addr| (addr, reservations.reserve(addr)));
        self.claimed = claimed.filter(|&(addr, version)| reservations.claim(addr, version).is_some()).collect();
    }

    /// Ends the store-conditionals, which have not stored.
    pub fn unclaim(&mut self, reservations: &Reservations) {
        self.claimed.drain(..).for_each(|(addr, version)| reservations.unclaim(addr, version));
    }

    /// Writes a part of the buckets.
    pub fn write(reservations: &Reservations, part: Part) {
        part.addresses().for_each(|addr| reservations.written(addr));
    }

    /// Whether all buckets can be claimed, and no version has come back.
    pub fn may_go_on(&self, reservations: &Reservations) -> bool {
        let is_free = |addr| {
            let version = reservations.reserve(addr);
            let is_free = reservations.claim(addr, version).is_some();
            reservations.unclaim(addr, version);
            is_free
        };
        let has_come_back = |&(addr, version): &(GuestAddr, u64)| reservations.reserve(addr) < version;
        !self.held.iter().any(has_come_back) && Part::All.addresses().all(is_free)
    }

    /// Where reservations have ended.
    pub fn ended(&self, reservations: &Reservations) -> Vec<GuestAddr> {
        let is_over = |&&(addr, version): &&(GuestAddr, u64)| match reservations.claim(addr, version) {
            Some(_) => {
                reservations.unclaim(addr, version);
                false
            }
            None => true,
        };
        self.held.iter().filter(is_over).map(|&(addr, _)| addr).collect()
    }
}
