/* Calls: the C library's qsort and bsearch, which call back for every comparison, over integers, records and strings.
 * */
#include "../../testprogs/lib.h"

enum { N = 20000 };

typedef struct {
    uint32_t group;
    uint64_t value;
    char name[12];
} Record;

static Record records[N];
static int64_t ints[N];
static const char *names[N];
static long calls;

static int by_int(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    calls++;
    return (a > b) - (a < b);
}

static int by_group(const void *x, const void *y)
{
    const Record *a = x, *b = y;
    calls++;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

static int by_name(const void *x, const void *y)
{
    calls++;
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    Rng r = {60};
    uint64_t h = HASH_START;
    for (int t = 0; t < rounds; t++) {
        for (int i = 0; i < N; i++) {
            uint64_t v = rng_next(&r);
            ints[i] = (int64_t)v >> (v & 31);
            records[i].group = (uint32_t)(v >> 55);
            records[i].value = v;
            for (int k = 0; k < 11; k++)
                records[i].name[k] = (char)('a' + (v >> 4 * k & 15));
        }
        qsort(ints, N, sizeof *ints, by_int);
        qsort(records, N, sizeof *records, by_group);
        for (int i = 0; i < N; i++)
            names[i] = records[i].name;
        qsort(names, N, sizeof *names, by_name);
        int found = 0;
        for (int i = 0; i < N; i++) {
            int64_t key = (int64_t)records[i].value >> (records[i].value & 31);
            found += bsearch(&key, ints, N, sizeof *ints, by_int) != NULL;
        }
        CHECK(found == N);
        h = hash_bytes(h, names[t % N], 11);
        h = hash_u64(h, records[N / 2].value ^ (uint64_t)ints[N / 3]);
    }
    /* The number of calls depends on the C library, which may differ between builds. */
    CHECK(calls > rounds * (long)N);
    printf("hash %016llx\n", (unsigned long long)h);
    return 0;
}
