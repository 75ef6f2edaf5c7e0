/* Floating-point operations that C cannot express directly: NaN-boxing, sign injection, classification, minimum and
 * maximum of zeros and NaNs, comparisons and conversions with NaNs. */
#include "asm.h"
    .macro D name, reg
    fmv.x.d s11, \reg
    SHOW \name, s11
    .endm
    .macro S name, reg
    fmv.x.w s11, \reg
    SHOW \name, s11
    .endm
    START
    li t0, 0x7ff0000000000001 /* signalling NaN */
    fmv.d.x fs0, t0
    li t0, 0x7ff8000000000123 /* quiet NaN with a payload */
    fmv.d.x fs1, t0
    fmv.d.x fs2, zero
    fneg.d fs3, fs2
    li t0, 0x3ff0000000000000
    fmv.d.x fs4, t0

    /* fclass of all ten classes */
    .irp bits, 0xfff0000000000000,0xbff0000000000000,0x8000000000000001,0x8000000000000000,0,1,0x3ff0000000000000,0x7ff0000000000000,0x7ff0000000000001,0x7ff8000000000000
    li t0, \bits
    fmv.d.x fa0, t0
    fclass.d s0, fa0
    SHOW fclass.d, s0
    .endr
    .irp bits, 0xff800000,0xbf800000,0x80000001,0x80000000,0,1,0x3f800000,0x7f800000,0x7f800001,0x7fc00000
    li t0, \bits
    fmv.w.x fa0, t0
    fclass.s s0, fa0
    SHOW fclass.s, s0
    .endr

    /* an unboxed single is the canonical NaN to every single-precision operation but a move */
    fclass.s s0, fs4
    SHOW unboxed, s0
    fadd.s fa0, fs4, fs4
    D unboxed_add, fa0
    fsgnj.s fa0, fs4, fs4
    D unboxed_sgnj, fa0
    fmv.x.w s0, fs4
    SHOW unboxed_move, s0
    li t0, 0x80000000
    fmv.w.x fa0, t0
    D boxed, fa0

    fsgnj.d fa0, fs0, fs3
    D fsgnj, fa0
    fsgnjn.d fa0, fs1, fs3
    D fsgnjn, fa0
    fsgnjx.d fa0, fs3, fs3
    D fsgnjx, fa0

    fsflags zero
    fmin.d fa0, fs2, fs3
    D min_zeros, fa0
    fmax.d fa0, fs3, fs2
    D max_zeros, fa0
    fmin.d fa0, fs1, fs4
    D min_qnan, fa0
    frflags s0
    SHOW flags, s0
    fmin.d fa0, fs0, fs4
    D min_snan, fa0
    frflags s0
    SHOW flags, s0
    fmax.d fa0, fs1, fs0
    D max_nans, fa0

    fsflags zero
    feq.d s0, fs1, fs1
    frflags s1
    SHOW feq_qnan, s0
    SHOW flags, s1
    flt.d s0, fs1, fs4
    frflags s1
    SHOW flt_qnan, s0
    SHOW flags, s1
    fle.d s0, fs3, fs2
    SHOW fle_zeros, s0

    fsflags zero
    fadd.d fa0, fs1, fs4
    D qnan_payload_dropped, fa0
    fcvt.s.d fa0, fs1
    D nan_to_single, fa0
    frflags s0
    SHOW flags, s0
    fcvt.d.s fa0, fa0
    D nan_to_double, fa0
    fmadd.d fa0, fs2, fs4, fs1
    D fma_qnan, fa0
    /* infinity times zero plus a quiet NaN is invalid */
    li t0, 0x7ff0000000000000
    fmv.d.x fa1, t0
    fsflags zero
    fmadd.d fa0, fa1, fs2, fs1
    D fma_inf_zero, fa0
    frflags s0
    SHOW flags, s0
    fnmsub.d fa0, fs4, fs4, fs4
    D fnmsub, fa0
    fnmadd.d fa0, fs4, fs4, fs4
    D fnmadd, fa0

    /* the word conversions sign-extend, the unsigned one too */
    fsflags zero
    li t0, 0x41efffffffe00000 /* 4294967295 */
    fmv.d.x fa0, t0
    fcvt.wu.d s0, fa0
    SHOW fcvt.wu, s0
    fcvt.w.d s0, fa0
    SHOW fcvt.w, s0
    frflags s0
    SHOW flags, s0
    fcvt.lu.d s0, fs1
    SHOW fcvt.lu_nan, s0
    li t0, 0xbfe0000000000000 /* -0.5 */
    fmv.d.x fa0, t0
    fsflags zero
    fcvt.wu.d s0, fa0, rtz
    frflags s1
    SHOW fcvt.wu_minus_half, s0
    SHOW flags, s1
    fcvt.wu.d s0, fa0, rdn
    frflags s1
    SHOW fcvt.wu_down, s0
    SHOW flags, s1
    fcvt.l.d s0, fa0, rmm
    SHOW fcvt.l_rmm, s0
    li t0, -1
    fcvt.s.lu fa0, t0
    S u64_to_single, fa0
    li t0, -1
    fcvt.d.wu fa0, t0
    D u32_to_double, fa0
    EXIT
