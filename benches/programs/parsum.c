/* Threads: an array is filled, mixed and summed in parts by four threads, with a barrier after each pass. */
#include "../../testprogs/lib.h"
#include <pthread.h>

enum { THREADS = 4, SIZE = 1 << 18 };
static uint64_t data[SIZE], part[THREADS], total;
static pthread_barrier_t barrier;
static int rounds = 1;

static void *work(void *argument)
{
    size_t me = *(const size_t *)argument, from = SIZE / THREADS * me, to = from + SIZE / THREADS;
    Rng r = {me};
    for (size_t i = from; i < to; i++)
        data[i] = rng_next(&r);
    for (int t = 0; t < rounds; t++) {
        uint64_t sum = 0;
        for (size_t i = from; i < to; i++) {
            uint64_t v = data[i];
            v ^= v << 13;
            v ^= v >> 7;
            v ^= v << 17;
            data[i] = v + (uint64_t)t;
            sum += v;
        }
        part[me] = sum;
        pthread_barrier_wait(&barrier);
        if (me == 0)
            for (int i = 0; i < THREADS; i++)
                total = total * 31 + part[i];
        pthread_barrier_wait(&barrier);
        data[from] ^= total;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = atoi(argv[1]);
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    pthread_t thread[THREADS];
    size_t number[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        number[i] = i;
        CHECK(pthread_create(&thread[i], NULL, work, &number[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(thread[i], NULL) == 0);
    printf("total %016llx\n", (unsigned long long)total);
    return 0;
}
