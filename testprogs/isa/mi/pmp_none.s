# PMP with all entries off: user mode has no access at all, not even to code.
    .include "p.inc"
    .include "mi.inc"
    start
    pmpcfg 0, OFF
    case 1
    user_traps 1, nop
    csrr a0, mtval
    la a1, 7b
    sub a0, a0, a1
    expect a0, 0
    csrr a0, mstatus
    li a1, MPP
    and a0, a0, a1
    expect a0, 0
    finish
