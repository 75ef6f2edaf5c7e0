# A value that is written to a counter of instructions is what the next instruction reads: the write takes the place of
# counting the instruction that writes.
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
