# mcause and mtval of faults, for every kind of access and several unmapped ranges.
    .include "p.inc"
    .include "mi.inc"
    start
    li s0, 0x70000000

    .macro faults cause, offset, instruction:vararg
    li a0, 77
    li a1, 78
    traps \cause, \instruction
    expect a0, 77
    expect a1, 78
    csrr a2, mtval
    sub a2, a2, s0
    expect a2, \offset
    user_traps \cause, \instruction
    csrr a2, mtval
    sub a2, a2, s0
    expect a2, \offset
    .endm

    case 1
    faults 5, 0, lb a0, 0(s0)
    faults 5, 1, lbu a0, 1(s0)
    faults 5, -2, lh a0, -2(s0)
    faults 5, 2, lhu a0, 2(s0)
    faults 5, 2044, lw a0, 2044(s0)
    case 2
    faults 7, 3, sb a0, 3(s0)
    faults 7, -2048, sh a0, -2048(s0)
    faults 7, 4, sw a0, 4(s0)
    case 3
    faults 5, 0, lr.w a0, (s0)
    .irp name, swap, add, xor, and, or, min, max, minu, maxu
    faults 7, 0, amo\name\().w a0, a1, (s0)
    .endr
    .if XLEN == 64
    case 4
    faults 5, 8, lwu a0, 8(s0)
    faults 5, 16, ld a0, 16(s0)
    faults 7, 24, sd a0, 24(s0)
    faults 5, 0, lr.d a0, (s0)
    .irp name, swap, add, xor, and, or, min, max, minu, maxu
    faults 7, 0, amo\name\().d a0, a1, (s0)
    .endr
    .endif
    case 5              # a store, by what it faults with
    li a0, 1 << 7
    csrw menvcfg, a0
    unless_extension 'S', 1f
    csrw senvcfg, a0
1:  faults 7, 0, cbo.zero (s0)

    case 6              # into x0, too
    traps 5, lw x0, 0(s0)
    traps 7, amoadd.w x0, a0, (s0)

    case 7              # a breakpoint: its address, or nothing
    traps 3, ebreak
    csrr a0, mtval
    beqz a0, 1f
    la a1, 7b
    sub a0, a0, a1
    expect a0, 0
1:
    # The registers hold every cause and address written to them.
    .irp cause, 0, 1, 2, 3, 4, 5, 6, 7, 8, 11
    case 8
    li a0, \cause
    csrw mcause, a0
    csrr a1, mcause
    expect a1, \cause
    .endr
    .irp cause, 3, 7, 11
    li a0, (1 << (XLEN - 1)) | \cause
    csrw mcause, a0
    csrr a1, mcause
    expect a1, (1 << (XLEN - 1)) | \cause
    .endr
    .irp address, 0, 1, 0x80001234, 0x7fffffff, -1
    case 9
    li a0, \address
    csrw mtval, a0
    csrr a1, mtval
    expect a1, \address
    .endr
    finish
