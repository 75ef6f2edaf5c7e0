/* Macros for the assembly programs, which have no C library: SHOW prints a name and a register in hexadecimal, EXIT
 * exits. Both make raw system calls and clobber temporaries and argument registers. */

    .option nopic
    .bss
out_buffer:
    .skip 16384
out_end:
    .data
    .balign 8
out_next:
    .dword out_buffer

    .text
/* a0: the value, a1: its name */
show:
    la t0, out_next
    ld t1, (t0)
1:  lbu t2, (a1)
    beqz t2, 2f
    sb t2, (t1)
    addi a1, a1, 1
    addi t1, t1, 1
    j 1b
2:  li t2, ' '
    sb t2, (t1)
    addi t1, t1, 1
    li t3, 60
3:  srl t2, a0, t3
    andi t2, t2, 15
    addi t4, t2, '0'
    li t5, 10
    blt t2, t5, 4f
    addi t4, t2, 'a' - 10
4:  sb t4, (t1)
    addi t1, t1, 1
    addi t3, t3, -4
    bgez t3, 3b
    li t2, '\n'
    sb t2, (t1)
    addi t1, t1, 1
    sd t1, (t0)
    ret

/* a0: the exit status */
leave:
    mv s0, a0
    li a0, 1
    la a1, out_buffer
    la t0, out_next
    ld a2, (t0)
    sub a2, a2, a1
    li a7, 64 /* write */
    ecall
    mv a0, s0
    li a7, 94 /* exit_group */
    ecall
    unimp

    .macro SHOW name:req, reg:req
    .pushsection .rodata
7001: .asciz "\name"
    .popsection
    mv a0, \reg
    la a1, 7001b
    call show
    .endm

    .macro EXIT status=0
    li a0, \status
    call leave
    .endm

    .macro START
    .globl _start
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    .endm
