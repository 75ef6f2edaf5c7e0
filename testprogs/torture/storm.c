// Signals at every instruction of a loop. The handler overwrites registers; the loop's result must be exact. With the
// argument `every`, the loop runs until a signal has arrived at each of its instructions.

#include "torture.h"

// work(state, rounds): the instructions after `at` are listed in work_points.
#if defined(__riscv)
__asm__(".pushsection .rodata.points, \"a\"\n.balign 8\nwork_points:\n.popsection\n"
        ".macro at insn:vararg\n"
        "99: \\insn\n"
        ".pushsection .rodata.points, \"a\"\n.quad 99b\n.popsection\n"
        ".endm\n"
        ".text\n.globl work\nwork:\n"
        "ld t0, 0(a0)\n"
        "fld ft0, 8(a0)\n"
        "fld ft1, 24(a0)\n"
        "addi t4, a0, 32\n"
        "1:\n"
        "at slli t1, t0, 13\n"
        "at xor t0, t0, t1\n"
        "at srli t1, t0, 7\n"
        "at xor t0, t0, t1\n"
        "at slli t1, t0, 17\n"
        "at xor t0, t0, t1\n"
        "at sd t0, 16(a0)\n"
        "at ld t0, 16(a0)\n"
        "at fadd.d ft0, ft0, ft1\n"
        "at fsd ft0, 8(a0)\n"
        "at amoadd.d t2, t0, (t4)\n"
        "2:\n"
        "at lr.d t2, (t4)\n"
        "at xor t2, t2, t0\n"
        "at sc.d t3, t2, (t4)\n"
        "at bnez t3, 2b\n"
        "at addi a1, a1, -1\n"
        "at bnez a1, 1b\n"
        "sd t0, 0(a0)\n"
        "ret\n"
        ".pushsection .rodata.points, \"a\"\n.globl work_points, work_points_end\nwork_points_end:\n.popsection\n");
#define PC(context) ((context)->uc_mcontext.__gregs[0])
#define CLOBBER                                                                                                        \
    __asm__ volatile("li t0, -1\nli t1, -1\nli t2, -1\nli t3, -1\nli t4, -1\nli a0, -1\nli a1, -1\n"                  \
                     "fcvt.d.w ft0, zero\nfcvt.d.w ft1, zero" ::                                                       \
                         : "t0", "t1", "t2", "t3", "t4", "a0", "a1", "ft0", "ft1")
#define REACHED 17
#else
__asm__(".pushsection .rodata.points, \"a\"\n.balign 8\nwork_points:\n.popsection\n"
        ".macro at insn:vararg\n"
        "99: \\insn\n"
        ".pushsection .rodata.points, \"a\"\n.quad 99b\n.popsection\n"
        ".endm\n"
        ".text\n.globl work\nwork:\n"
        "mov (%rdi), %rax\n"
        "movsd 8(%rdi), %xmm0\n"
        "1:\n"
        "at mov %rax, %rcx\n"
        "at shl $13, %rcx\n"
        "at xor %rcx, %rax\n"
        "at mov %rax, %rcx\n"
        "at shr $7, %rcx\n"
        "at xor %rcx, %rax\n"
        "at mov %rax, %rcx\n"
        "at shl $17, %rcx\n"
        "at xor %rcx, %rax\n"
        "at mov %rax, 16(%rdi)\n"
        "at mov 16(%rdi), %rax\n"
        "at addsd 24(%rdi), %xmm0\n"
        "at movsd %xmm0, 8(%rdi)\n"
        "at lock add %rax, 32(%rdi)\n"
        "at lock xor %rax, 32(%rdi)\n"
        "at dec %rsi\n"
        "at jnz 1b\n"
        "mov %rax, (%rdi)\n"
        "ret\n"
        ".pushsection .rodata.points, \"a\"\n.globl work_points, work_points_end\nwork_points_end:\n.popsection\n");
#define PC(context) ((uintptr_t)(context)->uc_mcontext.gregs[REG_RIP])
#define CLOBBER                                                                                                        \
    __asm__ volatile("mov $-1, %%rax\nmov %%rax, %%rcx\nmov %%rax, %%rsi\nmov %%rax, %%rdi\npxor %%xmm0, %%xmm0" ::   \
                         : "rax", "rcx", "rsi", "rdi", "xmm0")
// The host's CPU takes interrupts at few of them.
#define REACHED 2
#endif

struct state {
    uint64_t x;
    double sum;
    uint64_t stored;
    double step;
    uint64_t atomic;
};

void work(struct state *state, uint64_t rounds);
extern const uintptr_t work_points[], work_points_end[];

// Enough for an emulator that looks for signals only after so many instructions.
#define ROUNDS 5000

static void work_in_c(struct state *state, uint64_t rounds) {
    for (uint64_t i = 0; i < rounds; i++) {
        state->x ^= state->x << 13;
        state->x ^= state->x >> 7;
        state->x ^= state->x << 17;
        state->sum += state->step;
        state->atomic += state->x;
        state->atomic ^= state->x;
    }
    state->stored = state->x;
}

static atomic_ulong handled, sent;
static atomic_bool stop;
static atomic_bool seen[64];
static pid_t worker;

static void handler(int signal, siginfo_t *info, void *context) {
    (void)signal;
    SAME(gettid(), worker);
    CHECK(info->si_code == SI_TKILL || info->si_code == SI_TIMER);
    size_t count = work_points_end - work_points;
    for (size_t i = 0; i < count; i++)
        if (work_points[i] == PC((ucontext_t *)context))
            seen[i] = true;
    if (info->si_code == SI_TKILL)
        handled++;
    CLOBBER;
}

// Sends the next signal once the last one has been handled, or the loop would make no progress.
static void *send(void *arg) {
    int number = (int)(intptr_t)arg;
    while (!stop) {
        SAME(syscall(SYS_tgkill, getpid(), worker, number), 0);
        sent++;
        while (handled != sent && !stop)
            for (unsigned i = dice(2000); i > 0; i--)
                atomic_signal_fence(memory_order_seq_cst);
    }
    return NULL;
}

static size_t reached(void) {
    size_t count = 0;
    for (size_t i = 0; i < LENGTH(seen); i++)
        count += seen[i];
    return count;
}

int main(int argc, char **argv) {
    size_t needed = argc > 2 && strcmp(argv[2], "every") == 0 ? REACHED : 0;
    set_deadline(argc, argv);
    worker = gettid();
    handle(SIGUSR1, handler, 0);
    handle(SIGRTMIN, handler, 0);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    timer_t timer;
    SAME(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    sigset_t rtmin = set_of(SIGRTMIN);
    // Timers send to the process: only the worker takes it.
    pthread_sigmask(SIG_BLOCK, &rtmin, NULL);
    pthread_t sender = start(send, (void *)(intptr_t)SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &rtmin, NULL);
    struct itimerspec often = {.it_value = {.tv_nsec = 1}, .it_interval = {.tv_nsec = 300000}};
    SAME(timer_settime(timer, 0, &often, NULL), 0);
    struct state state = {.x = 88172645463325252, .step = 0.5}, expected = state;
    do {
        // An emulator may look for signals after so many instructions exactly: the loop begins anywhere in between.
        for (unsigned i = dice(64); i > 0; i--)
            atomic_signal_fence(memory_order_seq_cst);
        work(&state, ROUNDS);
        work_in_c(&expected, ROUNDS);
        SAME(state.x, expected.x);
        SAME(state.stored, expected.stored);
        SAME(state.atomic, expected.atomic);
        CHECK(state.sum == expected.sum);
    } while (time_is_left() || reached() < needed);
    stop = true;
    join(sender);
    timer_delete(timer);
    // None is lost.
    while (handled != sent)
        sched_yield();
    puts("The loop is exact.");
    return 0;
}
