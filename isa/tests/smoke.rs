//! A few well-known encodings.

use remu_isa::{Insn, Isa, Op, Xlen, decode, encode};

#[test]
fn known_words() {
    let rv64 = Isa::rv64_max();
    for (bits, text) in [
        (0x0010_0513, "addi a0, zero, 1"),
        (0xfe01_0113, "addi sp, sp, -32"),
        (0x0000_0073, "ecall"),
        (0x0000_100f, "fence.i"),
        (0x1005_272f, "lr.w a4, (a0)"),
        (0x0200_00d3, "fadd.d ft1, ft0, ft0, rne"),
        (0x1141, "c.addi sp, -16"),
        (0x8082, "c.jr ra"),
        (0xe406, "c.sdsp ra, 8(sp)"),
    ] {
        let insn = decode(bits, rv64).unwrap();
        assert_eq!(insn.disassemble(0).to_string(), text);
        assert_eq!(encode(&insn, Xlen::Rv64), Ok(bits));
    }
    assert!(decode(0, rv64).is_err());
    let ret = decode(0x8082, rv64).unwrap().expand(Xlen::Rv64);
    assert_eq!(ret, Insn { op: Op::Jalr, rd: 0, rs1: 1, rs2: 0, rs3: 0, rm: 0, len: 2, imm: 0 });
}

macro_rules! count {
    ($(($variant:ident, $snake:ident))*) => { [$((Op::$variant, stringify!($snake))),*] };
}

#[test]
fn for_each_op_lists_all_ops_that_are_not_compressed() {
    let all = remu_isa::for_each_op!(count);
    for (i, (op, snake)) in all.iter().enumerate() {
        assert_eq!(*op as usize, i);
        assert_eq!(op.mnemonic().replace('.', "_"), *snake);
    }
    assert!(Op::ALL.iter().skip(all.len()).all(|op| op.info().compressed));
}
