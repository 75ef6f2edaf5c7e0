# The start of the kernel and its traps, in machine mode. The program runs in user mode.

        # At the start of memory, where machines start programs, whatever their entry point.
        .section .reset, "ax"
        .globl  _start
_start:
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        la      sp, stack_end
        la      t0, trap_entry
        csrw    mtvec, t0
        csrw    mscratch, zero
        li      t0, -1                  # user mode may access all memory
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0
        li      t0, 0x6000              # FS
        csrw    mstatus, t0
        mv      a0, a1
        call    kernel
        j       resume

        # mscratch is the address of the program's registers, or 0 in the kernel.
        .balign 4
trap_entry:
        csrrw   sp, mscratch, sp
        beqz    sp, 1f
        .irp    n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        sd      x\n, \n * 8(sp)
        .endr
        csrrw   t0, mscratch, zero
        sd      t0, 2 * 8(sp)
        csrr    t0, mepc
        sd      t0, (sp)
        la      sp, stack_end
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        csrr    a0, mcause
        csrr    a1, mtval
        call    trap
resume:
        la      sp, registers
        csrw    mscratch, sp
        ld      t0, (sp)
        csrw    mepc, t0
        .irp    n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        ld      x\n, \n * 8(sp)
        .endr
        ld      sp, 2 * 8(sp)
        mret

1:      la      sp, stack_end
        csrr    a0, mcause
        csrr    a1, mepc
        call    kernel_fault

        .bss
        .balign 16
        .space  16 << 10
stack_end:
