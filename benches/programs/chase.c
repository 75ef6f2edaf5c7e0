/* Memory: pointers followed in one random cycle, through 16 KiB (near), 1 MiB and 32 MiB (far), each load waiting for
 * the one before. */
#include "../../testprogs/lib.h"

typedef struct Cell {
    struct Cell *next;
    uint64_t value;
} Cell;

/* One cycle through all n cells, in random order (Sattolo). */
static void shuffle(Cell *cells, uint32_t *order, uint32_t n, Rng *r)
{
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t i = n - 1; i > 0; i--) {
        uint32_t k = (uint32_t)(rng_next(r) % i), t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
    for (uint32_t i = 0; i < n; i++) {
        cells[order[i]].next = &cells[order[(i + 1) % n]];
        cells[order[i]].value = i;
    }
}

int main(int argc, char **argv)
{
    long steps = argc > 1 ? atol(argv[1]) : 10000;
    uint32_t most = argc > 2 ? (uint32_t)atol(argv[2]) : 1 << 21;
    Cell *cells = malloc(most * sizeof *cells);
    uint32_t *order = malloc(most * sizeof *order);
    CHECK(cells && order);
    Rng r = {1};
    const uint32_t sizes[] = {1 << 10, 1 << 16, most};
    for (int s = 0; s < 3; s++) {
        shuffle(cells, order, sizes[s], &r);
        /* fewer steps where each is slow */
        long n = s == 0 ? steps * 8 : s == 1 ? steps * 3 : steps / 2;
        uint64_t sum = 0;
        const Cell *at = cells;
        for (long i = 0; i < n; i++) {
            sum += at->value ^ (uint64_t)i;
            at = at->next;
        }
        printf("%u cells, sum %llu\n", sizes[s], (unsigned long long)sum);
    }
    free(order);
    free(cells);
    return 0;
}
