/* Integers: the sieve of Eratosthenes over bytes, and a binary search over the primes found. */
#include "../../testprogs/lib.h"

enum { LIMIT = 500000 };
static unsigned char composite[LIMIT];
static int primes[LIMIT / 8];

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    uint64_t sum = 0;
    int count = 0;
    for (int t = 0; t < rounds; t++) {
        memset(composite, 0, sizeof composite);
        count = 0;
        for (int i = 2; i < LIMIT; i++) {
            if (composite[i])
                continue;
            primes[count++] = i;
            for (int64_t k = (int64_t)i * i; k < LIMIT; k += i)
                composite[k] = 1;
        }
        for (int q = 0; q < 50000; q++) {
            int lo = 0, hi = count, want = q * 10 + t;
            while (lo < hi) {
                int mid = (lo + hi) / 2;
                if (primes[mid] < want)
                    lo = mid + 1;
                else
                    hi = mid;
            }
            sum += (uint64_t)lo;
        }
    }
    printf("%d primes, sum %llu\n", count, (unsigned long long)sum);
    return 0;
}
