// The bit manipulation extensions, and Zicond.
#include "emit.h"

static word rotate_right(word a, word by) {
    by = SHAMT(by);
    return by ? a >> by | a << (XLEN - by) : a;
}

static word clz(word a) {
    return a == 0 ? XLEN : (word)__builtin_clzll(a) - (64 - XLEN);
}

static word ctz(word a) {
    return a == 0 ? XLEN : (word)__builtin_ctzll(a);
}

// Each byte by itself.
static word bytes(word a, uint8_t (*f)(uint8_t)) {
    word result = 0;
    for (int i = 0; i < XLEN; i += 8)
        result |= (word)f((uint8_t)(a >> i)) << i;
    return result;
}

static uint8_t any_bit(uint8_t a) {
    return a ? 0xff : 0;
}

static uint8_t reverse(uint8_t a) {
    uint8_t result = 0;
    for (int i = 0; i < 8; i++)
        result |= (a >> i & 1) << (7 - i);
    return result;
}

// The product without carries, of twice the width.
static dword carryless(word a, word b) {
    dword result = 0;
    for (int i = 0; i < XLEN; i++)
        if (b >> i & 1)
            result ^= (dword)a << i;
    return result;
}

// The elements of `a` of so many bits that `b` selects.
static word permute(word a, word b, int width) {
    word mask = ((word)1 << width) - 1, result = 0;
    for (int i = 0; i < XLEN; i += width) {
        word index = b >> i & mask;
        if (index * (word)width < XLEN)
            result |= (a >> index * (word)width & mask) << i;
    }
    return result;
}

#if XLEN == 32
// The lower half to the even bits, the upper to the odd ones.
static word zip(word a) {
    word result = 0;
    for (int i = 0; i < 16; i++)
        result |= (a >> i & 1) << 2 * i | (a >> (i + 16) & 1) << (2 * i + 1);
    return result;
}

static word unzip(word a) {
    word result = 0;
    for (int i = 0; i < 16; i++)
        result |= (a >> 2 * i & 1) << i | (a >> (2 * i + 1) & 1) << (i + 16);
    return result;
}
#endif

// What Zbb and Zbkb have both.
static void common(const char *group) {
    BINARY(group, "andn", a & ~b);
    BINARY(group, "orn", a | ~b);
    BINARY(group, "xnor", ~(a ^ b));
    BINARY(group, "rol", rotate_right(a, (word)0 - b));
    BINARY(group, "ror", rotate_right(a, b));
    SHIFT(group, "rori", XLEN == 64 ? 6 : 5, rotate_right(a, b));
    UNARY(group, "rev8", XLEN == 64 ? (word)__builtin_bswap64(a) : __builtin_bswap32((uint32_t)a));
#if XLEN == 64
    BINARY(group, "rolw", W((uint32_t)a << (b & 31) | (uint64_t)(uint32_t)a >> (32 - (b & 31))));
    BINARY(group, "rorw", W((uint32_t)a >> (b & 31) | (uint64_t)(uint32_t)a << (32 - (b & 31))));
    SHIFT(group, "roriw", 5, W((uint32_t)a >> b | (uint64_t)(uint32_t)a << (32 - b)));
#endif
}

void bits(void) {
    BINARY("uzba", "sh1add", (a << 1) + b);
    BINARY("uzba", "sh2add", (a << 2) + b);
    BINARY("uzba", "sh3add", (a << 3) + b);
#if XLEN == 64
    BINARY("uzba", "add.uw", (uint32_t)a + b);
    BINARY("uzba", "sh1add.uw", ((uint64_t)(uint32_t)a << 1) + b);
    BINARY("uzba", "sh2add.uw", ((uint64_t)(uint32_t)a << 2) + b);
    BINARY("uzba", "sh3add.uw", ((uint64_t)(uint32_t)a << 3) + b);
    SHIFT("uzba", "slli.uw", 6, (uint64_t)(uint32_t)a << b);
#endif

    common("uzbb");
    UNARY("uzbb", "clz", clz(a));
    UNARY("uzbb", "ctz", ctz(a));
    UNARY("uzbb", "cpop", (word)__builtin_popcountll(a));
    BINARY("uzbb", "max", (sword)a > (sword)b ? a : b);
    BINARY("uzbb", "maxu", a > b ? a : b);
    BINARY("uzbb", "min", (sword)a < (sword)b ? a : b);
    BINARY("uzbb", "minu", a < b ? a : b);
    UNARY("uzbb", "sext.b", (word)(int8_t)a);
    UNARY("uzbb", "sext.h", (word)(int16_t)a);
    UNARY("uzbb", "zext.h", (uint16_t)a);
    UNARY("uzbb", "orc.b", bytes(a, any_bit));
#if XLEN == 64
    UNARY("uzbb", "clzw", (uint32_t)a ? (word)__builtin_clz((uint32_t)a) : 32);
    UNARY("uzbb", "ctzw", (uint32_t)a ? (word)__builtin_ctz((uint32_t)a) : 32);
    UNARY("uzbb", "cpopw", (word)__builtin_popcount((uint32_t)a));
#endif

    BINARY("uzbs", "bclr", a & ~((word)1 << SHAMT(b)));
    BINARY("uzbs", "bext", a >> SHAMT(b) & 1);
    BINARY("uzbs", "binv", a ^ (word)1 << SHAMT(b));
    BINARY("uzbs", "bset", a | (word)1 << SHAMT(b));
    SHIFT("uzbs", "bclri", XLEN == 64 ? 6 : 5, a & ~((word)1 << b));
    SHIFT("uzbs", "bexti", XLEN == 64 ? 6 : 5, a >> b & 1);
    SHIFT("uzbs", "binvi", XLEN == 64 ? 6 : 5, a ^ (word)1 << b);
    SHIFT("uzbs", "bseti", XLEN == 64 ? 6 : 5, a | (word)1 << b);

    BINARY("uzbc", "clmul", (word)carryless(a, b));
    BINARY("uzbc", "clmulh", (word)(carryless(a, b) >> XLEN));
    BINARY("uzbc", "clmulr", (word)(carryless(a, b) >> (XLEN - 1)));

    common("uzbkb");
    UNARY("uzbkb", "brev8", bytes(a, reverse));
    BINARY("uzbkb", "pack", (a & (((word)1 << XLEN / 2) - 1)) | b << XLEN / 2);
    BINARY("uzbkb", "packh", (uint8_t)a | (word)(uint8_t)b << 8);
#if XLEN == 64
    BINARY("uzbkb", "packw", W((uint16_t)a | (uint32_t)(uint16_t)b << 16));
#else
    UNARY("uzbkb", "zip", zip(a));
    UNARY("uzbkb", "unzip", unzip(a));
#endif

    BINARY("uzbkx", "xperm4", permute(a, b, 4));
    BINARY("uzbkx", "xperm8", permute(a, b, 8));

    BINARY("uzicond", "czero.eqz", b == 0 ? 0 : a);
    BINARY("uzicond", "czero.nez", b != 0 ? 0 : a);
}
