# mstatus: the legal values of its fields, and the effect of FS.
    .include "p.inc"
    .include "mi.inc"
    start

    case 1              # MPP holds implemented modes only
    li a1, MPP
    csrs mstatus, a1
    csrr a0, mstatus
    and a0, a0, a1
    expect a0, MPP
    csrc mstatus, a1
    csrr a0, mstatus
    and a0, a0, a1
    expect a0, 0
    .irp mode, 1, 2
    case 2
    csrc mstatus, a1
    li a2, \mode << 11
    csrs mstatus, a2
    csrr a0, mstatus
    and a0, a0, a1
    .if \mode == 1
    unless_extension 'S', 1f
    expect a0, 1 << 11
    j 2f
    .endif
1:  sub a3, a0, a2
    seqz a3, a3
    expect a3, 0        # illegal values do not read back
    beqz a0, 2f
    expect a0, MPP
2:
    .endr

    .irp field, MIE, MPIE, MPRV, TW
    case 3              # these hold both values
    li a1, MPP
    csrs mstatus, a1    # MPRV is without effect then
    li a1, \field
    csrs mstatus, a1
    csrr a0, mstatus
    and a0, a0, a1
    expect a0, \field
    csrc mstatus, a1
    csrr a0, mstatus
    and a0, a0, a1
    expect a0, 0
    .endr

    # Reserved bits read as zero: 0, 2, 4 and from 23 up.
    case 4
    li a1, -1
    li a2, MPRV | MIE
    xor a1, a1, a2
    csrr a3, mstatus
    csrw mstatus, a1
    csrr a0, mstatus
    csrw mstatus, a3
    andi a0, a0, 0x15
    expect a0, 0
    .if XLEN == 64
    case 5              # UXL: user mode has 64 bits, as the machine
    csrr a0, mstatus
    srli a0, a0, 32
    andi a0, a0, 3
    expect a0, 2
    .endif

    case 6              # without supervisor mode, its fields are zero
    unless_extension 'S', 1f
    j 2f
1:  li a1, 1 << 1 | 1 << 5 | 1 << 8 | 1 << 18 | 1 << 19 | 1 << 20 | 1 << 22
    csrs mstatus, a1
    csrr a0, mstatus
    and a0, a0, a1
    expect a0, 0
2:
    # FS: four values; SD says whether it is Dirty.
    unless_extension 'F', done
    .irp fs, 0, 1, 2, 3
    case 7
    li a1, FS
    csrc mstatus, a1
    li a2, \fs << 13
    csrs mstatus, a2
    csrr a0, mstatus
    slt a4, a0, zero
    and a0, a0, a1
    expect a0, \fs << 13
    expect a4, (\fs == 3) & 1
    .endr
    case 8              # SD cannot be written
    csrc mstatus, a1
    li a2, 1 << (XLEN - 1)
    csrs mstatus, a2
    csrr a0, mstatus
    slt a0, a0, zero
    expect a0, 0

    # Off: all of floating point is illegal, in every mode.
    .irp instruction, "fmv.w.x f0, x0", "flw f0, 0(s0)", "fsw f0, 0(s0)", "fadd.s f1, f2, f3", "fmv.x.w a0, f0", "csrr a0, fflags", "csrw frm, x0", "csrr a0, fcsr"
    la s0, word_of_memory
    li a0, 77
    case 9
    traps 2, \instruction
    case 10
    user_traps 2, \instruction
    expect a0, 77
    .endr

    # Initial and Clean: writes to the state make it Dirty, reads do not.
    .macro becomes value, instruction:vararg
    .irp fs, 1, 2
    csrc mstatus, a1
    li a2, \fs << 13
    csrs mstatus, a2
    \instruction
    csrr a0, mstatus
    and a0, a0, a1
    .if \value
    expect a0, \value << 13
    .else
    expect a0, \fs << 13
    .endif
    .endr
    .endm
    case 11
    becomes 3, fmv.w.x f0, x0
    case 12
    becomes 3, flw f0, 0(s0)
    case 13
    becomes 3, fadd.s f1, f0, f0
    case 14
    becomes 3, csrw fcsr, x0
    case 15
    becomes 3, csrw frm, x0
    case 16
    becomes 3, csrwi fflags, 3
    case 17
    becomes 3, fsgnj.s f2, f1, f0
done:
    finish
    .data
    .balign 8
word_of_memory: .quad 0
