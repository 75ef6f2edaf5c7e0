/* System calls: signals sent to itself and handled, blocked and fetched; and faults whose handler calls siglongjmp. */
#include "../../testprogs/lib.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t handled, carried;
static sigjmp_buf away;

static void on_user(int number)
{
    handled += number == SIGUSR1;
}

static void on_queue(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    carried += info->si_value.sival_int & 1;
}

static void on_fault(int number)
{
    siglongjmp(away, number);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 100;
    struct sigaction user = {.sa_handler = on_user}, queue = {.sa_sigaction = on_queue, .sa_flags = SA_SIGINFO};
    struct sigaction fault = {.sa_handler = on_fault};
    CHECK(sigaction(SIGUSR1, &user, NULL) == 0 && sigaction(SIGRTMIN, &queue, NULL) == 0 && sigaction(SIGSEGV, &fault, NULL) == 0);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    volatile char *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(closed != MAP_FAILED);
    volatile long fetched = 0, faults = 0;
    pid_t self = getpid();
    for (volatile long t = 0; t < rounds; t++) {
        CHECK(kill(self, SIGUSR1) == 0);
        CHECK(sigqueue(self, SIGRTMIN, (union sigval){.sival_int = (int)t}) == 0);
        if (t % 4 == 0) {
            CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
            CHECK(kill(self, SIGUSR2) == 0);
            fetched += sigwaitinfo(&set, NULL) == SIGUSR2;
            CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
        }
        if (t % 8 == 0) {
            if (sigsetjmp(away, 1) == 0)
                *closed = 1;
            else
                faults++;
        }
    }
    printf("%d handled, %d carried, %ld fetched, %ld faults\n", (int)handled, (int)carried, fetched, faults);
    return 0;
}
