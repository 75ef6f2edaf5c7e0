/* Quadruple precision, which riscv64 calls long double and computes in software: long chains of
 * 64-bit integer arithmetic. The host has the same format under another name. */
#include "lib.h"

#if defined(__riscv)
typedef long double Quad;
#else
typedef __float128 Quad;
#endif

static void show(const char *name, Quad q)
{
    uint64_t bits[2];
    memcpy(bits, &q, sizeof bits);
    printf("%-8s %016llx%016llx\n", name, (unsigned long long)bits[1], (unsigned long long)bits[0]);
}

int main(void)
{
    Quad one = OPAQUE(1), three = OPAQUE(3), x;
    show("1/3", one / three);
    x = 2;
    for (int i = 0; i < 8; i++) /* Newton: the square root of 2 */
        x = (x + 2 / x) / 2;
    show("sqrt2", x);
    Quad sum = 0, term = 1;
    for (int k = 1; k < 40; k++) {
        sum += term;
        term /= k;
    }
    show("e", sum);
    Quad pi = 0, p16 = 1;
    for (int k = 0; k < 30; k++) { /* Bailey, Borwein and Plouffe */
        pi += p16 * ((Quad)4 / (8 * k + 1) - (Quad)2 / (8 * k + 4) - (Quad)1 / (8 * k + 5) - (Quad)1 / (8 * k + 6));
        p16 /= 16;
    }
    show("pi", pi);
    show("i64", (Quad)(int64_t)OPAQUE(-123456789012345678));
    show("double", (Quad)OPAQUE(0.1));
    printf("%.17g %lld %d %d\n", (double)pi, (long long)(pi * 1000000000000LL), sum > pi, sum - pi < 0);
    Rng r = {3};
    uint64_t h = HASH_START;
    for (int i = 0; i < 2000; i++) {
        Quad a = (Quad)(int64_t)rng_next(&r) * (Quad)(int64_t)rng_next(&r), b = (Quad)(int64_t)rng_next(&r) + one / three;
        Quad v[4] = {a + b, a - b, a * b, a / b};
        h = hash_bytes(h, v, sizeof v);
    }
    printf("hash %016llx\n", (unsigned long long)h);
    return 0;
}
