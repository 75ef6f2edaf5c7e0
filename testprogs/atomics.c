/* Atomic operations of every width from one thread: the AMO instructions, and the LR/SC loops the
 * compiler writes for bytes, halfwords and compare-and-swap. */
#include "lib.h"

#define EXERCISE(T, name)                                                                                        \
    static uint64_t name(uint64_t seed)                                                                          \
    {                                                                                                            \
        Rng r = {seed};                                                                                          \
        uint64_t h = HASH_START;                                                                                 \
        T cell[5] = {0}; /* neighbours show a write that is too wide */                                          \
        for (int i = 0; i < 400; i++) {                                                                          \
            T *p = &cell[1 + rng_next(&r) % 3], v = (T)rng_next(&r), old;                                        \
            switch (rng_next(&r) % 9) {                                                                          \
            case 0: old = __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST); break;                                     \
            case 1: old = __atomic_fetch_sub(p, v, __ATOMIC_RELAXED); break;                                     \
            case 2: old = __atomic_fetch_and(p, v, __ATOMIC_ACQUIRE); break;                                     \
            case 3: old = __atomic_fetch_or(p, v, __ATOMIC_RELEASE); break;                                      \
            case 4: old = __atomic_fetch_xor(p, v, __ATOMIC_ACQ_REL); break;                                     \
            case 5: old = __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); break;                                    \
            case 6: old = __atomic_fetch_nand(p, v, __ATOMIC_SEQ_CST); break;                                    \
            case 7:                                                                                              \
                old = v & 1 ? *p : v;                                                                            \
                h = hash_u64(h, __atomic_compare_exchange_n(p, &old, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)); \
                break;                                                                                           \
            default: __atomic_store_n(p, v, __ATOMIC_RELEASE); old = __atomic_load_n(p, __ATOMIC_ACQUIRE);       \
            }                                                                                                    \
            h = hash_u64(h, (uint64_t)old);                                                                      \
        }                                                                                                        \
        CHECK(cell[0] == 0 && cell[4] == 0);                                                                     \
        return hash_bytes(h, cell, sizeof cell);                                                                 \
    }
EXERCISE(uint8_t, on_u8)
EXERCISE(uint16_t, on_u16)
EXERCISE(uint32_t, on_u32)
EXERCISE(int32_t, on_i32)
EXERCISE(uint64_t, on_u64)
EXERCISE(int64_t, on_i64)

#if defined(__riscv)
#define AMO(name, insn, T)                                                                     \
    static uint64_t name(T *p, uint64_t v)                                                     \
    {                                                                                          \
        uint64_t old;                                                                          \
        __asm__ volatile(insn " %0, %2, (%1)" : "=r"(old) : "r"(p), "r"(v) : "memory");        \
        return old;                                                                            \
    }
#else
/* An AMO returns the old value sign-extended, whatever its comparison. */
#define AMO_MODEL(name, T, S, expr)                \
    static uint64_t name(T *p, uint64_t v)         \
    {                                              \
        T old = *p, val = (T)v;                    \
        *p = (T)(expr);                            \
        return (uint64_t)(int64_t)(S)old;          \
    }
#endif

#if defined(__riscv)
AMO(min_w, "amomin.w.aqrl", uint32_t)
AMO(max_w, "amomax.w", uint32_t)
AMO(minu_w, "amominu.w", uint32_t)
AMO(maxu_w, "amomaxu.w.rl", uint32_t)
AMO(swap_w, "amoswap.w.aq", uint32_t)
AMO(add_w, "amoadd.w", uint32_t)
AMO(min_d, "amomin.d", uint64_t)
AMO(max_d, "amomax.d", uint64_t)
AMO(minu_d, "amominu.d", uint64_t)
AMO(maxu_d, "amomaxu.d", uint64_t)
#else
AMO_MODEL(min_w, uint32_t, int32_t, (int32_t)old < (int32_t)val ? old : val)
AMO_MODEL(max_w, uint32_t, int32_t, (int32_t)old > (int32_t)val ? old : val)
AMO_MODEL(minu_w, uint32_t, int32_t, old < val ? old : val)
AMO_MODEL(maxu_w, uint32_t, int32_t, old > val ? old : val)
AMO_MODEL(swap_w, uint32_t, int32_t, val)
AMO_MODEL(add_w, uint32_t, int32_t, old + val)
AMO_MODEL(min_d, uint64_t, int64_t, (int64_t)old < (int64_t)val ? old : val)
AMO_MODEL(max_d, uint64_t, int64_t, (int64_t)old > (int64_t)val ? old : val)
AMO_MODEL(minu_d, uint64_t, int64_t, old < val ? old : val)
AMO_MODEL(maxu_d, uint64_t, int64_t, old > val ? old : val)
#endif

static uint64_t (*const words[])(uint32_t *, uint64_t) = {min_w, max_w, minu_w, maxu_w, swap_w, add_w};
static uint64_t (*const doubles[])(uint64_t *, uint64_t) = {min_d, max_d, minu_d, maxu_d};

/* A store-conditional without a reservation fails; one after its load-reserved stores. */
static void reservations(void)
{
#if defined(__riscv)
    uint64_t cell = 5, other = 7, old, failed, again;
    __asm__ volatile("1: lr.d %0, (%3)\n   addi %0, %0, 1\n   sc.d %1, %0, (%3)\n   bnez %1, 1b\n   sc.d %2, %0, (%3)"
                     : "=&r"(old), "=&r"(failed), "=&r"(again)
                     : "r"(&cell)
                     : "memory");
    printf("lr/sc: cell %llu, sc %llu, second sc %s\n", (unsigned long long)cell, (unsigned long long)failed, again ? "failed" : "stored");
    __asm__ volatile("lr.d %0, (%2)\n   sc.d %1, %0, (%3)" : "=&r"(old), "=&r"(failed) : "r"(&cell), "r"(&other) : "memory");
    printf("sc to another address %s\n", failed ? "failed" : "stored");
#else
    puts("lr/sc: cell 6, sc 0, second sc failed\nsc to another address failed");
#endif
}

int main(void)
{
    printf("u8  %016llx\n", (unsigned long long)on_u8(1));
    printf("u16 %016llx\n", (unsigned long long)on_u16(2));
    printf("u32 %016llx\n", (unsigned long long)on_u32(3));
    printf("i32 %016llx\n", (unsigned long long)on_i32(4));
    printf("u64 %016llx\n", (unsigned long long)on_u64(5));
    printf("i64 %016llx\n", (unsigned long long)on_i64(6));
    Rng r = {6};
    uint64_t h = HASH_START;
    uint32_t w[3] = {0};
    uint64_t d[3] = {0};
    for (int i = 0; i < 2000; i++) {
        h = hash_u64(h, words[rng_next(&r) % 6](&w[1], rng_next(&r)));
        h = hash_u64(h, doubles[rng_next(&r) % 4](&d[1], rng_next(&r)));
    }
    CHECK(w[0] == 0 && w[2] == 0 && d[0] == 0 && d[2] == 0);
    printf("amo %016llx %08x %016llx\n", (unsigned long long)h, w[1], (unsigned long long)d[1]);
    reservations();
    return 0;
}
