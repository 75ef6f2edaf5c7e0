# The start of the kernel, its traps, and what it needs of machine mode.

    .if __riscv_xlen == 64
    .macro load to, from:vararg
    ld \to, \from
    .endm
    .macro store what, to:vararg
    sd \what, \to
    .endm
    .set WORD, 8
    .else
    .macro load to, from:vararg
    lw \to, \from
    .endm
    .macro store what, to:vararg
    sw \what, \to
    .endm
    .set WORD, 4
    .endif

    # At the start of memory, where the machine starts programs.
    .section .reset, "ax"
    .globl _start
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la t0, machine_trap
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    li t0, 0xb1ff           # all exceptions but the calls of supervisor mode
    csrw medeleg, t0
    li t0, 7
    csrw mcounteren, t0
    csrw scounteren, t0
    li t0, 0xc0             # CBCFE and CBZE, as Linux has it
    csrw 0x10a, t0          # senvcfg, which Smstateen might hide from supervisor mode
    la t0, 1f
    csrw mepc, t0
    li t0, 0x1800           # MPP
    csrc mstatus, t0
    li t0, 0x800
    csrs mstatus, t0
    la t0, machine_stack_end
    csrw mscratch, t0
    mret
    .balign 4
1:  la sp, kernel_stack_end
    la t0, supervisor_trap
    csrw stvec, t0
    csrw sscratch, zero
    call kernel
    j resume

    # Calls of the kernel: a0 is 0 to write menvcfg's low and high words, a1 and a2, and otherwise the word for the
    # power-off device.
    .balign 4
machine_trap:
    csrrw sp, mscratch, sp
    store t0, -WORD(sp)
    csrr t0, mcause
    addi t0, t0, -9
    beqz t0, 1f
    li a0, 0x33 << 16 | 0x3333 # nothing else traps to machine mode
1:  bnez a0, 2f
    .if __riscv_xlen == 64
    slli a2, a2, 32
    or a1, a1, a2
    .else
    csrw 0x31a, a2          # menvcfgh
    .endif
    csrw 0x30a, a1          # menvcfg
    csrr t0, mepc
    addi t0, t0, 4
    csrw mepc, t0
    load t0, -WORD(sp)
    csrrw sp, mscratch, sp
    mret
2:  li t0, 0x100000
    sw a0, (t0)
    j 2b

    # sscratch is the address of the program's registers, or 0 in the kernel.
    .balign 4
supervisor_trap:
    csrrw sp, sscratch, sp
    beqz sp, kernel_trap
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    store x\n, \n * WORD(sp)
    .endr
    csrrw t0, sscratch, zero
    store t0, 2 * WORD(sp)
    csrr t0, sepc
    store t0, (sp)
    la sp, kernel_stack_end
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    csrr a0, scause
    csrr a1, stval
    call trap
resume:
    la sp, registers
    csrw sscratch, sp
    load t0, (sp)
    csrw sepc, t0
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    load x\n, \n * WORD(sp)
    .endr
    load sp, 2 * WORD(sp)
    sret

kernel_trap:
    la sp, kernel_stack_end
    csrr a0, scause
    csrr a1, stval
    csrr a2, sepc
    tail kernel_fault

    .section .programs, "a"
    .globl programs, programs_end
    .balign 512
programs:
    .incbin PROGRAMS
programs_end:

    .bss
    .balign 16
    .space 256
machine_stack_end:
    .space 4096
kernel_stack_end:
