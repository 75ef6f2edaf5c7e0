# PMP: locked entries apply to machine mode too, and cannot be changed.
    .include "p.inc"
    .include "mi.inc"
    start
    la s0, area
    li a1, -1
    csrw pmpaddr8, a1
    pmpcfg 8, NAPOT | R | W | X
    pmpcfg 0, OFF

    case 1              # read, and neither written nor executed
    pmp 1, L | NA4 | R, s0
    lw a0, 0(s0)
    expect a0, 0x73
    traps 7, sw x0, 0(s0)
    csrr a0, mtval
    sub a0, a0, s0
    expect a0, 0
    lr.w a0, (s0)       # without it nothing would be stored
    traps 7, sc.w a0, x0, (s0)
    traps 7, amoswap.w a0, x0, (s0)
    sw x0, 4(s0)
    on_trap 8f
    jr s0
    .balign 4
8:  csrr a0, mcause
    expect a0, 1
    csrr a0, mepc
    sub a0, a0, s0
    expect a0, 0
    case 2              # neither its configuration nor its address can be written
    pmpcfg 1, NAPOT | R | W | X
    read_pmpcfg a0, 1
    expect a0, L | NA4 | R
    csrw 0x3b1, a1
    csrr a0, 0x3b1
    slli a0, a0, 2
    sub a0, a0, s0
    expect a0, 0
    traps 7, sw x0, 0(s0)
    case 3              # the address before it is free
    csrw 0x3b0, x0
    csrr a0, 0x3b0
    expect a0, 0

    case 4              # a locked TOR entry also locks the address before it, but not that entry's configuration
    pmp 2, OFF, s0, 16
    pmp 3, L | TOR | W | R, s0, 24
    csrr a2, 0x3b2
    csrw 0x3b2, x0
    csrr a0, 0x3b2
    sub a0, a0, a2
    expect a0, 0
    csrr a2, 0x3b3
    csrw 0x3b3, x0
    csrr a0, 0x3b3
    sub a0, a0, a2
    expect a0, 0
    pmpcfg 2, NA4 | X
    read_pmpcfg a0, 2
    expect a0, NA4 | X
    pmpcfg 2, OFF
    sw x0, 16(s0)
    on_trap 8f
    addi a2, s0, 16
    jr a2
    .balign 4
8:  csrr a0, mcause
    expect a0, 1

    case 5              # no permission at all
    pmp 4, L | NAPOT, s0, 32, 1
    traps 5, lb a0, 47(s0)
    traps 7, sb a0, 32(s0)
    lb a0, 31(s0)
    lb a0, 48(s0)
    user_traps 5, lb a0, 47(s0)
    case 6              # locked while off
    pmp 5, L | OFF, s0, 64
    pmpcfg 5, NA4
    read_pmpcfg a0, 5
    expect a0, L
    csrr a2, 0x3b5
    csrw 0x3b5, x0
    csrr a0, 0x3b5
    sub a0, a0, a2
    expect a0, 0
    lw a0, 64(s0)
    case 7              # an entry before a locked one still has priority
    pmp 0, NA4 | R | W, s0
    sw x0, 0(s0)
    lw a0, 0(s0)
    expect a0, 0
    finish

    .data
    .balign 4096
area: .quad 0x73
    .zero 4088
