// seccomp(2): filters and their actions, what they see, who inherits them, and which programs the kernel accepts.

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "lib.h"

#ifdef __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#define RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
#else
#define ARCH AUDIT_ARCH_RISCV64
#define RESULT(context) ((context)->uc_mcontext.__gregs[REG_A0])
#endif

// A number that no architecture has.
#define PROBE 2000

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RET(value) BPF_STMT(BPF_RET | BPF_K, value)
#define SKIP_UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count)
#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static long install_flags(struct sock_filter *filter, size_t len, unsigned flags) {
    struct sock_fprog program = {.len = (unsigned short)len, .filter = filter};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static long install(struct sock_filter *filter, size_t len) {
    return install_flags(filter, len, 0);
}

// Answers one system call with `action`, and allows all others.
static long answer(long call, unsigned action) {
    struct sock_filter filter[] = {LOAD(nr), SKIP_UNLESS((unsigned)call, 1), RET(action), RET(SECCOMP_RET_ALLOW)};
    return install(filter, LEN(filter));
}

static void show(const char *what, long result) {
    if (result == -1)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, result);
}

// Runs a function in a child process, whose privileges let it install filters, and prints how it ends.
static void in_child(const char *what, void (*function)(void)) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        // An emulator may report a fatal signal there.
        close(2);
        CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        function();
        fflush(stdout);
        _exit(0);
    }
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        printf("%s: killed by %d\n", what, WTERMSIG(status));
    else
        printf("%s: exited with %d\n", what, WEXITSTATUS(status));
}

// The number on a line of a status file.
static long status_at(const char *path, const char *line) {
    char text[256];
    long value = -1;
    size_t len = strlen(line);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    while (fgets(text, sizeof text, file))
        if (strncmp(text, line, len) == 0 && text[len] == ':')
            value = atol(text + len + 1);
    fclose(file);
    return value;
}

static long status_of(const char *line) {
    return status_at("/proc/thread-self/status", line);
}

static void errors(void) {
    struct sock_filter allow[] = {RET(SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {.len = 1, .filter = allow};
    unsigned actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
                          SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW, 5, SECCOMP_RET_ERRNO | 1};
    for (size_t i = 0; i < LEN(actions); i++)
        show("action", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]));
    show("action with a flag", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &actions[0]));
    show("action at NULL", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, NULL));
    struct seccomp_notif_sizes sizes = {0};
    show("sizes", syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
    printf("%d %d %d\n", sizes.seccomp_notif, sizes.seccomp_notif_resp, sizes.seccomp_data);
    show("operation", syscall(SYS_seccomp, 4, 0, NULL));
    show("strict with a flag", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
    show("strict with a pointer", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, &program));
    show("unknown flag", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1 << 6, &program));
    show("wait without a listener", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1 << 5, &program));
    show("listener and tsync", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1 << 3 | 1, &program));
    show("NULL", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL));
    show("all flags at NULL", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1 | 2 | 4 | 16, NULL));
    program.len = 0;
    show("length 0", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
    program.len = 4097;
    show("length 4097", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
    program = (struct sock_fprog){.len = 1, .filter = NULL};
    show("filter at NULL", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
    program.filter = (void *)16;
    show("filter nowhere", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
    show("prctl mode 3", prctl(PR_SET_SECCOMP, 3, 0, 0, 0));
    show("prctl mode 0", prctl(PR_SET_SECCOMP, 0, 0, 0, 0));
    show("prctl NULL", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0));
}

static void without_privileges(void) {
    // no_new_privs is not set yet.
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0)
            CHECK(setresuid(65534, 65534, 65534) == 0);
        show("no privileges", answer(PROBE, SECCOMP_RET_ERRNO));
        struct sock_fprog bad = {.len = 1, .filter = NULL}, empty = {.len = 0};
        show("no privileges, bad pointer", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &bad));
        show("no privileges, length 0", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &empty));
        CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        show("no_new_privs", answer(PROBE, SECCOMP_RET_ERRNO));
        fflush(stdout);
        _exit(0);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
}

static void return_values(void) {
    unsigned answers[] = {SECCOMP_RET_ERRNO | EXDEV, SECCOMP_RET_ERRNO, SECCOMP_RET_ERRNO | 4095,
                          SECCOMP_RET_ERRNO | 0xffff, SECCOMP_RET_LOG | 3, SECCOMP_RET_ALLOW | 9, SECCOMP_RET_TRACE | 4,
                          SECCOMP_RET_USER_NOTIF | 7};
    for (size_t i = 0; i < LEN(answers); i++) {
        CHECK(answer(PROBE + (long)i, answers[i]) == 0);
        CHECK(answer(SYS_getppid, SECCOMP_RET_ALLOW) == 0);
        errno = 0;
        long result = syscall(PROBE + (long)i, 1, 2, 3);
        printf("%#x: %ld, errno %d\n", answers[i], result, errno);
    }
    CHECK(answer(SYS_getppid, SECCOMP_RET_ERRNO | 1) == 0);
    show("getppid", syscall(SYS_getppid));
    // The most restrictive action wins, then the newest filter.
    CHECK(answer(SYS_getppid, SECCOMP_RET_ERRNO | 2) == 0);
    show("newest", syscall(SYS_getppid));
    CHECK(answer(SYS_getppid, SECCOMP_RET_TRACE | 3) == 0);
    show("less restrictive", syscall(SYS_getppid));
    show("mode", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
    show("strict after filters", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0));
}

static unsigned fatal_answer;

static void fatal(void) {
    CHECK(answer(SYS_getppid, fatal_answer) == 0);
    syscall(SYS_getppid);
    printf("not reached\n");
}

static volatile siginfo_t trapped;

static void trap(int signal, siginfo_t *info, void *context) {
    (void)signal;
    trapped = *info;
    ucontext_t *uc = context;
    RESULT(uc) = 77;
}

static void handle_traps(void) {
    struct sigaction action = {.sa_sigaction = trap, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSYS, &action, NULL) == 0);
}

static void traps(void) {
    handle_traps();
    CHECK(answer(SYS_getppid, SECCOMP_RET_TRAP | 1234) == 0);
    // The handler emulates the call.
    show("emulated", syscall(SYS_getppid));
    printf("signal %d, code %d, errno %d, call %d, arch %d, address %d\n", trapped.si_signo, trapped.si_code,
           trapped.si_errno, trapped.si_syscall == SYS_getppid, trapped.si_arch == ARCH, trapped.si_call_addr != NULL);
    CHECK(answer(PROBE, SECCOMP_RET_TRAP | 0xffff) == 0);
    show("emulated", syscall(PROBE));
    printf("errno %d, call %d\n", trapped.si_errno, trapped.si_syscall);
    // The filter sees the address that the signal reports.
    unsigned long address = (unsigned long)trapped.si_call_addr;
    struct sock_filter by_address[] = {
        LOAD(nr), SKIP_UNLESS(PROBE + 1, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
        SKIP_UNLESS((unsigned)address, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        SKIP_UNLESS((unsigned)(address >> 32), 1),
        RET(SECCOMP_RET_ERRNO | 55), RET(SECCOMP_RET_ALLOW)};
    CHECK(install(by_address, LEN(by_address)) == 0);
    errno = 0;
    long result = syscall(PROBE + 1);
    printf("by address: %ld, errno %d\n", result, errno);
}

static void trap_blocked(void) {
    sigset_t set;
    handle_traps();
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fatal_answer = SECCOMP_RET_TRAP;
    fatal();
}

static void trap_ignored(void) {
    signal(SIGSYS, SIG_IGN);
    fatal_answer = SECCOMP_RET_TRAP;
    fatal();
}

static void killed_with_handler(void) {
    handle_traps();
    fatal_answer = SECCOMP_RET_KILL_PROCESS;
    fatal();
}

// Every word of the arguments is seen, and the architecture.
static void arguments(void) {
    for (unsigned word = 0; word < 12; word++) {
        unsigned value = 0x1000000 * word + 5;
        struct sock_filter filter[] = {
            LOAD(nr), SKIP_UNLESS(PROBE, 5), LOAD(arch), SKIP_UNLESS(ARCH, 3),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 4 * word),
            SKIP_UNLESS(value, 1), RET(SECCOMP_RET_ERRNO | (100 + word)), RET(SECCOMP_RET_ALLOW)};
        CHECK(install(filter, LEN(filter)) == 0);
        unsigned long args[6] = {0};
        args[word / 2] = (unsigned long)value << 32 * (word % 2);
        errno = 0;
        syscall(PROBE, args[0], args[1], args[2], args[3], args[4], args[5]);
        printf("%d ", errno);
    }
    printf("\n");
}

static void strict_writes(void) {
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) == 0);
    if (write(1, "written\n", 8) != 8)
        syscall(SYS_exit, 9);
    syscall(SYS_exit, 3);
}

static void strict_dies(void) {
    CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL) == 0);
    syscall(SYS_getppid);
    syscall(SYS_exit, 3);
}

static void strict_exit_group(void) {
    CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL) == 0);
    syscall(SYS_exit_group, 3);
}

static void *getppid_killed(void *unused) {
    syscall(SYS_getppid);
    printf("not reached\n");
    return unused;
}

static void *strict_thread(void *unused) {
    CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL) == 0);
    syscall(SYS_getppid);
    return unused;
}

static void kill_thread(void) {
    pthread_t thread;
    CHECK(answer(SYS_getppid, SECCOMP_RET_KILL_THREAD) == 0);
    CHECK(pthread_create(&thread, NULL, getppid_killed, NULL) == 0);
    pthread_join(thread, NULL);
    printf("the process goes on\n");
}

static void kill_strict_thread(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, strict_thread, NULL) == 0);
    pthread_join(thread, NULL);
    printf("the process goes on\n");
}

static long filters_before;

static void inheritance(void) {
    printf("mode %d, %ld filters more\n", status_of("Seccomp") == 2, status_of("Seccomp_filters") - filters_before);
    long result = syscall(SYS_getppid);
    printf("getppid: %s\n", result == -1 ? strerrorname_np(errno) : "allowed");
    fflush(stdout);
}

static void *inheriting_thread(void *unused) {
    printf("thread: ");
    inheritance();
    return unused;
}

static void inherits(void) {
    CHECK(answer(SYS_getppid, SECCOMP_RET_ERRNO | EDOM) == 0);
    CHECK(answer(PROBE, SECCOMP_RET_ERRNO | EDOM) == 0);
    inheritance();
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, inheriting_thread, NULL) == 0);
    pthread_join(thread, NULL);
    pid_t pid = fork();
    if (pid == 0) {
        printf("fork: ");
        inheritance();
        CHECK(answer(SYS_getppid, SECCOMP_RET_ERRNO | EPERM) == 0);
        inheritance();
        char number[32];
        snprintf(number, sizeof number, "%ld", filters_before);
        printf("exec: ");
        fflush(stdout);
        execl("/proc/self/exe", "seccomp", "inherits", number, NULL);
        _exit(1);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
    volatile long in_child = 0;
    pid = vfork();
    if (pid == 0) {
        in_child = syscall(SYS_getppid) == -1 ? errno : 0;
        // A filter of the child's own.
        struct sock_filter filter[] = {LOAD(nr), SKIP_UNLESS(SYS_getppid, 1), RET(SECCOMP_RET_ERRNO | 99),
                                       RET(SECCOMP_RET_ALLOW)};
        if (install(filter, LEN(filter)) != 0)
            _exit(1);
        in_child = in_child * 1000 + (syscall(SYS_getppid) == -1 ? errno : 0);
        _exit(0);
    }
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid);
    printf("vfork: %ld, status %d, parent: ", in_child, status);
    inheritance();
}

static pthread_barrier_t barrier;
static pid_t other_tid;
static int with_own_filter;

static void *other_thread(void *unused) {
    other_tid = (pid_t)syscall(SYS_gettid);
    if (with_own_filter) {
        CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        CHECK(answer(PROBE + 9, SECCOMP_RET_ERRNO) == 0);
    }
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    printf("other thread: no_new_privs %d, ", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    inheritance();
    return unused;
}

static void show_other(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", other_tid);
    printf("other thread's file: mode %d, %ld filters more, own: %ld more\n", status_at(path, "Seccomp") == 2,
           status_at(path, "Seccomp_filters") - filters_before, status_of("Seccomp_filters") - filters_before);
}

static long sync_filter(unsigned flags) {
    struct sock_filter filter[] = {LOAD(nr), SKIP_UNLESS(SYS_getppid, 1), RET(SECCOMP_RET_ERRNO | EILSEQ),
                                   RET(SECCOMP_RET_ALLOW)};
    return install_flags(filter, LEN(filter), flags);
}

// Whether another thread has filters of its own decides whether TSYNC gives it the caller's.
static void tsync(void) {
    for (with_own_filter = 1; with_own_filter >= 0; with_own_filter--) {
        pthread_t thread;
        pthread_barrier_init(&barrier, NULL, 2);
        CHECK(pthread_create(&thread, NULL, other_thread, NULL) == 0);
        pthread_barrier_wait(&barrier);
        show_other();
        CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        long result = sync_filter(SECCOMP_FILTER_FLAG_TSYNC);
        printf("tsync: %s\n", result == 0 ? "done" : result == other_tid ? "the thread's id" : "?");
        if (with_own_filter)
            show("tsync with an error", sync_filter(SECCOMP_FILTER_FLAG_TSYNC | 16));
        else
            show("again, with all flags", sync_filter(SECCOMP_FILTER_FLAG_TSYNC | 2 | 4 | 16));
        show_other();
        pthread_barrier_wait(&barrier);
        pthread_join(thread, NULL);
        inheritance();
    }
}

static void tsync_in_child(void) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        tsync();
        fflush(stdout);
        _exit(0);
    }
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

// The vDSO reads clocks without a system call.
static void clocks(void) {
    struct timespec now = {0};
    CHECK(answer(SYS_clock_gettime, SECCOMP_RET_ERRNO | EDOM) == 0);
    show("clock_gettime", clock_gettime(CLOCK_MONOTONIC, &now));
    printf("read %d\n", now.tv_sec + now.tv_nsec != 0);
    show("of the process", clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now));
    show("as a system call", syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now));
}

// Fills the room for filters with programs of one kind of instruction, then with the shortest ones. The counts show
// how many instructions the kernel makes of each.
static struct sock_filter kind;

static void fill(void) {
    static struct sock_filter program[4096];
    for (size_t i = 0; i < LEN(program); i++)
        program[i] = kind;
    program[0] = (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, 1);
    program[LEN(program) - 2] = program[LEN(program) - 1] = (struct sock_filter)RET(SECCOMP_RET_ALLOW);
    int large = 0, small = 0;
    while (install(program, LEN(program)) == 0)
        large++;
    printf("%#x %d %d %#x: %d and ", kind.code, kind.jt, kind.jf, kind.k, large);
    int error = errno;
    struct sock_filter allow[] = {RET(SECCOMP_RET_ALLOW)};
    while (install(allow, 1) == 0)
        small++;
    printf("%d, %s\n", small, strerrorname_np(error));
}

static void room(void) {
    struct sock_filter kinds[] = {
        BPF_STMT(BPF_LD | BPF_IMM, 1), LOAD(nr), BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
        BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 3), RET(SECCOMP_RET_ALLOW),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 1), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 1, 1),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 5, 0, 1), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 5, 0, 1),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x80000000, 0, 1), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_X, 0x80000000, 1, 1),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0xffffffff, 0, 1), BPF_STMT(BPF_JMP | BPF_JA, 0),
        BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0)};
    for (size_t i = 0; i < LEN(kinds); i++) {
        kind = kinds[i];
        in_child("room", fill);
    }
}

// Random programs, half of them with a mistake. One run lasts until a program kills it, or for a number of programs.
#define PROGRAMS 1200
#define LONGEST 40

typedef struct {
    Rng rng;
    int done, accepted, refused;
    uint64_t hash;
} Run;

static Run *shared;
static int verbose;

static unsigned pick(Rng *rng, const unsigned *list, size_t len) {
    return list[rng_next(rng) % len];
}

#define PICK(rng, ...) pick(rng, (unsigned[]){__VA_ARGS__}, LEN(((unsigned[]){__VA_ARGS__})))

static struct sock_filter random_instruction(Rng *rng, unsigned following, int mistakes) {
    struct sock_filter f = {0};
    unsigned small = (unsigned)rng_next(rng) % 20, any = (unsigned)rng_next(rng);
    f.k = PICK(rng, small, small, any, 0x80000000 | small, 1, 0, 16 * small);
    unsigned near = following > 1 ? (unsigned)rng_next(rng) % (following - 1) % 6 : 0;
    switch (rng_next(rng) % 12) {
    case 0: case 1:
        f.code = BPF_LD | BPF_W | BPF_ABS;
        f.k = PICK(rng, 0, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60);
        break;
    case 2:
        f.code = (unsigned short)PICK(rng, BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM, BPF_LD | BPF_LEN, BPF_LDX | BPF_LEN);
        break;
    case 3: case 4:
        f.code = (unsigned short)PICK(rng, BPF_ST, BPF_STX, BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM);
        f.k = small % 3;
        break;
    case 5: case 6: case 7:
        f.code = (unsigned short)(BPF_ALU | PICK(rng, BPF_K, BPF_X) |
                                  PICK(rng, BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_AND, BPF_OR, BPF_XOR, BPF_LSH, BPF_RSH));
        if (f.code == (BPF_ALU | BPF_LSH) || f.code == (BPF_ALU | BPF_RSH))
            f.k %= 32;
        else if (f.k == 0)
            f.k = 7;
        break;
    case 8:
        f.code = (unsigned short)PICK(rng, BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA, BPF_ALU | BPF_NEG);
        break;
    case 9: case 10:
        f.code = (unsigned short)(BPF_JMP | PICK(rng, BPF_K, BPF_X) | PICK(rng, BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET));
        f.jt = (unsigned char)near;
        f.jf = (unsigned char)(following > 1 ? (unsigned)rng_next(rng) % (following - 1) % 4 : 0);
        break;
    default:
        f.code = BPF_JMP | BPF_JA;
        f.k = near;
    }
    if (mistakes && rng_next(rng) % 8 == 0) {
        switch (rng_next(rng) % 6) {
        case 0: f.code ^= (unsigned short)(1u << rng_next(rng) % 16); break;
        case 1: f.k = any; break;
        case 2: f.k = PICK(rng, 64, 68, 2, 61, 63, 15, 16, 17, 31, 32, 33, 0xfffff000, 0xfffff020, following, following - 1); break;
        case 3: f.jt = (unsigned char)(following - 1 + rng_next(rng) % 2); break;
        case 4: f.jf = (unsigned char)(following - 1 + rng_next(rng) % 2); break;
        default: f.code = (unsigned short)(rng_next(rng) % 0x100);
        }
    }
    return f;
}

// Fills in a program that answers PROBE with a random program's answer, and returns its length.
static size_t random_program(Rng *rng, struct sock_filter *program) {
    size_t len = 3;
    memcpy(program, (struct sock_filter[]){LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROBE, 1, 0), RET(SECCOMP_RET_ALLOW)},
           3 * sizeof *program);
    size_t end = len + rng_next(rng) % LONGEST;
    int mistakes = rng_next(rng) % 2 == 0;
    // What is read has been written on most paths.
    for (unsigned cell = 0; cell < 3 && rng_next(rng) % 4 != 0; cell++)
        program[len++] = (struct sock_filter)BPF_STMT(PICK(rng, BPF_ST, BPF_STX), cell);
    end = end < len ? len : end;
    for (; len < end; len++)
        program[len] = random_instruction(rng, (unsigned)(end + 4 - len), mistakes);
    unsigned action = PICK(rng, SECCOMP_RET_ERRNO, SECCOMP_RET_ERRNO, SECCOMP_RET_ERRNO, SECCOMP_RET_ERRNO,
                           SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW, SECCOMP_RET_TRACE, SECCOMP_RET_LOG,
                           (unsigned)rng_next(rng) % 16 == 0 ? (unsigned)rng_next(rng) : SECCOMP_RET_ERRNO);
    program[len++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff);
    program[len++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, action);
    unsigned last = (unsigned)rng_next(rng);
    program[len++] = (struct sock_filter)BPF_STMT(BPF_RET | (last % 8 == 0 ? BPF_K : BPF_A), action | last % 0xfff);
    if (mistakes && rng_next(rng) % 16 == 0)
        program[len - 1].code = (unsigned short)(rng_next(rng) % 0x20);
    return len;
}

static void random_run(void) {
    static struct sock_filter program[LONGEST + 16];
    for (int in_run = 0; in_run < 12 && shared->done < PROGRAMS; in_run++) {
        Rng *rng = &shared->rng;
        size_t len = random_program(rng, program);
        shared->done++;
        long result = install(program, len) == 0 ? 0 : errno;
        if (result == 0)
            shared->accepted++;
        else
            shared->refused++;
        shared->hash = hash_u64(shared->hash, (uint64_t)result);
        for (int call = 0; call < 3 && result == 0; call++) {
            uint64_t args[6];
            for (size_t i = 0; i < 6; i++)
                args[i] = call == 0 ? i : rng_next(rng) >> rng_next(rng) % 64;
            errno = 0;
            long value = syscall(PROBE, args[0], args[1], args[2], args[3], args[4], args[5]);
            shared->hash = hash_u64(hash_u64(shared->hash, (uint64_t)value), (uint64_t)errno);
            if (verbose)
                fprintf(stderr, "%d.%d: %ld %d\n", shared->done, call, value, errno);
        }
        if (verbose)
            fprintf(stderr, "%d: %ld\n", shared->done, result);
    }
}

static void random_programs(void) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    *shared = (Run){.rng = {42}, .hash = HASH_START};
    int killed = 0;
    while (shared->done < PROGRAMS) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            if (!verbose)
                close(2);
            CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
            random_run();
            _exit(0);
        }
        int status = -1;
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGSYS);
        killed += WIFSIGNALED(status);
        shared->hash = hash_u64(shared->hash, (uint64_t)WIFSIGNALED(status));
    }
    printf("%d accepted, %d refused, %d runs killed, %016llx\n", shared->accepted, shared->refused, killed,
           (unsigned long long)shared->hash);
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "inherits") == 0) {
        filters_before = atol(argv[2]);
        inheritance();
        return 0;
    }
    verbose = argc > 1;
    filters_before = status_of("Seccomp_filters");
    in_child("errors", errors);
    without_privileges();
    in_child("return values", return_values);
    in_child("traps", traps);
    in_child("trap, blocked", trap_blocked);
    in_child("trap, ignored", trap_ignored);
    in_child("killed with a handler", killed_with_handler);
    unsigned answers[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, 0x12340000};
    for (size_t i = 0; i < LEN(answers); i++) {
        fatal_answer = answers[i];
        in_child("fatal", fatal);
    }
    in_child("arguments", arguments);
    in_child("strict writes", strict_writes);
    in_child("strict dies", strict_dies);
    in_child("strict exit_group", strict_exit_group);
    in_child("kill thread", kill_thread);
    in_child("kill strict thread", kill_strict_thread);
    in_child("inherits", inherits);
    tsync_in_child();
    in_child("clocks", clocks);
    room();
    random_programs();
    return 0;
}
