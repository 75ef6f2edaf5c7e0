/* Memory: the C library's memcpy, memmove, memset and memcmp, in sizes from 1 byte to 1 MiB and at all alignments. */
#include "../../testprogs/lib.h"

enum { SIZE = 1 << 20 };
static unsigned char a[SIZE + 64], b[SIZE + 64];

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 1;
    Rng r = {8};
    for (size_t i = 0; i < sizeof a; i++)
        a[i] = (unsigned char)rng_next(&r);
    uint64_t sum = 0;
    for (long t = 0; t < rounds; t++) {
        for (size_t size = 1; size <= SIZE; size *= 2) {
            /* about as many bytes in every size, but few calls of the small ones */
            long calls = size < 256 ? 500 : (long)(SIZE / 2 / size) + 1;
            for (long i = 0; i < calls; i++) {
                size_t from = (size_t)(i * 3) & 15, to = (size_t)(i + t) & 15, n = OPAQUE(size - (size_t)(i & 1));
                memcpy(b + to, a + from, n);
                sum += b[to];
                if ((i & 3) == 0)
                    memmove(b + to + 1, b + to, n);
                if ((i & 7) == 0)
                    memset(b + from, (int)i, n / 2);
                sum += (uint64_t)(memcmp(b + to, a + from, n) > 0);
            }
        }
        a[t & (SIZE - 1)] ^= b[t * 7 & (SIZE - 1)];
    }
    printf("sum %llu, hash %016llx\n", (unsigned long long)sum, (unsigned long long)hash_bytes(HASH_START, b, sizeof b));
    return 0;
}
