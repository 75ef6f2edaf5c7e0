//! Encoding is the inverse of decoding, for every row with edge and random fields, and for random words. Encoding
//! errors name the field that does not fit.

mod common;

use common::{XLENS, compressed, max, words_of};
use proptest::prelude::*;
use remu_isa::{EncodeError, Insn, Isa, Op, Xlen, decode, encode};
use std::collections::BTreeSet;

/// Decodes a word, and checks that the instruction encodes to the same word and is found by its mnemonic.
fn roundtrip(word: u32, isa: Isa) -> Option<Insn> {
    let insn = decode(word, isa).ok()?;
    let len = if word & 3 == 3 { 4 } else { 2 };
    let word = if len == 4 { word } else { word & 0xffff };
    assert_eq!(insn.len, len, "{word:#x} {insn:?}");
    assert_eq!(encode(&insn, isa.xlen), Ok(word), "{word:#x} {insn:?}");
    assert_eq!(Op::from_mnemonic(insn.op.mnemonic()), Some(insn.op));
    Some(insn)
}

#[test]
fn every_row_survives_a_roundtrip() {
    for xlen in XLENS {
        let mut seen = BTreeSet::new();
        let of_rows = Op::ALL.iter().flat_map(|op| words_of(*op, xlen, 400));
        for word in of_rows.chain(compressed()) {
            seen.extend(roundtrip(word, max(xlen)).map(|i| i.op));
        }
        let rows: BTreeSet<Op> = Op::ALL.into_iter().filter(|op| op.pattern(xlen).is_some()).collect();
        assert_eq!(seen, rows, "RV{}: not every row was decoded", xlen.bits());
    }
}

#[test]
fn expansions_are_encodable_instructions_of_length_2() {
    for xlen in XLENS {
        for word in compressed() {
            let Ok(insn) = decode(word, max(xlen)) else { continue };
            let expanded = insn.expand(xlen);
            assert_eq!(expanded.len, 2, "the pc advances by two");
            assert!(!expanded.op.info().compressed);
            let long = Insn { len: 4, ..expanded };
            let back = decode(encode(&long, xlen).unwrap(), max(xlen)).unwrap();
            // The expansion may be a hint of another extension: `c.add zero, x2` expands to `add zero, zero, x2`, which
            // is `ntl.p1`.
            let fields = |i: Insn| (i.rd, i.rs1, i.rs2, i.imm);
            let special = ["ntl.p1", "ntl.pall", "ntl.s1", "ntl.all"].contains(&back.op.mnemonic());
            assert!(back.op == long.op && fields(back) == fields(long) || special, "{word:#06x} {insn:?} {back:?}");
        }
    }
}

/// An instruction, and a copy with some fields changed, mostly to values that it cannot encode.
fn changed() -> impl Strategy<Value = (Xlen, Insn, Insn)> {
    let change = (0..7usize, prop_oneof![-70i32..70, (0u32..32).prop_map(|b| 1 << b), any::<i32>()]);
    let op = (0..Op::COUNT).prop_map(|i| Op::ALL[i]);
    let start = (0..2usize, op, any::<u32>()).prop_filter_map("not an instruction", |(x, op, fill)| {
        let xlen = XLENS[x];
        let pattern = op.pattern(xlen)?;
        let word = pattern.value | fill & !pattern.mask;
        // With the op's extensions only, so that the word is not a hint of another one.
        let insn = decode(word, only(xlen, op, 0)).ok()?;
        Some((xlen, insn))
    });
    (start, prop::collection::vec(change, 0..3)).prop_map(|((xlen, insn), changes)| {
        let mut other = insn;
        for (field, value) in changes {
            match field {
                0 => other.rd = value as u8,
                1 => other.rs1 = value as u8,
                2 => other.rs2 = value as u8,
                3 => other.rs3 = value as u8,
                4 => other.rm = value as u8,
                5 => other.len = value as u8,
                _ => other.imm = value,
            }
        }
        (xlen, insn, other)
    })
}

/// The instruction set with only one of the sets of extensions that include the op.
fn only(xlen: Xlen, op: Op, which: usize) -> Isa {
    Isa { xlen, exts: op.info().needs[which] }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn encodings_decode_to_the_same_instruction((xlen, insn, other) in changed()) {
        match encode(&other, xlen) {
            Ok(word) => {
                prop_assert_eq!(word & !0xffff != 0 && word & 3 != 3, false);
                for which in 0..other.op.info().needs.len() {
                    prop_assert_eq!(decode(word, only(xlen, other.op, which)), Ok(other));
                }
            }
            Err(EncodeError::Field { op, field, value }) => {
                let held = match field {
                    "rd" => other.rd.into(),
                    "rs1" => other.rs1.into(),
                    "rs2" => other.rs2.into(),
                    "rs3" => other.rs3.into(),
                    "rm" => other.rm.into(),
                    "len" => other.len.into(),
                    "imm" => other.imm,
                    _ => return Err(TestCaseError::fail(field)),
                };
                prop_assert_eq!((op, value), (other.op, held));
                prop_assert_ne!(insn, other);
            }
            Err(EncodeError::Reserved { op }) => {
                prop_assert_eq!(op, other.op);
                prop_assert_ne!(insn, other);
            }
            Err(e @ EncodeError::Xlen { .. }) => return Err(TestCaseError::fail(e.to_string())),
        }
    }

    #[test]
    fn any_word_survives_a_roundtrip_or_is_illegal(word: u32, rv64: bool) {
        let xlen = if rv64 { Xlen::Rv64 } else { Xlen::Rv32 };
        if let Some(insn) = roundtrip(word | 3, max(xlen)) {
            prop_assert!(!insn.disassemble(0).xlen(xlen).to_string().is_empty());
        }
        roundtrip(word, max(xlen));
    }
}

#[test]
fn an_op_of_the_other_xlen_has_no_encoding() {
    for op in Op::ALL {
        for xlen in XLENS {
            let len = if op.info().compressed { 2 } else { 4 };
            let insn = Insn { op, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, len, imm: 0 };
            let refused = encode(&insn, xlen) == Err(EncodeError::Xlen { op, xlen });
            assert_eq!(refused, op.pattern(xlen).is_none(), "{op} on RV{}", xlen.bits());
        }
    }
}
