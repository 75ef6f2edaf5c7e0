// Handlers are installed again and again while their signal arrives: each delivery uses one action as a whole, and the
// last action set is the one that holds.

#include "torture.h"

#define STACK 65536

static atomic_bool stop, stop_receiving;
static atomic_long runs;
static _Thread_local char *stack;

static bool on_stack(void) {
    char here;
    return &here >= stack && &here < stack + STACK;
}

static void check_mask(int blocked, int unblocked) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    CHECK(sigismember(&mask, SIGUSR1));
    CHECK(sigismember(&mask, blocked));
    CHECK(!sigismember(&mask, unblocked));
    runs++;
}

static void first(int signal, siginfo_t *info, void *context) {
    SAME(signal, SIGUSR1);
    CHECK(info->si_code == SI_TKILL && info->si_pid == getpid() && context != NULL);
    CHECK(on_stack());
    check_mask(SIGHUP, SIGUSR2);
}

static void second(int signal) {
    SAME(signal, SIGUSR1);
    CHECK(!on_stack());
    check_mask(SIGUSR2, SIGHUP);
}

static struct sigaction actions[3];

static int which(const struct sigaction *action) {
    for (int i = 0; i < 3; i++)
        if (action->sa_handler == actions[i].sa_handler)
            return i;
    CHECK(!"a known handler");
    return -1;
}

static void *install(void *arg) {
    (void)arg;
    while (!stop) {
        struct sigaction old;
        SAME(sigaction(SIGUSR1, &actions[dice(3)], &old), 0);
        const struct sigaction *whole = &actions[which(&old)];
        SAME(old.sa_flags & (SA_SIGINFO | SA_ONSTACK), whole->sa_flags);
        SAME(sigismember(&old.sa_mask, SIGHUP), sigismember(&whole->sa_mask, SIGHUP));
        SAME(sigismember(&old.sa_mask, SIGUSR2), sigismember(&whole->sa_mask, SIGUSR2));
    }
    return NULL;
}

static void use_stack(void) {
    stack = malloc(STACK);
    stack_t own = {.ss_sp = stack, .ss_size = STACK};
    SAME(sigaltstack(&own, NULL), 0);
}

static void *receive(void *tid) {
    use_stack();
    *(atomic_int *)tid = gettid();
    while (!stop_receiving)
        free(malloc(dice(1000)));
    sigset_t usr1 = set_of(SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    stack_t none = {.ss_flags = SS_DISABLE};
    SAME(sigaltstack(&none, NULL), 0);
    free(stack);
    return NULL;
}

static void *send(void *tid) {
    while (*(atomic_int *)tid == 0)
        sched_yield();
    while (!stop) {
        SAME(syscall(SYS_tgkill, getpid(), *(atomic_int *)tid, SIGUSR1), 0);
        if (dice(4) == 0)
            sched_yield();
    }
    return NULL;
}

static void round_of(void) {
    atomic_int tids[2] = {0, 0};
    pthread_t receivers[2], senders[2], installers[2];
    stop = stop_receiving = false;
    for (int i = 0; i < 2; i++) {
        receivers[i] = start(receive, &tids[i]);
        senders[i] = start(send, &tids[i]);
        installers[i] = start(install, NULL);
    }
    usleep(20000);
    stop = true;
    for (int i = 0; i < 2; i++) {
        join(senders[i]);
        join(installers[i]);
    }
    stop_receiving = true;
    for (int i = 0; i < 2; i++)
        join(receivers[i]);
    // What sigaction reports is what happens.
    struct sigaction last;
    SAME(sigaction(SIGUSR1, NULL, &last), 0);
    long before = runs;
    SAME(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1), 0);
    SAME(runs - before, which(&last) != 2);
}

int main(int argc, char **argv) {
    set_deadline(argc, argv);
    use_stack();
    actions[0].sa_sigaction = first;
    actions[0].sa_flags = SA_SIGINFO | SA_ONSTACK;
    actions[0].sa_mask = set_of(SIGHUP);
    actions[1].sa_handler = second;
    actions[1].sa_mask = set_of(SIGUSR2);
    actions[2].sa_handler = SIG_IGN;
    SAME(sigaction(SIGUSR1, &actions[2], NULL), 0);
    do
        round_of();
    while (time_is_left());
    puts("Every delivery used one whole action.");
    return 0;
}
