/* The allocator under load: brk, mmap and mremap behind it, contents checked at every step. */
#include "lib.h"
#include <malloc.h>

enum { SLOTS = 500, STEPS = 40000 };

static struct {
    unsigned char *p;
    size_t len;
    unsigned char mark;
} slot[SLOTS];

static size_t pick_size(Rng *r)
{
    uint64_t v = rng_next(r);
    switch (v % 100) {
    case 0:
        return 130000 + (v >> 8) % 400000; /* above the mmap threshold */
    case 1 ... 9:
        return (v >> 8) % 20000;
    default:
        return (v >> 8) % 300;
    }
}

static void check_slot(int i)
{
    unsigned char *p = slot[i].p;
    size_t n = slot[i].len;
    if (n && (p[0] != slot[i].mark || p[n / 2] != slot[i].mark || p[n - 1] != slot[i].mark)) {
        printf("slot %d of %zu bytes was overwritten\n", i, n);
        exit(1);
    }
}

int main(void)
{
    Rng r = {11};
    size_t live = 0, peak = 0;
    for (int step = 0; step < STEPS; step++) {
        int i = (int)(rng_next(&r) % SLOTS);
        check_slot(i);
        live -= slot[i].len;
        size_t n = pick_size(&r), old = slot[i].len;
        switch (rng_next(&r) % 4) {
        case 0:
            free(slot[i].p);
            slot[i].p = NULL;
            n = 0;
            break;
        case 1:
            slot[i].p = realloc(slot[i].p, n ? n : 1);
            for (size_t k = 0; k < n && k < old; k += 97)
                CHECK(slot[i].p[k] == slot[i].mark);
            break;
        case 2:
            free(slot[i].p);
            slot[i].p = calloc(n ? n : 1, 1);
            for (size_t k = 0; k < n; k += 61)
                CHECK(slot[i].p[k] == 0);
            break;
        default: {
            free(slot[i].p);
            size_t align = (size_t)16 << rng_next(&r) % 9;
            CHECK(posix_memalign((void **)&slot[i].p, align, n ? n : 1) == 0 && (uintptr_t)slot[i].p % align == 0);
        }
        }
        slot[i].len = n;
        slot[i].mark = (unsigned char)step;
        if (n)
            memset(slot[i].p, slot[i].mark, n);
        live += n;
        if (live > peak)
            peak = live;
    }
    for (int i = 0; i < SLOTS; i++) {
        check_slot(i);
        free(slot[i].p);
    }
    printf("peak %zu bytes\n", peak);

    /* A block that grows by moving its pages, not by copying. */
    unsigned char *big = malloc(1 << 20);
    for (size_t n = 1 << 20; n <= 32u << 20; n *= 2) {
        big = realloc(big, n);
        CHECK(big);
        big[n - 1] = (unsigned char)(n >> 20);
    }
    for (size_t n = 1 << 20; n <= 32u << 20; n *= 2)
        CHECK(big[n - 1] == (unsigned char)(n >> 20));
    free(big);
    malloc_trim(0);
    volatile size_t too_much = (size_t)-1 / 4;
    CHECK(malloc(too_much) == NULL);
    puts("malloc: good");
    return 0;
}
