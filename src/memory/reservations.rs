//! Reservations of LR/SC across the harts of an address space: a process's, or the physical one of a machine.
//!
//! Comparing the value alone would let a store-conditional succeed after the memory held another value meanwhile (ABA).
//! So addresses are hashed into buckets, each a version and two bits. A load-reserved sets the "reserved" bit if it is
//! clear, and remembers the version; then it loads. A store-conditional claims the bucket if the version still holds,
//! compares and exchanges, and releases the bucket with the next version. An atomic memory operation looks at the
//! bucket afterwards and, only if it is reserved, moves it to the next version. A reservation that another hart has
//! made does not bother a later one, so of the harts that contend, one succeeds at a time.
//!
//! Compiled code executes a pair of LR and SC that has nothing but arithmetic between them as an atomic memory operation.
//!
//! Two addresses in one bucket disturb each other: a store-conditional may fail for no reason of its own. What the
//! buckets do not see is noticed only if the value differs when the store-conditional compares it: plain stores, atomic
//! memory operations between the claim and the comparison, and in a process also other processes that share the memory
//! and accesses through another address of the same memory. A machine's addresses are physical here.

use super::GuestAddr;
use std::sync::atomic::{AtomicU64, Ordering};

const BUCKETS: usize = Reservations::BUCKETS;
const RESERVED: u64 = Reservations::RESERVED;
const CLAIMED: u64 = Reservations::CLAIMED;
const VERSION: u64 = Reservations::VERSION;

/// The reservations of an address space. Emitted code works on the same buckets, in the same way.
pub struct Reservations {
    buckets: Box<[AtomicU64; BUCKETS]>,
}

/// A bucket that the calling thread has claimed.
#[must_use = "others fail until it is released"]
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    bucket: &'a AtomicU64,
    next: u64,
}

impl Default for Reservations {
    fn default() -> Self {
        Self { buckets: Box::new([const { AtomicU64::new(0) }; BUCKETS]) }
    }
}

impl Reservations {
    /// The number of buckets, 8 bytes each.
    pub const BUCKETS: usize = 4096;
    /// Bytes of memory that have a bucket in common, as large as the largest atomic access.
    pub const GRANULE: u64 = 16;
    /// Some hart may hold a reservation of this version.
    pub const RESERVED: u64 = 1;
    /// A store-conditional is under way.
    pub const CLAIMED: u64 = 2;
    /// Added to go to the next version.
    pub const VERSION: u64 = 4;

    /// The host's address of the first bucket, for emitted code.
    pub fn address(&self) -> u64 {
        self.buckets.as_ptr() as u64
    }

    #[inline(always)]
    fn bucket(&self, addr: GuestAddr) -> &AtomicU64 {
        let granule = addr.0 / Self::GRANULE;
        &self.buckets[(granule ^ granule >> 12) as usize % BUCKETS]
    }

    /// Called before the load of a load-reserved; yields the version to remember.
    #[inline(always)]
    pub fn reserve(&self, addr: GuestAddr) -> u64 {
        let bucket = self.bucket(addr);
        let mut now = bucket.load(Ordering::SeqCst);
        // A bucket that is claimed gets another version: this reservation will fail.
        while now & (RESERVED | CLAIMED) == 0 {
            match bucket.compare_exchange(now, now | RESERVED, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return now | RESERVED,
                Err(other) => now = other,
            }
        }
        now & !CLAIMED
    }

    /// Called before the store of a store-conditional, with the version from [`Self::reserve`]; `None` if the
    /// reservation is lost. The claim is to be [released](Claim::release), also if the store faults.
    #[inline(always)]
    pub fn claim(&self, addr: GuestAddr, version: u64) -> Option<Claim<'_>> {
        let bucket = self.bucket(addr);
        let claimed = bucket.compare_exchange(version, version | CLAIMED, Ordering::SeqCst, Ordering::SeqCst);
        claimed.ok()?;
        Some(Claim { bucket, next: (version & !RESERVED).wrapping_add(VERSION) })
    }

    /// Takes back a claim of the calling thread's: the version holds as before.
    pub fn unclaim(&self, addr: GuestAddr, version: u64) {
        // It fails only if the claim has been ended already.
        let _ = self.bucket(addr).compare_exchange(version | CLAIMED, version, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Called after an atomic memory operation, which is a full barrier: other harts lose their reservations, also if
    /// the value is the same as before.
    #[inline(always)]
    pub fn written(&self, addr: GuestAddr) {
        let bucket = self.bucket(addr);
        let now = bucket.load(Ordering::SeqCst);
        // Where a store-conditional is under way, its release ends the reservations of others. If the exchange fails,
        // the version has changed or is about to.
        if now & (RESERVED | CLAIMED) == RESERVED {
            let next = (now & !RESERVED).wrapping_add(VERSION);
            let _ = bucket.compare_exchange(now, next, Ordering::SeqCst, Ordering::SeqCst);
        }
    }

    /// Ends all claims: in the child of a fork, where the threads that had them do not exist; and after a process that
    /// shared the address space has been killed, as it may have left one.
    pub fn end_claims(&self) {
        // The child of a fork copies each page that it writes to.
        for bucket in self.buckets.iter().filter(|bucket| bucket.load(Ordering::SeqCst) & CLAIMED != 0) {
            // Further on than any hart of the other process gets meanwhile.
            let next = |now: u64| Some((now & !(RESERVED | CLAIMED)).wrapping_add(1 << 32));
            let _ = bucket.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
        }
    }
}

impl Claim<'_> {
    /// Ends a store-conditional, whether it stored or not.
    #[inline(always)]
    pub fn release(self) {
        self.bucket.store(self.next, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: GuestAddr = GuestAddr(0x1008);

    #[test]
    fn a_version_holds_for_one_store() {
        let table = Reservations::default();
        let [first, second] = [table.reserve(A), table.reserve(A)];
        assert_eq!(first, second, "harts share a version");
        table.claim(A, first).expect("nothing was stored since").release();
        assert!(table.claim(A, second).is_none());
    }

    #[test]
    fn an_atomic_operation_ends_reservations_of_its_granule_only() {
        let table = Reservations::default();
        let version = table.reserve(A);
        table.written(GuestAddr(0x1010));
        table.written(GuestAddr(0xff8));
        table.claim(A, version).expect("others were written to").release();
        for at in [0x1000, 0x1008, 0x100f] {
            let version = table.reserve(A);
            table.written(GuestAddr(at));
            assert!(table.claim(A, version).is_none(), "{at:#x}");
        }
        let before = table.reserve(A);
        table.claim(A, before).unwrap().release();
        table.written(A);
        assert_eq!(table.bucket(A).load(Ordering::SeqCst), before - RESERVED + VERSION, "not reserved: no new version");
    }

    #[test]
    fn a_claim_fails_all_that_overlap_it() {
        let table = Reservations::default();
        let [first, second] = [table.reserve(A), table.reserve(A)];
        let claim = table.claim(A, first).unwrap();
        assert!(table.claim(A, second).is_none());
        let during = table.reserve(A);
        assert!(table.claim(A, during).is_none());
        table.written(A);
        claim.release();
        assert!(table.claim(A, during).is_none() && table.claim(A, second).is_none());
        let after = table.reserve(A);
        table.claim(A, after).expect("the bucket is free again").release();
    }

    #[test]
    fn a_claim_that_is_taken_back_leaves_the_version() {
        let table = Reservations::default();
        let version = table.reserve(A);
        let _claim = table.claim(A, version).unwrap();
        table.unclaim(A, version);
        table.claim(A, version).expect("nothing was stored since").release();
    }

    #[test]
    fn only_claims_are_ended() {
        let table = Reservations::default();
        let other = GuestAddr(0x2000);
        let [version, kept] = [table.reserve(A), table.reserve(other)];
        let _lost = table.claim(A, version).unwrap();
        table.end_claims();
        assert!(table.claim(A, version).is_none());
        let version = table.reserve(A);
        table.claim(A, version).unwrap().release();
        table.claim(other, kept).expect("nothing was stored since").release();
    }
}
