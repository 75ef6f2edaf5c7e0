/* The program that is kept built in the repository. No C library and no start files: it shows what
 * a program gets from the kernel, the stack and the system calls, and nothing else.
 *
 * Build: testprogs/prebuilt/build.sh */

typedef unsigned long u64;

static long syscall3(long number, long a, long b, long c)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
    return a0;
}

enum { SYS_WRITE = 64, SYS_EXIT_GROUP = 94, SYS_UNAME = 160 };

static char line[4096];
static u64 used;

static void flush(void)
{
    u64 done = 0;
    while (done < used) {
        long n = syscall3(SYS_WRITE, 1, (long)(line + done), (long)(used - done));
        if (n <= 0)
            syscall3(SYS_EXIT_GROUP, 1, 0, 0);
        done += (u64)n;
    }
    used = 0;
}

static void put(const char *s)
{
    for (; *s; s++) {
        if (used == sizeof line)
            flush();
        line[used++] = *s;
    }
}

static void put_number(u64 v)
{
    char digits[21], *p = digits + 20;
    *p = 0;
    do
        *--p = (char)('0' + v % 10);
    while (v /= 10);
    put(p);
}

/* struct new_utsname: six fields of 65 bytes; the fifth is the machine. */
static char names[6][65];

__attribute__((noreturn, used)) void start(u64 *stack)
{
    u64 argc = stack[0];
    char **argv = (char **)(stack + 1);
    put("Hello from a ");
    put(syscall3(SYS_UNAME, (long)names, 0, 0) == 0 ? names[4] : "?");
    put(" program!\n");
    for (u64 i = 1; i < argc; i++) {
        put("argument ");
        put_number(i);
        put(": ");
        put(argv[i]);
        put("\n");
    }
    flush();
    for (;;)
        syscall3(SYS_EXIT_GROUP, 0, 0, 0);
}

/* The kernel enters with sp at argc; gp is set for the linker's relaxed accesses. */
__asm__(".section .text.start,\"ax\",@progbits\n"
        ".globl _start\n"
        "_start:\n"
        ".option push\n"
        ".option norelax\n"
        "    la gp, __global_pointer$\n"
        ".option pop\n"
        "    mv a0, sp\n"
        "    andi sp, sp, -16\n"
        "    j start\n");
