/* Common bit manipulation in C. It is built with and without Zba, Zbb and Zbs: the instructions differ, the output must
 * not. */
#include "lib.h"

#define NOINLINE __attribute__((noinline, noclone))
typedef uint64_t u64;
typedef uint32_t u32;

NOINLINE static u64 f_clz(u64 a, u64 b) { return (u64)(a ? __builtin_clzll(a) : 64) + b % 3; }
NOINLINE static u64 f_ctz(u64 a, u64 b) { return (u64)(a ? __builtin_ctzll(a) : 64) + b % 3; }
NOINLINE static u64 f_clzw(u64 a, u64 b) { return (u64)((u32)a ? __builtin_clz((u32)a) : 32) + b % 3; }
NOINLINE static u64 f_ctzw(u64 a, u64 b) { return (u64)((u32)a ? __builtin_ctz((u32)a) : 32) + b % 3; }
NOINLINE static u64 f_cpop(u64 a, u64 b) { return (u64)__builtin_popcountll(a) + (u64)__builtin_popcount((u32)b); }
NOINLINE static u64 f_rev8(u64 a, u64 b) { return __builtin_bswap64(a) ^ __builtin_bswap32((u32)b) ^ __builtin_bswap16((uint16_t)b); }
NOINLINE static u64 f_rol(u64 a, u64 b) { return a << (b & 63) | a >> (-b & 63); }
NOINLINE static u64 f_ror(u64 a, u64 b) { return a >> (b & 63) | a << (-b & 63); }
NOINLINE static u64 f_rolw(u64 a, u64 b) { return (u64)(int64_t)(int32_t)((u32)a << (b & 31) | (u32)a >> (-b & 31)); }
NOINLINE static u64 f_rori(u64 a, u64 b) { return (a >> 13 | a << 51) ^ ((u32)b >> 7 | (u32)b << 25); }
NOINLINE static u64 f_andn(u64 a, u64 b) { return a & ~b; }
NOINLINE static u64 f_orn(u64 a, u64 b) { return a | ~b; }
NOINLINE static u64 f_xnor(u64 a, u64 b) { return ~(a ^ b); }
NOINLINE static u64 f_min(u64 a, u64 b) { return (u64)((int64_t)a < (int64_t)b ? (int64_t)a : (int64_t)b); }
NOINLINE static u64 f_max(u64 a, u64 b) { return (u64)((int64_t)a > (int64_t)b ? (int64_t)a : (int64_t)b); }
NOINLINE static u64 f_minu(u64 a, u64 b) { return a < b ? a : b; }
NOINLINE static u64 f_maxu(u64 a, u64 b) { return a > b ? a : b; }
NOINLINE static u64 f_sextb(u64 a, u64 b) { return (u64)(int64_t)(int8_t)a ^ (u64)(int64_t)(int16_t)b; }
NOINLINE static u64 f_zexth(u64 a, u64 b) { return (u64)(uint16_t)a ^ (u64)(u32)b << 20; }
NOINLINE static u64 f_orcb(u64 a, u64 b)
{
    u64 z = ((a & 0x7f7f7f7f7f7f7f7f) + 0x7f7f7f7f7f7f7f7f) | a; /* which bytes are not zero */
    return (z >> 7 & 0x0101010101010101) * 255 ^ b;
}
NOINLINE static u64 f_sh1add(u64 a, u64 b) { return (a << 1) + b; }
NOINLINE static u64 f_sh2add(u64 a, u64 b) { return (a << 2) + b; }
NOINLINE static u64 f_sh3add(u64 a, u64 b) { return (a << 3) + b; }
NOINLINE static u64 f_adduw(u64 a, u64 b) { return (u64)(u32)a + b; }
NOINLINE static u64 f_sh2adduw(u64 a, u64 b) { return ((u64)(u32)a << 2) + b; }
NOINLINE static u64 f_slliuw(u64 a, u64 b) { return (u64)(u32)a << 7 ^ b; }
NOINLINE static u64 f_bset(u64 a, u64 b) { return a | 1ull << (b & 63); }
NOINLINE static u64 f_bclr(u64 a, u64 b) { return a & ~(1ull << (b & 63)); }
NOINLINE static u64 f_binv(u64 a, u64 b) { return a ^ 1ull << (b & 63); }
NOINLINE static u64 f_bext(u64 a, u64 b) { return a >> (b & 63) & 1; }
NOINLINE static u64 f_bseti(u64 a, u64 b) { return (a | 1ull << 40) ^ (b & ~(1ull << 33)) ^ (a >> 50 & 1); }
NOINLINE static u64 f_parity(u64 a, u64 b) { return (u64)__builtin_parityll(a) << 1 | (u64)__builtin_parity((u32)b); }
NOINLINE static u64 f_ffs(u64 a, u64 b) { return (u64)__builtin_ffsll((long long)a) + (u64)__builtin_clrsbll((long long)b); }
NOINLINE static u64 f_select(u64 a, u64 b) { return (a & 8 ? b : 0) + (b & 16 ? a : b); }

#define ROW(n) {#n, f_##n}
static const struct {
    const char *name;
    u64 (*f)(u64, u64);
} ops[] = {ROW(clz), ROW(ctz), ROW(clzw), ROW(ctzw), ROW(cpop), ROW(rev8), ROW(rol), ROW(ror), ROW(rolw), ROW(rori), ROW(andn), ROW(orn),
    ROW(xnor), ROW(min), ROW(max), ROW(minu), ROW(maxu), ROW(sextb), ROW(zexth), ROW(orcb), ROW(sh1add), ROW(sh2add), ROW(sh3add),
    ROW(adduw), ROW(sh2adduw), ROW(slliuw), ROW(bset), ROW(bclr), ROW(binv), ROW(bext), ROW(bseti), ROW(parity), ROW(ffs), ROW(select)};

int main(void)
{
    static const u64 edge[] = {0, 1, 0x80, 0xff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, 1ull << 63, ~0ull, ~1ull,
        0x00ff00ff00ff00ff, 0x0123456789abcdef, 0x7fffffffffffffff};
    for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
        u64 h = HASH_START;
        for (size_t i = 0; i < sizeof edge / sizeof *edge; i++)
            for (size_t k = 0; k < sizeof edge / sizeof *edge; k++)
                h = hash_u64(h, ops[o].f(edge[i], edge[k]));
        Rng r = {o + 1};
        for (int i = 0; i < 1000; i++) {
            u64 s = rng_next(&r), a = rng_next(&r) >> (s & 63), b = rng_next(&r) << (s >> 8 & 63);
            h = hash_u64(h, ops[o].f(a, b));
        }
        printf("%-9s %016llx\n", ops[o].name, (unsigned long long)h);
    }
    return 0;
}
