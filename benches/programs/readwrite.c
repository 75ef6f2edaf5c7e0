/* System calls: read, write, pread, pwrite, readv, writev and lseek on a file, in sizes from 1 byte to 64 KiB. */
#include "../../testprogs/lib.h"
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SIZE = 1 << 16 };
static unsigned char data[SIZE], back[SIZE];

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 10;
    char name[] = "/tmp/readwrite-XXXXXX";
    int fd = mkstemp(name);
    CHECK(fd >= 0 && unlink(name) == 0);
    Rng r = {21};
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (unsigned char)rng_next(&r);
    uint64_t h = HASH_START, bytes = 0;
    for (long t = 0; t < rounds; t++) {
        for (size_t n = 1; n <= SIZE; n *= n < 4096 ? 8 : 4) {
            CHECK(lseek(fd, 0, SEEK_SET) == 0);
            for (int i = 0; i < 4; i++)
                CHECK(write(fd, data, n) == (ssize_t)n);
            struct iovec part[2] = {{data, n / 2}, {data + SIZE / 2, n / 2}};
            CHECK(writev(fd, part, 2) == (ssize_t)(n / 2 * 2));
            CHECK(pwrite(fd, &t, sizeof t, (off_t)n) == (ssize_t)sizeof t);
            CHECK(lseek(fd, 0, SEEK_SET) == 0);
            for (int i = 0; i < 4; i++)
                CHECK(read(fd, back, n) == (ssize_t)n);
            h = (h ^ back[n - 1]) * 31;
            struct iovec to[2] = {{back, n / 2}, {back + SIZE / 2, n / 2}};
            CHECK(readv(fd, to, 2) == (ssize_t)(n / 2 * 2));
            CHECK(pread(fd, back, n, (off_t)n / 2) > 0);
            h = (h ^ back[n / 2]) * 31;
            bytes += 10 * n;
        }
        data[t & (SIZE - 1)]++;
    }
    printf("%llu bytes, hash %016llx\n", (unsigned long long)bytes, (unsigned long long)h);
    return 0;
}
