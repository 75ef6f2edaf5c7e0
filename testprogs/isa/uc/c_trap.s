# Compressed instructions that trap: c.ebreak, and reserved encodings.
# tests: c.ebreak
    .include "p.inc"
    start

    .macro trap_of cause, half
    .option push
    .option rvc
    traps \cause, .half \half
    .option pop
    .endm

    case 1
    trap_of 3, 0x9002   # c.ebreak
    case 2
    trap_of 2, 0x0000   # the illegal one
    case 3
    trap_of 2, 0x0004   # c.addi4spn with 0
    case 4
    trap_of 2, 0x6101   # c.addi16sp with 0
    case 5
    trap_of 2, 0x4002   # c.lwsp to x0
    case 6
    trap_of 2, 0x8002   # c.jr x0
    .if XLEN == 64
    case 7
    trap_of 2, 0x6002   # c.ldsp to x0
    case 8
    trap_of 2, 0x2001   # c.addiw to x0
    .endif
    finish
