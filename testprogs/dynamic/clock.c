/* Reads clocks through the C library a given number of times and checks that they do not go back. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

int main(int argc, char **argv)
{
    long count = argc > 1 ? atol(argv[1]) : 1;
    struct timespec last = {0, 0}, now;
    struct timeval day;
    for (long i = 0; i < count; i++) {
        if (clock_gettime(CLOCK_MONOTONIC, &now) || now.tv_sec < last.tv_sec ||
            (now.tv_sec == last.tv_sec && now.tv_nsec < last.tv_nsec))
            return 1;
        last = now;
    }
    if (clock_gettime(CLOCK_REALTIME, &now) || gettimeofday(&day, NULL) || day.tv_sec - now.tv_sec > 5)
        return 2;
    if (clock_getres(CLOCK_MONOTONIC, &now) || now.tv_sec != 0 || now.tv_nsec == 0)
        return 3;
    return 0;
}
