/* The edges of the memory calls: what each answers, and what is mapped afterwards. The native run, which
   has to say the same, is the oracle. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef PROT_GROWSDOWN
#define PROT_GROWSDOWN 0x01000000
#define PROT_GROWSUP 0x02000000
#endif

#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char *base; /* sixty-four pages with nothing in them */
static int fd;     /* a file of three pages and a half, each page full of its letter */

static sigjmp_buf back;
static volatile int fault_code;
static void *volatile fault_addr;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    fault_code = sig * 100 + info->si_code;
    fault_addr = info->si_addr;
    siglongjmp(back, 1);
}

/* Loads a byte, or stores it back: its letter, or the kind of fault. */
static const char *touch(volatile char *p, int write)
{
    static char text[40];
    if (sigsetjmp(back, 1) == 0) {
        char c = *p;
        if (write)
            *p = c;
        snprintf(text, sizeof text, "%c", c ? c : '0');
    } else {
        snprintf(text, sizeof text, "%s/%d%s", fault_code / 100 == SIGBUS ? "BUS" : "SEGV", fault_code % 100,
                 fault_addr == (void *)p ? "" : " elsewhere");
    }
    return text;
}

static const char *result(long value)
{
    static char text[40];
    if (value == -1)
        snprintf(text, sizeof text, "%s", strerrorname_np(errno));
    else if (value >= (long)base && value < (long)(base + 64 * PAGE))
        snprintf(text, sizeof text, "base+%ld", (value - (long)base) / (long)PAGE);
    else if (value > 0x10000)
        snprintf(text, sizeof text, "elsewhere");
    else
        snprintf(text, sizeof text, "%ld", value);
    return text;
}

#define SHOW(call)                                     \
    do {                                               \
        long value = (long)(call);                     \
        printf("%s = %s\n", #call, result(value));     \
    } while (0)

/* The pages from the base on: '.' nothing, '-' no access, else what they hold. */
static void show(int pages)
{
    printf("  ");
    for (int i = 0; i < pages; i++) {
        const char *t = touch(base + i * PAGE, 0);
        printf("%s%s", t[1] ? "" : t, strcmp(t, "SEGV/1") == 0 ? "." : strcmp(t, "SEGV/2") == 0 ? "-" : t[1] ? "!" : "");
    }
    puts("");
}

static char *at(int page) { return base + page * PAGE; }

static void clear(void) { CHECK(munmap(base, 64 * PAGE) == 0); }

/* Pages with a letter each. */
static char *letters(int page, int count, char first, int prot, int flags)
{
    char *p = mmap(at(page), count * PAGE, RW, flags | MAP_FIXED, flags & MAP_ANONYMOUS ? -1 : fd, 0);
    CHECK(p == at(page));
    for (int i = 0; i < count && (flags & MAP_ANONYMOUS); i++)
        memset(p + i * PAGE, first + i, PAGE);
    CHECK(mprotect(p, count * PAGE, prot) == 0);
    return p;
}

static long raw_mmap(void *addr, size_t len, int prot, int flags, int file, size_t offset)
{
    return syscall(SYS_mmap, addr, len, prot, flags, file, offset);
}

/* The library passes the fifth argument on only where it knows a flag that asks for it. */
#define raw_mremap(old, len, new_len, ...) raw_mremap_to(old, len, new_len, __VA_ARGS__, 0)
#define raw_mremap_to(old, len, new_len, flags, to, ...) \
    syscall(SYS_mremap, old, (size_t)(len), (size_t)(new_len), (long)(flags), (char *)(to))

static void test_mmap(void)
{
    puts("mmap");
    clear();
    SHOW(raw_mmap(0, 0, RW, ANON, -1, 0));
    SHOW(raw_mmap(0, 0, RW, MAP_PRIVATE, -1, 0));
    SHOW(raw_mmap(0, PAGE, RW, MAP_ANONYMOUS, -1, 0));
    SHOW(raw_mmap(0, PAGE, RW, 0, fd, 0));
    SHOW(raw_mmap(0, PAGE, RW, ANON, -1, 1));
    SHOW(raw_mmap(0, -PAGE, RW, ANON, -1, 0));
    SHOW(raw_mmap(0, -1, RW, ANON, -1, 0));
    SHOW(raw_mmap(0, PAGE, RW, MAP_PRIVATE, fd, -PAGE));
    SHOW(raw_mmap(base + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0));
    SHOW(raw_mmap(base + 5, PAGE, RW, ANON, -1, 0));
    SHOW(raw_mmap(base, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
    SHOW(raw_mmap(at(1), PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
    SHOW(raw_mmap(at(1), PAGE, RW, ANON | MAP_FIXED_NOREPLACE | MAP_FIXED, -1, 0));
    SHOW(raw_mmap((void *)-PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0));
    SHOW(raw_mmap((void *)-PAGE, PAGE, RW, ANON, -1, 0));
    SHOW(raw_mmap(at(2), PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0));
    SHOW(raw_mmap(at(2), PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN | MAP_FIXED, fd, 0));
    SHOW(raw_mmap(at(2), PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0));
    SHOW(raw_mmap(at(2), PAGE, RW, MAP_SHARED_VALIDATE | MAP_FIXED, fd, 0));
    SHOW(raw_mmap(at(3), PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0));
    SHOW(raw_mmap(at(3), PAGE, RW, MAP_SHARED_VALIDATE | 0x8000000 | MAP_FIXED, fd, 0));
    SHOW(raw_mmap(at(3), PAGE, RW, MAP_SHARED_VALIDATE | 0x2000000 | MAP_FIXED, fd, 0));
    SHOW(raw_mmap(at(12), PAGE, RW, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, fd, 0));
    SHOW(raw_mmap(at(3), PAGE, RW, MAP_SHARED | MAP_SYNC | MAP_FIXED, fd, 0));
    SHOW(raw_mmap(at(4), PAGE, RW, MAP_PRIVATE | MAP_HUGETLB, fd, 0));
    SHOW(raw_mmap(0, PAGE, RW, ANON | MAP_HUGETLB | 5 << 26, -1, 0));
    SHOW(raw_mmap(0, PAGE, RW, 15, fd, 0));
    SHOW(raw_mmap(0, PAGE, RW, MAP_PRIVATE, 9999, 0));
    int ro = open("/proc/self/exe", O_RDONLY);
    CHECK(ro >= 0);
    SHOW(raw_mmap(0, PAGE, RW, MAP_SHARED, ro, 0));
    SHOW(raw_mmap(at(4), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, ro, 0));
    SHOW(mprotect(at(4), PAGE, RW));
    SHOW(raw_mmap(at(5), PAGE, RW, MAP_PRIVATE | MAP_FIXED, ro, 0));
    close(ro);
    int dir = open("/", O_RDONLY | O_DIRECTORY);
    SHOW(raw_mmap(0, PAGE, PROT_READ, MAP_PRIVATE, dir, 0));
    close(dir);
}

static void test_file(void)
{
    puts("past the end of a file");
    clear();
    letters(0, 6, 0, RW, MAP_SHARED);
    letters(8, 6, 0, RW, MAP_PRIVATE);
    show(16);
    printf("%s", touch(at(4), 1));
    printf(" %s\n", touch(at(13) + 17, 0));
    printf("last page: %s", touch(at(3) + 2000, 0));
    printf(" %s\n", touch(at(3) + 3000, 1));
}

static void test_protect(void)
{
    puts("mprotect");
    clear();
    letters(0, 4, 'a', RW, ANON);
    letters(5, 2, 'e', RW, ANON);
    SHOW(mprotect(at(0) + 1, PAGE, PROT_READ));
    SHOW(mprotect(at(0), 0, 0x123));
    SHOW(mprotect(at(0), PAGE, 0x40));
    SHOW(mprotect(at(0), PAGE, 8 | PROT_READ));
    printf("%s\n", touch(at(0), 1));
    SHOW(mprotect(at(0), -PAGE, PROT_READ));
    SHOW(mprotect(at(2), 4 * PAGE, PROT_NONE));
    show(8);
    SHOW(mprotect(at(4), PAGE, PROT_READ));
    SHOW(mprotect(at(0), PAGE, PROT_READ | PROT_GROWSDOWN));
    SHOW(mprotect(at(0), PAGE, PROT_READ | PROT_GROWSUP));
    SHOW(mprotect(at(4), PAGE, PROT_READ | PROT_GROWSUP));
    SHOW(mprotect(at(4), PAGE, PROT_READ | PROT_GROWSDOWN));
    SHOW(mprotect(at(0), PAGE, PROT_READ | PROT_GROWSUP | PROT_GROWSDOWN));
    letters(20, 4, 'k', RW, ANON | MAP_GROWSDOWN);
    SHOW(mprotect(at(22), PAGE, PROT_READ | PROT_GROWSDOWN));
    printf("%s", touch(at(20), 1));
    printf(" %s", touch(at(22), 1));
    printf(" %s\n", touch(at(23), 1));
    SHOW(mprotect(at(19), 2 * PAGE, PROT_NONE | PROT_GROWSDOWN));
    SHOW(mprotect(at(19), PAGE, PROT_NONE | PROT_GROWSDOWN));
    for (int i = 18; i < 24; i++)
        printf("%s ", touch(at(i), 0));
    puts("");
}

static void test_unmap(void)
{
    puts("munmap");
    clear();
    letters(0, 4, 'a', RW, ANON);
    SHOW(munmap(at(1), 0));
    SHOW(munmap(at(1) + 1, PAGE));
    SHOW(munmap(at(1), 1));
    SHOW(munmap(at(8), 4 * PAGE));
    SHOW(munmap((void *)-PAGE, PAGE));
    SHOW(munmap(at(8), -PAGE));
    SHOW(munmap(at(8), -1));
    show(6);
}

static void test_remap(void)
{
    puts("mremap");
    clear();
    letters(0, 2, 'a', RW, ANON);
    letters(4, 1, 'z', PROT_READ, ANON);
    SHOW(raw_mremap(at(0) + 1, PAGE, PAGE, 0));
    SHOW(raw_mremap(at(0), PAGE, 0, MREMAP_MAYMOVE));
    SHOW(raw_mremap(at(0), PAGE, -1, MREMAP_MAYMOVE));
    SHOW(raw_mremap(at(0), PAGE, 1ul << 62, MREMAP_MAYMOVE));
    SHOW(raw_mremap(at(0), 2 * PAGE, -PAGE * 2, 0));
    SHOW(raw_mremap(at(0), -PAGE, PAGE, 0));
    SHOW(raw_mremap(at(0), PAGE, PAGE, 8));
    SHOW(raw_mremap(at(0), PAGE, PAGE, MREMAP_FIXED, at(8)));
    SHOW(raw_mremap(at(2), PAGE, PAGE, 0));
    SHOW(raw_mremap(at(2), PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    SHOW(raw_mremap(at(0), 0, PAGE, MREMAP_MAYMOVE));
    SHOW(raw_mremap(at(0), PAGE, 2 * PAGE, 0));
    SHOW(raw_mremap(at(0), 2 * PAGE, 4 * PAGE, 0));
    show(6);
    SHOW(raw_mremap(at(0), 4 * PAGE, 5 * PAGE, 0));
    SHOW(raw_mremap(at(0), 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(3)));
    SHOW(raw_mremap(at(0), 4 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(8) + 1));
    SHOW(raw_mremap(at(0), 4 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)-PAGE));
    SHOW(raw_mremap(at(0), 5 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(8)));
    show(16);
    SHOW(raw_mremap(at(8), 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(20)));
    show(24);

    puts("kept");
    clear();
    letters(0, 4, 'a', RW, ANON);
    SHOW(raw_mremap(at(0), 2 * PAGE, 2 * PAGE, MREMAP_DONTUNMAP, at(8)));
    SHOW(raw_mremap(at(0), 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, at(8)));
    SHOW(raw_mremap(at(0), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, at(1)));
    SHOW(raw_mremap(at(0), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, at(8)));
    show(12);
    SHOW(raw_mremap(at(2), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, at(8)));
    SHOW(raw_mremap(at(2), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
    SHOW(raw_mremap(at(3), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
    show(12);
    clear();
    letters(0, 3, 0, RW, MAP_PRIVATE);
    *at(1) = 'm';
    SHOW(raw_mremap(at(0), 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, at(8)));
    show(12);

    puts("files");
    clear();
    letters(0, 2, 0, RW, MAP_PRIVATE);
    *at(1) = 'm';
    SHOW(raw_mremap(at(0), 2 * PAGE, 5 * PAGE, 0));
    show(6);
    *at(2) = 'n';
    SHOW(raw_mremap(at(0), 5 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(20)));
    show(28);
    letters(8, 1, 0, RW, MAP_SHARED);
    SHOW(raw_mremap(at(8), PAGE, 5 * PAGE, 0));
    show(16);
    SHOW(raw_mremap(at(9), PAGE, 2 * PAGE, 0));
    SHOW(raw_mremap(at(9), 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(40)));
    SHOW(raw_mremap(at(9), 0, PAGE, 0));
    *at(9) = 'S';
    printf("%c\n", *at(40));
    *at(9) = 'B';
    clear();
    letters(0, 1, 'a', RW, MAP_SHARED | MAP_ANONYMOUS);
    SHOW(raw_mremap(at(0), PAGE, 3 * PAGE, 0));
    show(4);

    puts("several areas");
    clear();
    letters(0, 1, 'a', RW, ANON);
    letters(1, 1, 'b', PROT_READ, ANON);
    letters(3, 1, 'd', RW, ANON);
    SHOW(raw_mremap(at(0), 4 * PAGE, 4 * PAGE, 0));
    SHOW(raw_mremap(at(0), 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE));
    SHOW(raw_mremap(at(0), 4 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(8)));
    show(12);
}

static void test_advice(void)
{
    static const int advices[] = {0, 1, 2, 3, 4, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24};
    puts("madvise");
    clear();
    for (unsigned i = 0; i < sizeof advices / sizeof *advices; i++) {
        int advice = advices[i];
        letters(0, 2, 'a', RW, ANON);
        letters(3, 2, 'd', PROT_READ, ANON);
        letters(5, 2, 0, RW, MAP_SHARED);
        printf("%d:", advice);
        printf(" %s", result(madvise(at(0), 2 * PAGE, advice)));
        if (advice == 8) /* MADV_FREE acts at some later time */
            letters(0, 2, 'a', RW, ANON);
        printf(" %s", result(madvise(at(3), PAGE, advice)));
        if (advice != 9)
            printf(" %s", result(madvise(at(5), 2 * PAGE, advice)));
        printf(" %s", result(madvise(at(1), 3 * PAGE, advice)));
        if (advice == 8)
            letters(0, 2, 'a', RW, ANON);
        printf(" %s", result(madvise(at(0), 0, advice)));
        printf(" %s", result(madvise(at(0) + 1, PAGE, advice)));
        printf(" %s", result(madvise(at(40), PAGE, advice)));
        printf(" %s\n", result(madvise(at(0), -PAGE, advice)));
        show(8);
    }
    SHOW(madvise(at(0), PAGE, 5));
    SHOW(madvise(at(0), PAGE, 99));
    SHOW(madvise(at(40), PAGE, 99));
    SHOW(madvise(at(0), -1, 0));
    SHOW(madvise(at(40), 0, 4));
}

static void test_core(void)
{
    unsigned char vec[8];
    puts("mincore and msync");
    clear();
    letters(0, 2, 'a', RW, ANON);
    letters(3, 1, 'd', RW, ANON);
    memset(vec, 9, sizeof vec);
    SHOW(mincore(at(0), 2 * PAGE, vec));
    SHOW(mincore(at(0) + 1, PAGE, vec));
    SHOW(mincore(at(0), 4 * PAGE, vec + 2));
    SHOW(mincore(at(2), PAGE, vec));
    SHOW(mincore(at(2), 0, vec));
    SHOW(mincore(at(0), PAGE, (void *)at(2)));
    SHOW(mincore(at(0), -1, vec));
    SHOW(mincore((void *)-PAGE, PAGE, vec));
    for (int i = 0; i < 8; i++)
        printf("%d", vec[i]);
    puts("");
    SHOW(msync(at(0), 2 * PAGE, 0));
    SHOW(msync(at(0), 2 * PAGE, MS_SYNC | MS_ASYNC));
    SHOW(msync(at(0), 2 * PAGE, 8));
    SHOW(msync(at(0) + 1, PAGE, MS_SYNC));
    SHOW(msync(at(0), 4 * PAGE, MS_SYNC));
    SHOW(msync(at(0), 4 * PAGE, MS_ASYNC));
    SHOW(msync(at(2), 0, MS_SYNC));
    SHOW(msync(at(0), -1, MS_SYNC));
    SHOW(msync(at(0), -PAGE, MS_SYNC));
    SHOW(msync(at(2), PAGE, MS_INVALIDATE));
}

static void test_lock(void)
{
    puts("mlock");
    clear();
    letters(0, 2, 'a', RW, ANON);
    letters(3, 1, 'd', RW, ANON);
    letters(5, 1, 'e', PROT_NONE, ANON);
    SHOW(mlock(at(0) + 100, PAGE));
    SHOW(msync(at(0), PAGE, MS_INVALIDATE | MS_SYNC));
    SHOW(madvise(at(0), PAGE, MADV_DONTNEED));
    SHOW(mlock(at(1), 2 * PAGE));
    SHOW(mlock(at(2), PAGE));
    SHOW(mlock(at(2), 0));
    SHOW(mlock(at(5), PAGE));
    SHOW(mlock(at(0), -1));
    SHOW(mlock(at(0), -PAGE * 4));
    SHOW(munlock(at(0), 4 * PAGE));
    SHOW(munlock(at(0), 2 * PAGE));
    SHOW(munlock(at(2), PAGE));
    SHOW(munlock(at(0), -PAGE * 4));
    SHOW(syscall(SYS_mlock2, at(0), PAGE, 1));
    SHOW(syscall(SYS_mlock2, at(0), PAGE, 2));
    SHOW(syscall(SYS_mlock2, at(0), PAGE, 3));
    SHOW(mlockall(0));
    SHOW(mlockall(4));
    SHOW(mlockall(8));
    SHOW(munlockall());
    SHOW(madvise(at(0), PAGE, MADV_DONTNEED));

    /* From now on, mappings are locked and populated. */
    unsigned char vec[2] = {9, 9};
    SHOW(mlockall(MCL_FUTURE));
    SHOW(raw_mmap(at(10), 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
    SHOW(mincore(at(10), 2 * PAGE, vec));
    printf("%d%d\n", vec[0], vec[1]);
    SHOW(madvise(at(10), PAGE, MADV_DONTNEED));
    SHOW(mlockall(MCL_FUTURE | 4));
    SHOW(raw_mmap(at(20), 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
    SHOW(mincore(at(20), 2 * PAGE, vec));
    printf("%d%d\n", vec[0], vec[1]);
    SHOW(madvise(at(20), PAGE, MADV_DONTNEED));
    SHOW(munlockall());
    SHOW(raw_mmap(at(30), PAGE, RW, ANON | MAP_FIXED | MAP_LOCKED, -1, 0));
    SHOW(raw_mremap(at(30), PAGE, 2 * PAGE, 0));
    SHOW(mincore(at(30), 2 * PAGE, vec));
    printf("%d%d\n", vec[0], vec[1]);
    SHOW(madvise(at(31), PAGE, MADV_DONTNEED));
}

static void set_limit(int which, unsigned long bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};
    CHECK(getrlimit(which, &limit) == 0);
    limit.rlim_cur = bytes;
    CHECK(setrlimit(which, &limit) == 0);
}

/* How many bytes are mapped, or of those, count as data: private, writable and no stack. */
static unsigned long mapped_size(int data)
{
    static char text[1 << 16];
    int file = open("/proc/self/maps", O_RDONLY);
    size_t len = 0;
    for (ssize_t n; (n = read(file, text + len, sizeof text - 1 - len)) > 0;)
        len += n;
    close(file);
    text[len] = 0;
    unsigned long total = 0;
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        unsigned long start, end;
        char prot[5];
        CHECK(sscanf(line, "%lx-%lx %4s", &start, &end, prot) == 3);
        char *stack = strstr(line, "[stack]");
        int is_data = prot[1] == 'w' && prot[3] == 'p' && !(stack && stack < strchr(line, '\n'));
        /* [vsyscall] on x86 counts nowhere. */
        if (start < 1ul << 63 && (is_data || !data))
            total += end - start;
    }
    return total;
}

static void test_limits(void)
{
    puts("limits");
    clear();
    char *heap = (char *)syscall(SYS_brk, 0);
    unsigned long now = mapped_size(1);
    set_limit(RLIMIT_DATA, now + 4 * PAGE);
    SHOW(raw_mmap(at(0), 5 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
    SHOW(raw_mmap(at(0), 5 * PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0));
    SHOW(mprotect(at(0), 5 * PAGE, RW));
    SHOW(mprotect(at(0), 3 * PAGE, RW));
    SHOW(raw_mremap(at(8), PAGE, PAGE, 0));
    SHOW(raw_mmap(at(8), 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
    SHOW(raw_mmap(at(8), 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    SHOW(raw_mmap(at(16), 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0));
    SHOW(raw_mmap(at(16), 2 * PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED, -1, 0));
    SHOW(raw_mmap(at(1), PAGE, RW, ANON | MAP_FIXED, -1, 0));
    SHOW(raw_mremap(at(0), 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE));
    printf("brk moves by two pages: %d, by one: %d\n", (char *)syscall(SYS_brk, heap + 2 * PAGE) == heap + 2 * PAGE,
           (char *)syscall(SYS_brk, heap + PAGE) == heap + PAGE);
    set_limit(RLIMIT_DATA, 0);
    printf("brk moves back: %d, and again: %d\n", (char *)syscall(SYS_brk, heap) == heap,
           (char *)syscall(SYS_brk, heap + PAGE) == heap + PAGE);
    SHOW(raw_mmap(at(20), PAGE, RW, ANON | MAP_FIXED, -1, 0));
    set_limit(RLIMIT_DATA, RLIM_INFINITY);
}

static void test_memlock(void)
{
    puts("a limit on locked memory");
    clear();
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2];
    CHECK(syscall(SYS_capget, &header, caps) == 0);
    caps[0].effective &= ~(1u << CAP_IPC_LOCK);
    CHECK(syscall(SYS_capset, &header, caps) == 0);
    letters(0, 8, 'a', RW, ANON);
    set_limit(RLIMIT_MEMLOCK, 4 * PAGE);
    SHOW(mlock(at(0), 4 * PAGE));
    SHOW(mlock(at(2), 3 * PAGE));
    SHOW(mlock(at(4), PAGE));
    SHOW(munlock(at(0), PAGE));
    SHOW(mlock(at(4), PAGE));
    SHOW(raw_mmap(at(10), PAGE, RW, ANON | MAP_FIXED | MAP_LOCKED, -1, 0));
    SHOW(raw_mremap(at(4), PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    SHOW(mlockall(MCL_CURRENT));
    SHOW(mlockall(MCL_FUTURE));
    SHOW(raw_mmap(at(10), PAGE, RW, ANON | MAP_FIXED, -1, 0));
    SHOW(munlock(at(1), PAGE));
    SHOW(raw_mmap(at(10), PAGE, RW, ANON | MAP_FIXED, -1, 0));
    SHOW(mlockall(MCL_FUTURE | 4));
    SHOW(raw_mmap(at(12), PAGE, RW, ANON | MAP_FIXED, -1, 0));
    SHOW(munlockall());
    set_limit(RLIMIT_MEMLOCK, 0);
    SHOW(mlock(at(0), PAGE));
    SHOW(munlock(at(0), PAGE));
    SHOW(mlockall(MCL_FUTURE));
    SHOW(raw_mmap(at(10), PAGE, RW, ANON | MAP_FIXED | MAP_LOCKED, -1, 0));
}

/* The size of the area that holds an address. */
static unsigned long area_size(void *address)
{
    static char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps);
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        CHECK(sscanf(line, "%lx-%lx", &start, &end) == 2);
        if ((unsigned long)address - start < end - start) {
            fclose(maps);
            return end - start;
        }
    }
    fclose(maps);
    return 0;
}

__attribute__((noinline)) static int deep(int frames)
{
    volatile char frame[PAGE];
    memset((char *)frame, frames, sizeof frame);
    return frames ? deep(frames - 1) + frame[5] - frame[5] : 0;
}

static void test_stack(void)
{
    puts("the stack");
    char local;
    char *volatile somewhere = &local; /* hidden from the compiler's bounds checks */
    char *here = somewhere;
    unsigned long size = area_size(here);
    printf("small at first: %d\n", size < 40 * PAGE);
    CHECK(deep(100) == 0);
    unsigned long grown = area_size(here);
    printf("grown: %d\n", grown >= size + 60 * PAGE && grown < size + 120 * PAGE);
    /* Below the pointer is as good as above. */
    char *bottom = here - grown - 10 * PAGE;
    printf("%s", touch(bottom, 1));
    printf(" %d\n", area_size(here) > grown);
    set_limit(RLIMIT_STACK, 1 << 20);
    printf("%s\n", touch(here - (1 << 20), 1));
    set_limit(RLIMIT_STACK, 8 << 20);
    printf("%s\n", touch(here - (1 << 20), 0));
    /* System calls make it grow, too. */
    int zero = open("/dev/zero", O_RDONLY);
    SHOW(read(zero, here - (2 << 20), 10));
    close(zero);
    printf("%d\n", area_size(here) >= 2 << 20);
    char *guard = (char *)(((unsigned long)here - (5 << 20)) & -PAGE);
    CHECK(mmap(guard, PAGE, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1, 0) == guard);
    printf("%s", touch(guard + (1 << 20), 0));
    printf(" %s\n", touch(guard + (1 << 20) + PAGE, 0));
    CHECK(mprotect(guard, PAGE, PROT_NONE) == 0);
    printf("%s\n", touch(guard + PAGE, 0));
    CHECK(munmap(guard, PAGE) == 0);
    set_limit(RLIMIT_AS, mapped_size(0) + 2 * PAGE);
    printf("%s", touch(guard, 0));
    printf(" %s\n", touch(guard - 3 * PAGE, 0));
    set_limit(RLIMIT_AS, RLIM_INFINITY);
    printf("%s\n", touch(guard - 3 * PAGE, 0));
}

static char alternate[64 << 10];

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    CHECK(sigaltstack(&stack, NULL) == 0);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0);
    base = mmap(NULL, 1024 * PAGE, PROT_NONE, ANON, -1, 0);
    CHECK(base != MAP_FAILED && munmap(base, 1024 * PAGE) == 0);
    base += 512 * PAGE;
    fd = memfd_create("pages", 0);
    char page[PAGE];
    for (int i = 0; i < 4; i++) {
        memset(page, 'A' + i, PAGE);
        CHECK(pwrite(fd, page, i < 3 ? PAGE : PAGE / 2, i * PAGE) > 0);
    }
    test_mmap();
    test_file();
    test_protect();
    test_unmap();
    test_remap();
    test_advice();
    test_core();
    test_lock();
    test_limits();
    test_memlock();
    test_stack();
    return 0;
}
