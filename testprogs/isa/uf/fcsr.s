# fcsr, frm, fflags, and mstatus.FS.
# machine only: uses mstatus.FS
    .include "p.inc"
    .include "mi.inc"
    .include "f.inc"
    fstart

    .macro are fcsr
    csrr a0, fcsr
    expect a0, \fcsr
    csrr a0, frm
    expect a0, \fcsr >> 5
    csrr a0, fflags
    expect a0, \fcsr & 0x1f
    .endm

    case 1              # "ignore writes to these bits and supply a zero value when read"
    li a1, -1
    csrw fcsr, a1
    are 0xff
    csrw fcsr, x0
    are 0
    li a1, -256
    csrw fcsr, a1
    are 0
    case 2              # the parts have no more bits than they do in fcsr
    li a1, -1
    csrw fflags, a1
    are 0x1f
    csrw fcsr, x0
    csrw frm, a1
    are 0xe0
    li a1, 8
    csrw frm, a1
    are 0
    li a1, 32
    csrw fflags, a1
    are 0
    case 3              # each bit, and each value of frm
    .irp bit, 0, 1, 2, 3, 4, 5, 6, 7
    li a1, 1 << \bit
    csrw fcsr, a1
    are 1 << \bit
    csrw fcsr, x0
    csrs fcsr, a1
    are 1 << \bit
    csrc fcsr, a1
    are 0
    .endr
    .irp bit, 0, 1, 2, 3, 4
    csrwi fflags, 1 << \bit
    are 1 << \bit
    .endr
    csrwi fflags, 0
    .irp mode, 1, 2, 3, 4, 5, 6, 7, 0
    csrwi frm, \mode
    are \mode << 5
    .endr
    case 4              # one part leaves the other
    li a1, 0xff
    csrw fcsr, a1
    csrwi fflags, 0
    are 0xe0
    csrwi fflags, 0x15
    are 0xf5
    csrwi frm, 2
    are 0x55
    csrwi frm, 0
    are 0x15

    # What each instruction reads and writes.
    .macro both register, first, second, instruction, operand, after
    li a1, \first
    csrw fcsr, a1
    li a2, \second
    \instruction a0, \register, \operand
    expect a0, before
    are \after
    li a1, \first
    csrw fcsr, a1
    \instruction x0, \register, \operand
    are \after
    .endm
    case 5
    .set before, 0xa6
    both fcsr, 0xa6, 0x5c, csrrw, a2, 0x5c
    both fcsr, 0xa6, 0x5c, csrrs, a2, 0xfe
    both fcsr, 0xa6, 0x5e, csrrc, a2, 0xa0
    both fcsr, 0xa6, 0, csrrwi, 25, 25
    both fcsr, 0xa6, 0, csrrsi, 25, 0xbf
    both fcsr, 0xa6, 0, csrrci, 2, 0xa4
    case 6
    .set before, 6
    both fflags, 0xa6, 0x5c, csrrw, a2, 0xbc
    both fflags, 0xa6, 0x58, csrrs, a2, 0xbe
    both fflags, 0xa6, 0x5c, csrrc, a2, 0xa2
    both fflags, 0xa6, 0, csrrwi, 25, 0xb9
    both fflags, 0xa6, 0, csrrsi, 25, 0xbf
    both fflags, 0xa6, 0, csrrci, 2, 0xa4
    case 7
    .set before, 5
    both frm, 0xa6, 0x5a, csrrw, a2, 0x46
    both frm, 0xa6, 0x5a, csrrs, a2, 0xe6
    both frm, 0xa6, 0x5c, csrrc, a2, 0x26
    both frm, 0xa6, 0, csrrwi, 25, 0x26
    both frm, 0xa6, 0, csrrsi, 26, 0xe6
    both frm, 0xa6, 0, csrrci, 25, 0x86
    csrw fcsr, x0

    case 8              # flags add up, over jumps and whatever raises none
    fset f1, 0x3ff0000000000000 # 1
    fset f2, 0x4008000000000000 # 3
    fset f3, 0              # 0
    fset f4, 0x7fefffffffffffff # the largest
    fset f5, 0x0010000000000000 # the least normal
    fset f6, 0xbff0000000000000 # -1
    fdiv.d f7, f1, f2
    are 1
    fadd.d f8, f1, f2
    fdiv.d f8, f1, f3
    j 1f
1:  fmin.d f8, f1, f2
    are 9
    fsqrt.d f8, f6
    feq.d a0, f1, f2
    are 0x19
    csrwi fflags, 0
    fmul.d f8, f5, f7
    fmul.d f8, f4, f4
    nop
    are 7
    fmv.x.w a0, f6
    fcvt.w.d a0, f4
    are 0x17
    csrwi fflags, 8
    fdiv.d f8, f1, f2
    are 9
    csrw fcsr, x0

    case 9              # a mode is that of the instructions after it
    fdiv.d f7, f1, f2, dyn
    csrwi frm, 3
    fdiv.d f8, f1, f2, dyn
    csrwi frm, 0
    fdiv.d f9, f1, f2, dyn
    csrwi frm, 2
    fdiv.d f10, f6, f2, dyn
    csrwi frm, 1
    fdiv.d f11, f6, f2, dyn
    csrwi frm, 0
    fexpect f7, 0x3fd5555555555555
    fexpect f8, 0x3fd5555555555556
    fexpect f9, 0x3fd5555555555555
    fexpect f10, 0xbfd5555555555556
    fexpect f11, 0xbfd5555555555555

    # With the unit off there are none of these registers.
    csrwi frm, 3
    li a0, 77
    .irp register, fflags, frm, fcsr
    fs 0
    case 10
    traps 2, csrr a0, \register
    case 11
    traps 2, csrw \register, x0
    case 12
    traps 2, csrrwi a0, \register, 1
    case 13
    traps 2, csrrsi a0, \register, 4
    case 14
    traps 2, csrrci a0, \register, 2
    case 15
    to_user
    traps 2, csrr a0, \register
    expect a0, 77
    .endr
    fs 0x2000
    are 0x61

    # A write makes the state dirty.
    .irp register, fflags, frm, fcsr
    case 16
    fs 0x4000
    csrwi \register, 1
    expect_dirty
    case 17
    fs 0x4000
    csrsi \register, 2
    expect_dirty
    case 18
    fs 0x2000
    csrci \register, 2
    expect_dirty
    .endr

    # The four values of FS, and SD.
    .irp state, 0, 0x2000, 0x4000, 0x6000
    case 19
    fs \state
    csrr a0, mstatus
    li a1, FS
    and a1, a0, a1
    expect a1, \state
    srli a0, a0, XLEN - 1
    expect a0, \state / FS
    .endr

    case 20             # user mode has it all
    csrw fcsr, x0
    fs 0x4000
    to_user
    csrwi frm, 3
    fdiv.d f8, f1, f2
    fexpect f8, 0x3fd5555555555556
    are 0x61
    traps 8, ecall
    expect_dirty

    case 21             # a trap finds the flags of what was before it, and leaves them
    csrw fcsr, x0
    fdiv.d f8, f1, f3
    traps 11, ecall
    are 8
    fdiv.d f8, f1, f2
    li a0, 0x70000000
    traps 5, flw f8, (a0)
    are 9

    case 22             # misa, if it says anything: F and D
    csrr a0, misa
    beqz a0, 2f
    andi a0, a0, 0x28
    expect a0, 0x28
2:
    finish
