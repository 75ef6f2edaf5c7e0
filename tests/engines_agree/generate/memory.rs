//! Loads, stores and atomics whose addresses are computed just before.

use super::builder::{Builder, SP, insn};
use super::random::{self, Kind};
use crate::bench::DATA;
use crate::program::{Imm, SlotId, Target};
use remu_isa::{Insn, Op, RegClass};

/// The base register of indexed accesses, and where it points.
pub const BASE_REGISTER: u8 = 4;
pub const BASE: u64 = DATA + 0x1000;

const LOADS_AND_STORES: &[Op] = &[
    Op::Lb,
    Op::Lbu,
    Op::Lh,
    Op::Lhu,
    Op::Lw,
    Op::Lwu,
    Op::Ld,
    Op::Ld,
    Op::Sb,
    Op::Sh,
    Op::Sw,
    Op::Sd,
    Op::Sd,
    Op::Flh,
    Op::Flw,
    Op::Fld,
    Op::Fsh,
    Op::Fsw,
    Op::Fsd,
];

/// A register and an offset that make an address.
#[derive(Clone, Copy)]
struct Place {
    r: u8,
    offset: i32,
    /// The `auipc` whose low part the offset is.
    auipc: Option<(SlotId, u64)>,
}

impl Builder<'_> {
    /// An access to memory, or two beside each other.
    pub fn memory(&mut self) {
        match self.rng.below(10) {
            0 if !self.pool.calm => return self.one(Kind::Memory),
            1 => return self.stack(),
            _ => {}
        }
        let to = if self.pool.calm { random::calm_address(self.rng) } else { random::address(self.rng) };
        let place = self.place(to);
        if self.rng.one_in(12) && !self.pool.calm {
            return self.bare_access(place, Kind::Memory);
        }
        let over_base = self.rng.one_in(6);
        let first = self.access(place, over_base);
        if place.auipc.is_none() && self.rng.one_in(3) && first.rd != place.r {
            // The next one of a pair.
            let offset = place.offset + self.rng.of(&[1, 2, 4, 8, 8, 8, -8]);
            let second = Insn {
                rd: if first.op.info().is_load { self.rd_of(first.op, first.rd) } else { 0 },
                imm: offset,
                ..first
            };
            if (-2048..2048).contains(&offset) {
                self.push(second);
            }
        }
    }

    fn rd_of(&mut self, op: Op, fallback: u8) -> u8 {
        match op.info().rd {
            RegClass::X => self.destination(),
            RegClass::F => self.pool.float(self.rng),
            RegClass::None => fallback,
        }
    }

    /// A load or store at a place. The loaded register may be the one of the address.
    fn access(&mut self, place: Place, over_base: bool) -> Insn {
        let op = self.rng.of(LOADS_AND_STORES);
        let info = op.info();
        let over_base = over_base && info.rd == RegClass::X && self.pool.free(place.r);
        let rd = if over_base { place.r } else { self.rd_of(op, 0) };
        let rs2 = match info.rs2 {
            RegClass::X => self.source(),
            RegClass::F => self.pool.float(self.rng),
            RegClass::None => 0,
        };
        let access = insn(op, rd, place.r, rs2, place.offset);
        match place.auipc {
            Some((base, to)) => self.push_with(access, Imm::Low(Target::Addr(to), base)),
            None => self.push(self.compressed(access).filter(|_| rd % 2 == 0).unwrap_or(access)),
        }
        access
    }

    /// The compressed form of an access, if there is one for these operands.
    fn compressed(&self, access: Insn) -> Option<Insn> {
        let op = match (access.op, access.rs1) {
            (Op::Lw, SP) => Op::CLwsp,
            (Op::Ld, SP) => Op::CLdsp,
            (Op::Sw, SP) => Op::CSwsp,
            (Op::Sd, SP) => Op::CSdsp,
            (Op::Fld, SP) => Op::CFldsp,
            (Op::Fsd, SP) => Op::CFsdsp,
            (Op::Lw, _) => Op::CLw,
            (Op::Ld, _) => Op::CLd,
            (Op::Sw, _) => Op::CSw,
            (Op::Sd, _) => Op::CSd,
            (Op::Fld, _) => Op::CFld,
            (Op::Fsd, _) => Op::CFsd,
            (Op::Lbu, _) => Op::CLbu,
            (Op::Lh, _) => Op::CLh,
            (Op::Lhu, _) => Op::CLhu,
            (Op::Sb, _) => Op::CSb,
            (Op::Sh, _) => Op::CSh,
            _ => return None,
        };
        let rs1 = if access.rs1 == SP { 0 } else { access.rs1 };
        let short = Insn { op, len: 2, rs1, ..access };
        let bits = remu_isa::encode(&short, remu_isa::Xlen::Rv64).ok()?;
        let full = remu_isa::decode(bits, remu_isa::Isa::rv64_max()).ok()?.expand(remu_isa::Xlen::Rv64);
        (Insn { len: 4, ..full } == access).then_some(short)
    }

    /// An instruction that has no offset, at an address.
    fn bare_access(&mut self, place: Place, kind: Kind) {
        let r = self.exact(place);
        for _ in 0..20 {
            let access = Insn { rs1: r, ..self.random(kind) };
            let known = access.op.info().rs1 == RegClass::X && remu_isa::encode(&access, remu_isa::Xlen::Rv64).is_ok();
            if known && !access.op.info().compressed {
                return self.push(Insn { imm: if access.op.info().is_atomic { access.imm } else { 0 }, ..access });
            }
        }
    }

    /// The whole address in the register.
    fn exact(&mut self, place: Place) -> u8 {
        if place.offset == 0 && place.auipc.is_none() {
            return place.r;
        }
        let r = if self.pool.free(place.r) { place.r } else { self.scratch() };
        let sum = insn(Op::Addi, r, place.r, 0, place.offset);
        match place.auipc {
            Some((base, to)) => self.push_with(sum, Imm::Low(Target::Addr(to), base)),
            None => self.push(sum),
        }
        r
    }

    /// Computes an address in one of the ways of compilers.
    fn place(&mut self, to: u64) -> Place {
        let r = self.scratch();
        let low = ((to as i64) << 52 >> 52) as i32;
        let by_lui = to < 0x7fff_f000;
        let near = to.wrapping_sub(BASE) as i64;
        match self.rng.below(6) {
            0 if by_lui => {
                self.imm(Op::Lui, r, 0, (to as i32).wrapping_sub(low));
                let folded = self.rng.one_in(2);
                if !folded {
                    let op = self.rng.of(&[Op::Addi, Op::Addiw]);
                    self.imm(op, r, r, low);
                }
                Place { r, offset: if folded { low } else { 0 }, auipc: None }
            }
            1 if by_lui => {
                let auipc = self.here();
                self.push_with(insn(Op::Auipc, r, 0, 0, 0), Imm::High(Target::Addr(to)));
                Place { r, offset: 0, auipc: Some((auipc, to)) }
            }
            2 | 3 if near.unsigned_abs() < 0x8000 => self.indexed(r, near),
            _ => {
                let offset = self.rng.of(&[0, 0, 0, 8, -8, 2047, -2048]);
                self.li(r, to.wrapping_sub(offset as u64));
                Place { r, offset, auipc: None }
            }
        }
    }

    /// `base + (index << n) + offset`, in one of many ways.
    fn indexed(&mut self, r: u8, near: i64) -> Place {
        let shift = self.rng.below(4) as u32;
        let offset = self.rng.of(&[0, 0, 8, -16]) + (near & ((1 << shift) - 1)) as i32;
        let index = (near - i64::from(offset)) >> shift;
        let offset = (near - (index << shift)) as i32;
        // The upper half of the index of an unsigned word does not matter.
        let unsigned = index >= 0 && self.rng.one_in(3);
        let garbage = if unsigned { self.rng.next() << 32 } else { 0 };
        self.li(r, index as u64 | garbage);
        let scaled = [Op::Add, Op::Sh1add, Op::Sh2add, Op::Sh3add][shift as usize];
        let scaled_unsigned = [Op::AddUw, Op::Sh1addUw, Op::Sh2addUw, Op::Sh3addUw][shift as usize];
        match (unsigned, self.rng.below(3)) {
            (true, 0) => self.op(scaled_unsigned, r, r, BASE_REGISTER),
            (true, _) => {
                self.imm(Op::Slli, r, r, 32);
                self.imm(Op::Srli, r, r, 32 - shift as i32);
                self.op(Op::Add, r, BASE_REGISTER, r);
            }
            (false, 0) => {
                self.imm(Op::Slli, r, r, shift as i32);
                self.op(Op::Add, r, r, BASE_REGISTER);
            }
            (false, 1) if self.rng.one_in(2) => {
                // The sum goes to another register; the index stays.
                let sum = self.scratch();
                self.op(scaled, sum, r, BASE_REGISTER);
                return Place { r: sum, offset, auipc: None };
            }
            (false, _) => self.op(scaled, r, r, BASE_REGISTER),
        }
        Place { r, offset, auipc: None }
    }

    /// Saves and restores around a change of the stack pointer.
    fn stack(&mut self) {
        let size = 16 * (1 + self.rng.below(8)) as i32;
        self.imm(Op::Addi, SP, SP, -size);
        for _ in 0..1 + self.rng.below(4) {
            let offset = 8 * self.rng.below(size as usize / 8) as i32;
            self.access(Place { r: SP, offset, auipc: None }, false);
        }
        self.imm(Op::Addi, SP, SP, size);
    }

    /// Atomics: one alone, a pair of LR and SC with something in between, or the loop that retries it.
    pub fn atomic(&mut self) {
        let to = random::address(self.rng);
        let to = if self.rng.one_in(8) { to } else { to & !15 };
        let place = self.place(to);
        if self.rng.below(3) != 0 {
            return self.bare_access(place, Kind::Atomic);
        }
        let r = self.exact(place);
        let was_free = self.pool.free(r);
        self.pool.reserved |= 1 << r;
        let ordering = self.rng.below(4) as u8;
        let (lr, sc) = self.rng.of(&[(Op::LrW, Op::ScW), (Op::LrD, Op::ScD)]);
        // A retry that never succeeds ends, too.
        let count = self.take();
        self.imm(Op::Addi, count, 0, 3);
        let again = self.here();
        let old = self.destination();
        self.push(Insn { rm: ordering, ..insn(lr, old, r, 0, 0) });
        for _ in 0..self.rng.below(4) {
            match self.rng.below(6) {
                // To the same address, or beside it.
                0 => {
                    let offset = self.rng.of(&[0, 0, 4, 8, 16]);
                    self.access(Place { r, offset, auipc: None }, false);
                }
                1 => self.bare_access(Place { r, offset: 0, auipc: None }, Kind::Atomic),
                2 => self.skip(),
                _ => self.one(Kind::Common),
            }
        }
        let (done, new) = (self.scratch(), self.source());
        self.push(Insn { rm: ordering, ..insn(sc, done, r, new, 0) });
        if self.rng.one_in(3) {
            self.imm(Op::Addi, count, count, -1);
            let enough = self.jump(Op::Beq, 0, count, 0);
            let retry = self.jump(Op::Bne, 0, done, 0);
            self.target(retry, again);
            self.land(enough);
        }
        self.give_back(count);
        if was_free {
            self.give_back(r);
        }
    }
}
