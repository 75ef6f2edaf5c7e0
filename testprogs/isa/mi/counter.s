# The machine-mode counters increase.
    .include "p.inc"
    .include "mi.inc"
    start

    .irp register, mcycle, minstret
    case 1
    csrr a0, \register
    .rept 100
    nop
    .endr
    csrr a1, \register
    sltu a2, a0, a1
    expect a2, 1
    .endr
    finish
