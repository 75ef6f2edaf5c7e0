// Mutexes of every kind, condition variables, read-write locks, semaphores and barriers under contention; and robust
// mutexes whose owners are killed.

#include "torture.h"
#include <semaphore.h>

#define THREADS 6
#define ROUNDS 300

// The two halves are equal except while the lock is held.
struct guarded {
    pthread_mutex_t mutex;
    volatile long left, right;
};

static void lock(pthread_mutex_t *mutex) {
    switch (dice(4)) {
    case 0:
        while (pthread_mutex_trylock(mutex) != 0)
            sched_yield();
        return;
    case 1: {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1000;
        SAME(pthread_mutex_timedlock(mutex, &until), 0);
        return;
    }
    default: SAME(pthread_mutex_lock(mutex), 0);
    }
}

static void change(struct guarded *guarded) {
    SAME(guarded->left, guarded->right);
    guarded->left++;
    if (dice(16) == 0)
        sched_yield();
    guarded->right++;
}

#define KINDS 6
static struct guarded guarded[KINDS];

static void init_mutexes(void) {
    for (int i = 0; i < KINDS; i++) {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        int types[KINDS] = {PTHREAD_MUTEX_NORMAL,     PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                            PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_NORMAL,    PTHREAD_MUTEX_NORMAL};
        pthread_mutexattr_settype(&attributes, types[i]);
        if (i == 4)
            pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
        if (i == 5)
            pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
        guarded[i].left = guarded[i].right = 0;
        SAME(pthread_mutex_init(&guarded[i].mutex, &attributes), 0);
    }
}

static void mutexes(void) {
    for (int i = 0; i < ROUNDS; i++) {
        struct guarded *at = &guarded[i % KINDS];
        lock(&at->mutex);
        if (i % KINDS == 1)
            lock(&at->mutex);
        change(at);
        if (i % KINDS == 1)
            SAME(pthread_mutex_unlock(&at->mutex), 0);
        if (i % KINDS == 2)
            SAME(pthread_mutex_lock(&at->mutex), EDEADLK);
        SAME(pthread_mutex_unlock(&at->mutex), 0);
    }
}

// A queue of four places. Every number that is put is taken once.
static pthread_mutex_t queue_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER, not_empty = PTHREAD_COND_INITIALIZER;
static int queue[4], length;
static atomic_long put_sum, taken_sum;

static void put(int value) {
    pthread_mutex_lock(&queue_mutex);
    while (length == 4)
        pthread_cond_wait(&not_full, &queue_mutex);
    queue[length++] = value;
    pthread_cond_signal(&not_empty);
    pthread_mutex_unlock(&queue_mutex);
    put_sum += value;
}

static void take(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1000;
    pthread_mutex_lock(&queue_mutex);
    while (length == 0)
        SAME(pthread_cond_timedwait(&not_empty, &queue_mutex, &until), 0);
    taken_sum += queue[--length];
    pthread_cond_broadcast(&not_full);
    pthread_mutex_unlock(&queue_mutex);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static struct guarded written;

static void read_and_write(void) {
    for (int i = 0; i < ROUNDS; i++) {
        if (dice(8) == 0) {
            SAME(pthread_rwlock_wrlock(&rwlock), 0);
            change(&written);
        } else {
            SAME(pthread_rwlock_rdlock(&rwlock), 0);
            SAME(written.left, written.right);
        }
        SAME(pthread_rwlock_unlock(&rwlock), 0);
    }
}

static pthread_barrier_t barrier;
static atomic_int arrived;
static sem_t places;
static atomic_int inside;

static void *contend(void *number) {
    mutexes();
    for (int i = 0; i < ROUNDS; i++) {
        if ((intptr_t)number % 2 == 0)
            put(i);
        else
            take();
    }
    read_and_write();
    for (int i = 0; i < ROUNDS / 10; i++) {
        arrived++;
        int last = pthread_barrier_wait(&barrier);
        CHECK(last == 0 || last == PTHREAD_BARRIER_SERIAL_THREAD);
        SAME(arrived, THREADS * (i + 1));
        pthread_barrier_wait(&barrier);
    }
    for (int i = 0; i < ROUNDS; i++) {
        while (sem_wait(&places) != 0)
            ;
        CHECK(++inside <= 2);
        inside--;
        sem_post(&places);
    }
    return NULL;
}

static void threads(void) {
    init_mutexes();
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    sem_init(&places, 0, 2);
    arrived = 0;
    written.left = written.right = put_sum = taken_sum = 0;
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = start(contend, (void *)i);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    for (int i = 0; i < KINDS; i++)
        SAME(guarded[i].left, THREADS * ROUNDS / KINDS);
    SAME(put_sum, taken_sum);
    SAME(length, 0);
    pthread_barrier_destroy(&barrier);
}

// Takes a robust mutex; returns whether its owner had died, and repairs what it guards. Linux loses the wake-up where the
// owner is killed just after it has unlocked and another thread locks before the kernel sees that: so each wait ends.
static bool lock_robust(struct guarded *guarded) {
    int result;
    do {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 20000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        result = pthread_mutex_timedlock(&guarded->mutex, &until);
    } while (result == ETIMEDOUT);
    if (result != EOWNERDEAD) {
        SAME(result, 0);
        return false;
    }
    guarded->right = guarded->left;
    SAME(pthread_mutex_consistent(&guarded->mutex), 0);
    return true;
}

static void *use_robust(void *guarded) {
    struct guarded *at = guarded;
    for (;;) {
        lock_robust(at);
        change(at);
        SAME(pthread_mutex_unlock(&at->mutex), 0);
    }
}

// Processes of two threads are killed wherever they are: the survivors always get the mutex.
static void kill_owners(int protocol) {
    struct guarded *at = shared_memory(sizeof *at);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setprotocol(&attributes, protocol);
    SAME(pthread_mutex_init(&at->mutex, &attributes), 0);
    pid_t children[3];
    for (size_t i = 0; i < LENGTH(children); i++) {
        children[i] = fork();
        if (children[i] == 0) {
            start(use_robust, at);
            use_robust(at);
        }
    }
    for (size_t i = 0; i < LENGTH(children); i++) {
        long before = at->left;
        while (at->left < before + 20)
            usleep(100);
        SAME(kill(children[i], SIGKILL), 0);
        reap_killed(children[i], SIGKILL);
    }
    // The last owner died with the mutex or without it.
    lock_robust(at);
    SAME(at->left, at->right);
    SAME(pthread_mutex_unlock(&at->mutex), 0);
    // A child that is killed while it surely owns the mutex.
    int ready[2];
    SAME(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        lock_robust(at);
        at->left++;
        SAME(write(ready[1], "", 1), 1);
        for (;;)
            pause();
    }
    char byte;
    SAME(read(ready[0], &byte, 1), 1);
    kill(pid, SIGKILL);
    reap_killed(pid, SIGKILL);
    CHECK(lock_robust(at));
    SAME(at->left, at->right);
    SAME(pthread_mutex_unlock(&at->mutex), 0);
    close(ready[0]);
    close(ready[1]);
    munmap(at, sizeof *at);
}

int main(int argc, char **argv) {
    set_deadline(argc, argv);
    do {
        threads();
        kill_owners(PTHREAD_PRIO_NONE);
        kill_owners(PTHREAD_PRIO_INHERIT);
    } while (time_is_left());
    puts("Every lock excluded the others, and no owner's death was lost.");
    return 0;
}
