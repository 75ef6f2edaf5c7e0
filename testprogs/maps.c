/* Mappings: permission changes, holes, moves, MAP_FIXED, brk. The contents are checked after each. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* Whether a byte can be read, asked of the kernel. */
static int readable(const void *p)
{
    static int fds[2] = {-1, -1};
    if (fds[0] < 0)
        CHECK(pipe(fds) == 0);
    char c;
    ssize_t n = write(fds[1], p, 1);
    if (n == 1)
        return read(fds[0], &c, 1) == 1;
    CHECK(n == -1 && errno == EFAULT);
    return 0;
}

int main(void)
{
    unsigned char *p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED && (uintptr_t)p % PAGE == 0);
    for (int i = 0; i < 16; i++)
        CHECK(p[i * PAGE] == 0 && (p[i * PAGE] = (unsigned char)(i + 1)));
    CHECK(munmap(p + 4 * PAGE, 2 * PAGE) == 0 && mprotect(p + 8 * PAGE, PAGE, PROT_NONE) == 0);
    for (int i = 0; i < 16; i++)
        putchar('0' + readable(p + i * PAGE));
    puts("");
    CHECK(mprotect(p + 8 * PAGE, PAGE, PROT_READ) == 0 && p[8 * PAGE] == 9);
    CHECK(mmap(p + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 4 * PAGE);
    CHECK(p[4 * PAGE] == 0);
    CHECK(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);

    /* Growing in place is not possible here, moving is. */
    unsigned char *q = mremap(p, 4 * PAGE, 12 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q != p && !readable(p));
    for (int i = 0; i < 4; i++)
        CHECK(q[i * PAGE] == i + 1);
    CHECK(q[11 * PAGE] == 0);
    CHECK(mremap(q, 12 * PAGE, 2 * PAGE, 0) == q && readable(q + PAGE) && !readable(q + 2 * PAGE));
    unsigned char *fixed = mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p);
    CHECK(fixed == p && p[0] == 1 && p[PAGE] == 2 && !readable(q));
    CHECK(madvise(p, PAGE, MADV_DONTNEED) == 0 && p[0] == 0 && p[PAGE] == 2);
    unsigned char vec[2];
    CHECK(mincore(p + PAGE, PAGE, vec) == 0 && (vec[0] & 1));

    int fd = memfd_create("data", 0);
    CHECK(fd >= 0 && ftruncate(fd, 3 * PAGE) == 0 && pwrite(fd, "second page", 11, PAGE) == 11);
    char *s1 = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE), *s2 = mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(s1 != MAP_FAILED && s2 != MAP_FAILED && strcmp(s1, "second page") == 0);
    strcpy(s1 + 6, "view");
    printf("%s\n", s2 + PAGE);
    CHECK(munmap(s1, 2 * PAGE) == 0 && munmap(s2, 3 * PAGE) == 0 && close(fd) == 0);

    char *low = sbrk(0);
    CHECK(sbrk(5 * PAGE) == low && low[5 * PAGE - 1] == 0);
    memset(low, 'b', 5 * PAGE);
    CHECK(sbrk(-2 * PAGE) == low + 5 * PAGE && sbrk(0) == low + 3 * PAGE);
    CHECK(sbrk(2 * PAGE) == low + 3 * PAGE && low[4 * PAGE] == 0);
    CHECK(sbrk(-5 * PAGE) != (void *)-1);

    /* A large reservation costs nothing until it is used. */
    char *big = mmap(NULL, 64ul << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(big != MAP_FAILED && mprotect(big + (40ul << 30), PAGE, PROT_READ | PROT_WRITE) == 0);
    big[40ul << 30] = 'x';
    CHECK(munmap(big, 64ul << 30) == 0);
    puts("maps: good");
    return 0;
}
