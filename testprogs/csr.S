/* The user-level CSRs: fcsr and its fields with every CSR instruction, the counters; and the fence instructions. */
#include "asm.h"
    START
    csrr s0, fcsr
    SHOW fcsr_at_start, s0
    li t0, 0xffff
    csrw fcsr, t0
    csrr s0, fcsr
    SHOW fcsr_keeps, s0
    csrr s0, fflags
    SHOW fflags, s0
    csrr s0, frm
    SHOW frm, s0
    csrrwi s0, frm, 2
    SHOW frm_old, s0
    csrrci s0, fflags, 9
    SHOW fflags_old, s0
    csrr s0, fcsr
    SHOW fcsr, s0
    csrrsi s0, fflags, 1
    csrr s0, fflags
    SHOW fflags_set, s0
    li t0, 0x3
    csrrc s0, fflags, t0
    SHOW csrrc_old, s0
    fsflags s0, zero
    SHOW fsflags_old, s0
    fsrm zero
    frcsr s0
    SHOW cleared, s0
    csrrs s0, fcsr, zero
    SHOW read_only_form, s0

    /* each operation sets its flag, and they add up */
    li t0, 1
    fcvt.d.l fa0, t0
    fmv.d.x fa1, zero
    fdiv.d fa2, fa0, fa1
    frflags s0
    SHOW divide_by_zero, s0
    li t0, 3
    fcvt.d.l fa1, t0
    fdiv.d fa2, fa0, fa1
    frflags s0
    SHOW inexact_too, s0
    fmv.d.x fa1, zero
    fdiv.d fa2, fa1, fa1
    frflags s0
    SHOW invalid_too, s0
    fmv.x.d s1, fa2
    SHOW canonical_nan, s1
    /* a static rounding mode overrides frm */
    fsflags zero
    fsrmi 3
    li t0, 3
    fcvt.d.l fa1, t0
    fdiv.d fa2, fa0, fa1, rdn
    fmv.x.d s1, fa2
    SHOW third_down, s1
    fdiv.d fa2, fa0, fa1
    fmv.x.d s1, fa2
    SHOW third_up, s1
    fdiv.d fa2, fa0, fa1, rmm
    fmv.x.d s1, fa2
    SHOW third_rmm, s1
    fsrm zero

    rdcycle s1
    rdtime s2
    rdinstret s3
    rdtime s5
    rdinstret s6
    rdcycle s4
    sltu s1, s4, s1
    SHOW cycle_back, s1
    sltu s2, s5, s2
    SHOW time_back, s2
    sltu s3, s3, s6
    SHOW instret_on, s3
    fence
    fence rw, w
    fence.tso
    fence.i
    .insn 0x0100000f /* pause */
    EXIT
