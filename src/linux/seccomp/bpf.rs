//! The interpreter of classic BPF as filters of system calls use it: on the words of `struct seccomp_data`.

use super::check::{self, Invalid};
use crate::linux::abi::seccomp::{SeccompData, SockFilter};
use zerocopy::IntoBytes;

/// The size of `struct seccomp_data`.
pub const DATA_SIZE: u32 = size_of::<SeccompData>() as u32;

/// The number of memory cells (BPF_MEMWORDS).
pub const CELLS: u32 = 16;

// The classes of instructions.
pub const CLASS: u16 = 0x07;
pub const LD: u16 = 0x00;
pub const LDX: u16 = 0x01;
pub const ST: u16 = 0x02;
pub const STX: u16 = 0x03;
pub const ALU: u16 = 0x04;
pub const JMP: u16 = 0x05;
pub const RET: u16 = 0x06;

// The modes of loads.
pub const IMM: u16 = 0x00;
pub const ABS: u16 = 0x20;
pub const MEM: u16 = 0x60;
pub const LEN: u16 = 0x80;

/// The source of an operand: X if the bit is set, otherwise k.
pub const X: u16 = 0x08;

// Operations on A.
pub const OPERATION: u16 = 0xf0;
pub const ADD: u16 = 0x00;
pub const SUB: u16 = 0x10;
pub const MUL: u16 = 0x20;
pub const DIV: u16 = 0x30;
pub const OR: u16 = 0x40;
pub const AND: u16 = 0x50;
pub const LSH: u16 = 0x60;
pub const RSH: u16 = 0x70;
pub const NEG: u16 = 0x80;
pub const XOR: u16 = 0xa0;

// Conditions of jumps.
pub const JA: u16 = 0x00;
pub const JEQ: u16 = 0x10;
pub const JGT: u16 = 0x20;
pub const JGE: u16 = 0x30;
pub const JSET: u16 = 0x40;

/// A bit of RET: returns A, not k.
pub const RET_A: u16 = 0x10;
/// A bit of MISC: moves X to A, not A to X.
pub const TXA: u16 = 0x80;

/// A filter that has passed the kernel's checks.
#[derive(Debug)]
pub struct Program {
    instructions: Vec<SockFilter>,
    compiled_len: u32,
}

impl Program {
    /// The program of these instructions, in memory order.
    pub fn new(bytes: &[u8]) -> Result<Self, Invalid> {
        let (all, _) = bytes.as_chunks::<{ size_of::<SockFilter>() }>();
        let instructions: Vec<SockFilter> = all.iter().map(|bytes| zerocopy::transmute!(*bytes)).collect();
        check::check(&instructions)?;
        let compiled_len = check::compiled_len(&instructions);
        Ok(Self { instructions, compiled_len })
    }

    /// The bytes of the instructions.
    pub fn bytes(&self) -> &[u8] {
        self.instructions.as_bytes()
    }

    /// The number of instructions that the kernel translates the program to. Its limit on all filters counts these.
    pub fn compiled_len(&self) -> u32 {
        self.compiled_len
    }

    /// The program's answer to a system call.
    pub fn run(&self, data: &SeccompData) -> u32 {
        let words: [u32; DATA_SIZE as usize / 4] = zerocopy::transmute!(*data);
        let mut cells = [0; CELLS as usize];
        let (mut a, mut x) = (0u32, 0u32);
        let mut rest = self.instructions.as_slice();
        // The last instruction returns, and jumps only go forward: the loop always ends by a return.
        while let [SockFilter { code, jt, jf, k }, next @ ..] = rest {
            let (code, k) = (*code, *k);
            rest = next;
            let cell = k as usize % cells.len();
            let operand = if code & X == 0 { k } else { x };
            match code & CLASS {
                LD => {
                    a = match code & !CLASS {
                        IMM => k,
                        ABS => words[k as usize / 4 % words.len()],
                        MEM => cells[cell],
                        _ => DATA_SIZE,
                    }
                }
                LDX => {
                    x = match code & !CLASS {
                        IMM => k,
                        MEM => cells[cell],
                        _ => DATA_SIZE,
                    }
                }
                ST => cells[cell] = a,
                STX => cells[cell] = x,
                ALU => {
                    a = match code & OPERATION {
                        ADD => a.wrapping_add(operand),
                        SUB => a.wrapping_sub(operand),
                        MUL => a.wrapping_mul(operand),
                        DIV => match a.checked_div(operand) {
                            Some(quotient) => quotient,
                            // As in the kernel, a division by zero ends the program.
                            None => return 0,
                        },
                        OR => a | operand,
                        AND => a & operand,
                        LSH => a.wrapping_shl(operand),
                        RSH => a.wrapping_shr(operand),
                        NEG => a.wrapping_neg(),
                        _ => a ^ operand,
                    }
                }
                JMP => {
                    let distance = match code & OPERATION {
                        JA => k as usize,
                        condition => {
                            let holds = match condition {
                                JEQ => a == operand,
                                JGT => a > operand,
                                JGE => a >= operand,
                                _ => a & operand != 0,
                            };
                            usize::from(if holds { *jt } else { *jf })
                        }
                    };
                    rest = rest.get(distance..).unwrap_or_default();
                }
                RET => return if code & RET_A == 0 { k } else { a },
                _ if code & TXA == 0 => x = a,
                _ => a = x,
            }
        }
        unreachable!("a checked program returns")
    }
}
