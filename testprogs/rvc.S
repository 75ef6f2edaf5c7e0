/* Compressed instructions mixed with 32-bit ones, so that both start at any even address; jumps of both sizes over
 * both; loops that end at a page boundary. */
#include "asm.h"
    .option rvc
    START
    /* constants and moves */
    c.li s0, -32
    SHOW c.li, s0
    c.lui s1, 0xfffe0
    SHOW c.lui, s1
    c.mv s2, s1
    c.addi s2, 31
    SHOW c.addi, s2
    c.addiw s2, -1
    SHOW c.addiw, s2
    c.li s3, 1
    c.slli s3, 63
    SHOW c.slli, s3
    c.add s3, s0
    SHOW c.add, s3

    /* the three-bit registers */
    li s0, 0xfedcba9876543210
    mv s1, s0
    c.srli s1, 33
    SHOW c.srli, s1
    mv s1, s0
    c.srai s1, 60
    SHOW c.srai, s1
    mv s1, s0
    c.andi s1, -16
    SHOW c.andi, s1
    li a5, 0x0ff0f00f
    mv s1, s0
    c.sub s1, a5
    SHOW c.sub, s1
    li a5, 0x0ff0f00f
    mv s1, s0
    c.xor s1, a5
    SHOW c.xor, s1
    li a5, 0x0ff0f00f
    mv s1, s0
    c.or s1, a5
    SHOW c.or, s1
    li a5, 0x0ff0f00f
    mv s1, s0
    c.and s1, a5
    SHOW c.and, s1
    li a5, 0x7fffffff
    mv s1, a5
    c.addw s1, a5
    SHOW c.addw, s1
    li a5, 0x7fffffff
    li s1, 1
    c.subw s1, a5
    SHOW c.subw, s1

    /* the forms with the stack pointer */
    mv s5, sp
    c.addi16sp sp, -496
    sub s6, s5, sp
    SHOW c.addi16sp, s6
    c.sdsp s0, 504(sp)
    c.ldsp s7, 504(sp)
    SHOW c.ldsp, s7
    c.swsp s0, 252(sp)
    c.lwsp s7, 252(sp)
    SHOW c.lwsp, s7
    c.addi4spn a4, sp, 1020
    sub s7, a4, sp
    SHOW c.addi4spn, s7
    fmv.d.x fa0, s0
    c.fsdsp fa0, 8(sp)
    c.fldsp fa1, 8(sp)
    fmv.x.d s7, fa1
    SHOW c.fldsp, s7
    mv a4, sp
    c.sd s0, 248(a4)
    c.ld a5, 248(a4)
    mv s7, a5
    SHOW c.ld, s7
    mv a4, sp
    c.sw s0, 124(a4)
    c.lw a5, 124(a4)
    mv s7, a5
    SHOW c.lw, s7
    mv a4, sp
    c.fsd fa0, 64(a4)
    c.fld fa5, 64(a4)
    fmv.x.d s7, fa5
    SHOW c.fld, s7
    c.addi16sp sp, 496
    sub s6, sp, s5
    SHOW sp_back, s6

    /* jumps */
    c.li s1, 0
    c.j 1f
    unimp
1:  c.addi s1, 1
    la a5, 2f
    c.jr a5
    unimp
    c.unimp
2:  c.addi s1, 1
    la a5, 3f
    c.jalr a5
after_call:
    c.addi s1, 1
    la s2, after_call
    sub s2, s2, s3
    SHOW link, s2
    SHOW jumps, s1
    j loops
3:  mv s3, ra
    c.addi s1, 10
    c.jr ra

loops:
    li s0, 100
    li s1, 0
    c.mv a4, s0
4:  c.add s1, a4
    c.addi a4, -1
    c.bnez a4, 4b
    SHOW loop, s1
    c.li a5, 0
    c.beqz a5, 5f
    unimp
5:  c.nop
    c.li s2, 0
    call boundary
    SHOW boundary, s2
    EXIT

    /* A 32-bit instruction across two pages, inside a loop. */
    .balign 4096
    .skip 4096 - 6
boundary:
    c.li a5, 10
6:  c.add s2, a5
    addi a5, a5, -1
    c.bnez a5, 6b
    c.jr ra
