//! Physical memory protection (privileged specification, "Physical Memory Protection").

use crate::memory::machine::{PmpView, Region};

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

/// `mseccfg` (Smepmp).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seccfg(pub u64);

impl Seccfg {
    /// MML: rules apply to machine mode or to the others, not to both.
    const LOCKDOWN: u64 = 1;
    /// MMWP: machine mode may not access memory that matches no rule.
    const WHITELIST: u64 = 2;
    /// RLB: locked rules can be changed.
    const BYPASS: u64 = 4;

    fn has(self, bit: u64) -> bool {
        self.0 & bit != 0
    }

    /// The register after a write. The first two fields cannot be cleared, the third not be set while a rule is locked.
    pub(super) fn written(self, value: u64, any_locked: bool) -> Self {
        let sticky = (self.0 | value) & (Self::LOCKDOWN | Self::WHITELIST);
        let bypass = if any_locked && !self.has(Self::BYPASS) { 0 } else { value & Self::BYPASS };
        Self(sticky | bypass)
    }
}

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

    fn is_locked(&self, entry: usize, seccfg: Seccfg) -> bool {
        self.config[entry] & LOCKED != 0 && !seccfg.has(Seccfg::BYPASS)
    }

    /// Whether an entry is locked, regardless of `mseccfg.RLB`.
    pub(super) fn any_locked(&self) -> bool {
        self.config.iter().any(|&config| config & LOCKED != 0)
    }

    /// Writes a configuration unless it is locked. The reserved combination R=0, W=1 is stored with W=0.
    pub fn set_config(&mut self, entry: usize, value: u8, seccfg: Seccfg) {
        let lockdown = seccfg.has(Seccfg::LOCKDOWN);
        let writes_only = value & (R | W) == W;
        // With MML, no rule that lets machine mode execute may be added: R=0, W=1 is shared then, with L in code.
        let adds_code = value & LOCKED != 0 && (value & X != 0 || writes_only) && value & (R | W | X) != R | W | X;
        if self.is_locked(entry, seccfg) || lockdown && adds_code && !seccfg.has(Seccfg::BYPASS) {
            return;
        }
        let kept = if writes_only && !lockdown { value & !W } else { value };
        self.config[entry] = kept & (R | W | X | MATCH | LOCKED);
    }

    /// The address register of an entry.
    pub fn addr(&self, entry: usize) -> u64 {
        self.addr[entry]
    }

    /// Writes an address register unless it is locked by its own entry, or by the next one in TOR mode.
    pub fn set_addr(&mut self, entry: usize, value: u64, seccfg: Seccfg) {
        let next_locks =
            entry + 1 < ENTRIES && self.config[entry + 1] & MATCH == TOR && self.is_locked(entry + 1, seccfg);
        if !self.is_locked(entry, seccfg) && !next_locks {
            self.addr[entry] = value & ((1 << 54) - 1);
        }
    }

    /// What the entries mean for memory.
    pub fn view(&self, seccfg: Seccfg) -> PmpView {
        let regions = (0..ENTRIES).filter_map(|entry| self.region(entry, seccfg)).collect();
        let unmatched = !seccfg.has(Seccfg::WHITELIST);
        PmpView { regions, unmatched: [unmatched, unmatched, unmatched && !seccfg.has(Seccfg::LOCKDOWN)] }
    }

    fn region(&self, entry: usize, seccfg: Seccfg) -> Option<Region> {
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
        let [machine, others] = permissions(config, seccfg.has(Seccfg::LOCKDOWN));
        // An empty TOR range matches nothing.
        (start < end).then(|| Region { start: start << 2, last: (end << 2) - 1, machine, others })
    }
}

/// What an entry lets machine mode and the other modes do: read, write, execute. With `lockdown` (MML), as in Smepmp's
/// table.
fn permissions(config: u8, lockdown: bool) -> [[bool; 3]; 2] {
    let allows = [R, W, X].map(|bit| config & bit != 0);
    let locked = config & LOCKED != 0;
    const READ: [bool; 3] = [true, false, false];
    const WRITE: [bool; 3] = [true, true, false];
    const EXECUTE: [bool; 3] = [false, false, true];
    const READ_CODE: [bool; 3] = [true, false, true];
    const NONE: [bool; 3] = [false; 3];
    match (lockdown, locked, allows) {
        (false, false, _) => [[true; 3], allows],
        (false, true, _) => [allows, allows],
        (true, false, [false, true, false]) => [WRITE, READ],
        (true, false, [false, true, true]) => [WRITE, WRITE],
        (true, true, [false, true, false]) => [EXECUTE, EXECUTE],
        (true, true, [false, true, true]) => [READ_CODE, EXECUTE],
        (true, true, [true, true, true]) => [READ, READ],
        (true, false, _) => [NONE, allows],
        (true, true, _) => [allows, NONE],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(pmp: &Pmp) -> Vec<(u64, u64)> {
        pmp.view(Seccfg::default()).regions.iter().map(|r| (r.start, r.last)).collect()
    }

    #[test]
    fn entries_match_addresses_in_three_modes() {
        let mut pmp = Pmp::default();
        pmp.set_addr(0, 0x1000, Seccfg::default());
        pmp.set_addr(1, 0x2000, Seccfg::default());
        pmp.set_config(1, TOR | R, Seccfg::default());
        pmp.set_addr(2, 0x3000, Seccfg::default());
        pmp.set_config(2, NA4 | X, Seccfg::default());
        pmp.set_addr(3, 0x4000 | 0x1ff, Seccfg::default());
        pmp.set_config(3, NAPOT | R | W, Seccfg::default());
        assert_eq!(ranges(&pmp), [(0x4000, 0x7fff), (0xc000, 0xc003), (0x10000, 0x10fff)]);
        assert_eq!(pmp.view(Seccfg::default()).regions[2].others, [true, true, false]);
        pmp.set_addr(3, u64::MAX, Seccfg::default());
        assert_eq!(ranges(&pmp)[2], (0, (1 << 57) - 1), "the whole address space");
        pmp.set_addr(0, 0x3000, Seccfg::default());
        assert_eq!(pmp.view(Seccfg::default()).regions.len(), 2, "a range that ends before it starts");
    }

    #[test]
    fn locked_entries_do_not_change() {
        let mut pmp = Pmp::default();
        pmp.set_addr(4, 1, Seccfg::default());
        pmp.set_addr(5, 2, Seccfg::default());
        pmp.set_config(5, LOCKED | TOR | R, Seccfg::default());
        pmp.set_config(5, 0, Seccfg::default());
        pmp.set_addr(5, 9, Seccfg::default());
        pmp.set_addr(4, 9, Seccfg::default());
        assert_eq!((pmp.config(5), pmp.addr(5), pmp.addr(4)), (LOCKED | TOR | R, 2, 1));
        pmp.set_config(4, W | X, Seccfg::default());
        assert_eq!(pmp.config(4), X, "writable but not readable is reserved");
    }
}
