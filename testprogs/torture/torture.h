// The frame of the torture programs. Each runs for the seconds of its first argument, but at least one round, checks
// itself, and prints the same whatever the time was. A failed check ends the process with one line on standard error.

#ifndef TORTURE_H
#define TORTURE_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            dprintf(2, "%s:%d: %s (errno %d)\n", __FILE_NAME__, __LINE__, #condition, errno);                          \
            _exit(99);                                                                                                 \
        }                                                                                                              \
    } while (0)

// Two values that must be equal; both are shown otherwise.
#define SAME(left, right)                                                                                              \
    do {                                                                                                               \
        long long left_ = (long long)(left), right_ = (long long)(right);                                              \
        if (left_ != right_) {                                                                                         \
            dprintf(2, "%s:%d: %s is %lld, not %s, %lld (errno %d)\n", __FILE_NAME__, __LINE__, #left, left_, #right,  \
                    right_, errno);                                                                                    \
            _exit(99);                                                                                                 \
        }                                                                                                              \
    } while (0)

static int64_t deadline;

static inline int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline double seconds_of(int argc, char **argv) {
    return argc > 1 ? atof(argv[1]) : 1;
}

static inline void set_deadline(int argc, char **argv) {
    deadline = nanoseconds() + (int64_t)(seconds_of(argc, argv) * 1e9);
}

static inline bool time_is_left(void) {
    return nanoseconds() < deadline;
}

static inline pthread_t start(void *(*body)(void *), void *arg) {
    pthread_t thread;
    SAME(pthread_create(&thread, NULL, body, arg), 0);
    return thread;
}

static inline void *join(pthread_t thread) {
    void *result;
    SAME(pthread_join(thread, &result), 0);
    return result;
}

// Waits for a child, or for any (-1), and returns its status as waitpid gives it.
static inline int reap(pid_t pid) {
    int status = -1;
    pid_t found = waitpid(pid, &status, 0);
    CHECK(pid == -1 ? found > 0 : found == pid);
    return status;
}

static inline void reap_exited(pid_t pid, int code) {
    int status = reap(pid);
    CHECK(WIFEXITED(status));
    SAME(WEXITSTATUS(status), code);
}

static inline void reap_killed(pid_t pid, int signal) {
    int status = reap(pid);
    CHECK(WIFSIGNALED(status));
    SAME(WTERMSIG(status), signal);
}

static inline void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    SAME(sigaction(signal, &action, NULL), 0);
}

static inline sigset_t set_of(int signal) {
    sigset_t set;
    sigemptyset(&set);
    if (signal != 0)
        sigaddset(&set, signal);
    return set;
}

static inline void *shared_memory(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}

// A small random number of the calling thread.
static inline unsigned dice(unsigned sides) {
    static _Thread_local uint64_t state;
    if (state == 0)
        state = (uint64_t)gettid() * 0x9e3779b97f4a7c15;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % sides;
}

static inline int count_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        char path[32], target[8];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        count += readlink(path, target, sizeof target) > 0;
    }
    return count;
}

#endif
