# mcounteren: which counters user mode may read.
    .include "p.inc"
    .include "mi.inc"
    start
    unless_extension 'S', 1f
    csrwi scounteren, 7 # supervisor mode must permit it too
1:  case 1
    gate 0, cycle, 0xc80
    case 2
    gate 2, instret, 0xc82
    case 4              # without permission, or without the counter: illegal in both cases
    csrw mcounteren, x0
    .irp number, 0xc03, 0xc0f, 0xc1f
    user_traps 2, csrr a0, \number
    csrr a0, \number
    .endr
    .if XLEN == 64
    .irp number, 0xc80, 0xc81, 0xc82, 0xc9f
    case 5
    traps 2, csrr a0, \number
    .endr
    .endif
    case 6              # they go up
    .irp register, cycle, instret
    csrr a0, \register
    .rept 100
    nop
    .endr
    csrr a1, \register
    sltu a2, a0, a1
    expect a2, 1
    .endr
    finish
