/* Threads: four threads contend for one mutex, and for sixteen with less contention. */
#include "../../testprogs/lib.h"
#include <pthread.h>

enum { THREADS = 4, COUNTERS = 16 };

static struct {
    pthread_mutex_t mutex;
    uint64_t count;
} one = {PTHREAD_MUTEX_INITIALIZER, 0}, many[COUNTERS];
static long rounds = 1000;

static void *work(void *argument)
{
    Rng r = {*(const uint64_t *)argument};
    for (long t = 0; t < rounds; t++) {
        uint64_t v = rng_next(&r);
        pthread_mutex_lock(&one.mutex);
        one.count += v & 3;
        pthread_mutex_unlock(&one.mutex);
        for (int i = 0; i < 4; i++) {
            int k = (int)(v >> (2 + 4 * i)) & (COUNTERS - 1);
            pthread_mutex_lock(&many[k].mutex);
            many[k].count++;
            pthread_mutex_unlock(&many[k].mutex);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = atol(argv[1]);
    for (int i = 0; i < COUNTERS; i++)
        CHECK(pthread_mutex_init(&many[i].mutex, NULL) == 0);
    pthread_t thread[THREADS];
    uint64_t seed[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        seed[i] = i;
        CHECK(pthread_create(&thread[i], NULL, work, &seed[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(thread[i], NULL) == 0);
    uint64_t h = hash_u64(HASH_START, one.count);
    for (int i = 0; i < COUNTERS; i++)
        h = hash_u64(h, many[i].count);
    printf("%llu, hash %016llx\n", (unsigned long long)one.count, (unsigned long long)h);
    return 0;
}
