# Atomic operations at misaligned addresses trap and change nothing.
    .include "p.inc"
    start
    .data
    .balign 16
cell: .quad 0x1122334455667788, 0x99aabbccddeeff00
    .text
    la s0, cell
    li a1, -1

    .macro misaligned instruction, offset
    addi s1, s0, \offset
    li t0, 77
    traps 6, \instruction t0, a1, (s1)
    expect t0, 77
    .ifndef USER        # Linux reports the pc as the address
    csrr s2, mtval
    sub s2, s2, s1
    expect s2, 0
    .endif
    .endm

    .irp name, swap, add, xor, and, or, min, max, minu, maxu
    .irp offset, 1, 2, 3, 5
    case 1
    misaligned amo\name\().w, \offset
    .endr
    .if XLEN == 64
    .irp offset, 1, 2, 3, 4, 5, 6, 7
    case 2
    misaligned amo\name\().d, \offset
    .endr
    .endif
    .endr
    case 3
    lw a0, 0(s0)
    expect a0, 0x55667788
    lw a0, 4(s0)
    expect a0, 0x11223344
    lw a0, 8(s0)
    expect a0, -0x22110100
    finish
