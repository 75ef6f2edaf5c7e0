# Triggers are enumerated as in the debug specification: without triggers, the enumeration reports none and does not
# trap.
    .include "p.inc"
    .include "mi.inc"
    start
    case 1
    li s0, 0
1:  csrw tselect, s0
    csrr a0, tselect
    bne a0, s0, 2f      # there is no such trigger
    csrr a1, tdata1
    srli a1, a1, XLEN - 4
    beqz a1, 2f
    csrr a2, tdata2
    addi s0, s0, 1
    li a3, 64
    bne s0, a3, 1b
    tail fail
2:  bnez s0, 3f
    case 2              # none at all: nothing is kept
    li a0, -1
    csrw tdata1, a0
    csrr a1, tdata1
    srli a1, a1, XLEN - 4
    expect a1, 0
    csrr a1, tselect
    expect a1, 0
3:  case 3              # not for user mode
    user_traps 2, csrr a0, tselect
    user_traps 2, csrw tdata1, x0
    finish
