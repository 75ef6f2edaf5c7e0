// Timers in tight loops: armed so that they fire before, during and after the call that waits for them, sent to the
// process and to a thread, as calls of a function, as a descriptor; and sleeps that signals interrupt.

#include "torture.h"
#include <sys/time.h>
#include <sys/timerfd.h>

static struct itimerspec once(long nanoseconds) {
    return (struct itimerspec){.it_value = {.tv_nsec = nanoseconds}};
}

static struct itimerspec every(long nanoseconds) {
    return (struct itimerspec){.it_value = {.tv_nsec = nanoseconds}, .it_interval = {.tv_nsec = nanoseconds}};
}

static atomic_long runs, expirations;
static atomic_int target;

static void handler(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    CHECK(info->si_code == SI_TIMER && info->si_overrun >= 0);
    SAME(info->si_value.sival_int, 1234);
    if (target != 0)
        SAME(gettid(), target);
    runs++;
    expirations += 1 + info->si_overrun;
}

static timer_t create(int notify, int signal, pid_t thread) {
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = signal, .sigev_value = {.sival_int = 1234}};
    if (notify == SIGEV_THREAD_ID)
        event._sigev_un._tid = thread;
    timer_t timer;
    SAME(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    return timer;
}

// No wake-up is lost, wherever the timer fires.
static void suspend_and_wait(void) {
    sigset_t rtmin = set_of(SIGRTMIN), none = set_of(0), old;
    pthread_sigmask(SIG_BLOCK, &rtmin, &old);
    timer_t timer = create(SIGEV_THREAD_ID, SIGRTMIN, gettid());
    target = gettid();
    for (int i = 0; i < 100; i++) {
        struct itimerspec soon = once(1 + dice(60000));
        long before = runs;
        SAME(timer_settime(timer, 0, &soon, NULL), 0);
        CHECK(sigsuspend(&none) == -1 && errno == EINTR);
        SAME(runs, before + 1);
        SAME(timer_settime(timer, 0, &soon, NULL), 0);
        siginfo_t info;
        SAME(sigwaitinfo(&rtmin, &info), SIGRTMIN);
        CHECK(info.si_code == SI_TIMER && info.si_value.sival_int == 1234);
        SAME(runs, before + 1);
    }
    timer_delete(timer);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void repeat(int notify) {
    target = notify == SIGEV_THREAD_ID ? gettid() : 0;
    runs = expirations = 0;
    int64_t begin = nanoseconds();
    timer_t timer = create(notify, SIGRTMIN + 1, gettid());
    struct itimerspec often = every(50000);
    SAME(timer_settime(timer, 0, &often, NULL), 0);
    while (runs < 50) {
        struct itimerspec now;
        SAME(timer_gettime(timer, &now), 0);
        CHECK(now.it_value.tv_nsec <= 50000 && now.it_interval.tv_nsec == 50000);
        free(malloc(100));
    }
    timer_delete(timer);
    CHECK(expirations <= (nanoseconds() - begin) / 50000 + 1);
}

static int tube[2];

static void write_byte(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info, (void)context;
    SAME(write(tube[1], "", 1), 1);
}

// The handler ends the wait: it must run although the thread has begun to wait, or is just about to.
static void wait_for_handler(int flags) {
    handle(SIGRTMIN + 2, write_byte, flags);
    SAME(pipe(tube), 0);
    timer_t timer = create(SIGEV_SIGNAL, SIGRTMIN + 2, 0);
    for (int i = 0; i < 200; i++) {
        struct itimerspec soon = once(1 + dice(30000));
        char byte;
        SAME(timer_settime(timer, 0, &soon, NULL), 0);
        while (read(tube[0], &byte, 1) != 1)
            SAME(errno, EINTR);
    }
    timer_delete(timer);
    close(tube[0]);
    close(tube[1]);
}

static atomic_long calls;

static void call(union sigval value) {
    SAME(value.sival_int, 77);
    calls++;
}

static void call_functions(void) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_value = {.sival_int = 77}};
    event.sigev_notify_function = call;
    calls = 0;
    for (int i = 0; i < 20; i++) {
        timer_t timer;
        SAME(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
        struct itimerspec soon = once(1 + dice(50000));
        SAME(timer_settime(timer, 0, &soon, NULL), 0);
        while (calls != i + 1)
            usleep(100);
        timer_delete(timer);
    }
}

static void descriptors(void) {
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    int64_t begin = nanoseconds();
    struct itimerspec often = every(50000);
    SAME(timerfd_settime(fd, 0, &often, NULL), 0);
    uint64_t sum = 0, count;
    for (int i = 0; i < 50; i++) {
        SAME(read(fd, &count, sizeof count), 8);
        CHECK(count > 0);
        sum += count;
    }
    CHECK(sum <= (uint64_t)(nanoseconds() - begin) / 50000 + 1);
    close(fd);
}

static atomic_long alarms;

static void alarmed(int signal, siginfo_t *info, void *context) {
    (void)info, (void)context;
    SAME(signal, SIGALRM);
    alarms++;
}

// What is left of an interrupted sleep adds up to the whole; a sleep until a time ends after it.
static void sleeps(void) {
    struct itimerval often = {.it_value = {.tv_usec = 150}, .it_interval = {.tv_usec = 150}};
    SAME(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int i = 0; i < 5; i++) {
        int64_t begin = nanoseconds();
        struct timespec left = {.tv_nsec = 2000000}, until = {0};
        while (nanosleep(&left, &left) != 0)
            SAME(errno, EINTR);
        CHECK(nanoseconds() - begin >= 2000000);
        int64_t end = nanoseconds() + 2000000;
        until.tv_sec = end / 1000000000;
        until.tv_nsec = end % 1000000000;
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
            ;
        CHECK(nanoseconds() >= end);
    }
    struct itimerval never = {0};
    SAME(setitimer(ITIMER_REAL, &never, NULL), 0);
    CHECK(alarms > 0);
}

static void *rounds(void *arg) {
    suspend_and_wait();
    return arg;
}

int main(int argc, char **argv) {
    set_deadline(argc, argv);
    handle(SIGRTMIN, handler, 0);
    handle(SIGRTMIN + 1, handler, SA_RESTART);
    handle(SIGALRM, alarmed, 0);
    do {
        suspend_and_wait();
        join(start(rounds, NULL));
        wait_for_handler(0);
        wait_for_handler(SA_RESTART);
        repeat(SIGEV_THREAD_ID);
        repeat(SIGEV_SIGNAL);
        call_functions();
        descriptors();
        sleeps();
    } while (time_is_left());
    puts("No expiration was lost or came early.");
    return 0;
}
