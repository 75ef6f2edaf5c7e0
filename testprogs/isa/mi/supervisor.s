# Instructions and CSRs of supervisor mode: returns, and fences after changes of page tables.
# tests: sret sfence.vma sinval.vma sfence.w.inval sfence.inval.ir csrrw csrrs csrrc csrrwi csrrsi csrrci
    .include "p.inc"
    .include "mi.inc"
    start
    unless_extension 'S', none
    li s1, MPRV
    li s2, MPP
    li s3, FS           # what one bit more would make a floating-point instruction
    csrs mstatus, s3

    case 1              # to supervisor mode
    la a0, fail
    csrw mepc, a0
    la a0, 1f
    csrw sepc, a0
    li a0, SPP | SPIE
    csrs mstatus, a0
    csrci mstatus, SIE
    csrs mstatus, s1
    li a0, 77
    sret
    .balign 4
    tail fail
    .balign 4
1:  expect a0, 77
    csrr a1, sstatus
    andi a1, a1, SPP | SPIE | SIE
    expect a1, SPIE | SIE
    traps 2, csrr a1, mstatus
    csrr a1, mstatus
    and a2, a1, s2
    expect a2, 0x800
    and a2, a1, s1
    expect a2, 0
    case 2              # to user mode
    la a0, 1f
    csrw sepc, a0
    li a0, SPP | SPIE
    csrc mstatus, a0
    csrsi mstatus, SIE
    sret
    .balign 4
    tail fail
    .balign 4
1:  traps 2, csrr a1, sstatus
    csrr a1, mstatus
    and a2, a1, s2
    expect a2, 0
    andi a2, a1, SPP | SPIE | SIE
    expect a2, SPIE
    case 3              # in supervisor mode, and where it is not allowed
    la a0, 2f
    csrw sepc, a0
    supervisor_traps 3, ebreak
    on_trap 8f
    to_supervisor
    sret
    .balign 4
    tail fail
    .balign 4
2:  ecall
    .balign 4
8:  trapped_at 2b, 8
    user_traps 2, sret
    li a0, TSR
    csrs mstatus, a0
    supervisor_traps 2, sret
    csrc mstatus, a0

    case 4              # CSRs
    li a0, 0x5a
    csrw sscratch, a0
    csrwi mscratch, 3
    csrr a1, sscratch
    expect a1, 0x5a
    csrrsi a1, sscratch, 5
    expect a1, 0x5a
    csrrci a1, sscratch, 0x12
    expect a1, 0x5f
    csrrwi a1, sscratch, 9
    expect a1, 0x4d
    li a0, 0x30
    csrrs a1, sscratch, a0
    expect a1, 9
    li a0, 0x11
    csrrc a1, sscratch, a0
    expect a1, 0x39
    csrrw a1, sscratch, x0
    expect a1, 0x28
    csrr a1, mscratch
    expect a1, 3
    csrw mscratch, x0
    user_traps 2, csrr a1, sscratch
    supervisor_may csrw sscratch, a0
    csrr a1, sscratch
    expect a1, 0x11

    # Page tables: 0x40000000 is 0x80000000, by one entry of the root.
    .if XLEN == 64
    .set ENTRY, 8
    li a0, 8 << 60 | 9 << 44
    .else
    .set ENTRY, 0x400
    li a0, 1 << 31 | 9 << 22
    .endif
    la s4, root
    srli a1, s4, 12
    or a0, a0, a1
    csrw satp, a0
    la s0, area
    li a0, 0x40000000
    sub s0, s0, a0
    li s5, 0x80000000 >> 12 << 10 | 0xc7

    # Checks that an access finds a page removed after the fences.
    .macro fences one, two, three
    store s5, ENTRY(s4)
    sfence.vma
    csrc mstatus, s2
    li t5, 0x800
    csrs mstatus, t5
    csrs mstatus, s1
    lw a0, 0(s0)
    csrc mstatus, s1
    expect a0, 5
    store x0, ENTRY(s4)
    \one
    \two
    \three
    on_trap 8f
    csrs mstatus, s1
7:  lw a0, 0(s0)
    csrc mstatus, s1
    tail fail
    .balign 4
8:  trapped_at 7b, 13
    csrc mstatus, s1
    .endm

    # Registers that differ in each bit of their numbers from others with other values.
    li a1, 9
    li a4, 9
    li s8, 9
    mv a2, s0
    mv s7, s0
    li s6, 0
    case 5
    fences "sfence.vma"
    fences "sfence.vma s0"
    fences "sfence.vma x0, a1"
    fences "sfence.vma s0, a1"
    fences "sfence.vma a2, a4"
    fences "sfence.vma s7, s8"
    case 6
    .irp operands, "x0, x0", "s0, x0", "x0, a1", "s0, a1", "a2, a4", "s7, s8"
    fences "sfence.w.inval", "sinval.vma \operands", "sfence.inval.ir"
    .endr
    sub a0, s7, s0
    expect a0, 0
    expect a1, 9
    expect s8, 9

    case 7              # who may, without translation
    csrw satp, x0
    li a0, TVM
    li a1, 77
    .irp allowed, 1, 0
    .macro by_supervisor\allowed instruction:vararg
    .if \allowed
    supervisor_may \instruction
    .else
    supervisor_traps 2, \instruction
    .endif
    .endm
    by_supervisor\allowed sfence.vma
    by_supervisor\allowed sfence.vma a1, a1
    by_supervisor\allowed sinval.vma x0, x0
    by_supervisor\allowed sinval.vma a1, a1
    supervisor_may sfence.w.inval
    supervisor_may sfence.inval.ir
    csrs mstatus, a0
    .endr
    csrc mstatus, a0
    expect a1, 77
    user_traps 2, sfence.vma
    user_traps 2, sinval.vma x0, x0
    user_traps 2, sfence.w.inval
    user_traps 2, sfence.inval.ir
none:
    finish

    .data
    .balign 4096
root: .zero 4096
area: .long 5, 7
