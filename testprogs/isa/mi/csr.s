# The six CSR instructions: what they read and write, and when they do not write.
# tests: csrrw csrrs csrrc csrrwi csrrsi csrrci
    .include "p.inc"
    .include "mi.inc"
    start

    .if XLEN == 64
    .set A, 0x0123456789abcdef
    .set B, 0xf0f00ff0a55a5aa5
    .else
    .set A, 0x89abcdef
    .set B, 0xa55a5aa5
    .endif

    .macro first instruction, operand, after
    li a0, A
    csrw mscratch, a0
    li a1, B
    \instruction a2, mscratch, \operand
    expect a2, A
    csrr a3, mscratch
    expect a3, \after
    expect a1, B
    # With x0 as the target, the same value is written.
    li a0, A
    csrw mscratch, a0
    \instruction x0, mscratch, \operand
    csrr a3, mscratch
    expect a3, \after
    mv a3, x0
    expect a3, 0
    .endm

    case 1
    first csrrw, a1, B
    case 2
    first csrrs, a1, A | B
    case 3
    first csrrc, a1, A & ~B
    case 4
    first csrrw, x0, 0
    case 5
    first csrrs, x0, A
    case 6
    first csrrc, x0, A
    .irp bits, 0, 1, 2, 4, 8, 16, 31, 21
    case 7
    first csrrwi, \bits, \bits
    case 8
    first csrrsi, \bits, A | \bits
    case 9
    first csrrci, \bits, A & ~\bits
    .endr

    case 10             # the target is the operand
    li a0, A
    csrw mscratch, a0
    li a1, B
    csrrw a1, mscratch, a1
    expect a1, A
    csrrs a1, mscratch, a1
    expect a1, B
    csrrc a1, mscratch, a1
    expect a1, A | B
    csrr a1, mscratch
    expect a1, (A | B) & ~B

    case 11             # instructions that do not write can read a read-only register
    csrrs a0, mhartid, x0
    csrrc a1, mhartid, x0
    csrrsi a2, mhartid, 0
    csrrci a3, mhartid, 0
    expect a0, 0
    expect a1, 0
    expect a2, 0
    expect a3, 0

    # The others trap, even if nothing would change, and leave the target unchanged.
    li a0, B
    li a1, 0
    case 12
    traps 2, csrrw a0, mhartid, x0
    expect a0, B
    case 15
    traps 2, csrrwi a0, mhartid, 0
    case 16
    traps 2, csrrsi a0, mhartid, 1
    case 17
    traps 2, csrrci a0, mhartid, 1
    case 18
    traps 2, csrrw x0, mvendorid, a1
    expect a0, B

    # Registers that do not exist.
    case 19
    traps 2, csrrs a0, 0x8ff, x0
    case 20
    traps 2, csrrw x0, 0x8ff, x0
    case 21
    traps 2, csrrs a0, 0x7ff, x0
    expect a0, B

    # User mode can neither read nor write machine-mode registers.
    li a1, A
    csrw mscratch, a1
    case 22
    to_user
    traps 2, csrr a0, mscratch
    case 23
    to_user
    traps 2, csrw mscratch, x0
    case 24
    to_user
    traps 2, csrr a0, mstatus
    case 25
    to_user
    traps 2, csrr a0, mhartid
    expect a0, B
    csrr a1, mscratch
    expect a1, A

    case 26             # the registers that every machine has
    csrr a0, mvendorid
    csrr a0, marchid
    csrr a0, mimpid
    csrr a0, misa
    csrr a0, mstatus
    csrr a0, mie
    csrr a0, mip
    csrr a0, mtvec
    csrr a0, mepc
    csrr a0, mcause
    csrr a0, mtval
    csrr a0, mcycle
    csrr a0, minstret
    .irp number, 3, 4, 16, 31
    csrr a0, mhpmcounter\number
    csrr a0, mhpmevent\number
    .endr

    case 27             # all bits of this one can be written
    li a0, -1
    csrw mscratch, a0
    csrr a1, mscratch
    expect a1, -1
    csrw mscratch, x0
    csrr a1, mscratch
    expect a1, 0

    case 28             # misa, if it says anything: the width, and I
    csrr a0, misa
    beqz a0, 2f
    srli a1, a0, XLEN - 2
    expect a1, XLEN / 32
    srli a1, a0, 8
    andi a1, a1, 1
    expect a1, 1
2:
    .if XLEN == 32
    case 29             # RV32 has upper halves
    csrr a0, mcycleh
    csrr a0, minstreth
    csrr a0, mhpmcounter3h
    csrr a0, mstatush
    .else
    case 30             # RV64 does not
    traps 2, csrr a0, 0xb80
    case 31
    traps 2, csrr a0, 0xb82
    .endif
    finish
