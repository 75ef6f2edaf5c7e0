# Fences of all kinds, also those reserved for finer-grained fences, have no visible effect.
# tests: fence
    .include "p.inc"
    start
    .option norvc
    .data
    .balign 8
cell: .long 0, 0
    .text
    la s0, cell

    .macro nothing bits
    li a0, 0x5a5a
    li a1, 0x3c3c
    sw a1, 0(s0)
    .word \bits
    lw a2, 0(s0)
    expect a0, 0x5a5a
    expect a1, 0x3c3c
    expect a2, 0x3c3c
    .endm

    case 1              # every set of predecessors and successors
    .irp pred, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .irp succ, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .word 0x0000000f | (\pred << 24) | (\succ << 20)
    .endr
    nothing 0x0000000f | (\pred << 24) | ((15 - \pred) << 20)
    .endr
    case 2              # every mode; 8 is that of fence.tso
    .irp mode, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    nothing 0x0330000f | (\mode << 28)
    .endr
    case 3              # and any registers: "implementations shall ignore these fields"
    nothing 0x0ff0050f
    nothing 0x0ff5000f
    nothing 0x0ff5858f
    nothing 0x8330050f
    finish
