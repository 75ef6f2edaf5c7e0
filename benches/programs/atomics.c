/* Threads: four threads with atomics: fetch-and-add, compare-and-swap, a stack of tagged indices, a spin lock that
 * yields, and 16-bit counters, for which there is no AMO instruction. */
#include "../../testprogs/lib.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 4, NODES = 64 };
static _Atomic uint64_t sum, most, top;
static _Atomic uint32_t next[NODES], spin;
static _Atomic uint16_t narrow[4];
static uint64_t guarded;
static long rounds = 1000;

/* top: a count of changes above, the index + 1 of the first node below. */
static void push(uint32_t node)
{
    uint64_t old = atomic_load(&top), new;
    do {
        atomic_store_explicit(&next[node], (uint32_t)old, memory_order_relaxed);
        new = ((old >> 32) + 1) << 32 | (node + 1);
    } while (!atomic_compare_exchange_weak(&top, &old, new));
}

static int pop(uint32_t *node)
{
    uint64_t old = atomic_load(&top), new;
    do {
        if ((uint32_t)old == 0)
            return 0;
        *node = (uint32_t)old - 1;
        new = ((old >> 32) + 1) << 32 | atomic_load_explicit(&next[*node], memory_order_relaxed);
    } while (!atomic_compare_exchange_weak(&top, &old, new));
    return 1;
}

static void *work(void *argument)
{
    Rng r = {*(const uint64_t *)argument};
    for (long t = 0; t < rounds; t++) {
        uint64_t v = rng_next(&r), seen = atomic_load_explicit(&most, memory_order_relaxed);
        atomic_fetch_add(&sum, v);
        while (v > seen && !atomic_compare_exchange_weak(&most, &seen, v))
            ;
        atomic_fetch_add(&narrow[v & 3], 1);
        uint32_t node;
        if (pop(&node))
            push(node);
        if ((v >> 8 & 7) == 0) {
            while (atomic_exchange_explicit(&spin, 1, memory_order_acquire))
                sched_yield();
            guarded += v >> 32;
            atomic_store_explicit(&spin, 0, memory_order_release);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = atol(argv[1]);
    for (uint32_t i = 0; i < NODES; i++)
        push(i);
    pthread_t thread[THREADS];
    uint64_t seed[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        seed[i] = 1000 + i;
        CHECK(pthread_create(&thread[i], NULL, work, &seed[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(thread[i], NULL) == 0);
    int left = 0;
    for (uint32_t node; pop(&node);)
        left++;
    printf("sum %016llx, most %016llx, guarded %llu, %d nodes, %u %u %u %u\n", (unsigned long long)sum, (unsigned long long)most,
           (unsigned long long)guarded, left, narrow[0], narrow[1], narrow[2], narrow[3]);
    return 0;
}
