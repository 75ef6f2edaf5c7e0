# Trap entry and return: mcause, mepc, mtval, and the mode stack in mstatus.
# tests: ecall ebreak mret
    .include "p.inc"
    .include "mi.inc"
    start

    case 1
    traps 11, ecall
    csrr a0, mtval
    expect a0, 0
    case 2
    to_user
    traps 8, ecall
    case 3
    traps 3, ebreak
    case 4
    to_user
    traps 3, ebreak

    # Illegal instructions: mtval has the bits, or nothing.
    .macro illegal bits
    .option push
    .option norvc
    traps 2, .word \bits
    csrr a0, mtval
    beqz a0, 2f
    expect a0, \bits
2:
    .option pop
    .endm
    case 5
    illegal 0x0000000b
    case 6
    illegal 0x0000006b
    case 7
    illegal 0x0000007b
    case 8
    illegal 0x00003067 # jalr with another function
    case 9
    illegal 0x00002063 # a branch with no condition
    case 10
    to_user
    illegal 0x0000000b
    .if XLEN == 32
    case 11
    illegal 0x0000003b # addw
    case 12
    illegal 0x00003003 # ld
    case 13
    illegal 0x00003023 # sd
    case 14
    illegal 0x02001013 # slli by 32
    case 15
    illegal 0x00006003 # lwu
    .endif
    case 16
    to_user
    illegal 0x30200073 # mret
    case 17
    to_user
    illegal 0x10200073 # sret

    # A trap saves the previous mode and interrupt enable, and disables interrupts.
    case 18
    li a1, MPP | MPIE | MIE
    csrc mstatus, a1
    traps 11, ecall
    csrr a0, mstatus
    and a0, a0, a1
    expect a0, MPP
    case 19
    csrsi mstatus, MIE  # none is enabled in mie
    traps 11, ecall
    csrr a0, mstatus
    and a0, a0, a1
    expect a0, MPP | MPIE
    case 20             # from user mode; `to_user` has set MPIE
    csrs mstatus, a1
    csrci mstatus, MIE
    to_user
    traps 8, ecall
    csrr a0, mstatus
    and a0, a0, a1
    expect a0, MPIE

    # mret: MIE from MPIE, MPIE set, MPP to the least mode.
    case 21
    csrs mstatus, a1
    csrci mstatus, MIE
    la a2, 2f
    csrw mepc, a2
    mret
    tail fail
    .balign 4
2:  csrr a0, mstatus
    and a0, a0, a1
    expect a0, MPIE | MIE
    case 22
    csrs mstatus, a1
    li a2, MPIE
    csrc mstatus, a2
    la a2, 2f
    csrw mepc, a2
    mret
    tail fail
    .balign 4
2:  csrr a0, mstatus
    and a0, a0, a1
    expect a0, MPIE

    # Unmapped memory: access faults with the address.
    li s0, 0x70000000
    case 23
    traps 5, lw a0, 0(s0)
    csrr a0, mtval
    expect a0, 0x70000000
    case 24
    traps 7, sw a0, 4(s0)
    csrr a0, mtval
    expect a0, 0x70000004
    case 25
    on_trap 8f
    la ra, 7f
    jr s0
7:  tail fail
    .balign 4
8:  csrr a0, mcause
    expect a0, 1
    csrr a0, mepc
    expect a0, 0x70000000
    csrr a0, mtval
    expect a0, 0x70000000

    case 26             # a faulting load does not write its target
    li a0, 77
    traps 5, lb a0, 0(s0)
    expect a0, 77
    case 27             # a jump to a faulting address has written its link: the fetch at the target faults
    on_trap 8f
    li a0, 0
    jalr a0, 0(s0)
7:  tail fail
    .balign 4
8:  la a1, 7b
    sub a0, a0, a1
    expect a0, 0
    finish
