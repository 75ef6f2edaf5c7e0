//! Where straight-line code ends: the instruction table against the definitions.

use crate::guest::riscv::fp::{Fmt, RmField};
use crate::guest::riscv::{Base, FpCmp, FpMinMax, FpOp, IntType, RiscvSemantics, Rv32, Rv64, Sgnj, Trap};
use crate::guest::{AmoOp, BitOp, Cond, Flow, MemType, Order, Reg, Semantics, Width};
use remu_isa::{Insn, Isa, Op, decode};

/// A machine of this width without values, on which an instruction does nothing but yield its [`Flow`].
struct FlowOnly<const WIDE: bool>;

/// The instruction raised a trap.
struct Stops;

impl<const WIDE: bool> Semantics for FlowOnly<WIDE> {
    type Value = ();
    type Stop = Stops;

    const XLEN: Width = if WIDE { Width::W64 } else { Width::W32 };

    fn read(&mut self, _: Reg) {}
    fn write(&mut self, _: Reg, _: ()) {}
    fn imm(&mut self, _: i64) {}
    fn pc(&mut self, _: i64) {}
    fn add(&mut self, _: Width, _: (), _: ()) {}
    fn sub(&mut self, _: Width, _: (), _: ()) {}
    fn and(&mut self, _: (), _: ()) {}
    fn or(&mut self, _: (), _: ()) {}
    fn xor(&mut self, _: (), _: ()) {}
    fn and_not(&mut self, _: (), _: ()) {}
    fn or_not(&mut self, _: (), _: ()) {}
    fn xor_not(&mut self, _: (), _: ()) {}
    fn shift_add(&mut self, _: Width, _: u8, _: (), _: ()) {}
    fn shl(&mut self, _: Width, _: (), _: ()) {}
    fn lshr(&mut self, _: Width, _: (), _: ()) {}
    fn ashr(&mut self, _: Width, _: (), _: ()) {}
    fn rotr(&mut self, _: Width, _: (), _: ()) {}
    fn rotl(&mut self, _: Width, _: (), _: ()) {}
    fn mul(&mut self, _: Width, _: (), _: ()) {}
    fn mulh(&mut self, _: Width, _: (), _: ()) {}
    fn mulhu(&mut self, _: Width, _: (), _: ()) {}
    fn mulhsu(&mut self, _: Width, _: (), _: ()) {}
    fn div(&mut self, _: Width, _: (), _: ()) {}
    fn divu(&mut self, _: Width, _: (), _: ()) {}
    fn rem(&mut self, _: Width, _: (), _: ()) {}
    fn remu(&mut self, _: Width, _: (), _: ()) {}
    fn compare(&mut self, _: Width, _: Cond, _: (), _: ()) {}
    fn select(&mut self, _: (), _: (), _: ()) {}
    fn extend(&mut self, _: MemType, _: ()) {}
    fn bit(&mut self, _: Width, _: BitOp, _: (), _: ()) {}
    fn clz(&mut self, _: Width, _: ()) {}
    fn ctz(&mut self, _: Width, _: ()) {}
    fn cpop(&mut self, _: Width, _: ()) {}
    fn rev8(&mut self, _: Width, _: ()) {}
    fn clmul(&mut self, _: Width, _: (), _: ()) {}
    fn clmulh(&mut self, _: Width, _: (), _: ()) {}
    fn address(&mut self, _: (), _: i64) {}
    fn load(&mut self, _: MemType, _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn store(&mut self, _: MemType, _: (), _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn amo(&mut self, _: AmoOp, _: MemType, _: Order, _: (), _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn cas(&mut self, _: MemType, _: Order, _: (), _: (), _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn cas_pair(&mut self, _: Width, _: Order, _: (), _: [(); 2], _: [(); 2]) -> Result<[(); 2], Stops> {
        Ok([(); 2])
    }
    fn load_reserved(&mut self, _: MemType, _: Order, _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn store_conditional(&mut self, _: MemType, _: Order, _: (), _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn fence(&mut self, _: u8, _: u8) {}
    fn fence_i(&mut self) {}
    fn zero_block(&mut self, _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn manage_block(&mut self, _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn pause(&mut self) {}
}

impl<const WIDE: bool> RiscvSemantics for FlowOnly<WIDE> {
    fn insn_align(&self) -> u64 {
        2
    }
    fn check_target(&mut self, _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn brev8(&mut self, _: Width, _: ()) {}
    fn orc_b(&mut self, _: Width, _: ()) {}
    fn zip(&mut self, _: ()) {}
    fn unzip(&mut self, _: ()) {}
    fn clmulr(&mut self, _: Width, _: (), _: ()) {}
    fn xperm4(&mut self, _: Width, _: (), _: ()) {}
    fn xperm8(&mut self, _: Width, _: (), _: ()) {}
    fn fp_read(&mut self, _: Fmt, _: Reg) {}
    fn fp_write(&mut self, _: Fmt, _: Reg, _: ()) {}
    fn fp_read_bits(&mut self, _: Reg) {}
    fn fp_arith(&mut self, _: FpOp, _: Fmt, _: RmField, _: (), _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn fp_sqrt(&mut self, _: Fmt, _: RmField, _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn fp_fma(&mut self, _: Fmt, _: RmField, _: bool, _: bool, _: (), _: (), _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn fp_sgnj(&mut self, _: Fmt, _: Sgnj, _: (), _: ()) {}
    fn fp_minmax(&mut self, _: FpMinMax, _: Fmt, _: (), _: ()) {}
    fn fp_compare(&mut self, _: FpCmp, _: Fmt, _: (), _: ()) {}
    fn fp_class(&mut self, _: Fmt, _: ()) {}
    fn fp_convert(&mut self, _: Fmt, _: Fmt, _: RmField, _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn fp_to_int(&mut self, _: Fmt, _: IntType, _: RmField, _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn fp_from_int(&mut self, _: Fmt, _: IntType, _: RmField, _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn fp_round(&mut self, _: Fmt, _: bool, _: RmField, _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn fp_to_int_modular(&mut self, _: ()) {}
    fn fp_load(&mut self, _: Fmt, _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn fp_store(&mut self, _: Fmt, _: (), _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn csr_read(&mut self, _: u16) -> Result<(), Stops> {
        Ok(())
    }
    fn csr_write(&mut self, _: u16, _: ()) -> Result<(), Stops> {
        Ok(())
    }
    fn trap(&mut self, _: Trap) -> Stops {
        Stops
    }
    /// As in a mode that allows the instruction.
    fn privileged(&mut self, _: &Insn, _: (), _: ()) -> Result<Flow<()>, Stops> {
        Ok(Flow::Refetch)
    }
}

/// The random encodings of each op.
const EACH: u32 = 200;

/// Compares the table with the definitions at one width: an op ends its block if one of its encodings does not simply
/// continue with the next instruction.
fn check(isa: Isa, ends: impl Fn(&Insn) -> bool) {
    let mut random = 1u32;
    for &op in Op::ALL.iter() {
        let Some(pattern) = op.pattern(isa.xlen) else { continue };
        let encodings = (0..EACH).filter_map(|_| {
            random = random.wrapping_mul(0x9e37_79b1).wrapping_add(0x7f4a_7c15);
            decode(pattern.value | random & !pattern.mask, isa).ok().filter(|insn| insn.op == op)
        });
        let mut found = 0;
        let ends_block = encodings.fold(false, |so_far, insn| {
            found += 1;
            so_far | ends(&insn.expand(isa.xlen))
        });
        assert!(found > 0, "{op} has no encoding with {isa:?}");
        assert_eq!(op.info().ends_block, ends_block, "{op}");
    }
}

fn leaves<B: Base, S: RiscvSemantics>(s: &mut S, insn: &Insn) -> bool {
    !matches!(B::exec(s, insn), Ok(Flow::Next))
}

#[test]
fn the_table_knows_where_a_block_ends() {
    check(Isa::rv64_max(), |insn| leaves::<Rv64, _>(&mut FlowOnly::<true>, insn));
    check(Isa::rv32_max(), |insn| leaves::<Rv32, _>(&mut FlowOnly::<false>, insn));
}

#[test]
fn of_csr_accesses_only_a_write_ends_a_block_if_something_depends_on_the_csr() {
    let csr = |op, rs1, csr| Insn { op, rd: 5, rs1, rs2: 0, rs3: 0, rm: 0, len: 4, imm: csr };
    let ends = |insn| leaves::<Rv64, _>(&mut FlowOnly::<true>, &insn);
    assert!(ends(csr(Op::Csrrw, 0, 2)) && ends(csr(Op::Csrrs, 1, 2)) && ends(csr(Op::Csrrwi, 0, 3)));
    assert!(!ends(csr(Op::Csrrs, 0, 2)) && !ends(csr(Op::Csrrci, 0, 3)), "reads");
    assert!(!ends(csr(Op::Csrrw, 1, 1)) && !ends(csr(Op::Csrrsi, 1, 1)), "accrued exceptions");
    assert!(!ends(csr(Op::Csrrw, 1, 0x140)) && !ends(csr(Op::Csrrw, 1, 0x341)), "what trap handlers save");
    assert!(ends(csr(Op::Csrrw, 1, 0x100)) && ends(csr(Op::Csrrw, 1, 0x144)), "status and pending interrupts");
}
