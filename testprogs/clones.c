/* The forms of clone beside those of the C library: processes in this memory, parents that wait, descriptors of threads,
 * handlers that are cleared, and what is killed in the middle of its work. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile int shared, handled, go;
static volatile pid_t word;

static void handler(int signal)
{
    handled = signal;
}

static int status_of(pid_t pid)
{
    int status = 0;
    CHECK(waitpid(pid, &status, __WALL) == pid);
    return status & ~0x80;
}

/* Calls clone3; the child goes on here. */
static pid_t clone3(uint64_t flags, int exit_signal, int *pidfd)
{
    struct clone_args args = {.flags = flags, .exit_signal = (uint64_t)exit_signal, .pidfd = (uintptr_t)pidfd};
    fflush(stdout);
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static void await_word(void)
{
    pid_t now;
    while ((now = word) != 0)
        syscall(SYS_futex, &word, FUTEX_WAIT, now, NULL);
}

/* Beside this process, in its memory. */
static int beside(void *argument)
{
    int way = *(int *)argument;
    shared = way + 100;
    if (way == 1)
        raise(SIGUSR1);
    while (!go)
        ;
    if (way == 2)
        raise(SIGKILL);
    if (way == 3)
        execl("/proc/self/exe", "clones", "status", (char *)NULL);
    if (way == 4) {
        /* remu reports the fault there. */
        close(2);
        *(volatile char *)OPAQUE((uintptr_t)16) = 1;
    }
    for (int i = 0; way == 5 && i < 50; i++) {
        char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        page[4096] = (char)i;
        munmap(page, 8192);
    }
    _exit(way);
}

static void processes_beside(void)
{
    signal(SIGUSR1, handler);
    for (int way = 0; way < 6; way++) {
        go = shared = handled = 0;
        word = 1;
        int flags = CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
        pid_t pid = clone(beside, stack + sizeof stack, flags, &way, &word, NULL, &word);
        CHECK(pid > 0);
        while (shared != way + 100 || (way == 1 && !handled))
            sched_yield();
        printf("beside %d: id %d, handled %d", way, word == pid, handled);
        go = 1;
        await_word();
        printf(", %#x\n", (unsigned)status_of(pid));
    }
    signal(SIGUSR1, SIG_DFL);
    go = 1;
    int way = 0;
    for (int i = 0; i < 100; i++) {
        pid_t pid = clone(beside, stack + sizeof stack, CLONE_VM | SIGCHLD, &way);
        CHECK(pid > 0 && status_of(pid) == 0);
    }
    CHECK(clone(beside, stack + sizeof stack, CLONE_VM | CLONE_THREAD, &way) == -1 && errno == EINVAL);
}

/* A parent that waits for a child with a memory of its own. */
static void parent_waits(void)
{
    int *seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = clone3(CLONE_VFORK, SIGCHLD, NULL);
    if (pid == 0) {
        shared = 1;
        usleep(20000);
        *seen = 5;
        _exit(3);
    }
    printf("waited for its end: %d, memory of its own %d, %#x\n", *seen, shared != 1, (unsigned)status_of(pid));
    int ends[2], may_end[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && pipe2(may_end, O_CLOEXEC) == 0);
    pid = clone3(CLONE_VFORK, SIGCHLD, NULL);
    if (pid == 0) {
        /* Its own child does not keep the parent waiting. */
        pid_t inner = fork();
        if (inner == 0) {
            char byte;
            CHECK(read(may_end[0], &byte, 1) == 1);
            _exit(write(ends[1], "", 1) == 1 ? 0 : 1);
        }
        usleep(20000);
        *seen = 6;
        execl("/proc/self/exe", "clones", "status", (char *)NULL);
        _exit(1);
    }
    struct pollfd fd = {ends[0], POLLIN, 0};
    printf("waited for its exec: %d, inner child had written %d", *seen, poll(&fd, 1, 0));
    CHECK(write(may_end[1], "", 1) == 1 && poll(&fd, 1, -1) == 1);
    printf(", %#x\n", (unsigned)status_of(pid));
}

static void descriptors(void)
{
    int pidfd = -1;
    pid_t pid = clone3(CLONE_PIDFD, SIGCHLD, &pidfd);
    if (pid == 0)
        _exit(4);
    siginfo_t info;
    CHECK(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) == 0);
    printf("descriptor of a process: %d %d\n", info.si_code, info.si_status);
    close(pidfd);
}

static void handlers_cleared(void)
{
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    pid_t pid = clone3(CLONE_CLEAR_SIGHAND, SIGCHLD, NULL);
    if (pid == 0) {
        raise(SIGUSR2);
        raise(SIGUSR1);
        _exit(1);
    }
    printf("cleared: %#x", (unsigned)status_of(pid));
    handled = 0;
    raise(SIGUSR1);
    printf(", here %d\n", handled);
    /* A fault still is what it is. */
    pid = clone3(CLONE_CLEAR_SIGHAND, SIGCHLD, NULL);
    if (pid == 0) {
        close(2);
        *(volatile char *)OPAQUE((uintptr_t)16) = 1;
        _exit(1);
    }
    printf("a fault: %#x\n", (unsigned)status_of(pid));
    CHECK(clone3(CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM, 0, NULL) == -1 && errno == EINVAL);
}

static void siblings(void)
{
    /* With CLONE_PARENT, the child of a child is this process'. */
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t pid = clone3(0, SIGCHLD, NULL), sibling = 0;
    if (pid == 0) {
        sibling = clone3(CLONE_PARENT, 0, NULL);
        if (sibling == 0)
            _exit(12);
        CHECK(write(ends[1], &sibling, sizeof sibling) == sizeof sibling);
        CHECK(waitpid(sibling, NULL, __WALL) == -1 && errno == ECHILD);
        _exit(11);
    }
    CHECK(read(ends[0], &sibling, sizeof sibling) == sizeof sibling);
    printf("sibling %#x", (unsigned)status_of(sibling));
    printf(", child %#x\n", (unsigned)status_of(pid));
}

/* The word of a vfork child is cleared however it ends. */
static int vforked(void *argument)
{
    int way = *(int *)argument;
    if (way == 0)
        _exit(1);
    if (way == 1)
        syscall(SYS_exit, 2);
    if (way == 2)
        raise(SIGKILL);
    execl("/proc/self/exe", "clones", "status", (char *)NULL);
    _exit(1);
}

static void words_of_vfork_children(void)
{
    for (int way = 0; way < 4; way++) {
        word = 77;
        pid_t pid = clone(vforked, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_CHILD_CLEARTID | SIGCHLD, &way,
                          NULL, NULL, &word);
        printf("vfork child %d: word %d, %#x\n", way, (int)word, (unsigned)status_of(pid));
    }
}

/* Kills vfork children at any instruction; what they held is free afterwards. */
static volatile pid_t victim;
static volatile int over;

static void *kills(void *unused)
{
    uint64_t pause = 1;
    while (!over) {
        pid_t pid = victim;
        if (pid == 0)
            continue;
        victim = 0;
        pause = (pause * 31 + 17) % 6000;
        for (volatile uint64_t i = 0; i < pause; i++)
            ;
        kill(pid, SIGKILL);
    }
    return unused;
}

static int works(void *argument)
{
    int way = *(int *)argument;
    victim = getpid();
    for (;;) {
        if (way == 0)
            continue;
        if (way == 1) {
            /* The handlers are its own, the descriptors too. */
            signal(SIGUSR1, handler);
            close(dup(0));
            sigset_t set;
            sigprocmask(SIG_BLOCK, NULL, &set);
            continue;
        }
        char *page = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap(page, 16384);
    }
    return 0;
}

#ifdef __riscv
static const unsigned char RETURN[] = {0x82, 0x80};
#else
static const unsigned char RETURN[] = {0xc3};
#endif

static void killed(void)
{
    pthread_t killer;
    CHECK(pthread_create(&killer, NULL, kills, NULL) == 0);
    for (int way = 0; way < 3; way++) {
        int ended = 0;
        for (int i = 0; i < 60; i++) {
            pid_t pid = clone(works, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &way);
            ended += status_of(pid) == SIGKILL;
            /* Code that changes is waited for by none that is dead. */
            unsigned char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            CHECK(code != MAP_FAILED);
            memcpy(code, RETURN, sizeof RETURN);
            __builtin___clear_cache((char *)code, (char *)code + sizeof RETURN);
            ((void (*)(void))(uintptr_t)code)();
            CHECK(munmap(code, 4096) == 0);
            free(malloc(100 + (size_t)i * 1000));
        }
        printf("killed %d\n", ended);
    }
    over = 1;
    CHECK(pthread_join(killer, NULL) == 0);
}

/* Memory that is missing, or zero, in a child. */
static void advised(void)
{
    char *at = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(at, 7, 5 * 4096);
    CHECK(madvise(at + 4096, 4096, MADV_DONTFORK) == 0 && madvise(at + 2 * 4096, 4096, MADV_WIPEONFORK) == 0);
    CHECK(madvise(at + 3 * 4096, 4096, MADV_DONTFORK) == 0 && madvise(at + 3 * 4096, 4096, MADV_DOFORK) == 0);
    for (int way = 0; way < 3; way++) {
        pid_t pid = clone3(0, SIGCHLD, NULL);
        if (pid == 0) {
            close(2);
            if (way == 0)
                _exit(at[0] + at[2 * 4096] + at[3 * 4096]);
            if (way == 1)
                _exit(at[4096]);
            int hole = mprotect(at + 4096, 4096, PROT_READ) == -1 && errno == ENOMEM;
            char *new = mmap(at + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                             -1, 0);
            /* The new page is like any other in a grandchild. */
            pid_t inner = fork();
            if (inner == 0)
                _exit(new[0] + 1);
            _exit(hole + 2 * (new == at + 4096) + 4 * (status_of(inner) >> 8));
        }
        printf("after advice %d: %#x\n", way, (unsigned)status_of(pid));
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "status") == 0)
        return 21;
    setvbuf(stdout, NULL, _IOLBF, 0);
    advised();
    words_of_vfork_children();
    parent_waits();
    descriptors();
    handlers_cleared();
    siblings();
    killed();
    processes_beside();
    return 0;
}
