/* Sorting: the C library's qsort with callbacks, and three of our own, over integers, doubles, strings. */
#include "lib.h"

enum { N = 30000 };

static int by_int(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int by_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void quick(int64_t *v, long lo, long hi)
{
    while (lo < hi) {
        int64_t pivot = v[lo + (hi - lo) / 2];
        long i = lo, k = hi;
        while (i <= k) {
            while (v[i] < pivot)
                i++;
            while (v[k] > pivot)
                k--;
            if (i <= k) {
                int64_t t = v[i];
                v[i++] = v[k];
                v[k--] = t;
            }
        }
        if (k - lo < hi - i) {
            quick(v, lo, k);
            lo = i;
        } else {
            quick(v, i, hi);
            hi = k;
        }
    }
}

static void sift(int64_t *v, size_t root, size_t n)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && v[child] < v[child + 1])
            child++;
        if (v[root] >= v[child])
            return;
        int64_t t = v[root];
        v[root] = v[child];
        v[child] = t;
    }
}

static void heap(int64_t *v, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(v, i, n);
    while (n-- > 1) {
        int64_t t = v[0];
        v[0] = v[n];
        v[n] = t;
        sift(v, 0, n);
    }
}

static void radix(uint64_t *v, uint64_t *tmp, size_t n)
{
    for (int shift = 0; shift < 64; shift += 8) {
        size_t count[257] = {0};
        for (size_t i = 0; i < n; i++)
            count[(v[i] >> shift & 255) + 1]++;
        for (int i = 0; i < 256; i++)
            count[i + 1] += count[i];
        for (size_t i = 0; i < n; i++)
            tmp[count[v[i] >> shift & 255]++] = v[i];
        uint64_t *t = v;
        v = tmp;
        tmp = t;
    }
}

static int64_t ints[N], a[N], b[N];
static uint64_t u[N], tmp[N];
static double doubles[N];
static char text[N][12], *texts[N];

static void round_of_sorts(uint64_t seed)
{
    Rng r = {seed};
    for (int i = 0; i < N; i++) {
        ints[i] = (int64_t)rng_next(&r) >> (rng_next(&r) % 60);
        doubles[i] = (double)(int64_t)rng_next(&r) / 1024.0;
        snprintf(text[i], sizeof text[i], "%llx", (unsigned long long)rng_next(&r) >> 28);
        texts[i] = text[i];
        u[i] = (uint64_t)ints[i] ^ 1ull << 63;
    }
    memcpy(a, ints, sizeof a);
    memcpy(b, ints, sizeof b);
    qsort(ints, N, sizeof ints[0], by_int);
    quick(a, 0, N - 1);
    heap(b, N);
    radix(u, tmp, N);
    CHECK(memcmp(a, ints, sizeof a) == 0 && memcmp(b, ints, sizeof b) == 0);
    for (int i = 0; i < N; i++)
        CHECK((int64_t)(u[i] ^ 1ull << 63) == ints[i]);
    qsort(doubles, N, sizeof doubles[0], by_double);
    qsort(texts, N, sizeof texts[0], by_text);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    for (int i = rounds; i-- > 0;)
        round_of_sorts(5 + (uint64_t)i);
    uint64_t h = HASH_START;
    for (int i = 0; i < N; i++)
        h = hash_bytes(h, texts[i], strlen(texts[i]));
    printf("ints %016llx\n", (unsigned long long)hash_bytes(HASH_START, ints, sizeof ints));
    printf("doubles %016llx\n", (unsigned long long)hash_bytes(HASH_START, doubles, sizeof doubles));
    printf("texts %016llx\n", (unsigned long long)h);
    int64_t key = ints[N / 3];
    int64_t *found = bsearch(&key, ints, N, sizeof key, by_int);
    CHECK(found && *found == key);
    return 0;
}
