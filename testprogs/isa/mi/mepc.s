# The lowest bit of mepc is zero; the others hold any memory address.
    .include "p.inc"
    start
    case 1
    li a0, 0x80001235
    csrw mepc, a0
    csrr a1, mepc
    expect a1, 0x80001234
    case 2
    csrsi mepc, 1
    csrr a1, mepc
    expect a1, 0x80001234
    case 3
    csrw mepc, x0
    csrr a1, mepc
    expect a1, 0
    finish
