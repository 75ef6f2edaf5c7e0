/* Integers: quicksort of our own with the median of three and insertion sort for short runs, over plain integers and
 * over records. */
#include "../../testprogs/lib.h"

enum { N = 100000, SHORT = 12 };

typedef struct {
    uint32_t key, place;
    uint64_t load;
} Record;

static int32_t ints[N];
static Record records[N];

static int before(const Record *x, const Record *y)
{
    return x->key != y->key ? x->key < y->key : x->place < y->place;
}

#define SWAP(T, x, y)   \
    do {                \
        T swap_ = x;    \
        x = y;          \
        y = swap_;      \
    } while (0)

/* LESS(x, y) compares two elements of the array v. */
#define QUICKSORT(NAME, T, LESS)                          \
    static void NAME(T *v, long n)                        \
    {                                                     \
        while (n > SHORT) {                               \
            long mid = n / 2, i = 0, k = n - 1;           \
            if (LESS(v[mid], v[0]))                       \
                SWAP(T, v[mid], v[0]);                    \
            if (LESS(v[k], v[mid])) {                     \
                SWAP(T, v[k], v[mid]);                    \
                if (LESS(v[mid], v[0]))                   \
                    SWAP(T, v[mid], v[0]);                \
            }                                             \
            T pivot = v[mid];                             \
            while (i <= k) {                              \
                while (LESS(v[i], pivot))                 \
                    i++;                                  \
                while (LESS(pivot, v[k]))                 \
                    k--;                                  \
                if (i <= k) {                             \
                    SWAP(T, v[i], v[k]);                  \
                    i++;                                  \
                    k--;                                  \
                }                                         \
            }                                             \
            if (k + 1 < n - i) {                          \
                NAME(v, k + 1);                           \
                v += i;                                   \
                n -= i;                                   \
            } else {                                      \
                NAME(v + i, n - i);                       \
                n = k + 1;                                \
            }                                             \
        }                                                 \
        for (long i = 1; i < n; i++) {                    \
            T moved = v[i];                               \
            long k = i;                                   \
            for (; k > 0 && LESS(moved, v[k - 1]); k--)   \
                v[k] = v[k - 1];                          \
            v[k] = moved;                                 \
        }                                                 \
    }

#define LESS_INT(x, y) ((x) < (y))
#define LESS_RECORD(x, y) before(&(x), &(y))
QUICKSORT(sort_ints, int32_t, LESS_INT)
QUICKSORT(sort_records, Record, LESS_RECORD)

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    uint64_t h = HASH_START;
    Rng r = {11};
    for (int t = 0; t < rounds; t++) {
        for (uint32_t i = 0; i < N; i++) {
            uint64_t v = rng_next(&r);
            ints[i] = (int32_t)v;
            records[i] = (Record){(uint32_t)(v >> 44), i, v};
        }
        sort_ints(ints, N);
        sort_records(records, N);
        for (int i = 1; i < N; i++)
            CHECK(ints[i - 1] <= ints[i] && before(&records[i - 1], &records[i]));
        for (int i = 0; i < N; i += 997)
            h = hash_u64(h, (uint64_t)ints[i] ^ records[i].load);
    }
    printf("hash %016llx\n", (unsigned long long)h);
    return 0;
}
