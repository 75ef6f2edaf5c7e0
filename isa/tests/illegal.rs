//! Reserved encodings, and disabled extensions.

mod common;

use common::{XLENS, max, words_of};
use remu_isa::{DecodeError, Ext, ExtSet, Illegal, Insn, Isa, Op, Xlen, decode, encode};

/// Encodings that no extension uses: the bits, the XLENs, and a description.
const RESERVED: &[(u32, &[Xlen], &str)] = {
    const BOTH: &[Xlen] = &[Xlen::Rv32, Xlen::Rv64];
    const RV32: &[Xlen] = &[Xlen::Rv32];
    const RV64: &[Xlen] = &[Xlen::Rv64];
    &[
        (0x0000, BOTH, "all zeros"),
        (0xffff_ffff, BOTH, "all ones"),
        (0x0010, BOTH, "c.addi4spn a2, sp, 0"),
        (0x6101, BOTH, "c.addi16sp 0"),
        (0x6001, BOTH, "c.lui zero, 0"),
        (0x6501, BOTH, "c.lui a0, 0"),
        (0x2001, RV64, "c.addiw zero, 0"),
        (0x2005, RV64, "c.addiw zero, 1"),
        (0x4002, BOTH, "c.lwsp zero, 0(sp)"),
        (0x6002, RV64, "c.ldsp zero, 0(sp)"),
        (0x8002, BOTH, "c.jr zero"),
        (0x1502, RV32, "c.slli a0, 32"),
        (0x9101, RV32, "c.srli a0, 32"),
        (0x9501, RV32, "c.srai a0, 32"),
        (0x9c01, RV32, "c.subw s0, s0"),
        (0x9c21, RV32, "c.addw s0, s0"),
        (0x9c71, RV32, "c.zext.w s0"),
        (0x9c79, BOTH, "Zcb's unary operations 6"),
        (0x9c7d, BOTH, "Zcb's unary operations 7"),
        (0x8000 | 0b111 << 10, BOTH, "Zcb's loads and stores 7"),
        (0x8c00 | 1 << 6, BOTH, "c.sh with bit 6 set"),
        (0x0000_7003 | 0x4000_0000, BOTH, "load of width 7"),
        (0x0000_3083, RV32, "ld of a pair that begins with an odd register"),
        (0x0000_6003, RV32, "lwu on RV32"),
        (0x0010_3023, RV32, "sd of a pair that begins with an odd register"),
        (0x0000_4023, BOTH, "store of width 4"),
        (0x0000_2063, BOTH, "branch 2"),
        (0x0000_1067, BOTH, "jalr with funct3 1"),
        (0x0205_1513, RV32, "slli a0, a0, 32"),
        (0x0405_1513, BOTH, "slli with bit 26 set"),
        (0x0205_151b, RV64, "slliw a0, a0, 32"),
        (0x0000_003b, RV32, "addw on RV32"),
        (0x0000_001b, RV32, "addiw on RV32"),
        (0x8000_0033, BOTH, "add with bit 31 set"),
        (0x4200_0033, BOTH, "sub and mul at once"),
        (0x0010_00f3, BOTH, "ebreak with rd"),
        (0x0000_8073, BOTH, "ecall with rs1"),
        (0x0020_0073, BOTH, "uret, of the N extension"),
        (0x0000_4073, BOTH, "SYSTEM with funct3 4"),
        (0x1015_252f, BOTH, "lr.w with rs2"),
        (0x1015_352f, RV64, "lr.d with rs2"),
        (0x1005_352f, RV32, "lr.d on RV32"),
        (0x0005_352f, RV32, "amoadd.d on RV32"),
        (0x0005_452f, BOTH, "amoadd.q"),
        (0x3005_502f, BOTH, "an AMO of width 5"),
        (0xf805_252f, BOTH, "AMO 31"),
        (0x2806_b52f | 1 << 7, RV32, "amocas.d with odd rd"),
        (0x2816_b52f, RV32, "amocas.d with odd rs2"),
        (0x2806_c52f | 1 << 7, RV64, "amocas.q with odd rd"),
        (0x2816_c52f, RV64, "amocas.q with odd rs2"),
        (0x2806_c52f, RV32, "amocas.q on RV32"),
        (0x0600_0053, BOTH, "fadd.q"),
        (0x0600_0043, BOTH, "fmadd.q"),
        (0x5810_0053, BOTH, "fsqrt.s with rs2"),
        (0xc020_0053, RV32, "fcvt.l.s on RV32"),
        (0x4000_0053, BOTH, "fcvt.s.s"),
        (0x4210_0053, BOTH, "fcvt.d.d"),
        (0x2000_3053, BOTH, "fsgnj.s with funct3 3"),
        (0xe200_0053, RV32, "fmv.x.d on RV32"),
        (0xf200_0053, RV32, "fmv.d.x on RV32"),
        (0xe210_0053, RV64, "fmvh.x.d on RV64"),
        (0xb200_0053, RV64, "fmvp.d.x on RV64"),
        (0xc280_0053, BOTH, "fcvtmod.w.d with rne"),
        (0x0030_200f, BOTH, "cbo 3"),
        (0x0000_208f, BOTH, "cbo.inval with rd"),
        (0x0000_000b, BOTH, "custom-0"),
        (0x0000_002b, BOTH, "custom-1"),
        (0x0000_005b, BOTH, "custom-2"),
        (0x0000_007b, BOTH, "custom-3"),
        (0x0000_006b, BOTH, "the reserved major opcode"),
        (0x0000_001f, BOTH, "the prefix of 48-bit instructions"),
        (0x0000_003f, BOTH, "the prefix of 64-bit instructions"),
        (0x0000_007f, BOTH, "the prefix of 80-bit and longer instructions"),
        (0x0200_2033 | 0x2000_0000, BOTH, "sh1add and mul at once"),
        (0x6030_1013, BOTH, "Zbb's unary operation 3"),
        (0x6000_101b | 3 << 20, BOTH, "Zbb's unary operation 3 on words"),
        (0x6b80_5013, RV32, "rev8 of RV64 on RV32"),
        (0x6980_5013, RV64, "rev8 of RV32 on RV64"),
    ]
};

#[test]
fn reserved_encodings_are_illegal() {
    for (bits, xlens, name) in RESERVED {
        for xlen in *xlens {
            let found = decode(*bits, max(*xlen));
            let expected = Err(DecodeError { bits: *bits, why: Illegal::Reserved });
            assert_eq!(found, expected, "{name}: {bits:#x} on RV{}", xlen.bits());
        }
    }
}

/// Legal encodings that differ little from those above, which confirms the descriptions.
#[test]
fn legal_neighbours_of_reserved_encodings_are_legal() {
    let both = |bits, name: &str| {
        for xlen in XLENS {
            assert_eq!(decode(bits, max(xlen)).unwrap().op.mnemonic(), name, "{bits:#x} on RV{}", xlen.bits());
        }
    };
    both(0x1010, "c.addi4spn");
    both(0x6105, "c.addi16sp");
    both(0x6505, "c.lui");
    both(0x4502, "c.lwsp");
    both(0x8502, "c.jr");
    both(0x9c75, "c.not");
    both(0x8c00, "c.sh");
    both(0x1005_252f, "lr.w");
    both(0x2806_b52f, "amocas.d");
    both(0xc280_1053, "fcvtmod.w.d");
    both(0x5800_0053, "fsqrt.s");
    assert_eq!(decode(0x2501, Isa::rv64_max()).unwrap().op, Op::CAddiw);
    assert_eq!(decode(0x2806_c52f, Isa::rv64_max()).unwrap().op, Op::AmocasQ);
    assert_eq!(decode(0x2816_b52f, Isa::rv64_max()).unwrap().op, Op::AmocasD, "one register holds it on RV64");
}

#[test]
fn only_the_low_half_of_a_compressed_instruction_counts() {
    assert_eq!(decode(0xdead_8082, Isa::rv64_max()), decode(0x8082, Isa::rv64_max()));
    let error = decode(0xdead_0000, Isa::rv64_max()).unwrap_err();
    assert_eq!(error, DecodeError { bits: 0, why: Illegal::Reserved });
    assert_eq!(error.to_string(), "illegal instruction 0x0000: no instruction has this encoding");
}

/// Without its extensions an instruction is disabled, and the error names one of them. Any one of its sets enables it.
#[test]
fn an_instruction_without_its_extension_is_disabled() {
    for xlen in XLENS {
        for op in Op::ALL {
            let info = op.info();
            let Some(word) =
                words_of(op, xlen, 50).into_iter().find(|w| decode(*w, max(xlen)).is_ok_and(|i| i.op == op))
            else {
                assert!(op.pattern(xlen).is_none(), "{op}: no word found");
                continue;
            };
            let with = |exts| decode(word, Isa { xlen, exts });
            for need in info.needs {
                assert_eq!(with(*need).map(|i| i.op), Ok(op));
                for ext in need.iter() {
                    let less = need.without(ext);
                    if !info.needs.iter().any(|n| n.is_subset(less)) {
                        assert_ne!(with(less).map(|i| i.op), Ok(op), "{op} without {ext}");
                    }
                }
            }
            let used = info.needs.iter().fold(ExtSet::EMPTY, |all, n| all.union(*n));
            // A specialised instruction (a hint, or `zext.h`) decodes as the general one, or the error names that.
            let covers = |general: Op| {
                let (special, general) = (op.pattern(xlen).unwrap(), general.pattern(xlen).unwrap());
                special.mask & general.mask == general.mask && special.value & general.mask == general.value
            };
            match with(max(xlen).exts.difference(used)) {
                Err(error @ DecodeError { bits, why: Illegal::Disabled { op: named, ext } }) => {
                    assert_eq!(bits, word);
                    assert!(covers(named), "{named} is not {op}");
                    assert!(used.contains(ext), "{op}: {ext} would not bring it");
                    assert!(error.to_string().ends_with(&format!(": {named} belongs to {ext}, which is off")));
                }
                Ok(general) => assert!(general.op != op && covers(general.op), "{op} with {used:?} off is {general:?}"),
                Err(error) => panic!("{op} with {used:?} off: {error}"),
            }
            assert!(matches!(with(ExtSet::EMPTY), Err(DecodeError { why: Illegal::Disabled { .. }, .. })));
        }
    }
}

/// Repeatedly enabling the extension that the error names makes the instruction legal.
#[test]
fn the_extension_named_is_the_one_that_is_missing() {
    for xlen in XLENS {
        for op in Op::ALL {
            let Some(word) =
                words_of(op, xlen, 50).into_iter().find(|w| decode(*w, max(xlen)).is_ok_and(|i| i.op == op))
            else {
                continue;
            };
            let mut exts = ExtSet::EMPTY;
            let found = loop {
                match decode(word, Isa { xlen, exts }) {
                    Ok(insn) => break insn,
                    Err(DecodeError { why: Illegal::Disabled { ext, .. }, .. }) if !exts.contains(ext) => {
                        exts = exts.with(ext)
                    }
                    Err(e) => panic!("{op} with {exts:?}: {e}"),
                }
            };
            assert_eq!(encode(&found, xlen), Ok(word));
        }
    }
}

#[test]
fn a_disabled_hint_decodes_as_the_row_that_it_specialises() {
    for (bits, off, then) in [
        (0x0100_000f, Ext::Zihintpause, Op::Fence),
        (0x0020_0033, Ext::Zihintntl, Op::Add),
        (0x900a, Ext::Zihintntl, Op::CAdd),
        (0x0000_6013, Ext::Zicbop, Op::Ori),
        (0x0805_4533, Ext::Zbb, Op::Pack),
    ] {
        let isa = Isa::rv32_max();
        assert_ne!(decode(bits, isa).unwrap().op, then);
        let exts = isa.exts.without(off);
        let Insn { op, .. } = decode(bits, Isa { exts, ..isa }).unwrap();
        assert_eq!(op, then, "{bits:#x} without {off}");
    }
    let isa = Isa::rv32_max();
    let exts = isa.exts.without(Ext::Zcmop);
    assert_eq!(decode(0x6081, isa).unwrap().op, Op::CMopN);
    assert!(matches!(decode(0x6081, Isa { exts, ..isa }), Err(DecodeError { why: Illegal::Disabled { .. }, .. })));
}
