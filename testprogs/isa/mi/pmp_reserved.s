# PMP: R=0 with W=1 is reserved and does not read back.
    .include "p.inc"
    .include "mi.inc"
    start
    .irp entry, 1, 7, 12
    .irp config, W, W | X
    case 1
    pmpcfg \entry, OFF
    pmpcfg \entry, NA4 | \config
    read_pmpcfg a0, \entry
    andi a0, a0, R | W
    addi a0, a0, -W
    seqz a0, a0
    expect a0, 0
    .endr
    .endr
    finish
