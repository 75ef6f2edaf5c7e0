/* Prints the memory layout and the address limit as lines "name value". */
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void tell(const char *name, const void *p) { printf("%s %lx\n", name, (unsigned long)p); }

/* Maps a page: its address, or the error. */
static void try(const char *name, unsigned long hint, int flags)
{
    void *p = mmap((void *)hint, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (p == MAP_FAILED)
        printf("%s %s\n", name, strerrorname_np(errno));
    else
        printf("%s %s\n", name, (unsigned long)p == hint ? "taken" : "elsewhere");
}

int main(void)
{
    struct {
        int64_t key;
        uint64_t value;
    } probe = {7, 0};
    char line[256];
    tell("program", main);
    tell("library", printf);
    tell("vdso", (void *)getauxval(AT_SYSINFO_EHDR));
    tell("heap", sbrk(0));
    tell("mmap", mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    tell("stack", &probe);
    tell("random", (void *)getauxval(AT_RANDOM));
    if (syscall(258, &probe, 1, 0, NULL, 0) == 0)
        printf("highest %lx\n", (unsigned long)probe.value);
    FILE *info = fopen("/proc/cpuinfo", "r");
    while (info && fgets(line, sizeof line, info))
        if (strncmp(line, "mmu", 3) == 0) {
            printf("mmu %s", strchr(line, ':') + 2);
            break;
        }
    try("hint-2^37", 1ul << 37, 0);
    try("hint-2^38", 1ul << 38, 0);
    try("hint-2^46", 1ul << 46, 0);
    try("hint-2^47", 1ul << 47, 0);
    try("fixed-2^38", 1ul << 38, MAP_FIXED);
    try("fixed-2^47", 1ul << 47, MAP_FIXED);
    try("fixed-2^63", 1ul << 63, MAP_FIXED);
    /* The lines of the stack and the heap, each by itself. */
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long last = 0;
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        sscanf(line, "%lx-%lx", &start, &end);
        if (strstr(line, "[stack]"))
            printf("stack-size %lx\n", end - start);
        last = end;
    }
    printf("end %lx\n", last);
    return 0;
}
