# time: real time, readable in user mode if mcounteren permits it.
    .include "p.inc"
    .include "mi.inc"
    start
    unless_extension 'S', 1f
    csrwi scounteren, 7
1:  case 1
    gate 1, time, 0xc81
    case 2
    csrr a0, time       # wait for another value
1:  csrr a1, time
    beq a0, a1, 1b
    finish
