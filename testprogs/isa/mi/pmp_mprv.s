# mstatus.MPRV: loads and stores in machine mode have the privilege of the mode in MPP.
    .include "p.inc"
    .include "mi.inc"
    start
    la s0, area
    li t0, -1
    csrw pmpaddr8, t0
    pmpcfg 8, NAPOT | X
    pmpcfg 0, OFF
    li s1, MPRV
    li s2, MPP

    .macro as_user instruction:vararg
    csrc mstatus, s2
    csrs mstatus, s1
    \instruction
    csrc mstatus, s1
    .endm
    # The trap sets MPP to machine mode, so the handler has full access.
    .macro user_faults cause, instruction:vararg
    on_trap 8f
    csrc mstatus, s2
    csrs mstatus, s1
7:  \instruction
    csrc mstatus, s1
    tail fail
    .balign 4
8:  trapped_at 7b, \cause
    csrr t5, mstatus
    and t6, t5, s1
    expect t6, MPRV
    and t6, t5, s2
    expect t6, MPP
    csrc mstatus, s1
    .endm

    case 1              # nothing is allowed
    li a0, 77
    user_faults 5, lw a0, 0(s0)
    user_faults 7, sw a0, 0(s0)
    user_faults 5, lr.w a0, (s0)
    user_faults 7, amoadd.w a0, a0, (s0)
    expect a0, 77
    case 2              # fetches have the privilege of machine mode
    pmpcfg 8, OFF
    as_user nop
    pmpcfg 8, NAPOT | X
    case 3              # accesses that MPP's mode is permitted
    pmp 0, NA4 | R, s0
    as_user lw a0, 0(s0)
    expect a0, 5
    user_faults 7, sw a0, 0(s0)
    user_faults 5, lw a0, 4(s0)
    pmpcfg 0, NA4 | R | W
    li a0, 6
    as_user sw a0, 0(s0)
    lw a0, 0(s0)
    expect a0, 6
    pmpcfg 0, OFF
    case 4              # of machine mode: all
    csrs mstatus, s2
    csrs mstatus, s1
    lw a0, 4(s0)
    expect a0, 7
    csrc mstatus, s1
    case 5              # with MPRV clear, MPP has no effect
    csrc mstatus, s2
    lw a0, 4(s0)
    expect a0, 7

    case 6              # mret to a lower mode clears it, and to machine mode leaves it
    csrs mstatus, s2
    csrs mstatus, s1
    la a0, 1f
    csrw mepc, a0
    mret
    .balign 4
1:  csrr a0, mstatus    # MPP is user mode now
    csrc mstatus, s1
    and a0, a0, s1
    expect a0, MPRV
    case 7
    on_trap 8f
    csrs mstatus, s1
    to_user
7:  ecall
    .balign 4
8:  csrr a0, mstatus
    and a0, a0, s1
    csrc mstatus, s1
    expect a0, 0
    trapped_at 7b, 8
    finish

    .data
    .balign 4096
area: .long 5, 7
    .zero 4088
