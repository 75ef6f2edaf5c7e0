/* Ways to crash. Each prints a line first, which must be written. */
#include "lib.h"
#include <sys/mman.h>
#include <unistd.h>

static const int constant = 5;

__attribute__((noinline)) static int overflow(int depth)
{
    volatile char frame[4096];
    frame[0] = (char)depth;
    return overflow(depth + 1) + frame[0];
}

__attribute__((noinline)) static void store_null(void)
{
    *OPAQUE((volatile int *)0) = 1;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    printf("dying by %s\n", how);
    fflush(stdout);
    if (!strcmp(how, "store"))
        store_null();
    else if (!strcmp(how, "load"))
        (void)*OPAQUE((volatile long *)0xdead0000);
    else if (!strcmp(how, "noncanonical"))
        (void)*OPAQUE((volatile long *)0x8123456789abcdef);
    else if (!strcmp(how, "rodata"))
        *(volatile int *)OPAQUE((long)&constant) = 6;
    else if (!strcmp(how, "jump"))
        OPAQUE((void (*)(void))0x10)();
    else if (!strcmp(how, "noexec"))
        ((void (*)(void))mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))();
    else if (!strcmp(how, "stack"))
        return overflow(0);
    else if (!strcmp(how, "abort"))
        abort();
    else if (!strcmp(how, "bus")) {
        /* A mapping past the end of its file has no page behind it. */
        FILE *f = tmpfile();
        volatile char *p = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fileno(f), 0);
        return p[5000];
    } else if (!strcmp(how, "illegal"))
#if defined(__riscv)
        __asm__ volatile("unimp");
#else
        __asm__ volatile("ud2");
#endif
    else if (!strcmp(how, "trap"))
#if defined(__riscv)
        __asm__ volatile("ebreak");
#else
        __asm__ volatile("int3");
#endif
    return 0;
}
