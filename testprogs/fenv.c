/* The floating-point environment: rounding modes and exception flags through <fenv.h>, and the
 * conversions whose results RISC-V defines where C does not. */
#include "lib.h"
#include <fenv.h>
#include <float.h>
#include <math.h>

static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
static const char *const mode_names[] = {"nearest", "zero", "down", "up"};

static void flags(void)
{
    int f = fetestexcept(FE_ALL_EXCEPT);
    printf(" %c%c%c%c%c\n", f & FE_INVALID ? 'V' : '-', f & FE_DIVBYZERO ? 'Z' : '-', f & FE_OVERFLOW ? 'O' : '-',
        f & FE_UNDERFLOW ? 'U' : '-', f & FE_INEXACT ? 'X' : '-');
    feclearexcept(FE_ALL_EXCEPT);
}

/* fcvt.{w,wu,l,lu}.d: out of range saturates, a NaN converts to the largest value. */
#if defined(__riscv)
static uint64_t to_w(double d) { uint64_t r; __asm__ volatile("fcvt.w.d %0, %1" : "=r"(r) : "f"(d)); return r; }
static uint64_t to_wu(double d) { uint64_t r; __asm__ volatile("fcvt.wu.d %0, %1" : "=r"(r) : "f"(d)); return r; }
static uint64_t to_l(double d) { uint64_t r; __asm__ volatile("fcvt.l.d %0, %1" : "=r"(r) : "f"(d)); return r; }
static uint64_t to_lu(double d) { uint64_t r; __asm__ volatile("fcvt.lu.d %0, %1" : "=r"(r) : "f"(d)); return r; }
#else
static uint64_t to_w(double d)
{
    double r = nearbyint(d);
    return isnan(d) || r > 2147483647.0 ? 2147483647u : r < -2147483648.0 ? (uint64_t)INT32_MIN : (uint64_t)(int64_t)r;
}
static uint64_t to_wu(double d)
{
    double r = nearbyint(d);
    return isnan(d) || r > 4294967295.0 ? ~0ull : r < 0 ? 0 : (uint64_t)(int64_t)(int32_t)(uint32_t)r;
}
static uint64_t to_l(double d)
{
    double r = nearbyint(d);
    return isnan(d) || r >= 0x1p63 ? INT64_MAX : r < -0x1p63 ? (uint64_t)INT64_MIN : (uint64_t)(int64_t)r;
}
static uint64_t to_lu(double d)
{
    double r = nearbyint(d);
    return isnan(d) || r >= 0x1p64 ? ~0ull : r <= 0 ? 0 : (uint64_t)r;
}
#endif

int main(void)
{
    feclearexcept(FE_ALL_EXCEPT);
    for (int m = 0; m < 4; m++) {
        CHECK(fesetround(modes[m]) == 0 && fegetround() == modes[m]);
        volatile double one = 1, three = 3, ten = 10, tiny = DBL_MIN, big = DBL_MAX, half = 2.5;
        volatile float onef = 1, threef = 3, bigf = FLT_MAX;
        printf("%s:\n 1/3 %a", mode_names[m], one / three);
        flags();
        printf(" -1/3 %a", -one / three);
        flags();
        printf(" 1/3f %a", (double)(onef / threef));
        flags();
        printf(" max*10 %a", big * ten);
        flags();
        printf(" -max*10 %a", -big * ten);
        flags();
        printf(" maxf+maxf %a", (double)(bigf + bigf));
        flags();
        printf(" min/3 %a", tiny / three);
        flags();
        printf(" min/2 %a", tiny / 2);
        flags();
        printf(" sqrt3 %a", sqrt(three));
        flags();
        printf(" 3-3 %a", three - three);
        flags();
        printf(" to float %a", (double)(float)(one / ten));
        feclearexcept(FE_ALL_EXCEPT);
        puts("");
        printf(" rint %g %g %g", rint(half), rint(-half), rint(one + half));
        flags();
        printf(" lrint %ld %ld", lrint(half), lrint(-half));
        flags();
        printf(" i64 to double %a to float %a", (double)OPAQUE(INT64_MAX), (double)(float)OPAQUE(INT64_MIN + 1));
        flags();
        printf(" u64 %a u32 to float %a", (double)OPAQUE(UINT64_MAX), (double)(float)OPAQUE(UINT32_MAX));
        feclearexcept(FE_ALL_EXCEPT);
        puts("");
        printf(" fma %a", fma(one / 3, three, -one));
        feclearexcept(FE_ALL_EXCEPT);
        puts("");
        volatile double x = 0.1;
        double sum = 0;
        for (int i = 0; i < 1000; i++)
            sum += x * i;
        printf(" sum %a\n", sum);
        feclearexcept(FE_ALL_EXCEPT);
        const double edges[] = {0.0, -0.0, 0.5, -0.5, 1.5, 2147483646.5, 2147483647.5, -2147483648.5, -2147483649.0, 4294967295.5, 4294967296.0, -0.25,
            -1.0, 9223372036854774784.0, 9223372036854775808.0, -9223372036854775808.0, -9223372036854777856.0, 18446744073709549568.0,
            18446744073709551616.0, 1e300, -1e300, INFINITY, -INFINITY, NAN};
        uint64_t h = HASH_START;
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
            double e = OPAQUE(edges[i]);
            h = hash_u64(hash_u64(hash_u64(hash_u64(h, to_w(e)), to_wu(e)), to_l(e)), to_lu(e));
        }
        printf(" conversions %016llx\n", (unsigned long long)h);
        feclearexcept(FE_ALL_EXCEPT);
    }
    fesetround(FE_TONEAREST);

    volatile double zero = 0, inf, nan;
    printf("1/0");
    inf = 1 / zero;
    flags();
    printf("0/0");
    nan = zero / zero;
    flags();
    printf("inf-inf");
    nan = inf - inf;
    flags();
    printf("sqrt(-1)");
    nan = sqrt(-1 - zero);
    flags();
    printf("nan < 1: %d", nan < 1.0);
    flags();
    printf("nan == 1: %d", nan == 1.0);
    flags();
    printf("isless: %d", isless(nan, 1.0));
    flags();
    printf("fmin %g fmax %g", fmin(nan, 2.0), fmax(3.0, nan));
    flags();
    printf("-0 + 0 %g, copysign %g, fdim %g", -zero + zero, copysign(3.0, -zero), fdim(5.0, 3.0));
    flags();
    fenv_t env;
    volatile double v = 1.0;
    CHECK(feholdexcept(&env) == 0);
    v /= 3;
    CHECK(fetestexcept(FE_INEXACT));
    CHECK(fesetenv(&env) == 0 && !fetestexcept(FE_ALL_EXCEPT));
    feraiseexcept(FE_OVERFLOW | FE_DIVBYZERO);
    printf("raised");
    flags();
    printf("%d %d %d %d %d\n", fpclassify(zero), fpclassify(inf), fpclassify(nan), fpclassify(DBL_MIN / 2), fpclassify(v));
    int e;
    double whole, frac = frexp(-1234.5678, &e), rest = modf(-3.75, &whole);
    printf("%a %d %a %g %g\n", frac, e, ldexp(0.75, -1070), rest, whole);
    printf("%a %a %g %g %g %ld\n", nextafter(1.0, 2.0), nextafter(0.0, -1.0), remainder(10.0, 3.5), fmod(-10.0, 3.5), logb(1e300), lround(-2.5));
    return 0;
}
