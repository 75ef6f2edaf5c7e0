# mtvec: its two modes, and the addresses of handlers.
    .include "p.inc"
    .include "mi.inc"
    start
    csrr s0, mtvec

    case 1              # direct and vectored hold; the base is aligned to four bytes at least
    la a1, entry
    csrw mtvec, a1
    csrr a0, mtvec
    sub a0, a0, a1
    expect a0, 0
    addi a2, a1, 1
    csrw mtvec, a2
    csrr a0, mtvec
    sub a0, a0, a1
    expect a0, 1
    .irp mode, 2, 3
    case 2              # reserved modes do not read back
    addi a2, a1, \mode
    csrw mtvec, a2
    csrr a0, mtvec
    andi a0, a0, 2
    expect a0, 0
    .endr

    .irp mode, 0, 1
    case 3              # an exception goes to the base in either
    addi a2, a1, \mode
    csrw mtvec, a2
    li s1, 0
    ecall
    expect s1, 1
    li s1, 0
    ebreak
    expect s1, 1
    .endr

    case 4              # interrupts go to the base, or four bytes on for each number
    li s2, 0x2000000
    li t0, 1
    csrwi mie, 8
    .irp mode, 0, 1
    addi a2, a1, \mode
    csrw mtvec, a2
    li s1, 0
    sw t0, 0(s2)
    csrsi mstatus, MIE
1:  beqz s1, 1b
    expect s1, 1 + 3 * \mode
    .endr
    csrw mtvec, s0
    finish

    .option push
    .option norvc
    .balign 256
entry:
    j 1f
    j fail
    j fail
    j 2f
    .rept 12
    j fail
    .endr
1:  csrr t5, mcause
    li s1, 1
    bltz t5, 3f
    csrr t5, mepc       # past the instruction of two or four bytes
    lbu t6, 0(t5)
    andi t6, t6, 3
    addi t5, t5, 2
    addi t6, t6, -3
    bnez t6, 4f
    addi t5, t5, 2
4:  csrw mepc, t5
    mret
2:  li s1, 4
3:  sw zero, 0(s2)
5:  csrr t5, mip        # gone before it could come again
    andi t5, t5, 8
    bnez t5, 5b
    li t5, MPIE         # and no more until the test says so
    csrc mstatus, t5
    mret
    .option pop
