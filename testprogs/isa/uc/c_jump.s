# c.j, c.jr, c.jalr, c.beqz, c.bnez, and c.jal of RV32: reach, links, every register.
# tests: c.j c.jr c.jalr c.beqz c.bnez c.nop c.jal
    .include "p.inc"
    start
    .option norvc

    # The instruction goes forwards by `distance`, then back by it.
    .macro reach distance, instruction, operands:vararg
    j 2f
    .balign 4
1:  j 3f
    .zero \distance - 4
2:  .option push
    .option rvc
    \instruction \operands 1b
    .option pop
    tail fail
3:  .option push
    .option rvc
    \instruction \operands 4f
    .option pop
5:  tail fail
    .zero \distance - 2 - 8
4:
    .endm

    case 1
    li ra, 0            # which is not linked
    .irp distance, 16, 32, 64, 128, 256, 512, 1024, 2046
    reach \distance, c.j
    .endr
    reach 1026, c.j
    .irp distance, 18, 20, 24, 26, 682, 1364
    reach \distance, c.j
    .endr
    expect ra, 0

    case 2
    li s0, 0
    .irp distance, 16, 32, 64, 128, 254, 18, 20, 24, 26, 170, 84
    reach \distance, c.beqz, s0,
    .endr
    case 3
    .irp distance, 16, 32, 64, 128, 254, 18, 20, 24, 26, 170, 84
    li s0, 1
    reach \distance, c.bnez, s0,
    .endr

    .irp reg, 8, 9, 10, 11, 12, 13, 14, 15
    .irp value, 0, 1, -1, 0x80000000, 0x7fffffff, 0x100
    case 4              # taken or not
    li x\reg, \value
    .option push
    .option rvc
    c.beqz x\reg, 1f
    .option pop
    li a6, 1
    j 2f
1:  li a6, 0
2:  snez a7, x\reg
    beq a6, a7, 1f
    tail fail
1:  case 5
    .option push
    .option rvc
    c.bnez x\reg, 1f
    .option pop
    li a6, 0
    j 2f
1:  li a6, 1
2:  beq a6, a7, 1f
    tail fail
1:
    .endr
    .endr

    .if XLEN == 64
    case 6              # all of the register counts
    li s0, 0x100000000
    .option push
    .option rvc
    c.beqz s0, 1f
    c.bnez s0, 2f
    .option pop
1:  tail fail
2:
    .endif

    case 7
    .irp reg, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    case 7
    li ra, 0
    la x\reg, 1f
    addi x\reg, x\reg, 1    # the lowest bit is dropped
    .option push
    .option rvc
    c.jr x\reg
    .option pop
    tail fail
1:  .ifne \reg - 1
    expect ra, 0        # and there is no link
    .endif
    case 8              # the link is two bytes on, also where ra is the target
    la x\reg, 1f
    .option push
    .option rvc
    c.jalr x\reg
    .option pop
2:  tail fail
1:  la gp, 2b
    beq gp, ra, 1f
    case 8
    tail fail
1:
    .endr

    .if XLEN == 32
    case 9
    .irp distance, 16, 32, 64, 128, 256, 512, 1024, 2046, 18, 20, 24, 26, 682, 1364
    reach \distance, c.jal
    la t0, 5b
    sub t0, t0, ra
    expect t0, 0
    .endr
    .endif

    case 10             # c.nop and what hints do: nothing
    li t0, 5
    .option push
    .option rvc
    c.nop
    c.nop
    c.nop
    .option pop
    expect t0, 5
    .irp reg, 1, 2, 4, 8, 16
    li x\reg, 0x155
    .2byte 0x0029       # c.nop 10
    .2byte 0x1075       # c.nop -3
    expect x\reg, 0x155
    .endr

    case 11             # a long instruction that begins between two words
    .option push
    .option rvc
    .balign 4
    c.nop
    .option norvc
    addi t0, t0, 100
    .option rvc
    c.addi t0, 1
    .option pop
    expect t0, 106
    finish
