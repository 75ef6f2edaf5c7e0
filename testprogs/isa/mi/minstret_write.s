# The instruction after a write to minstret reads the written value: the write replaces the increment for the writing
# instruction.
    .include "p.inc"
    start
    .irp value, 1000, 0, -1
    case 1
    li a1, \value
    csrw minstret, a1
    csrr a0, minstret
    expect a0, \value
    .endr
    case 2
    csrw minstret, x0
    csrrsi a0, minstret, 4
    csrr a1, minstret
    expect a0, 0
    expect a1, 4
    finish
