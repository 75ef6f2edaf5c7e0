# csrrs and csrrc with a source other than x0 write, even if the source is 0, so they are illegal on a read-only
# register.
    .include "p.inc"
    .include "mi.inc"
    start
    li a0, 0x1234
    li a1, 0
    .irp register, mhartid, mvendorid, marchid, mimpid
    case 1
    traps 2, csrrs a0, \register, a1
    expect a0, 0x1234
    case 2
    traps 2, csrrc a0, \register, a1
    expect a0, 0x1234
    case 3
    traps 2, csrrs x0, \register, a1
    .endr
    finish
