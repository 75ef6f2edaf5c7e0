/* Every way in which a process ends or stops, as its parent sees it: by wait4, by waitid and by SIGCHLD. No process here
 * dumps core, so that the output does not depend on where cores go. */
#include "lib.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t told;
static siginfo_t child_info;

static void on_child(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    child_info = *info;
    told = 1;
}

/* Waits for SIGCHLD, which is blocked. */
static void await_signal(void)
{
    sigset_t set;
    sigfillset(&set);
    sigdelset(&set, SIGCHLD);
    while (!told)
        sigsuspend(&set);
    told = 0;
}

/* Shows one event of a child. */
static int show(const char *what, pid_t pid, int options)
{
    siginfo_t info;
    int status = 0;
    await_signal();
    memset(&info, 0, sizeof info);
    CHECK(waitid(P_PID, (id_t)pid, &info, options | WNOWAIT) == 0);
    int in_wait = (options & WSTOPPED ? WUNTRACED : 0) | (options & WCONTINUED);
    CHECK(wait4(pid, &status, in_wait, NULL) == pid);
    printf("%s: status %#x; waitid %d, %d; SIGCHLD %d, %d\n", what, (unsigned)status, info.si_code, info.si_status,
           child_info.si_code, child_info.si_status);
    CHECK(info.si_pid == pid && info.si_signo == SIGCHLD && child_info.si_pid == pid);
    CHECK(info.si_uid == getuid() && child_info.si_uid == getuid());
    return status;
}

static pid_t begin(void)
{
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        /* The signals of job control stop no process of an orphaned group, which the parent's may be. */
        setpgid(0, 0);
        prctl(PR_SET_DUMPABLE, 0);
        /* remu reports defects there. */
        close(2);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
    }
    return pid;
}

static void *exits(void *code)
{
    exit((int)(intptr_t)code);
}

static void *sleeps(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void *ends_later(void *unused)
{
    (void)unused;
    usleep(2000);
    return NULL;
}

static void *ends_group(void *unused)
{
    (void)unused;
    usleep(2000);
    _exit(44);
}

static void *dies(void *unused)
{
    *(volatile char *)OPAQUE((uintptr_t)16) = 1;
    return unused;
}

static void thread(void *(*body)(void *), void *argument)
{
    pthread_t made;
    CHECK(pthread_create(&made, NULL, body, argument) == 0);
}

static void ignore(int signal)
{
    (void)signal;
}

static void ends(void)
{
    static const int CODES[] = {0, 1, 2, 126, 127, 128, 137, 255, 256, -1, 0x1234};
    pid_t pid;
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        if ((pid = begin()) == 0)
            _exit(CODES[i]);
        char what[32];
        snprintf(what, sizeof what, "exit %d", CODES[i]);
        show(what, pid, WEXITED);
    }
    if ((pid = begin()) == 0) {
        thread(exits, (void *)(intptr_t)33);
        sleeps(NULL);
    }
    show("exit of another thread", pid, WEXITED);
    if ((pid = begin()) == 0) {
        thread(ends_later, NULL);
        pthread_exit(NULL);
    }
    show("the first thread ends, then the last", pid, WEXITED);
    if ((pid = begin()) == 0) {
        thread(ends_group, NULL);
        syscall(SYS_exit, 3);
    }
    show("the first thread ends, another ends the group", pid, WEXITED);
    if ((pid = begin()) == 0)
        syscall(SYS_exit, 5);
    show("the only thread ends", pid, WEXITED);
    if ((pid = begin()) == 0) {
        thread(sleeps, NULL);
        thread(dies, NULL);
        sleeps(NULL);
    }
    show("a fault of another thread", pid, WEXITED);
    if ((pid = begin()) == 0)
        abort();
    show("abort", pid, WEXITED);
    if ((pid = begin()) == 0) {
        signal(SIGABRT, ignore);
        abort();
    }
    show("abort with a handler", pid, WEXITED);
    if ((pid = begin()) == 0) {
        struct sigaction once = {.sa_handler = ignore, .sa_flags = (int)SA_RESETHAND};
        sigaction(SIGTERM, &once, NULL);
        raise(SIGTERM);
        raise(SIGTERM);
        _exit(1);
    }
    show("the second signal after SA_RESETHAND", pid, WEXITED);
    if ((pid = begin()) == 0) {
        sigset_t set;
        sigfillset(&set);
        sigprocmask(SIG_SETMASK, &set, NULL);
        thread(sleeps, NULL);
        raise(SIGKILL);
        _exit(1);
    }
    show("SIGKILL with all blocked", pid, WEXITED);
    if ((pid = begin()) == 0) {
        execl("/bin/sh", "sh", "-c", "exit 77", (char *)NULL);
        _exit(1);
    }
    show("a program that exits", pid, WEXITED);
    if ((pid = begin()) == 0) {
        execl("/bin/sh", "sh", "-c", "kill -TERM $$", (char *)NULL);
        _exit(1);
    }
    show("a program that is killed", pid, WEXITED);
    if ((pid = begin()) == 0) {
        execl("/proc/self/exe", "waits", "term", (char *)NULL);
        _exit(1);
    }
    show("this program is killed", pid, WEXITED);
    if ((pid = vfork()) == 0)
        _exit(9);
    show("vfork", pid, WEXITED);
    if ((pid = vfork()) == 0) {
        raise(SIGKILL);
        _exit(9);
    }
    show("vfork killed", pid, WEXITED);
}

/* Each signal with its default action, sent by the child itself and by the parent. */
static void default_actions(void)
{
    for (int signal = 1; signal <= 64; signal++) {
        for (int way = 0; way < 2; way++) {
            int up[2], down[2];
            CHECK(pipe(up) == 0 && pipe(down) == 0);
            pid_t pid = begin();
            if (pid == 0) {
                struct sigaction normal = {.sa_handler = SIG_DFL};
                syscall(SYS_rt_sigaction, signal, &normal, NULL, 8);
                char c;
                close(down[1]);
                if (way == 0)
                    kill(getpid(), signal);
                _exit((way == 0 || write(up[1], "", 1) == 1) && read(down[0], &c, 1) == 0 ? 99 : 98);
            }
            char c;
            if (way == 1) {
                CHECK(read(up[0], &c, 1) == 1);
                CHECK(kill(pid, signal) == 0);
            }
            char what[32];
            snprintf(what, sizeof what, "%s %d", way ? "sent" : "raised", signal);
            /* A child that lives on ends once it cannot read from its parent any more. */
            int stops = signal >= SIGSTOP && signal <= SIGTTOU;
            if (!stops)
                close(down[1]);
            show(what, pid, WEXITED | WSTOPPED | WCONTINUED);
            if (stops) {
                CHECK(kill(pid, SIGCONT) == 0);
                show("continued", pid, WCONTINUED);
                close(down[1]);
                show("then", pid, WEXITED);
            }
            close(down[0]), close(up[0]), close(up[1]);
        }
    }
}

static void other_ways(void)
{
    pid_t pid;
    struct sigaction no_stop = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_NOCLDSTOP};
    CHECK(sigaction(SIGCHLD, &no_stop, NULL) == 0);
    if ((pid = begin()) == 0) {
        raise(SIGSTOP);
        _exit(6);
    }
    int status = 0;
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    printf("stopped %#x, told %d\n", (unsigned)status, (int)told);
    CHECK(waitpid(pid, &status, WNOHANG | WUNTRACED) == 0);
    CHECK(kill(pid, SIGCONT) == 0);
    show("SA_NOCLDSTOP", pid, WEXITED);

    struct sigaction no_wait = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_NOCLDWAIT};
    CHECK(sigaction(SIGCHLD, &no_wait, NULL) == 0);
    if ((pid = begin()) == 0)
        _exit(6);
    int result = waitpid(pid, &status, 0);
    printf("SA_NOCLDWAIT: %d %s\n", result, strerrorname_np(errno));
    signal(SIGCHLD, SIG_IGN);
    if ((pid = begin()) == 0)
        _exit(6);
    result = waitpid(pid, &status, 0);
    printf("ignored: %d %s\n", result, strerrorname_np(errno));

    struct sigaction usual = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGCHLD, &usual, NULL) == 0);
    told = 0;
    /* Another exit signal, and none. */
    CHECK(sigaction(SIGUSR1, &usual, NULL) == 0);
    fflush(stdout);
    pid = (pid_t)syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
    if (pid == 0)
        _exit(8);
    result = waitpid(pid, &status, 0);
    printf("exit signal SIGUSR1: %s", result < 0 ? strerrorname_np(errno) : "waited for");
    CHECK(waitpid(pid, &status, __WALL) == pid);
    printf(", status %#x, told by %d, code %d, status %d\n", (unsigned)status, child_info.si_signo, child_info.si_code,
           child_info.si_status);
    told = 0;
    pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
    if (pid == 0)
        _exit(8);
    CHECK(waitpid(pid, &status, __WCLONE) == pid);
    printf("no exit signal: status %#x, told %d\n", (unsigned)status, (int)told);

    /* By group and by descriptor. */
    if ((pid = begin()) == 0) {
        setpgid(0, 0);
        _exit(10);
    }
    setpgid(pid, pid);
    CHECK(waitpid(-getpgrp(), &status, 0) == -1 && errno == ECHILD);
    CHECK(waitpid(-pid, &status, 0) == pid);
    printf("by group: %#x\n", (unsigned)status);
    if ((pid = begin()) == 0)
        _exit(11);
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    siginfo_t info;
    CHECK(fd >= 0 && waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 && info.si_pid == pid);
    printf("by descriptor: %d, %d\n", info.si_code, info.si_status);
    close(fd);
    CHECK(wait(NULL) == -1 && errno == ECHILD);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "term") == 0) {
        raise(SIGTERM);
        return 1;
    }
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    ends();
    default_actions();
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    other_ways();
    return 0;
}
