# Compare-and-swap of register pairs: encodings in which either register is odd are reserved.
    .include "p.inc"
    start
    .data
    .balign 16
cell: .quad 0, 0
    .text
    la a0, cell
    # amocas.q on RV64, amocas.d on RV32
    .macro swap rd, rs2
    .word 0x2800002f | (XLEN / 32 + 2) << 12 | 10 << 15 | (\rs2) << 20 | (\rd) << 7
    .endm
    .macro odd rd, rs2
    li t0, 77
    traps 2, swap \rd, \rs2
    expect t0, 77
    .endm
    case 1
    odd 13, 14
    case 2
    odd 14, 13
    case 3
    odd 5, 5
    case 4
    odd 1, 0
    case 5
    odd 0, 31
    case 6              # even ones are instructions
    li a2, 0
    li a3, 0
    li a4, 5
    li a5, 6
    swap 12, 14
    load a2, (a0)
    expect a2, 5
    load a2, XLEN / 8(a0)
    expect a2, 6
    finish
