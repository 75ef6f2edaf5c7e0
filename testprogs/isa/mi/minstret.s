# minstret counts instructions, and mcycle increases meanwhile. Both can be written and inhibited.
    .include "p.inc"
    .include "mi.inc"
    start
    case 2              # each retired instruction counts, also the read
    csrr a0, minstret
    nop
    nop
    nop
    csrr a1, minstret
    sub a1, a1, a0
    expect a1, 4
    case 3              # an instruction that traps does not retire
    la a2, 8f
    csrr s0, mtvec
    csrw mtvec, a2
    csrr a0, minstret
    ecall
    .balign 4
8:  csrr a1, minstret
    csrw mtvec, s0
    sub a1, a1, a0
    expect a1, 1
    case 4              # inhibited, it stays
    csrwi mcountinhibit, 4
    li a1, 5
    csrw minstret, a1
    nop
    nop
    csrr a0, minstret
    expect a0, 5
    csrr a0, mcountinhibit
    andi a0, a0, 7
    expect a0, 4
    csrwi mcountinhibit, 0
    nop
    csrr a0, minstret
    addi a0, a0, -5
    snez a0, a0
    expect a0, 1
    case 5              # the same for cycles
    csrwi mcountinhibit, 1
    csrr a0, mcycle
    nop
    nop
    csrr a1, mcycle
    sub a1, a1, a0
    expect a1, 0
    li a1, 99
    csrw mcycle, a1
    csrr a0, mcycle
    expect a0, 99
    csrwi mcountinhibit, 0
    case 6              # the bit between them has no counter
    csrwi mcountinhibit, 7
    csrr a0, mcountinhibit
    andi a0, a0, 7
    expect a0, 5
    csrwi mcountinhibit, 0

    case 7              # all of the register counts
    li a1, 0x7fffffff
    csrw minstret, a1
    nop
    nop
    csrr a0, minstret
    srli a0, a0, 31
    expect a0, 1

    case 8              # cycle and instret are the same counters
    csrwi mcountinhibit, 5
    li a1, 0x1234
    csrw minstret, a1
    li a2, 0x4321
    csrw mcycle, a2
    csrr a0, instret
    expect a0, 0x1234
    csrr a0, cycle
    expect a0, 0x4321
    csrwi mcountinhibit, 0
    finish
