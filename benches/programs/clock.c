/* System calls: clock_gettime with clocks that the vDSO can read, and with clocks that always need a system call. */
#include "../../testprogs/lib.h"
#include <sys/time.h>
#include <time.h>

static uint64_t now(clockid_t clock)
{
    struct timespec t;
    CHECK(clock_gettime(clock, &t) == 0 && t.tv_nsec < 1000000000);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 1000;
    uint64_t last = 0, cpu = 0;
    long ordered = 0;
    for (long t = 0; t < rounds; t++) {
        for (int i = 0; i < 8; i++) {
            uint64_t next = now(CLOCK_MONOTONIC);
            ordered += next >= last;
            last = next;
        }
        ordered += now(CLOCK_REALTIME) > 1000000000;
        uint64_t used = now(CLOCK_PROCESS_CPUTIME_ID);
        ordered += used >= cpu;
        cpu = used;
        struct timeval tv;
        ordered += gettimeofday(&tv, NULL) == 0 && time(NULL) + 1 >= tv.tv_sec; /* time may lag by a tick */
    }
    printf("%ld of %ld\n", ordered, rounds * 11);
    return 0;
}
