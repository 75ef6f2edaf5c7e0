# menvcfg.CBIE never reads as 2, which is reserved.
    .include "p.inc"
    start
    .irp first, 0, 1, 3
    case 1
    li a0, \first << 4
    csrw menvcfg, a0
    li a0, 2 << 4
    csrw menvcfg, a0
    csrr a1, menvcfg
    andi a1, a1, 0x30
    sub a1, a1, a0
    seqz a1, a1
    expect a1, 0
    .endr
    finish
