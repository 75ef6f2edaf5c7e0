//! Errors name the unimplemented extension of an encoding. LLVM confirms the encodings.

mod common;

use common::{XLENS, llvm, max};
use remu_isa::{DecodeError, Ext, Illegal, Isa, Op, Xlen, decode};
use std::path::Path;

const FEATURES: &str = "+v,+zvbb,+zvbc,+zvkg,+zvkned,+zvknhb,+zvksed,+zvksh,+zvfbfmin,+zvfbfwma,+zvfh,+h,+svinval,+zfbfmin,\
    +zknd,+zkne,+zknh,+zksed,+zksh,+experimental-zicfiss";

#[test]
fn errors_name_the_extension() {
    for (bits, mnemonic, ext) in [
        (0x0d00_7057, "vsetvli", Ext::V),
        (0x0205_0407, "vle8.v", Ext::V),
        (0xe205_0407, "vlseg8e8.v", Ext::V),
        (0x6005_4473, "hlv.b", Ext::H),
        (0x1020_9013, "sha256sig0", Ext::Zknh),
        (0x7020_0073, "mnret", Ext::Smrnmi),
        (0x4485_0053, "fcvt.bf16.s", Ext::Zfbfmin),
    ] {
        let error = decode(bits, Isa::rv64_max()).unwrap_err();
        assert_eq!(error, DecodeError { bits, why: Illegal::Unimplemented { mnemonic, ext } });
        let message =
            format!("illegal instruction {bits:#010x}: {mnemonic} belongs to {ext}, which is not implemented");
        assert_eq!(error.to_string(), message);
    }
}

/// For each row, words that match it, and words that differ from it in one constant bit.
fn words_of_rows() -> Vec<u32> {
    let mut words = Vec::new();
    for file in ["absent.isa", "absent_v.isa"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("riscv").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        for row in text.lines().filter(|line| !line.starts_with(['#', '[']) && !line.is_empty()) {
            let pattern: String = row.split_whitespace().skip(1).collect::<String>().replace("nf", "011");
            let bits = |c: char| pattern.chars().fold(0u32, |word, p| word << 1 | u32::from(p == c));
            let (free, ones) = (bits('-'), bits('1'));
            for random in common::random_words(3) {
                words.push(ones | random & free);
            }
            let some = ones | 0x0a50_a400 & free;
            words.extend((2..32).map(|bit| 1 << bit).filter(|bit| free & bit == 0).map(|bit| some ^ bit));
        }
    }
    words
}

#[test]
fn llvm_agrees() {
    const OPCODES: [u32; 9] = [0x07, 0x27, 0x57, 0x77, 0x73, 0x2f, 0x33, 0x13, 0x53];
    let opcodes = OPCODES.into_iter().flat_map(|opcode| (0..8).map(move |funct3| opcode | funct3 << 12));
    let random = opcodes.flat_map(|fixed| common::random_words(300).map(move |word| word & !0x707f | fixed));
    let words: Vec<u32> = random.chain(words_of_rows()).collect();
    for xlen in XLENS {
        let features = format!("{},{FEATURES}", llvm::features(max(xlen).exts));
        let texts = llvm::disassemble(xlen, &features, false, &words);
        let mut named = 0;
        let mut differ = Vec::new();
        for (&word, text) in words.iter().zip(texts) {
            let theirs = text.as_deref().and_then(|text| text.split_whitespace().next());
            let theirs = theirs.map(|name| name.trim_end_matches("rl").trim_end_matches("aq").trim_end_matches('.'));
            // LLVM also prints reserved shifts of RV32.
            let theirs = theirs.filter(|name| Op::from_mnemonic(name).is_none());
            let ours = match decode(word, max(xlen)) {
                Err(DecodeError { why: Illegal::Unimplemented { mnemonic, .. }, .. }) => Some(mnemonic),
                Ok(_) => continue,
                Err(_) => None,
            };
            named += usize::from(ours.is_some());
            // LLVM 19 does not know Smrnmi and Zilsd. It refuses reserved rounding modes, which trap only when executed.
            let reserved_rounding = word & 0x7f == 0x53 && matches!(word >> 12 & 7, 5 | 6);
            // LLVM also prints reserved round numbers.
            let reserved_round = theirs == Some("aes64ks1i") && word >> 20 & 15 > 10;
            if ours != theirs && !matches!(ours, Some("mnret" | "ld" | "sd")) && !reserved_round && !reserved_rounding {
                differ.push(format!("{word:#010x} on RV{}: {ours:?}, LLVM {theirs:?}", xlen.bits()));
            }
        }
        assert!(differ.is_empty(), "{}", differ.join("\n"));
        assert!(named > 2000, "{named}");
    }
}

/// Instructions that exist on one XLEN only are not named on the other.
#[test]
fn instructions_are_named_on_their_xlen_only() {
    let named = |bits, xlen: Xlen| match decode(bits, max(xlen)).unwrap_err().why {
        Illegal::Unimplemented { mnemonic, .. } => mnemonic,
        _ => "",
    };
    assert_eq!((named(0x3200_0033, Xlen::Rv64), named(0x3200_0033, Xlen::Rv32)), ("aes64es", ""));
    // Pairs of registers, loaded to a6 and stored from a4. Odd ones are reserved.
    let on_rv32 = [0x0085_3803, 0x00e5_3423, 0x0085_3883, 0x00f5_3423].map(|bits| named(bits, Xlen::Rv32));
    assert_eq!(on_rv32, ["ld", "sd", "", ""]);
    assert!(decode(0x0085_3803, Isa::rv64_max()).is_ok());
    assert_eq!((named(0x2200_0033, Xlen::Rv64), named(0x2200_0033, Xlen::Rv32)), ("", "aes32esi"));
}
