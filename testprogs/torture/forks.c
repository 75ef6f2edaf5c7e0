// Forks from eight threads that allocate, while signals arrive in them. Each child allocates, locks and starts a thread. A
// signal is handled once, in the parent or not at all in a child.

#include "torture.h"

#define THREADS 8
#define SIGNALS (1 << 22)

static atomic_uchar *handled;
static atomic_bool stop;
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
        pthread_mutex_lock(&mutex);
        allocate();
        pthread_mutex_unlock(&mutex);
        fork_one((int)(intptr_t)number * 10 + (int)dice(10));
    } while (!stop);
    return NULL;
}

int main(int argc, char **argv) {
    set_deadline(argc, argv);
    handled = shared_memory(SIGNALS);
    handle(SIGRTMIN, handler, SA_RESTART);
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = start(torture, (void *)i);
    int sent = 0;
    do {
        for (int i = 0; i < THREADS && sent < SIGNALS; i++)
            SAME(pthread_sigqueue(threads[i], SIGRTMIN, (union sigval){.sival_int = sent++}), 0);
        usleep(200);
    } while (time_is_left());
    // A thread that ended would take its pending signals with it.
    for (int i = 0; i < sent; i++)
        while (handled[i] == 0)
            sched_yield();
    stop = true;
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    for (int i = 0; i < sent; i++)
        SAME(handled[i], 1);
    SAME(waitpid(-1, NULL, 0), -1);
    puts("Every child ended as it should, and every signal was handled once.");
    return 0;
}
