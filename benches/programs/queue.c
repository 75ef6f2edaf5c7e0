/* Threads: two producers and two consumers share a bounded queue, with a mutex and two conditions. */
#include "../../testprogs/lib.h"
#include <pthread.h>

enum { PAIRS = 2, ROOM = 32 };
static uint64_t ring[ROOM];
static unsigned begin, count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static long items = 1000;

static uint64_t mix(uint64_t v)
{
    for (int i = 0; i < 20; i++)
        v = (v ^ v >> 29) * 0xbf58476d1ce4e5b9u;
    return v;
}

static void *produce(void *argument)
{
    uint64_t me = *(const uint64_t *)argument;
    for (long t = 0; t < items; t++) {
        uint64_t v = mix((uint64_t)t * PAIRS + me);
        pthread_mutex_lock(&mutex);
        while (count == ROOM)
            pthread_cond_wait(&emptied, &mutex);
        ring[(begin + count++) % ROOM] = v;
        pthread_mutex_unlock(&mutex);
        pthread_cond_signal(&filled);
    }
    return NULL;
}

static void *consume(void *argument)
{
    uint64_t *sum = argument;
    for (long t = 0; t < items; t++) {
        pthread_mutex_lock(&mutex);
        while (count == 0)
            pthread_cond_wait(&filled, &mutex);
        uint64_t v = ring[begin];
        begin = (begin + 1) % ROOM;
        count--;
        pthread_mutex_unlock(&mutex);
        pthread_cond_signal(&emptied);
        *sum += mix(v);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        items = atol(argv[1]);
    pthread_t producer[PAIRS], consumer[PAIRS];
    uint64_t number[PAIRS], sum[PAIRS] = {0}, total = 0;
    for (uint64_t i = 0; i < PAIRS; i++) {
        number[i] = i;
        CHECK(pthread_create(&producer[i], NULL, produce, &number[i]) == 0);
        CHECK(pthread_create(&consumer[i], NULL, consume, &sum[i]) == 0);
    }
    for (int i = 0; i < PAIRS; i++) {
        CHECK(pthread_join(producer[i], NULL) == 0 && pthread_join(consumer[i], NULL) == 0);
        total += sum[i];
    }
    printf("sum %016llx\n", (unsigned long long)total);
    return 0;
}
