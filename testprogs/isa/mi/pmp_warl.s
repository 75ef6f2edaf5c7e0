# PMP: the implemented registers and their legal values.
    .include "p.inc"
    .include "mi.inc"
    start
    pmpcfg 0, OFF

    case 1              # sixteen entries; each register holds its own value, the configuration four or eight
    .irp entry, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    li a0, 0x12345 << \entry
    csrw 0x3b0 + \entry, a0
    pmpcfg \entry, TOR | ((\entry * 5) & 4) | (\entry & 1)
    .endr
    .irp entry, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    csrr a0, 0x3b0 + \entry
    expect a0, 0x12345 << \entry
    read_pmpcfg a0, \entry
    expect a0, TOR | ((\entry * 5) & 4) | (\entry & 1)
    pmpcfg \entry, OFF
    .endr

    .irp entry, 0, 7, 12
    .irp config, 0, 1, 3, 4, 5, 7
    case 2              # all ways to match, with what they may permit
    pmpcfg \entry, OFF | \config
    read_pmpcfg a0, \entry
    expect a0, OFF | \config
    pmpcfg \entry, TOR | \config
    read_pmpcfg a0, \entry
    expect a0, TOR | \config
    pmpcfg \entry, NA4 | \config
    read_pmpcfg a0, \entry
    expect a0, NA4 | \config
    pmpcfg \entry, NAPOT | \config
    read_pmpcfg a0, \entry
    expect a0, NAPOT | \config
    .endr
    case 4              # two bits are zero
    pmpcfg \entry, 0x60
    read_pmpcfg a0, \entry
    expect a0, 0
    .endr

    .if XLEN == 64
    case 5              # addresses of 56 bits
    li a0, -1
    csrw 0x3b4, a0
    csrr a0, 0x3b4
    srli a0, a0, 54
    expect a0, 0
    # The registers with an odd number are those of RV32.
    .irp register, 1, 3, 5, 7, 9, 11, 13, 15
    case 6
    li a0, 77
    traps 2, csrr a0, 0x3a0 + \register
    traps 2, csrw 0x3a0 + \register, x0
    expect a0, 77
    .endr
    .else
    case 7              # addresses of 34 bits
    li a0, -1
    csrw 0x3b4, a0
    csrr a0, 0x3b4
    expect a0, -1
    .endif
    case 8              # bits may be changed one by one
    csrw 0x3b4, x0
    csrsi 0x3b4, 21
    csrr a0, 0x3b4
    expect a0, 21
    csrci 0x3b4, 5
    csrr a0, 0x3b4
    expect a0, 16
    finish
