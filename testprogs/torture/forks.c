// Forks from eight threads that allocate, while signals arrive. Each child allocates, locks and starts a thread. A
// signal is handled once, in the parent or not at all in a child.

#include "torture.h"

#define THREADS 8
#define SIGNALS (1 << 16)

static atomic_uchar *handled;
static atomic_int next_signal;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void handler(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    handled[info->si_value.sival_int]++;
}

static void allocate(void) {
    char *blocks[16];
    for (size_t i = 0; i < LENGTH(blocks); i++) {
        size_t size = 1 + dice(i % 4 == 0 ? 200000 : 500);
        blocks[i] = malloc(size);
        memset(blocks[i], (int)i, size < 64 ? size : 64);
    }
    for (size_t i = 0; i < LENGTH(blocks); i++) {
        SAME(blocks[i][0], i);
        free(blocks[i]);
    }
}

static void *child_thread(void *arg) {
    allocate();
    return (char *)arg + 1;
}

static void fork_one(int code) {
    pid_t parent = getpid(), pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        CHECK(getppid() == parent && getpid() != parent && gettid() == getpid());
        allocate();
        if (code % 4 == 0)
            SAME((intptr_t)join(start(child_thread, (void *)(intptr_t)code)), code + 1);
        FILE *file = fmemopen(NULL, 100, "w");
        CHECK(file != NULL && fprintf(file, "%d", code) > 0);
        fclose(file);
        _exit(code);
    }
    allocate();
    reap_exited(pid, code);
}

static void *torture(void *number) {
    do {
        int value = next_signal++;
        if (value < SIGNALS)
            SAME(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = value}), 0);
        pthread_mutex_lock(&mutex);
        allocate();
        pthread_mutex_unlock(&mutex);
        fork_one((int)(intptr_t)number * 10 + (int)dice(10));
    } while (time_is_left());
    return NULL;
}

int main(int argc, char **argv) {
    set_deadline(argc, argv);
    handled = shared_memory(SIGNALS);
    handle(SIGRTMIN, handler, SA_RESTART);
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = start(torture, (void *)i);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    for (int i = 0; i < SIGNALS && i < next_signal; i++) {
        while (handled[i] == 0)
            sched_yield();
        SAME(handled[i], 1);
    }
    SAME(waitpid(-1, NULL, 0), -1);
    puts("Every child ended as it should, and every signal was handled once.");
    return 0;
}
