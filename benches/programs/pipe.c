/* System calls: bytes through a pipe within one process, a few and many at a time, waited for with poll. */
#include "../../testprogs/lib.h"
#include <poll.h>
#include <unistd.h>

static unsigned char data[16384], back[16384];

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 100;
    Rng r = {2};
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)rng_next(&r);
    int fd[2];
    CHECK(pipe(fd) == 0);
    uint64_t h = HASH_START;
    for (long t = 0; t < rounds; t++) {
        size_t n = t & 7 ? 1 + (size_t)(t & 63) : sizeof data;
        CHECK(write(fd[1], data + (t & 7), n - (size_t)(t & 7) % n) > 0);
        struct pollfd ready = {fd[0], POLLIN, 0};
        CHECK(poll(&ready, 1, -1) == 1 && ready.revents == POLLIN);
        ssize_t got = read(fd[0], back, sizeof back);
        CHECK(got > 0);
        h = (h ^ back[got - 1]) * 31 + (uint64_t)got;
    }
    printf("hash %016llx\n", (unsigned long long)h);
    return 0;
}
