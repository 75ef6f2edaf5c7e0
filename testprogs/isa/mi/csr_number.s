# All bits of a CSR's number, and of the five-bit immediate.
# tests: csrrw csrrs csrrc csrrwi csrrsi csrrci
    .include "p.inc"
    .include "mi.inc"
    start
    case 1              # each register has a value of its own
    .macro registers do
    \do mscratch, 0x2341
    \do mepc, 0x2342
    \do mcause, 3
    \do mtval, 0x2344
    \do mcounteren, 5
    \do mcountinhibit, 5
    \do pmpaddr1, 0x2345
    \do pmpaddr2, 0x2346
    \do pmpaddr4, 0x2347
    \do pmpaddr8, 0x2348
    \do pmpaddr15, 0x2349
    \do minstret, 0x2350
    \do mcycle, 0x2351
    .endm
    .macro write register, value
    li a0, \value
    csrw \register, a0
    .endm
    .macro read register, value
    csrr a0, \register
    .ifc \register, mcounteren
    andi a0, a0, 7
    .endif
    .ifc \register, mcountinhibit
    andi a0, a0, 7
    .endif
    expect a0, \value
    .endm
    csrwi mcountinhibit, 5 # so that they hold
    registers write
    registers read
    csrwi mcountinhibit, 0

    .irp bits, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li a0, 0x150a
    csrw mscratch, a0
    case 2
    csrrsi s11, mscratch, \bits
    expect s11, 0x150a
    csrrci s4, mscratch, 31 - \bits
    expect s4, 0x150a | \bits
    csrrwi t2, mscratch, \bits
    expect t2, (0x150a | \bits) & ~(31 - \bits)
    csrr a0, mscratch
    expect a0, \bits
    .endr

    # The same registers by the instructions that change bits, and by an immediate.
    .macro change register, value
    .ifnc \register, mcounteren
    .ifnc \register, mcountinhibit
    .ifnc \register, mcause
    case 4
    li a0, 0x0aa0
    csrw \register, a0
    li a1, 0x0ba4
    csrrc a2, \register, a1
    expect a2, 0x0aa0
    csrrs a2, \register, a1
    expect a2, 0
    csrrsi a2, \register, 24
    expect a2, 0x0ba4
    csrrci a2, \register, 20
    expect a2, 0x0bbc
    csrrwi a2, \register, 12
    expect a2, 0x0ba8
    csrr a2, \register
    expect a2, 12
    .endif
    .endif
    .endif
    .endm
    csrwi mcountinhibit, 5
    registers change
    csrwi mcountinhibit, 0

    case 5              # bits that are set already
    unless_extension 'F', 2f
    li a0, FS
    csrs mstatus, a0
    csrwi fflags, 0x15
    csrrsi a0, fflags, 0x1c
    expect a0, 0x15
    csrrci a0, fflags, 0x13
    expect a0, 0x1d
    csrr a0, fflags
    expect a0, 0x0c
2:
    # Every register as the operand, and as the target.
    .irp reg, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    case 3
    li x\reg, 0x1234567 ^ (\reg << 8)
    csrrw x0, mscratch, x\reg
    li x\reg, -1
    csrrs x\reg, mscratch, x0
    expect x\reg, 0x1234567 ^ (\reg << 8)
    .endr
    .irp reg, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    .irp name, csrrwi, csrrsi, csrrci
    case 6
    li x\reg, 0x1234567 ^ (\reg << 8)
    csrrw x0, mscratch, x\reg
    li x\reg, -1
    \name x\reg, mscratch, 0
    expect x\reg, 0x1234567 ^ (\reg << 8)
    .endr
    .irp name, csrrw, csrrc
    li x\reg, 0x1234567 ^ (\reg << 8)
    csrrw x0, mscratch, x\reg
    li x\reg, -1
    \name x\reg, mscratch, x0
    expect x\reg, 0x1234567 ^ (\reg << 8)
    .endr
    .endr
    finish
