# Interrupts of the CLINT of QEMU's and Spike's machines: pending, enabled and taken interrupts, priority, and vectored
# mode.
    .include "p.inc"
    .include "mi.inc"
    start
    .set MSIP, 0x2000000
    .set MTIMECMP, 0x2004000
    li s0, MSIP
    li s1, MTIMECMP
    li s2, -1
    li s3, 1 << 3       # software
    li s4, 1 << 7       # timer

    # The timer far away, no software interrupt.
    sw s2, 0(s1)
    sw s2, 4(s1)
    sw zero, 0(s0)
    csrci mstatus, MIE
    csrw mie, zero

    .macro pending bits
    li t2, 1000
4:  csrr t0, mip
    li t1, (1 << 3) | (1 << 7)
    and t0, t0, t1
    li t1, \bits
    beq t0, t1, 5f
    addi t2, t2, -1
    bnez t2, 4b
    expect t0, \bits
5:
    .endm

    case 1
    pending 0
    case 2
    li t0, 1
    sw t0, 0(s0)
    pending 1 << 3
    case 3              # not taken: mie is clear
    csrsi mstatus, MIE
    nop
    csrci mstatus, MIE
    case 4              # not taken: mstatus.MIE is clear; a pending and enabled interrupt ends wfi
    csrs mie, s3
    nop
    wfi
    # With one more bit set, this would be a branch to an unmapped address.
    li t0, 0
    wfi
    j 1f
    .zero 252
1:  pending 1 << 3
    case 5              # taken
    on_trap 8f
7:  csrsi mstatus, MIE
6:  j 6b
    .balign 4
8:  csrr t0, mcause
    expect t0, (1 << (XLEN - 1)) | 3
    csrr t0, mepc
    la t1, 6b
    sub t0, t0, t1
    expect t0, 0
    csrr t0, mstatus
    andi t0, t0, MPIE | MIE
    expect t0, MPIE
    case 6              # gone as soon as the register is
    sw zero, 0(s0)
    pending 0

    case 7              # the timer
    sw zero, 4(s1)
    sw zero, 0(s1)
    pending 1 << 7
    csrc mie, s3
    csrs mie, s4
    on_trap 8f
    csrsi mstatus, MIE
6:  j 6b
    .balign 4
8:  csrr t0, mcause
    expect t0, (1 << (XLEN - 1)) | 7

    case 8              # both: the software interrupt is first
    li t0, 1
    sw t0, 0(s0)
    pending (1 << 3) | (1 << 7)
    csrs mie, s3
    on_trap 8f
    csrsi mstatus, MIE
6:  j 6b
    .balign 4
8:  csrr t0, mcause
    expect t0, (1 << (XLEN - 1)) | 3

    case 9              # user mode takes them even with MIE clear
    csrci mstatus, MIE
    li t0, MPIE
    csrc mstatus, t0
    csrc mie, s3
    on_trap 8f
    to_user
6:  j 6b
    .balign 4
8:  csrr t0, mcause
    expect t0, (1 << (XLEN - 1)) | 7
    csrr t0, mstatus
    li t1, MPP
    and t0, t0, t1
    expect t0, 0

    # Vectors: an interrupt goes to its own entry, an exception to the base.
    case 10
    csrci mstatus, MIE
    csrr s5, mtvec
    la t0, vectors + 1
    csrw mtvec, t0
    li s6, 0
    csrsi mstatus, MIE
6:  j 6b
at_timer:
    expect s6, 7
    case 11
    csrs mie, s3
    csrsi mstatus, MIE
6:  j 6b
at_software:
    expect s6, 3
    case 12
    csrw mie, zero
    ecall
    tail fail
at_base:
    csrr t0, mcause
    expect t0, 11
    csrw mtvec, s5
    j done

    .option push
    .option norvc
    .balign 256
vectors:
    j at_base           # 0
    j bad
    j bad
    j software          # 3
    j bad
    j bad
    j bad
    j timer             # 7
    j bad
    j bad
    j bad
    j bad
bad: tail fail
software:
    li s6, 3
    j at_software
timer:
    li s6, 7
    j at_timer
    .option pop

done:
    case 13             # a timer that comes
    sw zero, 0(s0)
    csrci mstatus, MIE
    sw s2, 4(s1)
    pending 0
    csrs mie, s4
    li t0, 0x200bff8
    lw t1, 0(t0)
    lw t2, 4(t0)
    li t3, 1000
    add t3, t1, t3
    sltu t4, t3, t1
    add t4, t4, t2
    sw s2, 0(s1)
    sw t4, 4(s1)
    sw t3, 0(s1)
4:  csrr t0, mip
    and t0, t0, s4
    beqz t0, 4b
    finish
