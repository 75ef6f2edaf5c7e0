/* Deep recursion: the stack grows to nearly its limit of 8 MiB, and large frames skip pages. */
#include "lib.h"
#include <alloca.h>
#include <sys/resource.h>

__attribute__((noinline)) static uint64_t ackermann(uint64_t m, uint64_t n)
{
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

__attribute__((noinline)) static uint64_t down(int depth, uint64_t v)
{
    volatile uint64_t frame[16];
    for (int i = 0; i < 16; i++)
        frame[i] = v + (uint64_t)i;
    uint64_t r = depth ? down(depth - 1, v * 3 + 1) : 0;
    for (int i = 0; i < 16; i++)
        r = r * 31 + frame[i];
    return r;
}

__attribute__((noinline)) static int far(size_t n)
{
    char *p = alloca(n);
    p[0] = 'a'; /* the lowest byte first: megabytes below anything touched */
    p[n - 1] = 'b';
    __asm__ volatile("" : : "r"(p) : "memory");
    return p[0] + p[n - 1];
}

int main(void)
{
    struct rlimit lim;
    CHECK(getrlimit(RLIMIT_STACK, &lim) == 0 && lim.rlim_cur >= 8u << 20);
    printf("%llu\n", (unsigned long long)ackermann(2, 300));
    printf("%016llx\n", (unsigned long long)down(30000, 1));
    printf("%d\n", far(7u << 20));
    return 0;
}
