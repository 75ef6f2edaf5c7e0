# sc at misaligned addresses always traps, even if other misaligned accesses are supported.
# tests: sc.w sc.d
    .include "p.inc"
    start
    .data
    .balign 64
cell: .quad 0x1122334455667788, 0x99aabbccddeeff00
    .text
    la s0, cell

    .macro misaligned number, instruction, size
    .set offset, 1
    .rept \size - 1
    case \number
    addi s1, s0, offset
    li t0, 77
    traps 6, \instruction t0, zero, (s1)
    expect t0, 77
    .ifndef USER        # Linux reports the pc as the address
    csrr s2, mtval
    sub s2, s2, s1
    expect s2, 0
    .endif
    .set offset, offset + 1
    .endr
    .endm
    misaligned 1, sc.w, 4
    .if XLEN == 64
    misaligned 2, sc.d, 8
    .endif

    case 3              # memory is as it was
    .irp place, 0, 4, 8, 12
    lw a0, \place(s0)
    .if \place == 0
    expect a0, 0x55667788
    .elseif \place == 4
    expect a0, 0x11223344
    .elseif \place == 8
    expect a0, -0x22110100
    .else
    expect a0, -0x66554434
    .endif
    .endr
    finish
