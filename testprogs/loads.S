/* Loads and stores of every width: extension, misalignment within and across pages, negative and extreme offsets, and
 * the bytes beside a narrow store. */
#include "asm.h"
    .data
    .balign 8
pattern:
    .byte 0x80, 0x91, 0xa2, 0xb3, 0xc4, 0xd5, 0xe6, 0xf7, 0x08, 0x19, 0x2a, 0x3b, 0x4c, 0x5d, 0x6e, 0x7f
    .balign 4096
pages:
    .fill 1024, 8, 0x1111111111111111
    .text

    .macro LOADS insn, from=0, to=8
    .altmacro
    LOADS_ \insn, \from, \to
    .noaltmacro
    .endm
    .macro LOADS_ insn, from, to
    .set off, \from
    .rept \to - \from + 1
    LOAD1 \insn, %off
    .set off, off + 1
    .endr
    .endm
    .macro LOAD1 insn, off
    \insn s2, \off(s1)
    SHOW \insn\()+\off, s2
    .endm

    .macro STORE1 insn, off
    li t0, -1
    sd t0, (s3)
    sd t0, 8(s3)
    \insn s4, \off(s3)
    ld s5, (s3)
    ld s6, 8(s3)
    SHOW \insn\()+\off, s5
    SHOW \insn\()_next, s6
    .endm
    .macro STORES insn
    .altmacro
    .set off, 0
    .rept 8
    STORE1 \insn, %off
    .set off, off + 1
    .endr
    .noaltmacro
    .endm

    START
    la s1, pattern
    LOADS lb
    LOADS lbu
    LOADS lh
    LOADS lhu
    LOADS lw
    LOADS lwu
    LOADS ld
    LOADS lw, 12, 12
    la s3, pages
    li s4, 0x0123456789abcdef
    STORES sb
    STORES sh
    STORES sw
    STORES sd

    /* across the boundary of two pages, at each split */
    .altmacro
    .macro CROSS off
    sd s4, (4096 - \off - 2048)(s7)
    ld s2, (4096 - \off - 2048)(s7)
    SHOW cross_d, s2
    lw s2, (4096 - \off - 2048)(s7)
    SHOW cross_w, s2
    .endm
    .noaltmacro
    la s7, pages + 2048
    .irp off, 1,2,3,4,5,6,7,8
    CROSS \off
    .endr

    /* the ends of the 12-bit offset */
    la s7, pages + 2048
    sd s4, -2048(s7)
    ld s2, -2048(s7)
    SHOW low, s2
    sb s4, 2047(s7)
    lbu s2, 2047(s7)
    SHOW high, s2
    /* a load to x0 still happens; a base that is also the destination */
    ld zero, (s7)
    la s2, pattern
    ld s2, (s2)
    SHOW base_is_dest, s2
    /* floating-point registers: a float is boxed, and a double's bits are moved unchanged */
    flw fs0, 4(s1)
    fmv.x.d s2, fs0
    SHOW flw_boxed, s2
    fld fs1, 3(s1)
    fmv.x.d s2, fs1
    SHOW fld_misaligned, s2
    fsw fs1, 17(s3)
    fsd fs1, 33(s3)
    lwu s2, 17(s3)
    SHOW fsw, s2
    ld s2, 33(s3)
    SHOW fsd, s2
    EXIT
