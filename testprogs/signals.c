/* Asynchronous signals: timers, signals sent to oneself, and the calls that they interrupt. */
#include "lib.h"
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ticks;
static volatile int order[16], orders;
static sigjmp_buf out;
static int fds[2];

static void tick(int signal) { (void)signal; ticks++; }
static void jump(int signal) { siglongjmp(out, signal); }
static void note(int signal) { order[orders++ & 15] = signal; }
static void answer(int signal)
{
    (void)signal;
    CHECK(write(fds[1], "x", 1) == 1);
}

static void carried(int signal, siginfo_t *info, void *context)
{
    (void)context;
    printf("%d carries %d from %s\n", signal - SIGRTMIN, info->si_value.sival_int,
           info->si_pid == getpid() ? "itself" : "another");
}

static int on_stack(const stack_t *stack)
{
    const char *here = __builtin_frame_address(0);
    return here > (const char *)stack->ss_sp && here < (const char *)stack->ss_sp + stack->ss_size;
}

/* The context holds the alternate stack as set, without SS_ONSTACK. */
static void on_which(int signal, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    stack_t now;
    (void)info;
    CHECK(sigaltstack(NULL, &now) == 0);
    printf("%s: flags %#x, saved %#x, %d bytes, %s\n", signal == SIGUSR1 ? "first" : "second", (unsigned)now.ss_flags,
           (unsigned)uc->uc_stack.ss_flags, (int)uc->uc_stack.ss_size, on_stack(&uc->uc_stack) ? "there" : "elsewhere");
    if (signal == SIGUSR1)
        CHECK(raise(SIGUSR2) == 0);
}

static void stacks(void)
{
    static char room[65536];
    struct sigaction action = {.sa_sigaction = on_which, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGUSR2, &action, NULL) == 0);
    /* None; one; one with SS_AUTODISARM; none again. */
    unsigned flags[] = {0, 1u << 31, SS_DISABLE | 1u << 31};
    CHECK(raise(SIGUSR1) == 0);
    for (int i = 0; i < 3; i++) {
        stack_t stack = {.ss_sp = room, .ss_size = sizeof room, .ss_flags = (int)flags[i]};
        CHECK(sigaltstack(&stack, NULL) == 0 && raise(SIGUSR1) == 0 && sigaltstack(NULL, &stack) == 0);
        printf("afterwards %#x\n", (unsigned)stack.ss_flags);
    }
}

static void handle(int signal, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static void timer(long first, long interval)
{
    struct itimerval time = {{0, interval}, {0, first}};
    CHECK(setitimer(ITIMER_REAL, &time, NULL) == 0);
}

int main(void)
{
    /* A loop without calls is interrupted. */
    handle(SIGALRM, tick, 0);
    timer(1000, 1000);
    volatile unsigned long turns = 0;
    while (ticks < 5)
        turns++;
    timer(0, 0);
    printf("five ticks\n");

    handle(SIGALRM, jump, 0);
    if (sigsetjmp(out, 1) == 0) {
        timer(1000, 0);
        for (;;)
            ;
    }
    sigset_t set, old;
    CHECK(sigprocmask(SIG_SETMASK, NULL, &set) == 0 && !sigismember(&set, SIGALRM));
    printf("jumped out\n");

    /* Blocking calls end or restart. The timer goes on, in case it expires before the call has begun. */
    char c;
    CHECK(pipe(fds) == 0);
    handle(SIGALRM, tick, 0);
    timer(5000, 5000);
    CHECK(read(fds[0], &c, 1) == -1 && errno == EINTR);
    handle(SIGALRM, answer, SA_RESTART);
    timer(5000, 5000);
    CHECK(read(fds[0], &c, 1) == 1 && c == 'x');
    timer(5000, 5000);
    struct timespec hour = {3600, 0}, left = {0, 0};
    CHECK(nanosleep(&hour, &left) == -1 && errno == EINTR && left.tv_sec >= 3500);
    timer(5000, 5000);
    CHECK(pause() == -1 && errno == EINTR);
    timer(5000, 5000);
    CHECK(poll(NULL, 0, -1) == -1 && errno == EINTR);
    timer(5000, 5000);
    CHECK(select(0, NULL, NULL, NULL, NULL) == -1 && errno == EINTR);
    timer(0, 0);
    printf("waits\n");

    /* A temporary mask while waiting. */
    handle(SIGUSR1, note, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0 && orders == 0);
    CHECK(sigpending(&set) == 0 && sigismember(&set, SIGUSR1));
    CHECK(sigsuspend(&old) == -1 && errno == EINTR && orders == 1);
    CHECK(raise(SIGUSR1) == 0 && orders == 1);
    CHECK(ppoll(NULL, 0, NULL, &old) == -1 && errno == EINTR && orders == 2);
    CHECK(raise(SIGUSR1) == 0);
    CHECK(pselect(0, NULL, NULL, NULL, NULL, &old) == -1 && errno == EINTR && orders == 3);
    CHECK(sigprocmask(SIG_SETMASK, NULL, &set) == 0 && sigismember(&set, SIGUSR1));
    CHECK(raise(SIGUSR1) == 0);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    struct signalfd_siginfo read_info;
    CHECK(fd >= 0 && read(fd, &read_info, sizeof read_info) == sizeof read_info && read_info.ssi_signo == SIGUSR1);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0 && orders == 3);
    printf("masks\n");

    /* Several at once, in order, each interrupting the one before. */
    int several[] = {SIGUSR2, SIGHUP, SIGTERM, SIGUSR1, SIGPIPE};
    sigemptyset(&set);
    for (int i = 0; i < 5; i++) {
        handle(several[i], note, 0);
        sigaddset(&set, several[i]);
    }
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    for (int i = 0; i < 5; i++)
        CHECK(kill(getpid(), several[i]) == 0);
    orders = 0;
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
    for (int i = 0; i < orders; i++)
        printf("%d ", order[i]);
    printf("in this order\n");

    /* Queued signals carry values. */
    struct sigaction action = {.sa_sigaction = carried, .sa_flags = SA_SIGINFO};
    sigemptyset(&set);
    for (int i = 0; i < 2; i++) {
        CHECK(sigaction(SIGRTMIN + i, &action, NULL) == 0);
        sigaddset(&set, SIGRTMIN + i);
    }
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(sigqueue(getpid(), SIGRTMIN + i % 2, (union sigval){.sival_int = 100 + i}) == 0);
    siginfo_t info;
    CHECK(sigwaitinfo(&set, &info) == SIGRTMIN && info.si_value.sival_int == 100 && info.si_code == SI_QUEUE);
    fflush(stdout);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);

    /* A pipe that nobody reads. */
    CHECK(close(fds[0]) == 0);
    orders = 0;
    CHECK(write(fds[1], "x", 1) == -1 && errno == EPIPE && orders == 1 && order[0] == SIGPIPE);

    /* Timers by clock. */
    timer_t id;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &id) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    struct itimerspec spec = {{0, 0}, {0, 1000000}};
    CHECK(timer_settime(id, 0, &spec, NULL) == 0);
    CHECK(sigwaitinfo(&set, &info) == SIGRTMIN && info.si_code == SI_TIMER && info.si_value.sival_int == 77);
    CHECK(timer_getoverrun(id) == 0 && timer_delete(id) == 0);
    printf("timers\n");
    stacks();
    return 0;
}
