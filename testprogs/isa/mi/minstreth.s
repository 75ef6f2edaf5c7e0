# RV32 only: the upper halves of minstret and mcycle hold their value, and get the carry of the lower halves.
    .include "p.inc"
    start
    li a1, -1
    li a2, 6
    .irp register, minstret, mcycle
    csrwi mcountinhibit, 5
    case 1
    csrw \register, a1
    csrw \register\()h, a2
    csrr a0, \register
    expect a0, -1
    csrr a0, \register\()h
    expect a0, 6
    case 2
    csrwi mcountinhibit, 0
    nop
    nop
    csrr a0, \register\()h
    expect a0, 7
    csrr a0, \register
    sltiu a0, a0, 100
    expect a0, 1
    .endr
    finish
