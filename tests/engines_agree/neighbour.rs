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
pub struct Neighbour(Vec<(GuestAddr, u64)>);

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
        self.0 = part.addresses().map(|addr| (addr, reservations.reserve(addr))).collect();
    }

    /// Writes a part of the buckets.
    pub fn write(reservations: &Reservations, part: Part) {
        part.addresses().for_each(|addr| reservations.written(addr));
    }

    /// Whether a store-conditional has left a bucket that is still claimed.
    pub fn is_held_up(reservations: &Reservations) -> bool {
        Part::All.addresses().any(|addr| {
            let version = reservations.reserve(addr);
            let is_held_up = reservations.claim(addr, version).is_none();
            reservations.unclaim(addr, version);
            is_held_up
        })
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
        self.0.iter().filter(is_over).map(|&(addr, _)| addr).collect()
    }
}
