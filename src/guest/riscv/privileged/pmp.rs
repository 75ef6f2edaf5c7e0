//! Physical memory protection (privileged specification, "Physical Memory Protection").

use crate::memory::machine::Region;

/// The number of implemented entries; the specification allows up to 64.
pub const ENTRIES: usize = 16;

const R: u8 = 1;
const W: u8 = 2;
const X: u8 = 4;
const LOCKED: u8 = 0x80;
/// The address-matching mode of an entry.
const MATCH: u8 = 0x18;
const TOR: u8 = 0x08;
const NA4: u8 = 0x10;
const NAPOT: u8 = 0x18;

/// The PMP entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pmp {
    config: [u8; ENTRIES],
    /// The addresses divided by four.
    addr: [u64; ENTRIES],
}

impl Pmp {
    /// The configuration of an entry.
    pub fn config(&self, entry: usize) -> u8 {
        self.config[entry]
    }

    /// Writes a configuration unless it is locked. The reserved combination R=0, W=1 is stored with W=0.
    pub fn set_config(&mut self, entry: usize, value: u8) {
        if self.config[entry] & LOCKED == 0 {
            let reserved = value & (R | W) == W;
            let kept = if reserved { value & !W } else { value };
            self.config[entry] = kept & (R | W | X | MATCH | LOCKED);
        }
    }

    /// The address register of an entry.
    pub fn addr(&self, entry: usize) -> u64 {
        self.addr[entry]
    }

    /// Writes an address register unless it is locked by its own entry, or by the next one in TOR mode.
    pub fn set_addr(&mut self, entry: usize, value: u64) {
        let next = self.config.get(entry + 1).copied().unwrap_or(0);
        let bounds_locked = next & LOCKED != 0 && next & MATCH == TOR;
        if self.config[entry] & LOCKED == 0 && !bounds_locked {
            self.addr[entry] = value & ((1 << 54) - 1);
        }
    }

    /// The enabled regions in order of priority.
    pub fn regions(&self) -> Vec<Region> {
        (0..ENTRIES).filter_map(|entry| self.region(entry)).collect()
    }

    fn region(&self, entry: usize) -> Option<Region> {
        let (config, addr) = (self.config[entry], self.addr[entry]);
        let (start, end) = match config & MATCH {
            TOR => (if entry == 0 { 0 } else { self.addr[entry - 1] }, addr),
            NA4 => (addr, addr + 1),
            NAPOT => {
                // n trailing ones encode a size of 2^(n+1) words.
                let ones = addr.trailing_ones();
                let start = addr & !((1 << ones) - 1);
                (start, start + (2 << ones))
            }
            _ => return None,
        };
        // An empty TOR range matches nothing.
        (start < end).then(|| Region {
            start: start << 2,
            last: (end << 2) - 1,
            allows: [R, W, X].map(|bit| config & bit != 0),
            locked: config & LOCKED != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(pmp: &Pmp) -> Vec<(u64, u64)> {
        pmp.regions().iter().map(|r| (r.start, r.last)).collect()
    }

    #[test]
    fn entries_match_addresses_in_three_modes() {
        let mut pmp = Pmp::default();
        pmp.set_addr(0, 0x1000);
        pmp.set_addr(1, 0x2000);
        pmp.set_config(1, TOR | R);
        pmp.set_addr(2, 0x3000);
        pmp.set_config(2, NA4 | X);
        pmp.set_addr(3, 0x4000 | 0x1ff);
        pmp.set_config(3, NAPOT | R | W);
        assert_eq!(ranges(&pmp), [(0x4000, 0x7fff), (0xc000, 0xc003), (0x10000, 0x10fff)]);
        assert_eq!(pmp.regions()[2].allows, [true, true, false]);
        pmp.set_addr(3, u64::MAX);
        assert_eq!(ranges(&pmp)[2], (0, (1 << 57) - 1), "the whole address space");
        pmp.set_addr(0, 0x3000);
        assert_eq!(pmp.regions().len(), 2, "a range that ends before it starts");
    }

    #[test]
    fn locked_entries_do_not_change() {
        let mut pmp = Pmp::default();
        pmp.set_addr(4, 1);
        pmp.set_addr(5, 2);
        pmp.set_config(5, LOCKED | TOR | R);
        pmp.set_config(5, 0);
        pmp.set_addr(5, 9);
        pmp.set_addr(4, 9);
        assert_eq!((pmp.config(5), pmp.addr(5), pmp.addr(4)), (LOCKED | TOR | R, 2, 1));
        pmp.set_config(4, W | X);
        assert_eq!(pmp.config(4), X, "writable but not readable is reserved");
    }
}
