# A cache-block operation on a block that is neither readable nor writable faults, with any address register.
# tests: cbo.inval cbo.clean cbo.flush cbo.zero
    .include "p.inc"
    .include "mi.inc"
    start
    .data
    .balign 4096
block: .zero 4096
    .text
    li a0, -1
    csrw pmpaddr1, a0
    pmpcfg 1, NAPOT | R | W | X
    la a0, block
    pmp 0, L | NAPOT, a0, 0, 4096 / 8 - 1
    .irp name, inval, clean, flush, zero
    .irp reg, 1, 2, 4, 8, 16
    case 1
    la x\reg, block + 64 * \reg
    traps 7, cbo.\name (x\reg)
    csrr a1, mtval
    la a2, block + 64 * \reg
    sub a1, a1, a2
    expect a1, 0
    .endr
    .endr
    finish
