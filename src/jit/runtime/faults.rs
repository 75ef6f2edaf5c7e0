//! Which instruction of the guest each access of emitted code belongs to, in a few bytes for each.

use crate::jit::baseline::{Access, Unsettled};

/// A faulting access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultPlace {
    /// The address of the guest's instruction.
    pub pc: u64,
    /// Instructions before it that are not counted yet.
    pub uncounted: u16,
    /// See [`Access::fresh`].
    pub fresh: [u32; 2],
    /// See [`Access::reservation`].
    pub reservation: Unsettled,
}

/// The accesses of all superblocks, one superblock after the other. Each is the distance in the code from the one before,
/// then the distance in the guest's code, whose lowest bit says that [`Flags`] and what they announce follow.
#[derive(Debug, Default)]
pub struct FaultMap(Vec<u8>);

/// What else there is of an access.
struct Flags;

impl Flags {
    const UNCOUNTED: u8 = 1 << 0;
    const FRESH: [u8; 2] = [1 << 1, 1 << 2];
    const CLAIMED: u8 = 1 << 3;
    const LATE: u8 = 1 << 4;
}

impl FaultMap {
    /// The length so far, which is where the next superblock begins.
    pub fn len(&self) -> u32 {
        self.0.len() as u32
    }

    /// Adds the accesses of a superblock at `pc`, in the order of its code. `pc_of` is the address of an instruction by
    /// index. Instructions that are not counted matter only in code that counts.
    pub fn add(&mut self, accesses: &[Access], pc: u64, counts: bool, pc_of: impl Fn(u16) -> u64) {
        let mut last = (0, 0);
        for access in accesses {
            let halfwords = ((pc_of(access.insn) - pc) / 2) as i64;
            let uncounted = if counts { access.uncounted } else { 0 };
            let mut flags = if uncounted == 0 { 0 } else { Flags::UNCOUNTED };
            for (flag, registers) in Flags::FRESH.into_iter().zip(access.fresh) {
                flags |= if registers == 0 { 0 } else { flag };
            }
            flags |= match access.reservation {
                Unsettled::No => 0,
                Unsettled::Claimed => Flags::CLAIMED,
                Unsettled::Late(_) => Flags::LATE,
            };
            self.number((access.offset - last.0).into());
            let distance = halfwords - last.1;
            let zigzag = (distance << 1 ^ distance >> 63) as u64;
            self.number(zigzag << 1 | u64::from(flags != 0));
            last = (access.offset, halfwords);
            if flags == 0 {
                continue;
            }
            self.0.push(flags);
            for number in [uncounted.into(), access.fresh[0], access.fresh[1]].into_iter().filter(|&n| n != 0) {
                self.number(number.into());
            }
            if let Unsettled::Late(r) = access.reservation {
                self.0.push(r);
            }
        }
    }

    /// Adds a number, seven bits in a byte, the lowest first.
    fn number(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.0.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.0.push(n as u8);
    }

    /// The access at an offset in the code of a superblock at `pc`, whose accesses begin at `start`.
    ///
    /// # Panics
    /// If there is none.
    pub fn find(&self, start: u32, pc: u64, offset: u32) -> FaultPlace {
        let mut bytes = Bytes(&self.0[start as usize..]);
        let (mut at, mut halfwords) = (0, 0);
        loop {
            at += bytes.number() as u32;
            let word = bytes.number();
            let zigzag = word >> 1;
            halfwords += (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
            let flags = if word & 1 != 0 { bytes.byte() } else { 0 };
            let mut number = |flag: u8| if flags & flag != 0 { bytes.number() } else { 0 };
            let uncounted = number(Flags::UNCOUNTED) as u16;
            let fresh = Flags::FRESH.map(|flag| number(flag) as u32);
            let reservation = match flags & (Flags::CLAIMED | Flags::LATE) {
                0 => Unsettled::No,
                Flags::CLAIMED => Unsettled::Claimed,
                _ => Unsettled::Late(bytes.byte()),
            };
            assert!(at <= offset, "only accesses fault");
            if at == offset {
                let pc = pc.wrapping_add_signed(2 * halfwords);
                return FaultPlace { pc, uncounted, fresh, reservation };
            }
        }
    }
}

/// What is still to be read.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let (&first, rest) = self.0.split_first().expect("only accesses fault");
        self.0 = rest;
        first
    }

    fn number(&mut self) -> u64 {
        let (mut n, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            n |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return n;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_access_is_found_as_it_was_added() {
        let access =
            |offset, insn, uncounted, fresh, reservation| Access { offset, insn, uncounted, fresh, reservation };
        let pcs = [0x1000, 0x1002, 0x1006, 0x100a, 0x1200];
        let all = [
            access(0, 0, 0, [0, 0], Unsettled::No),
            access(5, 3, 3, [0, 0], Unsettled::No),
            access(200, 1, 0, [1 << 31, 0], Unsettled::Claimed),
            access(201, 4, 300, [1, 0x8000_0001], Unsettled::Late(31)),
            access(70_000, 2, 1, [0, 7], Unsettled::No),
        ];
        for counts in [false, true] {
            let mut map = FaultMap::default();
            map.add(&all[..1], pcs[0], counts, |insn| pcs[usize::from(insn)]);
            let start = map.len();
            map.add(&all, pcs[0], counts, |insn| pcs[usize::from(insn)]);
            for a in &all {
                let Access { offset, insn, uncounted, fresh, reservation } = *a;
                let uncounted = if counts { uncounted } else { 0 };
                let expected = FaultPlace { pc: pcs[usize::from(insn)], uncounted, fresh, reservation };
                assert_eq!(map.find(start, pcs[0], offset), expected);
            }
            assert_eq!(map.find(0, pcs[0], 0).pc, pcs[0]);
        }
    }

    #[test]
    #[should_panic(expected = "only accesses fault")]
    fn what_is_no_access_is_a_bug() {
        let mut map = FaultMap::default();
        let at = |offset| Access { offset, insn: 0, uncounted: 0, fresh: [0; 2], reservation: Unsettled::No };
        map.add(&[at(4), at(9)], 0, false, |_| 0);
        map.find(0, 0, 5);
    }
}
