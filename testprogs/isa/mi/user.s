# Instructions of more privileged modes are illegal in user mode, whether implemented or not.
# tests: mret sret wfi sfence.vma sinval.vma sfence.w.inval sfence.inval.ir ecall ebreak
    .include "p.inc"
    .include "mi.inc"
    start

    .macro illegal instruction:vararg
    li a0, 77
    user_traps 2, \instruction
    expect a0, 77
    csrr a1, mtval      # the bits, or nothing
    beqz a1, 1f
    la a2, 7b
    lhu a3, 0(a2)
    lhu a2, 2(a2)
    slli a2, a2, 16
    or a2, a2, a3
    sub a1, a1, a2
    expect a1, 0
1:
    .endm

    case 1
    illegal mret
    case 2
    illegal sret
    case 3
    illegal sfence.vma
    case 4
    illegal sfence.vma a0, x0
    case 5
    illegal sfence.vma x0, a0
    case 6
    illegal sfence.vma s11, t2
    case 7
    illegal .word 0x16000073 # sinval.vma
    case 8
    illegal .word 0x16a50073 # sinval.vma a0, a0
    case 9
    illegal .word 0x18000073 # sfence.w.inval
    case 10
    illegal .word 0x18100073 # sfence.inval.ir
    case 11
    illegal .word 0x70200073 # mnret
    case 12
    illegal .word 0x7b200073 # dret
    case 13
    illegal .word 0x00200073 # uret
    case 14
    illegal .word 0x22000073 # hfence.vvma
    case 15
    illegal .word 0x62000073 # hfence.gvma

    case 16             # ecall and ebreak are legal
    user_traps 8, ecall
    csrr a0, mtval
    expect a0, 0
    case 17
    user_traps 3, ebreak
    csrr a0, mtval      # its address, or nothing
    beqz a0, 1f
    la a1, 7b
    sub a0, a0, a1
    expect a0, 0
1:
    # wfi traps if mstatus.TW is set. Otherwise it is legal, or may be illegal if supervisor mode is implemented.
    case 18
    li a1, TW
    csrs mstatus, a1
    user_traps 2, wfi
    case 19
    csrr a0, mstatus
    and a0, a0, a1
    expect a0, TW
    case 20             # TW does not affect machine mode; a pending and enabled interrupt ends wfi
    li s0, 0x2000000
    li s1, 1
    sw s1, 0(s0)
    csrwi mie, 8
    wfi
    case 21
    csrc mstatus, a1
    csrr a0, mstatus
    and a0, a0, a1
    expect a0, 0
    case 22
    unless_extension 'S', 1f
    j 2f
1:  on_trap 8f
    to_user             # the interrupt is taken at once: MIE does not mask it in user mode
    wfi
    tail fail
    .balign 4
8:  csrr a0, mcause
    expect a0, (1 << (XLEN - 1)) | 3
2:  csrwi mie, 0
    sw zero, 0(s0)

    # Without supervisor mode, its instructions are illegal in machine mode too.
    case 23
    unless_extension 'S', 1f
    j 2f
1:  traps 2, sret
    traps 2, sfence.vma
    traps 2, .word 0x16000073
    traps 2, .word 0x18000073
    traps 2, .word 0x18100073
2:
    # With nonzero fields, these encodings are other instructions or reserved.
    .macro none bits
    user_traps 2, .word \bits
    traps 2, .word \bits
    .endm
    .irp bits, 0x30200173, 0x30208073, 0x00000173, 0x00008073, 0x00100173, 0x00108073, 0x105000f3, 0x10508073
    case 24
    none \bits
    .endr
    finish
