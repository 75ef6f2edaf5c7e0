# Illegal encodings: instructions of the other XLEN, which the assembler refuses, and quadruple-precision loads and
# stores.
    .include "p.inc"
    .include "mi.inc"
    .include "f.inc"
    fstart

    la a0, scratch
    fset f10, JUNK
    .if XLEN == 32
    case 1
    traps 2, .word 0xe2050553   # fmv.x.d a0, f10
    case 2
    traps 2, .word 0xf2050553   # fmv.d.x f10, a0
    .else
    case 3
    traps 2, .word 0xe2150553   # fmvh.x.d a0, f10
    case 4
    traps 2, .word 0xb2b50553   # fmvp.d.x f10, a0, a1
    .endif
    case 5
    traps 2, .word 0x00054507   # flq f10, (a0)
    case 6
    traps 2, .word 0x00a54027   # fsq f10, (a0)
    la a1, scratch
    sub a0, a0, a1
    expect a0, 0
    fexpect f10, JUNK
    finish
