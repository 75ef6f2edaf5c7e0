//! The kernel's checks of a filter (`bpf_check_classic`, `seccomp_check_filter`).

use super::bpf::*;
use crate::linux::abi::seccomp::SockFilter;

/// The most instructions of a program (BPF_MAXINSNS).
pub const MAX_LEN: usize = 4096;

/// A program that the kernel refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid;

/// Checks a program: its length, every instruction, that all jumps stay inside, that the last instruction returns, and
/// that no path reads a memory cell before it is written.
pub fn check(program: &[SockFilter]) -> Result<(), Invalid> {
    if program.len() > MAX_LEN || program.last().is_none_or(|last| last.code & CLASS != RET) {
        return Err(Invalid);
    }
    let valid = program.iter().enumerate().all(|(at, instruction)| {
        let following = program.len() - at - 1;
        is_known(instruction.code) && takes(instruction, following as u32)
    });
    if valid && writes_before_reads(program) { Ok(()) } else { Err(Invalid) }
}

/// Whether filters of system calls may contain the instruction. Other loads and the remainder are for packets.
fn is_known(code: u16) -> bool {
    const ALL_X: u16 = !(CLASS | X | OPERATION);
    match code & CLASS {
        LD => matches!(code & !CLASS, IMM | ABS | MEM | LEN),
        LDX => matches!(code & !CLASS, IMM | MEM | LEN),
        ST | STX => code & !CLASS == 0,
        ALU if code & OPERATION == NEG => code == ALU | NEG,
        ALU => code & ALL_X == 0 && matches!(code & OPERATION, ADD | SUB | MUL | DIV | OR | AND | LSH | RSH | XOR),
        JMP if code & OPERATION == JA => code == JMP | JA,
        JMP => code & ALL_X == 0 && matches!(code & OPERATION, JEQ | JGT | JGE | JSET),
        RET => matches!(code & !CLASS, 0 | RET_A),
        _ => matches!(code & !CLASS, 0 | TXA),
    }
}

/// Whether an instruction that `following` others follow has valid operands.
fn takes(&SockFilter { code, jt, jf, k }: &SockFilter, following: u32) -> bool {
    const DIV_K: u16 = ALU | DIV;
    const LSH_K: u16 = ALU | LSH;
    const RSH_K: u16 = ALU | RSH;
    match code {
        DIV_K => k != 0,
        LSH_K | RSH_K => k < 32,
        _ if is_store(code) || is_cell_load(code) => k < CELLS,
        _ if code == LD | ABS => k < DATA_SIZE && k % 4 == 0,
        _ if code == JMP | JA => k < following,
        _ if code & CLASS == JMP => u32::from(jt) < following && u32::from(jf) < following,
        _ => true,
    }
}

fn is_store(code: u16) -> bool {
    matches!(code, ST | STX)
}

fn is_cell_load(code: u16) -> bool {
    code == LD | MEM || code == LDX | MEM
}

/// Whether all paths to a read of a memory cell write the cell first (`check_load_and_stores`).
fn writes_before_reads(program: &[SockFilter]) -> bool {
    // The cells that every jump to an instruction has written.
    let mut at_target = vec![u16::MAX; program.len()];
    let mut written = 0;
    for (at, &SockFilter { code, jt, jf, k }) in program.iter().enumerate() {
        written &= at_target[at];
        let mut jump = |distance: u32| at_target[at + 1 + distance as usize] &= written;
        if is_store(code) {
            written |= 1 << k;
        } else if is_cell_load(code) {
            if written & 1 << k == 0 {
                return false;
            }
        } else if code & CLASS == JMP {
            if code == JMP | JA {
                jump(k);
            } else {
                jump(jt.into());
                jump(jf.into());
            }
            // Only jumps lead to the next instruction.
            written = u16::MAX;
        }
    }
    true
}

/// The length of the program that the kernel translates this one to (`bpf_convert_filter`).
pub fn compiled_len(program: &[SockFilter]) -> u32 {
    /// Clears A and X, and saves the address of the data.
    const PROLOGUE: u32 = 3;
    PROLOGUE + program.iter().map(compiled_instruction).sum::<u32>()
}

fn compiled_instruction(&SockFilter { code, jt, jf, k }: &SockFilter) -> u32 {
    const DIV_X: u16 = ALU | DIV | X;
    const RET_K: u16 = RET;
    match code {
        // Tests X for zero first.
        DIV_X => 5,
        // Loads the value first.
        RET_K => 2,
        _ if code & CLASS == JMP && code & OPERATION != JA => {
            // An immediate operand that is negative as a signed number is loaded first.
            let load = u32::from(code & X == 0 && (k as i32) < 0);
            // The condition can be inverted, except for a test of bits.
            let is_one = jf == 0 || jt == 0 && code & OPERATION != JSET;
            load + if is_one { 1 } else { 2 }
        }
        _ => 1,
    }
}
