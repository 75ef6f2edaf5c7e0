# jalr: offsets, the cleared lowest bit, the link in the base register.
    .include "p.inc"
    start
    .option norvc

    case 1
    la t0, 1f
    jalr t1, 0(t0)
back_1:
    tail fail
1:  la t2, back_1
    sub t2, t2, t1
    expect t2, 0

    case 2              # the base is the target: read before it is written
    la t0, 1f
    jalr t0, 0(t0)
back_2:
    tail fail
1:  la t2, back_2
    sub t2, t2, t0
    expect t2, 0

    case 3              # no link
    la t0, 1f
    jalr x0, 0(t0)
    tail fail
1:  mv t2, x0
    expect t2, 0

    .irp offset, 4, -4, 2047, -2048, 8, 16, 32, 64, 128, 256, 512, 1024, 1, -1
    case 4
    la t0, 1f
    li t1, \offset & -4
    sub t0, t0, t1
    jalr t1, (\offset & -4)(t0)
    tail fail
1:  case 5              # an odd sum
    la t0, 1f
    li t1, \offset & -4
    sub t0, t0, t1
    jalr t1, (\offset & -4) + 1(t0)
    tail fail
1:  case 6              # an odd base
    la t0, 1f
    li t1, \offset & -4
    sub t0, t0, t1
    addi t0, t0, 1
    jalr t1, (\offset & -4)(t0)
    tail fail
1:
    .endr

    # A base and an offset that are odd together, and a sum that is odd: beside the target are illegal instructions, as
    # half of `nop` is.
    .irp offset, 0, 1, 2, 3, 5, 1023, 682, 1365, -1, -2, -3, -2047
    case 8
    la t0, 1f - (\offset)
    jalr t1, \offset(t0)
    .zero 8
1:  nop
    case 9
    la t0, 1f - (\offset) + 1
    jalr t1, \offset(t0)
    .zero 8
1:  nop
    .endr

    # Every register as the base, and as the link.
    case 7
    .irp reg, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    la x\reg, 1f
    jalr x\reg, 0(x\reg)
2:  tail fail
1:  la gp, 2b
    beq gp, x\reg, 1f
    case 7
    tail fail
1:
    .endr
    finish
