# mie and mip: the implemented and the writable bits.
    .include "p.inc"
    .include "mi.inc"
    start
    .set ALL, 1 << 3 | 1 << 7 | 1 << 11
    li a1, ALL
    .irp bit, 3, 7, 11
    case 1              # each by itself
    li a0, 1 << \bit
    csrw mie, a0
    csrr a2, mie
    expect a2, 1 << \bit
    csrs mie, a1
    csrc mie, a0
    csrr a2, mie
    and a2, a2, a1
    expect a2, ALL & ~(1 << \bit)
    .endr
    case 2              # bits that devices set are read-only
    csrr a3, mip
    and a3, a3, a1
    csrw mip, a1
    csrr a2, mip
    and a2, a2, a1
    sub a2, a2, a3
    expect a2, 0
    csrc mip, a1
    csrr a2, mip
    and a2, a2, a1
    sub a2, a2, a3
    expect a2, 0
    case 3              # without supervisor mode, its bits are zero
    unless_extension 'S', 1f
    j 2f
1:  li a0, -1
    csrw mie, a0
    csrr a2, mie
    andi a2, a2, 0x777
    expect a2, 0
    csrw mip, a0
    csrr a2, mip
    andi a2, a2, 0x777
    expect a2, 0
2:  csrw mie, x0
    csrr a2, mie
    expect a2, 0
    finish
