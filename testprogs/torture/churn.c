// Threads are created and joined without end: joined, detached, cancelled, of different stack sizes, with destructors,
// created by threads. At least 250 run for each second: more than 100,000 in seven minutes.

#include "torture.h"
#include <dirent.h>
#include <semaphore.h>

static pthread_key_t key;
static atomic_long created, destroyed, ran;
static _Thread_local long local = 7;

static void destroy(void *value) {
    CHECK(value != NULL);
    destroyed++;
}

static void *body(void *arg) {
    SAME(local, 7);
    local = (intptr_t)arg;
    pthread_setspecific(key, arg);
    ran++;
    SAME(local, (intptr_t)arg);
    return arg;
}

static pthread_t create(const pthread_attr_t *attributes, void *(*with)(void *), void *arg) {
    pthread_t thread;
    SAME(pthread_create(&thread, attributes, with, arg), 0);
    created++;
    return thread;
}

static void join_one(void) {
    void *arg = (void *)(intptr_t)(1 + dice(1000));
    CHECK(join(create(NULL, body, arg)) == arg);
}

static void join_many(void) {
    pthread_t threads[8];
    for (intptr_t i = 0; i < 8; i++)
        threads[i] = create(NULL, body, (void *)(i + 1));
    for (intptr_t i = 8; i-- > 0;)
        SAME((intptr_t)join(threads[i]), i + 1);
}

static void *parent(void *arg) {
    join_one();
    return body(arg);
}

static void detach_one(void) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 16384u << dice(4));
    create(&attributes, body, (void *)1);
    pthread_attr_destroy(&attributes);
}

static void *sleep_for_ever(void *arg) {
    pthread_setspecific(key, arg);
    ran++;
    sem_post(arg);
    for (;;)
        pause();
    return arg;
}

static void cancel_one(void) {
    sem_t ready;
    sem_init(&ready, 0, 0);
    pthread_t thread = create(NULL, sleep_for_ever, &ready);
    while (sem_wait(&ready) != 0)
        ;
    SAME(pthread_cancel(thread), 0);
    CHECK(join(thread) == PTHREAD_CANCELED);
}

static int count_tasks(void) {
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

int main(int argc, char **argv) {
    set_deadline(argc, argv);
    long least = (long)(250 * seconds_of(argc, argv));
    pthread_key_create(&key, destroy);
    do {
        for (int i = 0; i < 10; i++)
            join_one();
        join_many();
        CHECK(join(create(NULL, parent, (void *)5)) == (void *)5);
        detach_one();
        cancel_one();
    } while (time_is_left() || created < least);
    // Detached threads may still be ending.
    while (count_tasks() > 1)
        usleep(1000);
    SAME(ran, created);
    SAME(destroyed, created);
    puts("Every thread ran and ended.");
    return 0;
}
