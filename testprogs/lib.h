/* Shared by the guest programs: a fixed random sequence, a hash to print instead of long data, and a check macro. The
 * host build of the same source is the oracle, so output must not depend on the machine. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t state;
} Rng;

/* SplitMix64: every 64-bit seed gives a full-period sequence. */
static inline uint64_t rng_next(Rng *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

#define HASH_START 0xcbf29ce484222325u

/* FNV-1a, byte by byte. */
static inline uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = (const unsigned char *)data;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static inline uint64_t hash_u64(uint64_t h, uint64_t v)
{
    return hash_bytes(h, &v, sizeof v);
}

/* Prints a condition that does not hold and exits with status 1. */
#define CHECK(cond)                                                          \
    do {                                                                     \
        if (!(cond)) {                                                       \
            printf("%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond); \
            exit(1);                                                         \
        }                                                                    \
    } while (0)

/* Hides a value from the compiler, so that the guest computes with it. */
#define OPAQUE(v) __extension__({ __typeof__((v) + 0) v_ = (v); __asm__ volatile("" : "+r"(v_)); v_; })
