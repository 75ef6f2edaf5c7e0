/* Integers: arithmetic on large numbers: powers modulo a 1024-bit number by Montgomery multiplication, dominated by
 * 64 x 64-bit products and carries, and a factorial in decimal, dominated by division. */
#include "../../testprogs/lib.h"

typedef unsigned __int128 Wide;
enum { LIMBS = 16, DIGITS = 700 };

/* Are the n limbs of x at least those of y? */
static int at_least(const uint64_t *x, const uint64_t *y, int n)
{
    while (n-- > 0)
        if (x[n] != y[n])
            return x[n] > y[n];
    return 1;
}

static void subtract(uint64_t *x, const uint64_t *y, int n)
{
    uint64_t borrow = 0;
    for (int i = 0; i < n; i++) {
        Wide d = (Wide)x[i] - y[i] - borrow;
        x[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
}

/* to = x * y / 2^1024 modulo m; inverse is -1/m modulo 2^64. */
static void montgomery(uint64_t *to, const uint64_t *x, const uint64_t *y, const uint64_t *m, uint64_t inverse)
{
    uint64_t t[LIMBS + 2] = {0};
    for (int i = 0; i < LIMBS; i++) {
        uint64_t carry = 0;
        for (int k = 0; k < LIMBS; k++) {
            Wide v = (Wide)x[i] * y[k] + t[k] + carry;
            t[k] = (uint64_t)v;
            carry = (uint64_t)(v >> 64);
        }
        Wide top = (Wide)t[LIMBS] + carry;
        t[LIMBS] = (uint64_t)top;
        t[LIMBS + 1] = (uint64_t)(top >> 64);
        uint64_t q = t[0] * inverse;
        carry = (uint64_t)(((Wide)q * m[0] + t[0]) >> 64);
        for (int k = 1; k < LIMBS; k++) {
            Wide v = (Wide)q * m[k] + t[k] + carry;
            t[k - 1] = (uint64_t)v;
            carry = (uint64_t)(v >> 64);
        }
        top = (Wide)t[LIMBS] + carry;
        t[LIMBS - 1] = (uint64_t)top;
        t[LIMBS] = t[LIMBS + 1] + (uint64_t)(top >> 64);
    }
    if (t[LIMBS] || at_least(t, m, LIMBS))
        subtract(t, m, LIMBS);
    memcpy(to, t, LIMBS * sizeof *to);
}

/* x = 2 x modulo m */
static void twice(uint64_t *x, const uint64_t *m)
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        uint64_t high = x[i] >> 63;
        x[i] = x[i] << 1 | carry;
        carry = high;
    }
    if (carry || at_least(x, m, LIMBS))
        subtract(x, m, LIMBS);
}

/* base = base to the power of exponent, modulo the odd m */
static void power(uint64_t *base, const uint64_t *exponent, const uint64_t *m)
{
    uint64_t inverse = m[0];
    for (int i = 0; i < 5; i++)
        inverse *= 2 - m[0] * inverse;
    inverse = -inverse;
    uint64_t one[LIMBS] = {1}, x[LIMBS], y[LIMBS];
    memcpy(x, base, sizeof x);
    memcpy(y, one, sizeof y);
    for (int i = 0; i < 64 * LIMBS; i++) {
        twice(x, m);
        twice(y, m);
    }
    for (int i = 64 * LIMBS - 1; i >= 0; i--) {
        montgomery(y, y, y, m, inverse);
        if (exponent[i / 64] >> (i % 64) & 1)
            montgomery(y, y, x, m, inverse);
    }
    montgomery(base, y, one, m, inverse);
}

/* The hash of n! in decimal. */
static uint64_t factorial(uint32_t n)
{
    static uint32_t v[DIGITS];
    int size = 1;
    v[0] = 1;
    for (uint32_t f = 2; f <= n; f++) {
        uint64_t carry = 0;
        for (int i = 0; i < size; i++) {
            carry += (uint64_t)v[i] * f;
            v[i] = (uint32_t)carry;
            carry >>= 32;
        }
        if (carry) {
            CHECK(size < DIGITS);
            v[size++] = (uint32_t)carry;
        }
    }
    uint64_t h = HASH_START;
    while (size > 0) {
        uint64_t rest = 0;
        for (int i = size; i-- > 0;) {
            rest = rest << 32 | v[i];
            v[i] = (uint32_t)(rest / 1000000000);
            rest %= 1000000000;
        }
        h = hash_u64(h, rest);
        while (size > 0 && v[size - 1] == 0)
            size--;
    }
    return h;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    uint64_t m[LIMBS], x[LIMBS], e[LIMBS], h = HASH_START;
    /* 2^1024 - 105 is a prime, so that x^(m-1) is 1 (Fermat). */
    memset(m, 0xff, sizeof m);
    m[0] = -(uint64_t)105;
    Rng r = {1024};
    for (int t = 0; t < rounds; t++) {
        for (int i = 0; i < LIMBS; i++) {
            x[i] = rng_next(&r);
            e[i] = rng_next(&r);
        }
        power(x, e, m);
        h = hash_bytes(h, x, sizeof x);
        if (t == 0) {
            memcpy(e, m, sizeof e);
            e[0]--;
            power(x, e, m);
            printf("fermat %llu %llu\n", (unsigned long long)x[0], (unsigned long long)x[LIMBS - 1]);
        }
        h ^= factorial(1000 + (uint32_t)(t % 100));
    }
    printf("hash %016llx\n", (unsigned long long)h);
    return 0;
}
