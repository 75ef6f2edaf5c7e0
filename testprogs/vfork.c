// vfork, posix_spawn, system and popen: the child shares its parent's memory, and the parent waits.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void reap(const char *what, pid_t pid) {
    int status = -1;
    if (waitpid(pid, &status, 0) != pid)
        perror(what);
    if (WIFSIGNALED(status))
        printf("%s: killed by %d\n", what, WTERMSIG(status));
    else
        printf("%s: exited with %d\n", what, WEXITSTATUS(status));
}

static volatile int shared;

static void handler(int signal) {
    shared = signal;
}

static void memory_is_shared(void) {
    volatile pid_t seen = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        shared = 5;
        seen = getpid();
        _exit(7);
    }
    printf("shared %d, the child's id %d\n", shared, seen == pid);
    reap("vfork", pid);
    pid = vfork();
    if (pid == 0) {
        execve("/no/such/program", (char *[]){"none", NULL}, environ);
        shared = errno;
        _exit(1);
    }
    printf("error %s\n", strerrorname_np(shared));
    reap("vfork", pid);
    signal(SIGUSR1, handler);
    pid = vfork();
    if (pid == 0) {
        raise(SIGUSR1);
        signal(SIGUSR1, SIG_IGN);
        _exit(3);
    }
    printf("handled %d in the child\n", shared);
    reap("vfork", pid);
    shared = 0;
    raise(SIGUSR1);
    printf("handled %d in the parent\n", shared);
    pid = vfork();
    if (pid == 0) {
        raise(SIGKILL);
        _exit(3);
    }
    reap("vfork", pid);
    pid = vfork();
    if (pid == 0) {
        execve("/proc/self/exe", (char *[]){"self", "status", NULL}, environ);
        _exit(1);
    }
    reap("exec", pid);
}

static void spawns(void) {
    pid_t pid = 0;
    int result = posix_spawn(&pid, "/no/such/program", NULL, NULL, (char *[]){"none", NULL}, environ);
    printf("posix_spawn: %s\n", strerrorname_np(result));
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        perror("pipe2");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawnattr_t attr;
    posix_spawnattr_init(&attr);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGUSR2);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    signal(SIGUSR2, SIG_IGN);
    result = posix_spawn(&pid, "/proc/self/exe", &actions, &attr, (char *[]){"self", "show", NULL}, environ);
    printf("posix_spawn: %d\n", result);
    close(ends[1]);
    char text[128] = "";
    ssize_t size = 0, n;
    while ((n = read(ends[0], text + size, sizeof text - 1 - size)) > 0)
        size += n;
    close(ends[0]);
    reap("posix_spawn", pid);
    printf("it wrote: %s", text);
    for (int i = 0; i < 30; i++) {
        result = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, (char *[]){"self", "status", NULL}, environ);
        int status = 0;
        if (result != 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 21)
            printf("spawn %d: %d, %#x\n", i, result, status);
    }
}

/* What a child passes to execve is not kept by its parent. */
static void nothing_is_kept(void) {
    enum { COUNT = 40, SIZE = 10000, SPAWNS = 100 };
    static char text[COUNT][SIZE];
    char *words[COUNT + 1] = {NULL};
    struct rusage before, after;
    for (int i = 0; i < COUNT; i++) {
        memset(text[i], 'x', SIZE - 1);
        text[i][1] = '=';
        words[i] = text[i];
    }
    for (int i = 0; i < SPAWNS; i++) {
        pid_t pid = 0;
        int status = 0;
        int result = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, (char *[]){"self", "status", NULL}, words);
        if (result != 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 21)
            printf("spawn %d: %d, %#x\n", i, result, status);
        if (i == 10)
            getrusage(RUSAGE_SELF, &before);
    }
    getrusage(RUSAGE_SELF, &after);
    printf("kept less than a tenth: %d\n", (after.ru_maxrss - before.ru_maxrss) * 1024 < SPAWNS * COUNT * SIZE / 10);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "status") == 0)
        return 21;
    if (argc > 1 && strcmp(argv[1], "show") == 0) {
        struct sigaction action;
        sigaction(SIGUSR2, NULL, &action);
        printf("USR2 default %d, group of its own %d\n", action.sa_handler == SIG_DFL, getpgrp() == getpid());
        return 22;
    }
    memory_is_shared();
    spawns();
    nothing_is_kept();
    return 0;
}
