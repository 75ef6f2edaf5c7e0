# PMP: address matching, permissions, and priority of the lowest matching entry. The test uses entries 0 to 7; the last
# entry lets user mode execute everything.
    .include "p.inc"
    .include "mi.inc"
    start
    la s0, area
    la s1, middle
    li t0, -1
    csrw pmpaddr8, t0
    pmpcfg 8, NAPOT | X
    pmpcfg 0, OFF

    # Checks whether the byte at an offset from the middle of the area can be read.
    .macro reads offset
    user_may lb a0, \offset(s1)
    .endm
    .macro refuses offset
    user_traps 5, lb a0, \offset(s1)
    csrr a0, mtval
    sub a0, a0, s1
    expect a0, \offset
    .endm
    .macro switch_off
    csrw pmpcfg0, x0
    .if XLEN == 32
    csrw pmpcfg1, x0
    .endif
    .endm

    case 1              # only the last entry: all accesses fault, and leave the target unchanged
    li a0, 77
    user_traps 5, lw a0, 0(s1)
    expect a0, 77
    user_traps 7, sw a0, 0(s1)
    user_traps 5, lr.w a0, (s1)
    user_traps 7, amoadd.w a0, a0, (s1)
    expect a0, 77
    case 2              # except in machine mode
    lw a0, 0(s1)
    expect a0, 0x1000

    case 3              # four bytes
    pmp 0, NA4 | R, s1
    refuses -1
    reads 0
    reads 3
    refuses 4
    user_may lw a0, 0(s1)
    expect a0, 0x1000
    user_traps 7, sw a0, 0(s1)
    on_trap 8f
    to_user
    lr.w a0, (s1)
7:  sc.w a0, x0, (s1)
    tail fail
    .balign 4
8:  trapped_at 7b, 7
    user_traps 5, lh a0, 3(s1) # in part
    user_traps 5, lw a0, -2(s1)
    .if XLEN == 64
    case 4              # an entry that matches only part of an access: it fails in every mode
    li a0, 77
    user_traps 5, ld a0, 0(s1)
    traps 5, ld a0, 0(s1)
    traps 7, sd a0, 0(s1)
    expect a0, 77
    .endif
    case 5              # machine mode ignores the permissions
    sw x0, 0(s1)
    li a0, 0x1000
    sw a0, 0(s1)

    .irp size, 8, 16, 32, 64, 128, 256, 512, 1024
    case 6              # a power of two, aligned
    switch_off
    pmp 0, NAPOT | R, s1, 0, \size / 8 - 1
    refuses -1
    reads 0
    reads \size - 1
    refuses \size
    .endr

    case 7              # from the address before to this one
    switch_off
    pmp 0, OFF, s1, -8
    pmp 1, TOR | R, s1, 12
    refuses -9
    reads -8
    reads 11
    refuses 12
    case 8              # a chain, each with permissions of its own
    pmp 2, TOR | R | W, s1, 24
    pmp 3, OFF, s1, 32
    pmp 4, TOR | R, s1, 40
    refuses -9
    user_traps 7, sb a0, 11(s1)
    user_may sb x0, 12(s1)
    user_may sb x0, 23(s1)
    refuses 24
    refuses 31
    reads 32
    reads 39
    refuses 40
    case 9              # an empty range matches nothing
    switch_off
    pmp 0, OFF, s1, 8
    pmp 1, TOR | R, s1, 8
    refuses 7
    refuses 8
    pmp 1, TOR | R, s1, 4
    refuses 4
    refuses 7
    refuses 8
    case 10             # the first begins at 0
    pmp 0, TOR | R | X, s1, 4 # the code is in it
    pmpcfg 1, OFF
    reads 3
    reads -64
    refuses 4

    case 11             # the first matching entry decides
    switch_off
    pmp 0, NA4, s1, 8
    pmp 1, NA4 | R, s1, 12
    pmp 2, NAPOT | R | W, s1, 0, 7
    reads 7
    refuses 8
    refuses 11
    reads 12
    user_traps 7, sb x0, 12(s1)
    user_may sb x0, 16(s1)
    pmpcfg 0, OFF
    reads 8
    case 12             # the other way round
    pmp 0, NAPOT | R | W, s1, 0, 7
    pmp 1, NA4, s1, 8
    pmp 2, OFF, s1
    reads 8
    user_may sb x0, 8(s1)

    # All combinations of permissions. The code in the area is an ecall.
    .macro permits config, load, store, execute
    switch_off
    pmp 0, NAPOT | \config, s0, 0, 1
    li a0, 0x73
    .if \load
    user_may lw a0, 0(s0)
    expect a0, 0x73
    .else
    user_traps 5, lw a0, 0(s0)
    .endif
    .if \store
    user_may sw a0, 4(s0)
    user_may amoswap.w a0, a0, (s0)
    .else
    user_traps 7, sw a0, 4(s0)
    .endif
    .if \store == 0 || \load == 0
    user_traps 7, amoswap.w a0, a0, (s0)
    .endif
    on_trap 8f
    to_user
    jr s0
    .balign 4
8:  csrr a0, mcause
    .if \execute
    expect a0, 8
    .else
    expect a0, 1
    csrr a0, mtval
    sub a0, a0, s0
    expect a0, 0
    .endif
    csrr a0, mepc
    sub a0, a0, s0
    expect a0, 0
    .endm
    case 13
    permits 0, 0, 0, 0
    case 14
    permits R, 1, 0, 0
    case 15
    permits R | W, 1, 1, 0
    case 16
    permits X, 0, 0, 1
    case 17
    permits R | X, 1, 0, 1
    case 18
    permits R | W | X, 1, 1, 1

    case 19             # no entry that matches: user mode has nothing, machine mode all
    switch_off
    pmp 0, NA4 | R | W | X, s1, 4
    pmpcfg 8, OFF
    user_traps 1, nop
    csrr a0, mtval
    la a1, 7b
    sub a0, a0, a1
    expect a0, 0
    lw a0, 0(s1)
    finish

    .data
    .balign 4096
area: .quad 0x73
    .zero 2040
middle: .quad 0x1000
    .zero 4096 - 2056
