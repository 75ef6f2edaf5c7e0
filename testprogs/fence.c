/* Code in memory that the program writes, made visible by fence.i alone. */
#include "lib.h"
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int (*function)(void);

static char *page;

/* A function that returns `value`. */
static void put(int at, int value)
{
#if defined(__riscv)
    uint64_t code = (uint64_t)0x8067 << 32 | (uint32_t)value << 20 | 0x513;
#else
    uint64_t code = 0x90c300000000b8 | (uint64_t)value << 8;
#endif
    *(volatile uint64_t *)(page + at) = code;
}

static void fence(void)
{
#if defined(__riscv)
    __asm__ volatile("fence.i" ::: "memory");
#endif
}

static int call(int at)
{
    return ((function)(page + at))();
}

int main(void)
{
    page = mmap(NULL, 12288, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    /* The last one is on two pages. */
    int places[] = {0, 64, 2048, 4092};
    for (int i = 0; i < 4; i++)
        put(places[i], i + 1);
    fence();
    for (int i = 0; i < 4; i++)
        printf("%d ", call(places[i]));
    puts("");
    for (int round = 0; round < 100; round++)
        for (int i = 0; i < 4; i++) {
            fence();
            put(places[i], round * 7 % 100 + i);
            fence();
            CHECK(call(places[i]) == round * 7 % 100 + i);
        }
    /* What is compiled while other bytes are there is not kept when the old ones are back. */
    put(64, 10), put(128, 20);
    fence();
    CHECK(call(64) == 10);
    fence();
    fence();
    put(128, 21);
    fence();
    CHECK(call(128) == 21);
    put(128, 20);
    fence();
    CHECK(call(128) == 20 && call(64) == 10);
    put(192, 30);
    fence();
    CHECK(call(64) == 10);
    fence();
    put(192, 31);
    int seen = call(192);
    CHECK(seen == 30 || seen == 31);
    put(192, 30);
    fence();
    CHECK(call(192) == 30);
    puts("every change was seen");
    return 0;
}
