//! Sequences of which the code is another one in machines, where addresses are translated.

use super::sequences::{i, r, s};
use remu_isa::{Insn, Op};

const ZERO: u8 = 0;
const SP: u8 = 2;
const A0: u8 = 10;
const A1: u8 = 11;
const A2: u8 = 12;
const T3: u8 = 28;
const T4: u8 = 29;
const T5: u8 = 30;

pub fn all() -> Vec<(&'static str, Vec<Insn>)> {
    vec![
        ("In a machine: loads", vec![i(Op::Ld, A0, A1, 8), i(Op::Lbu, T3, SP, 3)]),
        ("In a machine: stores", vec![s(Op::Sd, A1, A0, 8), s(Op::Sb, SP, T3, 3)]),
        ("In a machine: a load and a store of numbers", vec![i(Op::Fld, A0, A1, 8), s(Op::Fsw, A1, A0, 8)]),
        ("In a machine: a load of a constant address", vec![i(Op::Lui, A0, 0, 0x1000), i(Op::Lw, A0, A0, 8)]),
        ("In a machine: a store beyond 31 bits", vec![i(Op::Lui, A0, 0, -0x8000_0000), s(Op::Sd, A0, A1, 8)]),
        ("In a machine: a linked list", vec![i(Op::Ld, A0, A0, 8), s(Op::Bne, A0, ZERO, -4)]),
        ("In a machine: atomic addition", vec![r(Op::AmoaddW, A0, A1, A2)]),
        ("In a machine: load-reserved", vec![r(Op::LrD, A0, A1, 0)]),
        ("In a machine: store-conditional", vec![r(Op::ScD, A0, A1, A2)]),
        ("In a machine: load-reserved, registers in memory", vec![r(Op::LrW, T3, T3, 0)]),
        ("In a machine: store-conditional, registers in memory", vec![r(Op::ScW, T3, T4, T5)]),
        ("In a machine: atomic maximum, registers in memory", vec![r(Op::AmomaxW, T3, T4, T5)]),
        ("In a machine: compare-and-swap, registers in memory", vec![r(Op::AmocasW, T3, T4, T5)]),
        ("In a machine: a jump within the page", vec![i(Op::Jal, ZERO, 0, 0x100)]),
        ("In a machine: a jump to another page", vec![i(Op::Jal, ZERO, 0, 0x2000)]),
        ("In a machine: a branch to another page", vec![s(Op::Beq, A0, A1, -0x100)]),
    ]
}
