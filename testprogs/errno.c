/* System calls that fail: the right errno, and bad pointers answered with EFAULT. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FAILS(call)                                                    \
    do {                                                               \
        errno = 0;                                                     \
        long r_ = (long)(call);                                        \
        printf("%-38s %ld %s\n", #call, r_, strerrorname_np(errno));   \
    } while (0)

int main(void)
{
    char buf[64];
    struct stat st;
    /* Opaque, so that the compiler neither warns nor reasons. */
    char *null = OPAQUE((char *)0), *unmapped = OPAQUE((char *)0x1000), *far = OPAQUE((char *)-4096);
    int good = open("file", O_RDWR | O_CREAT, 0600);
    CHECK(good >= 0 && mkdir("dir", 0700) == 0 && symlink("loop", "loop") == 0);
    char *hole = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(hole != MAP_FAILED && munmap(hole + 4096, 4096) == 0);

    FAILS(open("missing", O_RDONLY));
    FAILS(open("missing/deeper", O_RDONLY));
    FAILS(open("file/deeper", O_RDONLY));
    FAILS(open("file", O_CREAT | O_EXCL, 0600));
    FAILS(open("dir", O_WRONLY));
    FAILS(open("loop", O_RDONLY));
    FAILS(open("file", O_DIRECTORY));
    FAILS(open("loop", O_NOFOLLOW));
    FAILS(open(null, O_RDONLY));
    FAILS(open("", O_RDONLY));
    FAILS(read(-1, buf, 1));
    FAILS(read(good, null, 0));
    FAILS(write(good, unmapped, 10));
    FAILS(write(good, far, 10));
    FAILS(write(good, hole + 4090, 20));
    FAILS(write(good, hole + 4096, 1));
    FAILS(pread(good, buf, 1, -5));
    FAILS(lseek(good, -1, SEEK_SET));
    FAILS(lseek(good, 0, 99));
    FAILS(close(1000));
    FAILS(dup2(good, -1));
    FAILS(dup3(good, good, 0));
    FAILS(fcntl(good, 9999, 0));
    FAILS(stat("missing", &st));
    FAILS(stat("file", (struct stat *)unmapped));
    FAILS(fstat(77, &st));
    FAILS(mkdir("dir", 0700));
    FAILS(rmdir("file"));
    FAILS(rmdir("missing"));
    FAILS(unlink("missing"));
    FAILS(rename("missing", "other"));
    FAILS(rename("dir", "file"));
    FAILS(readlink("file", buf, sizeof buf));
    FAILS(chdir("file"));
    FAILS(getcwd(buf, 1));
    FAILS(ftruncate(good, -1));
    FAILS(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    FAILS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 77, 0));
    FAILS(mmap((void *)0x123, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    FAILS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, good, 1));
    FAILS(munmap(hole + 1, 4096));
    FAILS(mprotect(hole + 1, 4096, PROT_READ));
    FAILS(mprotect(hole + 4096, 4096, PROT_READ));
    FAILS(clock_gettime(99, &(struct timespec){0}));
    FAILS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, unmapped)); /* not through the vDSO */
    FAILS(nanosleep(&(struct timespec){0, 1000000000}, NULL));
    FAILS(pipe2((int *)buf, -1));
    FAILS(pipe((int *)unmapped));
    FAILS(syscall(100000));
    FAILS(syscall(-1));
    CHECK(unlink("file") == 0 && unlink("loop") == 0 && rmdir("dir") == 0);

    /* A page without permission is a bad pointer too. */
    CHECK(mprotect(hole, 4096, PROT_NONE) == 0);
    FAILS(write(good, hole, 1));
    CHECK(mprotect(hole, 4096, PROT_READ) == 0);
    FAILS(pread(good, hole, 1, 0));
    CHECK(pwrite(good, "abc", 3, 0) == 3);
    FAILS(pread(good, hole, 1, 0));
    return 0;
}
