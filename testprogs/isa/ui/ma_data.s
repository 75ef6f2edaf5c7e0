# Misaligned loads and stores of all widths, across words, double words and pages. A machine may trap instead; remu
# executes them.
    .include "p.inc"
    start
    .data
    .balign 4096
    .zero 4096 - 16
edge:
    .byte 0x80, 0x91, 0xa2, 0xb3, 0xc4, 0xd5, 0xe6, 0xf7, 0x08, 0x19, 0x2a, 0x3b, 0x4c, 0x5d, 0x6e, 0x7f
    .byte 0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8, 0x09, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e, 0x6f, 0x70
copy: .zero 48
    .text

    # Each load against what bytes make of it.
    .macro misaligned case, load, store, size, signed
    case \case
    la s0, edge
    li s1, 24
1:  \load a0, 0(s0)
    li a1, 0
    li t0, \size - 1
2:  add t1, s0, t0
    .if \signed
    lb t2, 0(t1)
    li t3, \size - 1
    beq t0, t3, 3f      # the highest byte brings the sign
    .endif
    lbu t2, 0(t1)
3:  slli a1, a1, 8
    or a1, a1, t2
    addi t0, t0, -1
    bgez t0, 2b
    sub a0, a0, a1
    bnez a0, 9f

    # And stores: to another misaligned place, and byte by byte back.
    la s2, copy + 7
    sw zero, -7(s2)
    sw zero, -3(s2)
    sw zero, 1(s2)
    sw zero, 5(s2)
    sw zero, 9(s2)
    \load a0, 0(s0)
    \store a0, 0(s2)
    lbu t2, -1(s2)
    bnez t2, 9f
    lbu t2, \size(s2)
    bnez t2, 9f
    li t0, \size - 1
4:  add t1, s2, t0
    lbu t2, 0(t1)
    add t1, s0, t0
    lbu t3, 0(t1)
    bne t2, t3, 9f
    addi t0, t0, -1
    bgez t0, 4b
    addi s0, s0, 1
    addi s1, s1, -1
    bnez s1, 1b
    j 5f
9:  tail fail
5:
    .endm

    misaligned 1, lh, sh, 2, 1
    misaligned 2, lhu, sh, 2, 0
    misaligned 3, lw, sw, 4, 1
    .if XLEN == 64
    misaligned 4, lwu, sw, 4, 0
    misaligned 5, ld, sd, 8, 1
    .endif

    case 6              # a store across two pages
    la s0, edge + 13
    li a0, 0x12345678
    sw a0, 0(s0)
    lw a1, 0(s0)
    expect a1, 0x12345678
    lbu a1, 3(s0)
    expect a1, 0x12
    lbu a1, -1(s0)
    expect a1, 0x4c
    lbu a1, 4(s0)
    expect a1, 0x92
    finish
