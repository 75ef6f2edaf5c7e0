# menvcfg: its legal values, and the instructions of Zicbom and Zicboz that it permits in user mode.
# tests: cbo.inval cbo.clean cbo.flush cbo.zero
    .include "p.inc"
    .include "mi.inc"
    start
    la s0, data
    .set CBIE_FLUSH, 1 << 4
    .set CBIE_INVAL, 3 << 4
    .set CBCFE, 1 << 6
    .set CBZE, 1 << 7

    .irp value, 0, 1, CBIE_FLUSH, CBIE_INVAL, CBCFE, CBZE, CBIE_INVAL | CBCFE | CBZE | 1
    case 1
    li a0, \value
    csrw menvcfg, a0
    csrr a1, menvcfg
    andi a1, a1, 0xff
    expect a1, \value
    .endr
    .if XLEN == 32
    case 3
    csrr a0, menvcfgh
    csrw menvcfgh, x0
    csrr a0, menvcfgh
    expect a0, 0
    .else
    case 4
    traps 2, csrr a0, 0x31a
    .endif
    case 5              # not for user mode
    user_traps 2, csrr a0, menvcfg

    .macro gates value, inval, clean, zero
    li a0, \value
    csrw menvcfg, a0
    .if \inval
    user_may cbo.inval (s0)
    .else
    user_traps 2, cbo.inval (s0)
    .endif
    .if \clean
    user_may cbo.clean (s0)
    user_may cbo.flush (s0)
    .else
    user_traps 2, cbo.clean (s0)
    user_traps 2, cbo.flush (s0)
    .endif
    li a1, 0x12345678
    sw a1, 60(s0)
    .if \zero
    user_may cbo.zero (s0)
    lw a1, 60(s0)
    expect a1, 0
    .else
    user_traps 2, cbo.zero (s0)
    lw a1, 60(s0)
    expect a1, 0x12345678
    .endif
    # Machine mode may always.
    cbo.inval (s0)
    cbo.clean (s0)
    cbo.flush (s0)
    cbo.zero (s0)
    lw a1, 60(s0)
    expect a1, 0
    .endm
    unless_extension 'S', 1f
    li a0, CBIE_INVAL | CBCFE | CBZE
    csrw senvcfg, a0    # supervisor mode must permit it too
1:  case 6
    gates 0, 0, 0, 0
    case 7
    gates CBIE_FLUSH, 1, 0, 0
    case 8
    gates CBIE_INVAL, 1, 0, 0
    case 9
    gates CBCFE, 0, 1, 0
    case 10
    gates CBZE, 0, 0, 1
    case 11
    gates CBIE_INVAL | CBCFE | CBZE, 1, 1, 1
    finish
    .data
    .balign 64
data: .zero 64
