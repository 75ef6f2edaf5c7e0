// fork and clone3 without CLONE_VM: what the child has, how its end is seen, and forks beside threads that allocate.

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void show_status(const char *what, int status) {
    if (WIFEXITED(status))
        printf("%s: exited with %d\n", what, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        printf("%s: killed by %d\n", what, WTERMSIG(status));
    else
        printf("%s: status %#x\n", what, status);
}

static void reap(const char *what, pid_t pid) {
    int status = -1;
    if (waitpid(pid, &status, 0) != pid)
        perror(what);
    show_status(what, status);
}

// Every way to end, seen by the parent.
static void ends(void) {
    int signals[] = {SIGTERM, SIGKILL, SIGABRT, SIGSEGV, SIGPIPE, SIGUSR1, SIGRTMIN, SIGRTMAX};
    fflush(stdout);
    for (int code = 0; code < 256; code += 85) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(code);
        reap("_exit", pid);
    }
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            prctl(PR_SET_DUMPABLE, 0);
            close(2);
            raise(signals[i]);
            _exit(1);
        }
        reap("raise", pid);
    }
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_DUMPABLE, 0);
        close(2);
        int *volatile nowhere = (int *)8;
        *nowhere = 1;
    }
    reap("a bad store", pid);
    pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    int status = 0;
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    printf("stopped: %d\n", WIFSTOPPED(status));
    kill(pid, SIGCONT);
    waitpid(pid, &status, WCONTINUED);
    printf("continued: %d\n", WIFCONTINUED(status));
    kill(pid, SIGKILL);
    reap("kill", pid);
    printf("no child: %d\n", wait(NULL) == -1 && errno == ECHILD);
}

static atomic_int handled;

static void count(int signal) {
    (void)signal;
    handled++;
}

// Memory is copied or shared, handlers and masks are kept, pending signals are not.
static void copies(void) {
    int own = 1;
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *wiped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *wiped = 1;
    madvise(wiped, 4096, MADV_WIPEONFORK);
    signal(SIGUSR1, count);
    sigset_t usr2, pending, blocked;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    sigprocmask(SIG_BLOCK, &usr2, NULL);
    raise(SIGUSR2);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        own = 2;
        *shared = 3;
        sigpending(&pending);
        sigprocmask(SIG_SETMASK, NULL, &blocked);
        raise(SIGUSR1);
        int fine = getppid() == parent && getpid() != parent && getpid() == gettid() && *wiped == 0 && handled == 1 &&
                   !sigismember(&pending, SIGUSR2) && sigismember(&blocked, SIGUSR2);
        _exit(fine);
    }
    reap("the child has what it should", pid);
    printf("own %d, shared %d, handled %d, wiped %d\n", own, *shared, (int)handled, *wiped);
    signal(SIGUSR2, count);
    sigprocmask(SIG_UNBLOCK, &usr2, NULL);
    printf("handled %d\n", (int)handled);
}

static void *allocate(void *stop) {
    while (!*(atomic_int *)stop) {
        char *block = malloc(16 + rand() % 4096);
        block[0] = 1;
        free(block);
    }
    return NULL;
}

static void *fork_often(void *sum) {
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            char *block = malloc(1000);
            block[0] = 1;
            free(block);
            _exit(i & 7);
        }
        int status = 0;
        waitpid(pid, &status, 0);
        *(atomic_int *)sum += WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
    }
    return NULL;
}

static void forks_beside_threads(void) {
    atomic_int stop = 0, sum = 0;
    pthread_t threads[4], forkers[2];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, allocate, &stop);
    for (int i = 0; i < 2; i++)
        pthread_create(&forkers[i], NULL, fork_often, &sum);
    for (int i = 0; i < 2; i++)
        pthread_join(forkers[i], NULL);
    stop = 1;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    printf("sum %d\n", (int)sum);
}

static void *start_a_thread(void *arg) {
    return arg;
}

// The child of a fork starts threads of its own, and executes a program.
static void children_do_the_rest(void) {
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        void *result = NULL;
        pthread_create(&thread, NULL, start_a_thread, (void *)11);
        pthread_join(thread, &result);
        _exit((long)result);
    }
    reap("a thread of the child", pid);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        perror("pipe2");
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        execve("/proc/self/exe", (char *[]){"self", "executed", NULL}, (char *[]){NULL});
        _exit(1);
    }
    close(ends[1]);
    char text[64] = "";
    ssize_t size = 0, n;
    while ((n = read(ends[0], text + size, sizeof text - 1 - size)) > 0)
        size += n;
    close(ends[0]);
    reap("a program of the child", pid);
    printf("it wrote: %s", text);
}

static void descriptors_and_ids(void) {
    int pidfd = -1, parent_tid = 0, *child_tid = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct clone_args args = {
        .flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND,
        .pidfd = (uintptr_t)&pidfd,
        .parent_tid = (uintptr_t)&parent_tid,
        .child_tid = (uintptr_t)child_tid,
        .exit_signal = 0,
    };
    signal(SIGUSR1, count);
    pid_t pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
        struct sigaction action;
        sigaction(SIGUSR1, NULL, &action);
        _exit(action.sa_handler == SIG_DFL ? *child_tid == getpid() : 2);
    }
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    poll(&ended, 1, -1);
    siginfo_t info;
    // Without an exit signal, only __WALL or __WCLONE finds it.
    printf("without __WALL: %s\n", waitid(P_ALL, 0, &info, WEXITED) == -1 ? strerrorname_np(errno) : "found");
    int result = waitid(P_PIDFD, pidfd, &info, WEXITED | __WALL);
    printf("by descriptor: %d, %d, %d; ids %d, %d\n", result, info.si_code == CLD_EXITED, info.si_status,
           parent_tid == pid, *child_tid == pid);
}

int main(int argc, char **argv) {
    (void)argv;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1) {
        puts("hello");
        return 9;
    }
    ends();
    copies();
    forks_beside_threads();
    children_do_the_rest();
    descriptors_and_ids();
    return 0;
}
