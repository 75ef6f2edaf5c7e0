# misa: a read returns a legal value after any write, and the base does not change.
    .include "p.inc"
    .include "mi.inc"
    start
    csrr s0, misa
    .irp value, 0, -1, 1, 1 << 8, 1 << 2
    case 1
    li a0, \value
    csrw misa, a0
    csrr a1, misa
    srli a2, a1, XLEN - 2
    expect a2, XLEN / 32
    srli a2, a1, 8      # I or E, and not both
    xor a3, a1, a2
    srli a3, a1, 4
    xor a2, a2, a3
    andi a2, a2, 1
    expect a2, 1
    srli a2, a1, 3      # D needs F
    srli a3, a1, 5
    not a3, a3
    and a2, a2, a3
    andi a2, a2, 1
    expect a2, 0
    or a3, a1, s0       # nothing that was not there
    sub a3, a3, s0
    expect a3, 0
    csrw misa, s0
    csrr a1, misa
    sub a1, a1, s0
    expect a1, 0
    .endr
    case 2              # U is set: the other tests use user mode
    srli a0, s0, 'U' - 'A'
    andi a0, a0, 1
    expect a0, 1
    finish
