/* 64-bit and 128-bit integers: edge cases of the instructions, and the compiler's library functions built on them.
 * RISC-V defines division by zero and overflow; the host build computes those results from the definition. */
#include "lib.h"

typedef __int128 i128;
typedef unsigned __int128 u128;

#if defined(__riscv)
#define OP2(name)                                                                          \
    static uint64_t op_##name(uint64_t a, uint64_t b)                                      \
    {                                                                                      \
        uint64_t r;                                                                        \
        __asm__ volatile(#name " %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));                  \
        return r;                                                                          \
    }
OP2(div) OP2(divu) OP2(rem) OP2(remu) OP2(divw) OP2(divuw) OP2(remw) OP2(remuw)
OP2(mul) OP2(mulh) OP2(mulhu) OP2(mulhsu) OP2(mulw)
OP2(addw) OP2(subw) OP2(sllw) OP2(srlw) OP2(sraw) OP2(sll) OP2(srl) OP2(sra) OP2(slt) OP2(sltu)
#else
#define SX(v) ((uint64_t)(int64_t)(int32_t)(v))
static uint64_t op_div(uint64_t a, uint64_t b) { return !b ? ~0ull : b == ~0ull ? -a : (uint64_t)((int64_t)a / (int64_t)b); }
static uint64_t op_divu(uint64_t a, uint64_t b) { return b ? a / b : ~0ull; }
static uint64_t op_rem(uint64_t a, uint64_t b) { return !b ? a : b == ~0ull ? 0 : (uint64_t)((int64_t)a % (int64_t)b); }
static uint64_t op_remu(uint64_t a, uint64_t b) { return b ? a % b : a; }
static uint64_t op_divw(uint64_t a, uint64_t b) { return SX(op_div(SX(a), SX(b))); }
static uint64_t op_divuw(uint64_t a, uint64_t b) { return (uint32_t)b ? SX((uint32_t)a / (uint32_t)b) : ~0ull; }
static uint64_t op_remw(uint64_t a, uint64_t b) { return SX(op_rem(SX(a), SX(b))); }
static uint64_t op_remuw(uint64_t a, uint64_t b) { return SX((uint32_t)b ? (uint32_t)a % (uint32_t)b : (uint32_t)a); }
static uint64_t op_mul(uint64_t a, uint64_t b) { return a * b; }
static uint64_t op_mulh(uint64_t a, uint64_t b) { return (uint64_t)((i128)(int64_t)a * (int64_t)b >> 64); }
static uint64_t op_mulhu(uint64_t a, uint64_t b) { return (uint64_t)((u128)a * b >> 64); }
static uint64_t op_mulhsu(uint64_t a, uint64_t b) { return (uint64_t)((u128)((i128)(int64_t)a * (i128)(u128)b) >> 64); }
static uint64_t op_mulw(uint64_t a, uint64_t b) { return SX(a * b); }
static uint64_t op_addw(uint64_t a, uint64_t b) { return SX(a + b); }
static uint64_t op_subw(uint64_t a, uint64_t b) { return SX(a - b); }
static uint64_t op_sllw(uint64_t a, uint64_t b) { return SX((uint32_t)a << (b & 31)); }
static uint64_t op_srlw(uint64_t a, uint64_t b) { return SX((uint32_t)a >> (b & 31)); }
static uint64_t op_sraw(uint64_t a, uint64_t b) { return SX((int32_t)a >> (b & 31)); }
static uint64_t op_sll(uint64_t a, uint64_t b) { return a << (b & 63); }
static uint64_t op_srl(uint64_t a, uint64_t b) { return a >> (b & 63); }
static uint64_t op_sra(uint64_t a, uint64_t b) { return (uint64_t)((int64_t)a >> (b & 63)); }
static uint64_t op_slt(uint64_t a, uint64_t b) { return (int64_t)a < (int64_t)b; }
static uint64_t op_sltu(uint64_t a, uint64_t b) { return a < b; }
#endif

#define ROW(name) {#name, op_##name}
static const struct {
    const char *name;
    uint64_t (*f)(uint64_t, uint64_t);
} ops[] = {ROW(div), ROW(divu), ROW(rem), ROW(remu), ROW(divw), ROW(divuw), ROW(remw), ROW(remuw), ROW(mul), ROW(mulh), ROW(mulhu),
    ROW(mulhsu), ROW(mulw), ROW(addw), ROW(subw), ROW(sllw), ROW(srlw), ROW(sraw), ROW(sll), ROW(srl), ROW(sra), ROW(slt), ROW(sltu)};

static const uint64_t edge[] = {0, 1, 2, 31, 32, 63, 64, ~0ull, ~1ull, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
    0xffffffff80000000, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0x0123456789abcdef};
enum { EDGES = sizeof edge / sizeof *edge };

static void show128(const char *name, u128 v)
{
    printf("%-10s %016llx%016llx\n", name, (unsigned long long)(v >> 64), (unsigned long long)v);
}

static void decimal(u128 v)
{
    char text[40], *p = text + 39;
    *p = 0;
    do
        *--p = (char)('0' + (int)(v % 10));
    while (v /= 10);
    puts(p);
}

int main(void)
{
    for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
        uint64_t h = HASH_START;
        for (int i = 0; i < EDGES; i++)
            for (int k = 0; k < EDGES; k++)
                h = hash_u64(h, ops[o].f(edge[i], edge[k]));
        Rng r = {o};
        for (int i = 0; i < 500; i++) {
            uint64_t a = rng_next(&r), b = rng_next(&r);
            h = hash_u64(h, ops[o].f(a, b >> (a & 63)));
        }
        printf("%-7s %016llx  e.g. %016llx\n", ops[o].name, (unsigned long long)h,
            (unsigned long long)ops[o].f(0x8000000000000000, ~0ull));
    }

    u128 fact = 1;
    for (unsigned i = 2; i <= 34; i++)
        fact *= OPAQUE(i);
    decimal(fact);
    show128("34!", fact);
    i128 n = -(i128)fact;
    show128("div", (u128)(n / OPAQUE(1234567891011121314)));
    show128("mod", (u128)(n % OPAQUE(1234567891011121314)));
    show128("shift", (u128)(n >> OPAQUE(67)));
    show128("double", (u128)(i128)(OPAQUE(-1.5e30)));
    printf("%.17g %.17g\n", (double)n, (double)(float)n);
    uint64_t h = HASH_START;
    Rng r = {17};
    for (int i = 0; i < 1000; i++) {
        uint64_t w[5] = {rng_next(&r), rng_next(&r), rng_next(&r), rng_next(&r), rng_next(&r)};
        u128 a = (u128)w[0] << 64 | w[1], b = ((u128)w[2] << 64 | w[3]) >> (w[4] & 127) | 1;
        u128 v[5] = {a / b, a % b, a * b, a + b, (u128)((i128)a / (i128)b)};
        h = hash_bytes(h, v, sizeof v);
    }
    printf("128-bit hash %016llx\n", (unsigned long long)h);
    int64_t sum, product, difference;
    printf("%d %d %d\n", __builtin_add_overflow(OPAQUE(INT64_MAX), 1, &sum),
        __builtin_mul_overflow(OPAQUE(1LL << 40), 1LL << 30, &product), __builtin_sub_overflow(OPAQUE(-5LL), 3, &difference));
    return 0;
}
