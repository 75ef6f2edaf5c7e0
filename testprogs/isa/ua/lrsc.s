# lr and sc: words, and double words on RV64.
# tests: lr.w sc.w lr.d sc.d
    .include "p.inc"
    start
    .data
    .balign 64
cell: .quad 0, 0
other: .quad 0
    .text
    la s0, cell

    .macro reserve first, lr, sc, load, store, value, next
    case \first         # a pair that succeeds
    li a0, \value
    \store a0, 0(s0)
    li a1, \next
    li t1, 1
    li t2, 1000
1:  \lr t0, (s0)
    \sc t1, a1, (s0)
    beqz t1, 2f         # it may fail now and then
    addi t2, t2, -1
    bnez t2, 1b
    tail fail
2:  expect t0, \value
    \load t0, 0(s0)
    expect t0, \next
    expect a1, \next

    case \first + 1     # the reservation is used up
    li a1, 77
    \sc t1, a1, (s0)
    bnez t1, 1f
    tail fail
1:  \load t0, 0(s0)
    expect t0, \next

    case \first + 2     # none at all
    la s1, other
    \store zero, 0(s1)
    \lr t0, (s0)
    \sc t1, a1, (s0)
    li a1, 78
    \sc t1, a1, (s1)
    bnez t1, 1f
    tail fail
1:  \load t0, 0(s1)
    expect t0, 0

    case \first + 3     # x0, and the target as address and as value
    li t2, 1000
1:  li a1, 5
    \store zero, 0(s0)
    mv s2, s0
    \lr s2, (s2)
    \sc a1, a1, (s0)
    beqz a1, 2f
    addi t2, t2, -1
    bnez t2, 1b
    tail fail
2:  expect s2, 0
    \load t0, 0(s0)
    expect t0, 5
    \lr x0, (s0)
    mv t0, x0
    expect t0, 0
    \sc x0, zero, (s0)
    mv t0, x0
    expect t0, 0
    .endm

    reserve 1, lr.w, sc.w, lw, sw, -0x12345679, 0x7edcba98
    reserve 5, lr.w.aq, sc.w.rl, lw, sw, 0x7fffffff, -0x80000000
    reserve 9, lr.w.aqrl, sc.w.aqrl, lw, sw, 1, 0
    .if XLEN == 64
    reserve 13, lr.d, sc.d, ld, sd, -0x123456789abcdef1, 0x7edcba9876543210
    reserve 17, lr.d.aq, sc.d.rl, ld, sd, 0x7fffffffffffffff, 0x80000000

    case 21             # a word leaves its neighbour alone
    li a0, 0x1122334455667788
    sd a0, 0(s0)
    li a1, -1
1:  lr.w t0, (s0)
    sc.w t1, a1, (s0)
    bnez t1, 1b
    expect t0, 0x55667788
    ld t0, 0(s0)
    expect t0, 0x11223344ffffffff
    .endif

    case 22             # a sum by a loop
    sw zero, 0(s0)
    li t2, 1000
1:  lr.w t0, (s0)
    add t0, t0, t2
    sc.w t1, t0, (s0)
    bnez t1, 1b
    addi t2, t2, -1
    bnez t2, 1b
    lw t0, 0(s0)
    expect t0, 500500

    finish
