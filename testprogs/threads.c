// Threads: start and join, thread-local storage, locks of all kinds, signals to one thread and to the process,
// cancellation, robust mutexes, names, and the first thread ending before the others.

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t sem;
static long counter, turn, written;
static atomic_long atomic_counter;
static _Thread_local long local = 100;

static void check(int result, const char *what) {
    if (result != 0) {
        printf("%s: %s\n", what, strerror(result));
        exit(1);
    }
}

static pthread_t start(void *(*body)(void *), void *arg) {
    pthread_t thread;
    check(pthread_create(&thread, NULL, body, arg), "pthread_create");
    return thread;
}

static long join(pthread_t thread) {
    void *result;
    check(pthread_join(thread, &result), "pthread_join");
    return (long)result;
}

static void *contend(void *arg) {
    long number = (long)arg;
    local += number;
    for (int i = 0; i < 5000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
        atomic_fetch_add(&atomic_counter, 1);
        if (i % 16 == 0) {
            pthread_rwlock_wrlock(&rwlock);
            written++;
            pthread_rwlock_unlock(&rwlock);
        } else {
            pthread_rwlock_rdlock(&rwlock);
            pthread_rwlock_unlock(&rwlock);
        }
    }
    pthread_barrier_wait(&barrier);
    pthread_mutex_lock(&mutex);
    while (turn != number)
        pthread_cond_wait(&turned, &mutex);
    turn++;
    printf("thread %ld has %ld\n", number, local);
    pthread_cond_broadcast(&turned);
    pthread_mutex_unlock(&mutex);
    return (void *)local;
}

static void locks(void) {
    pthread_t threads[THREADS];
    long sum = 0;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (long i = 0; i < THREADS; i++)
        threads[i] = start(contend, (void *)i);
    for (long i = 0; i < THREADS; i++)
        sum += join(threads[i]);
    printf("counted %ld, %ld, %ld; sum %ld; own %ld\n", counter, (long)atomic_counter, written, sum, local);
}

static void *nothing(void *arg) {
    return arg;
}

static void churn(void) {
    long sum = 0;
    for (long i = 0; i < 500; i++)
        sum += join(start(nothing, (void *)i));
    printf("joined %ld\n", sum);
}

static _Thread_local volatile int handled;
static atomic_int handled_by, handlers;

static void handler(int signal, siginfo_t *info, void *context) {
    (void)context;
    handled = signal;
    handled_by = gettid();
    handlers++;
    if (info->si_code == SI_QUEUE)
        handled += info->si_value.sival_int;
    sem_post(&sem);
}

static atomic_int stop_waiting;

static void *wait_for_signal(void *tid) {
    *(atomic_int *)tid = gettid();
    sem_post(&sem);
    while (!stop_waiting)
        usleep(1000);
    return (void *)(long)handled;
}

static void signals(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    int numbers[] = {SIGUSR1, SIGRTMIN, SIGRTMAX};
    atomic_int tids[3];
    pthread_t threads[3];
    sem_init(&sem, 0, 0);
    for (int i = 0; i < 3; i++) {
        sigaction(numbers[i], &action, NULL);
        threads[i] = start(wait_for_signal, &tids[i]);
        sem_wait(&sem);
    }
    // Each thread gets its own.
    for (int i = 0; i < 3; i++) {
        syscall(SYS_tgkill, getpid(), tids[i], numbers[i]);
        sem_wait(&sem);
        printf("signal %d: %s\n", i, handled_by == tids[i] ? "the thread it was sent to" : "another thread");
    }
    // A signal for the process goes to the only thread that does not block it.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_t unblocked;
    atomic_int tid;
    stop_waiting = 0;
    for (int i = 0; i < 3; i++)
        pthread_kill(threads[i], 0);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    sigaction(SIGUSR2, &action, NULL);
    stop_waiting = 1;
    for (int i = 0; i < 3; i++)
        printf("handled %d\n", join(threads[i]) == numbers[i]);
    stop_waiting = 0;
    unblocked = start(wait_for_signal, &tid);
    sem_wait(&sem);
    pthread_sigmask(SIG_BLOCK, &usr2, NULL);
    for (int i = 0; i < 100; i++) {
        union sigval value = {.sival_int = i};
        sigqueue(getpid(), SIGUSR2, value);
        sem_wait(&sem);
        if (handled_by != tid)
            puts("the wrong thread");
    }
    stop_waiting = 1;
    printf("last value %ld, handlers %d\n", join(unblocked) - SIGUSR2, (int)handlers);
    // Blocked everywhere, it is pending, and sigwaitinfo takes it.
    sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 77});
    siginfo_t info;
    int taken = sigwaitinfo(&usr2, &info);
    printf("taken %s, value %d\n", taken == SIGUSR2 ? "SIGUSR2" : "another", info.si_value.sival_int);
}

static void *wait_for_own(void *arg) {
    while (!handled)
        sched_yield();
    return arg;
}

// A thread gets a signal that is sent as soon as the call that makes it has returned.
static void signals_at_the_start(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    int numbers[] = {SIGSEGV, SIGBUS, SIGUSR1};
    for (int i = 0; i < 3; i++) {
        sigaction(numbers[i], &action, NULL);
        handlers = 0;
        for (int j = 0; j < 100; j++) {
            pthread_t thread = start(wait_for_own, NULL);
            check(pthread_kill(thread, numbers[i]), "pthread_kill");
            join(thread);
        }
        printf("handled %d\n", handlers);
        signal(numbers[i], SIG_DFL);
    }
}

static void *sleep_for_ever(void *arg) {
    sem_post(&sem);
    for (;;)
        sleep(1000);
    return arg;
}

static void *spin_for_ever(void *arg) {
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    sem_post(&sem);
    for (;;)
        ;
    return arg;
}

static void cancellation(void) {
    void *(*bodies[])(void *) = {sleep_for_ever, spin_for_ever};
    for (int i = 0; i < 2; i++) {
        pthread_t thread = start(bodies[i], NULL);
        sem_wait(&sem);
        pthread_cancel(thread);
        printf("cancelled: %d\n", join(thread) == (long)PTHREAD_CANCELED);
    }
}

static pthread_mutex_t robust;

static void *die_holding(void *arg) {
    pthread_mutex_lock(&robust);
    return arg;
}

static void robustness(void) {
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    for (int protocol = 0; protocol < 2; protocol++) {
        pthread_mutexattr_setprotocol(&attr, protocol ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE);
        pthread_mutex_init(&robust, &attr);
        join(start(die_holding, NULL));
        int result = pthread_mutex_lock(&robust);
        printf("the owner died: %d\n", result == EOWNERDEAD);
        pthread_mutex_consistent(&robust);
        pthread_mutex_unlock(&robust);
        check(pthread_mutex_lock(&robust), "lock");
        pthread_mutex_unlock(&robust);
        pthread_mutex_destroy(&robust);
    }
}

static void *named(void *arg) {
    char name[16] = "";
    pthread_setname_np(pthread_self(), "a thread");
    pthread_getname_np(pthread_self(), name, sizeof name);
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", gettid());
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(text, sizeof text, file) == NULL)
        puts("no comm");
    printf("%s, %s", name, text);
    fclose(file);
    return arg;
}

static atomic_int first_tid;

// Runs on after the first thread has ended.
static void *last(void *arg) {
    struct timespec pause = {.tv_nsec = 1000000};
    char path[64], state = 'R', line[512];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)first_tid);
    while (state != 'Z') {
        FILE *file = fopen(path, "r");
        if (file == NULL)
            break;
        if (fgets(line, sizeof line, file) != NULL)
            state = strrchr(line, ')')[2];
        fclose(file);
        nanosleep(&pause, NULL);
    }
    printf("the first thread is a zombie: %d; pid and tid differ: %d\n", state == 'Z', getpid() != gettid());
    fflush(stdout);
    syscall(SYS_exit, 7);
    return arg;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "leave") == 0) {
        first_tid = gettid();
        start(last, NULL);
        syscall(SYS_exit, 3);
    }
    locks();
    churn();
    signals();
    signals_at_the_start();
    cancellation();
    robustness();
    join(start(named, NULL));
    if (argc > 1 && strcmp(argv[1], "crash") == 0) {
        fflush(stdout);
        start((void *(*)(void *))abort, NULL);
        pause();
    }
    // The others are killed.
    start(sleep_for_ever, NULL);
    start(spin_for_ever, NULL);
    return 5;
}
