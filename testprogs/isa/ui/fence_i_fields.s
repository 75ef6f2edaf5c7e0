# fence.i with fields that are reserved for finer-grained fences: "implementations shall ignore these fields".
# tests: fence.i
    .include "p.inc"
    start
    .option norvc
    .macro nothing bits
    li a0, 0x5a5a
    li a1, 0x3c3c
    .word \bits
    expect a0, 0x5a5a
    expect a1, 0x3c3c
    .endm
    case 1
    nothing 0x0000100f
    nothing 0x0000150f
    nothing 0x0005100f
    nothing 0x0015958f
    nothing 0xfff0100f
    nothing 0x8000100f
    nothing 0x7ff0100f
    finish
