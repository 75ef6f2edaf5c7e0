/* A program that writes code, runs it, changes it and runs it again, as a just-in-time compiler does. After each change
 * it calls the C library's instruction-cache flush. */
#include "lib.h"
#include <sys/mman.h>

typedef int (*Func)(void);

/* int f(void) { return n; } for a small n; the length is returned. */
static size_t emit(unsigned char *p, int n)
{
#if defined(__riscv)
    uint32_t code[2] = {(uint32_t)n << 20 | 0x513, 0x8067}; /* addi a0, x0, n; jalr x0, 0(ra) */
#else
    unsigned char code[6] = {0xb8, (unsigned char)n, (unsigned char)(n >> 8), 0, 0, 0xc3};
#endif
    memcpy(p, code, sizeof code);
    return sizeof code;
}

int main(void)
{
    unsigned char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    long sum = 0;
    for (int n = 0; n < 500; n++) {
        size_t len = emit(page + 64, n);
        __builtin___clear_cache((char *)page + 64, (char *)page + 64 + len);
        for (int i = 0; i < 3; i++)
            sum += ((Func)(page + 64))();
    }
    printf("rewritten in place: %ld\n", sum);

    /* Across the boundary of two pages. */
    size_t len = emit(page + 4096 - 4, 7);
    __builtin___clear_cache((char *)page, (char *)page + 8192);
    printf("across pages: %d, %zu bytes fit\n", ((Func)(page + 4092))(), len > 4 ? (size_t)1 : (size_t)0);

    /* Written first, made executable afterwards; then replaced by another mapping. */
    unsigned char *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    emit(q, 11);
    CHECK(mprotect(q, 4096, PROT_READ | PROT_EXEC) == 0);
    __builtin___clear_cache((char *)q, (char *)q + 16);
    printf("after mprotect: %d\n", ((Func)q)());
    CHECK(mmap(q, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == q);
    emit(q, 13);
    __builtin___clear_cache((char *)q, (char *)q + 16);
    printf("after mapping over it: %d\n", ((Func)q)());
    CHECK(munmap(q, 4096) == 0);
    return 0;
}
