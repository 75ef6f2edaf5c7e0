/* Signals of faults that a process sends, blocked and ignored signals across exec, signalfd and sigpending, timers for
 * one thread, and values that signals carry. */
#include "lib.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int FAULTS[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
enum { COUNT = sizeof FAULTS / sizeof FAULTS[0] };

static volatile sig_atomic_t count;
static siginfo_t last;
static volatile pid_t on_thread;

static void note(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    last = *info;
    on_thread = gettid();
    count++;
}

static void handle(int signal, int flags)
{
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};
    CHECK(sigaction(signal, &action, NULL) == 0);
}

static void mask(int how, int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    CHECK(pthread_sigmask(how, &set, NULL) == 0);
}

static int is_pending(int signal)
{
    sigset_t set;
    CHECK(sigpending(&set) == 0);
    return sigismember(&set, signal);
}

static void show(const char *what)
{
    printf("%s: %d times, signal %d, code %d, from itself %d\n", what, (int)count, last.si_signo, last.si_code,
           last.si_pid == getpid());
    count = 0;
    memset(&last, 0, sizeof last);
}

static int status_of(pid_t pid)
{
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    return status & ~0x80;
}

/* Sent in every way, with and without the signal blocked. */
static void sent(int signal)
{
    union sigval value = {.sival_int = 42};
    handle(signal, 0);
    CHECK(kill(getpid(), signal) == 0);
    show("kill");
    CHECK(raise(signal) == 0);
    show("raise");
    CHECK(sigqueue(getpid(), signal, value) == 0);
    CHECK(last.si_value.sival_int == 42);
    show("sigqueue");
    siginfo_t info = {.si_signo = signal, .si_code = 2};
    info.si_addr = (void *)0x1234;
    CHECK(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signal, &info) == 0);
    printf("as a fault: %d times, code %d, address %p\n", (int)count, last.si_code, last.si_addr);
    count = 0;
    mask(SIG_BLOCK, signal);
    CHECK(kill(getpid(), signal) == 0 && raise(signal) == 0 && raise(signal) == 0);
    printf("blocked: %d delivered, pending %d\n", (int)count, is_pending(signal));
    mask(SIG_UNBLOCK, signal);
    /* One for the thread, one for the process. */
    show("unblocked");
    mask(SIG_BLOCK, signal);
    CHECK(kill(getpid(), signal) == 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    CHECK(sigwaitinfo(&set, &info) == signal && info.si_code == SI_USER && count == 0);
    CHECK(kill(getpid(), signal) == 0);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    CHECK(sigaction(signal, &ignore, NULL) == 0);
    printf("ignored: pending %d\n", is_pending(signal));
    mask(SIG_UNBLOCK, signal);
    CHECK(kill(getpid(), signal) == 0 && count == 0);
    pid_t child = fork();
    if (child == 0) {
        struct sigaction normal = {.sa_handler = SIG_DFL};
        sigaction(signal, &normal, NULL);
        kill(getpid(), signal);
        _exit(1);
    }
    printf("by default: %#x\n", (unsigned)status_of(child));
}

/* A thread that does not block the signal gets what was sent to the process, whichever the host chooses. */
static volatile int ready;

static void *waits(void *argument)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, *(int *)argument);
    siginfo_t info;
    ready = 1;
    int got = sigwaitinfo(&set, &info);
    printf("the waiting thread got %d from %s, value %d\n", got, info.si_code == SI_QUEUE ? "sigqueue" : "another call",
           info.si_value.sival_int);
    return NULL;
}

static void *runs(void *argument)
{
    mask(SIG_UNBLOCK, *(int *)argument);
    ready = 1;
    struct timespec hour = {3600, 0};
    while (count == 0)
        if (nanosleep(&hour, NULL) == 0)
            break;
    printf("the running thread %s\n", on_thread == gettid() ? "handled it" : "did not handle it");
    return NULL;
}

static void to_threads(int signal)
{
    mask(SIG_BLOCK, signal);
    handle(signal, 0);
    pthread_t thread;
    ready = 0;
    CHECK(pthread_create(&thread, NULL, waits, &signal) == 0);
    while (!ready)
        usleep(1000);
    usleep(20000);
    CHECK(sigqueue(getpid(), signal, (union sigval){.sival_int = 7}) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    ready = 0;
    CHECK(pthread_create(&thread, NULL, runs, &signal) == 0);
    while (!ready)
        usleep(1000);
    CHECK(kill(getpid(), signal) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    show("thread");
    CHECK(!is_pending(signal));
    mask(SIG_UNBLOCK, signal);
}

/* Executes this program with an argument, or a shell with a command; the signals are as `prepare` leaves them. */
static void executed(const char *role, const char *command, void (*prepare)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        prepare();
        if (command)
            execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        else
            execl("/proc/self/exe", "sent", role, (char *)NULL);
        _exit(127);
    }
    printf("%s: %#x\n", role, (unsigned)status_of(pid));
}

static void ignores(void)
{
    for (int i = 0; i < COUNT; i++)
        signal(FAULTS[i], SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
}

static void leaves_one(void)
{
    handle(SIGSEGV, 0);
    mask(SIG_BLOCK, SIGSEGV);
    kill(getpid(), SIGSEGV);
    signal(SIGBUS, SIG_IGN);
}

static void leaves_pending(void)
{
    for (int i = 0; i < COUNT; i++) {
        handle(FAULTS[i], 0);
        mask(SIG_BLOCK, FAULTS[i]);
        kill(getpid(), FAULTS[i]);
    }
    handle(SIGRTMIN, 0);
    mask(SIG_BLOCK, SIGRTMIN);
    for (int i = 0; i < 3; i++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
}

static void show_ignored(void)
{
    printf("ignored:");
    for (int signal = 1; signal < 32; signal++) {
        struct sigaction action;
        if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            printf(" %d", signal);
    }
    for (int i = 0; i < COUNT; i++)
        kill(getpid(), FAULTS[i]);
    printf("\n");
}

static void show_pending(void)
{
    printf("pending:");
    for (int signal = 1; signal <= 64; signal++) {
        if (!is_pending(signal))
            continue;
        printf(" %d", signal);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, signal);
        siginfo_t info;
        struct timespec none = {0, 0};
        while (sigtimedwait(&set, &info, &none) == signal)
            printf(info.si_code == SI_QUEUE ? "(%d)" : "", info.si_value.sival_int);
    }
    printf("\n");
}

/* What sigpending reports, signalfd reads; a signal is never between the two. */
static void *sends(void *argument)
{
    pid_t target = *(pid_t *)argument;
    for (int i = 0; i < 3000; i++) {
        if (target != 0)
            tgkill(getpid(), target, SIGUSR1);
        else
            kill(getpid(), SIGUSR1);
        for (volatile int turn = 0; turn < 100 + i % 500; turn++)
            ;
    }
    ready = 2;
    return NULL;
}

static void one_mind(int to_thread)
{
    handle(SIGUSR1, SA_RESTART);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    CHECK(fd >= 0);
    mask(SIG_BLOCK, SIGUSR1);
    pthread_t thread;
    pid_t target = to_thread ? gettid() : 0;
    ready = 1;
    CHECK(pthread_create(&thread, NULL, sends, &target) == 0);
    int lost = 0;
    while (ready != 2) {
        mask(SIG_UNBLOCK, SIGUSR1);
        mask(SIG_BLOCK, SIGUSR1);
        struct signalfd_siginfo info;
        if (is_pending(SIGUSR1) && read(fd, &info, sizeof info) != sizeof info)
            lost++;
    }
    CHECK(pthread_join(thread, NULL) == 0);
    mask(SIG_UNBLOCK, SIGUSR1);
    close(fd);
    printf("pending and not readable: %d\n", lost);
    count = 0;
}

static void *has_timer(void *unused)
{
    (void)unused;
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 1};
    event.sigev_value.sival_int = 99;
    event._sigev_un._tid = gettid();
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct itimerspec soon = {.it_value = {0, 2000000}};
    CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
    while (count == 0)
        usleep(1000);
    printf("the timer's signal: code %d, value %d, in its thread %d\n", last.si_code, last.si_value.sival_int,
           on_thread == gettid());
    CHECK(timer_delete(timer) == 0);
    count = 0;
    return NULL;
}

static void by_descriptor(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    CHECK(fd >= 0);
    handle(SIGUSR2, 0);
    CHECK(syscall(SYS_pidfd_send_signal, fd, SIGUSR2, NULL, 0) == 0);
    show("pidfd");
    siginfo_t info = {.si_signo = SIGUSR2, .si_code = SI_QUEUE};
    info.si_value.sival_int = 5;
    CHECK(syscall(SYS_pidfd_send_signal, fd, SIGUSR2, &info, 0) == 0);
    printf("with a value: %d\n", last.si_value.sival_int);
    show("pidfd");
    handle(SIGSEGV, 0);
    info.si_signo = SIGSEGV;
    info.si_code = SEGV_MAPERR;
    info.si_addr = (void *)0x99;
    CHECK(syscall(SYS_pidfd_send_signal, fd, SIGSEGV, &info, 0) == 0);
    printf("as a fault: code %d, address %p\n", last.si_code, last.si_addr);
    count = 0;
    CHECK(syscall(SYS_pidfd_send_signal, fd, SIGUSR2, &info, 0) == -1 && errno == EINVAL);
    close(fd);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "show-ignored") == 0)
        return show_ignored(), 0;
    if (argc > 1 && strcmp(argv[1], "show-pending") == 0)
        return show_pending(), 0;
    for (int i = 0; i < COUNT; i++)
        sent(FAULTS[i]);
    to_threads(SIGSEGV);
    to_threads(SIGUSR1);
    executed("show-ignored", NULL, ignores);
    executed("show-pending", NULL, leaves_pending);
    executed("in another program", "exec grep -cE '^SigBlk:.*[4-7c-f]..$|^SigIgn:.*[4-7c-f].$' /proc/self/status", leaves_one);
    executed("pending there", "exec grep -cE '^(Sig|Shd)Pnd:.*[1-9a-f]' /proc/self/status", leaves_one);
    executed("exec that fails", "exec /no/such/program 2>/dev/null", leaves_one);
    one_mind(0);
    one_mind(1);
    handle(SIGRTMIN + 1, 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, has_timer, NULL) == 0 && pthread_join(thread, NULL) == 0);
    by_descriptor();
    return 0;
}
