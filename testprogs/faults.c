/* Faults as signals: the address, the cause, and changes that a handler makes to the context. */
#include "lib.h"
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
#include <unistd.h>

#if defined(__riscv)
#define PC(uc) ((uc)->uc_mcontext.__gregs[REG_PC])
#define ARGUMENT(uc) ((uc)->uc_mcontext.__gregs[REG_A0])
#define ILLEGAL __asm__ volatile(".option push\n.option norvc\n.word 0\n.option pop")
#define BREAK __asm__ volatile(".option push\n.option norvc\nebreak\n.option pop")
#define ILLEGAL_LENGTH 4
/* The pc is that of the instruction. */
#define BREAK_LENGTH 4
#define LEAVE_ROOM(uc) ((void)0)
#else
#define PC(uc) ((uc)->uc_mcontext.gregs[REG_RIP])
#define ARGUMENT(uc) ((uc)->uc_mcontext.gregs[REG_RDI])
#define ILLEGAL __asm__ volatile("ud2")
#define BREAK __asm__ volatile("int3")
#define ILLEGAL_LENGTH 2
#define BREAK_LENGTH 0
/* As after a call: a return address below an aligned stack, past the red zone. */
#define LEAVE_ROOM(uc) ((uc)->uc_mcontext.gregs[REG_RSP] = (((uc)->uc_mcontext.gregs[REG_RSP] - 256) & ~15L) - 8)
#endif

static volatile int signal_seen, code_seen;
static char *volatile address_seen;
static sigjmp_buf out;
static long page;

static void see(int signal, const siginfo_t *info)
{
    signal_seen = signal;
    code_seen = info->si_code;
    address_seen = info->si_addr;
}

static void jump(int signal, siginfo_t *info, void *context)
{
    (void)context;
    see(signal, info);
    siglongjmp(out, 1);
}

static void skip(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    see(signal, info);
    PC(uc) += signal == SIGILL ? ILLEGAL_LENGTH : BREAK_LENGTH;
}

static void allow(int signal, siginfo_t *info, void *context)
{
    (void)context;
    see(signal, info);
    CHECK(mprotect((void *)((uintptr_t)info->si_addr & -(uintptr_t)page), page, PROT_READ | PROT_WRITE) == 0);
}

static void landing(long value)
{
    printf("landed with %ld\n", value);
    siglongjmp(out, 1);
}

static void divert(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    see(signal, info);
    PC(uc) = (long)landing;
    ARGUMENT(uc) = 42;
    LEAVE_ROOM(uc);
}

static void nest(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    /* A fault of another signal inside a handler. */
    fesetround(FE_UPWARD);
    BREAK;
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static const char *code_name(void)
{
    if (signal_seen == SIGSEGV)
        return code_seen == SEGV_MAPERR ? "SEGV_MAPERR" : code_seen == SEGV_ACCERR ? "SEGV_ACCERR" : "?";
    if (signal_seen == SIGBUS)
        return code_seen == BUS_ADRERR ? "BUS_ADRERR" : "?";
    return "";
}

/* Runs code that faults and prints the address relative to `base`. */
#define FAULT(what, base, ...)                                                                 \
    do {                                                                                       \
        signal_seen = 0;                                                                       \
        if (sigsetjmp(out, 1) == 0) {                                                          \
            __VA_ARGS__;                                                                       \
        }                                                                                      \
        printf("%s: %d %s at %ld\n", what, signal_seen, code_name(), (long)(address_seen - (char *)(base))); \
    } while (0)

static volatile int depth;

__attribute__((noinline)) static int overflow(int n)
{
    volatile char room[4096];
    room[0] = (char)n;
    depth++;
    return overflow(n + 1) + room[0];
}

int main(void)
{
    page = sysconf(_SC_PAGESIZE);
    char *area = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(area != MAP_FAILED && mprotect(area + page, page, PROT_READ) == 0);
    CHECK(munmap(area + 2 * page, page) == 0 && mprotect(area + 3 * page, page, PROT_NONE) == 0);

    handle(SIGSEGV, jump, 0);
    FAULT("store to read-only", area, *(volatile char *)(area + page + 5) = 1);
    FAULT("load from nothing", area, (void)*(volatile int *)(area + 2 * page + 8));
    FAULT("load from none", area, (void)*(volatile long *)(area + 3 * page + 16));
    FAULT("store across into read-only", area, *(volatile uint64_t *)(area + page - 4) = OPAQUE(1ul));
    FAULT("null", NULL, *(volatile int *)OPAQUE((int *)8) = 1);
    FAULT("jump to data", area, ((void (*)(void))OPAQUE(area))());

    /* The handler removes the protection, and the store is repeated. */
    handle(SIGSEGV, allow, 0);
    *(volatile char *)(area + page + 7) = 9;
    CHECK(signal_seen == SIGSEGV && address_seen == area + page + 7 && area[page + 7] == 9);
    printf("made again\n");

    handle(SIGSEGV, divert, 0);
    FAULT("diverted", area, *(volatile char *)(area + 2 * page) = 1);

    /* Past the end of a file. */
    FILE *file = tmpfile();
    CHECK(file && ftruncate(fileno(file), page + 10) == 0);
    char *mapped = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    CHECK(mapped != MAP_FAILED && mapped[page + 20] == 0);
    handle(SIGBUS, jump, 0);
    FAULT("past the end", mapped, (void)*(volatile char *)(mapped + 2 * page + 3));
    FAULT("store past the end", mapped, *(volatile char *)(mapped + 2 * page + 4) = 1);

    handle(SIGILL, skip, 0);
    handle(SIGTRAP, skip, 0);
    ILLEGAL;
    printf("%d\n", signal_seen);
    BREAK;
    printf("%d\n", signal_seen);

    /* After two handlers, the rounding mode is that of the interrupted code. */
    handle(SIGUSR1, nest, 0);
    CHECK(fesetround(FE_DOWNWARD) == 0);
    signal_seen = 0;
    CHECK(raise(SIGUSR1) == 0 && signal_seen == SIGTRAP && fegetround() == FE_DOWNWARD);
    double third = OPAQUE(1.0) / OPAQUE(3.0);
    CHECK(fesetround(FE_TONEAREST) == 0);
    printf("%.17g\n", third);

    /* A stack overflow, handled on the alternate stack. */
    static char other[1 << 16];
    stack_t stack = {.ss_sp = other, .ss_size = sizeof other};
    CHECK(sigaltstack(&stack, NULL) == 0);
    handle(SIGSEGV, jump, SA_ONSTACK);
    if (sigsetjmp(out, 1) == 0)
        depth += overflow(0);
    CHECK(signal_seen == SIGSEGV && depth > 100);
    stack_t now;
    CHECK(sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_ONSTACK));
    printf("overflowed\n");

    /* Division by zero is no fault. */
#if defined(__riscv)
    printf("%ld %ld\n", OPAQUE(7l) / OPAQUE(0l), OPAQUE(7l) % OPAQUE(0l));
#else
    printf("-1 7\n");
#endif
    return 0;
}
