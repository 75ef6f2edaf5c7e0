/* System calls without a C library: the initial registers and stack, the registers preserved by a call, and the result
 * of an unknown number. */
#include "asm.h"
    START
    mv s1, sp
    /* the stack: argc, argv, NULL, environment, NULL */
    ld s2, (sp)
    SHOW argc, s2
    andi s3, sp, 15
    SHOW sp_and_15, s3
    slli s3, s2, 3
    add s3, s3, sp
    ld s3, 8(s3)
    SHOW argv_end, s3
    ld s3, 16(sp)
    lbu s3, (s3)
    SHOW argv1_char, s3

    /* every register but a0 survives a system call */
    .irp r, ra,t0,t1,t2,s0,a1,a2,a3,a4,a5,a6,s4,s5,s6,s7,s8,s9,s10,s11,t3,t4,t5,t6
    la \r, _start
    .endr
    li a7, 172 /* getpid */
    ecall
    la s3, _start
    .irp r, ra,t0,t1,t2,s0,a1,a2,a3,a4,a5,a6,s4,s5,s6,s7,s8,s9,s10,s11,t3,t4,t5,t6
    bne \r, s3, bad
    .endr
    li t0, 172
    bne a7, t0, bad
    slt s3, zero, a0
    SHOW pid_positive, s3

    li a7, 9999
    li a0, 5
    ecall
    mv s3, a0
    SHOW unknown, s3
    li a7, -1
    li a0, 77
    ecall
    mv s3, a0
    SHOW minus_one, s3
    /* write to a closed descriptor; from an unmapped address */
    li a7, 64
    li a0, 99
    la a1, _start
    li a2, 1
    ecall
    mv s3, a0
    SHOW ebadf, s3
    li a7, 64
    li a0, 1
    li a1, 8
    li a2, 1
    ecall
    mv s3, a0
    SHOW efault, s3

    /* brk: 0 returns the current break; growing gives zeroed memory */
    li a7, 214
    li a0, 0
    ecall
    mv s4, a0
    li t0, 8192
    add a0, a0, t0
    li a7, 214
    ecall
    sub s3, a0, s4
    SHOW brk_grew, s3
    ld s3, (s4)
    SHOW brk_zero, s3
    /* mmap anonymous memory with MAP_FIXED, store, load, unmap */
    li a0, 0x20000000
    li a1, 4096
    li a2, 3
    li a3, 0x32
    li a4, -1
    li a5, 0
    li a7, 222
    ecall
    mv s3, a0
    SHOW mmap, s3
    li s4, 0x1122334455667788
    sd s4, 0x7f8(s3)
    ld s4, 0x7f8(s3)
    SHOW stored, s4
    mv a0, s3
    li a1, 4096
    li a7, 215
    ecall
    mv s3, a0
    SHOW munmap, s3
    mv s3, sp
    sub s3, s3, s1
    SHOW sp_moved, s3
    EXIT 17
bad:
    EXIT 1
