# Without supervisor mode, its instructions are illegal in machine mode too.
# tests: sret sfence.vma sinval.vma sfence.w.inval sfence.inval.ir
    .include "p.inc"
    .include "mi.inc"
    start
    unless_extension 'S', 1f
    tail pass

1:  li a0, FS           # what one bit more would make a floating-point instruction
    csrs mstatus, a0
    la a0, fail
    csrw mepc, a0       # and one a return
    li a0, 77
    .irp x, 0, 1, 2, 5, 10, 31
    case 1
    traps 2, sret
    case 2
    traps 2, sfence.vma x\x, a0
    case 3
    traps 2, sfence.vma a0, x\x
    traps 2, sfence.vma x0, x\x
    case 4
    traps 2, .word 0x16a00073 | \x << 15 # sinval.vma
    case 5
    traps 2, .word 0x16050073 | \x << 20
    case 6
    traps 2, .word 0x18000073 # sfence.w.inval
    case 7
    traps 2, .word 0x18100073 # sfence.inval.ir
    .endr
    expect a0, 77
    finish
