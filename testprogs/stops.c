// Calls that a stopped process is in: some go on when it is continued, with the time that is left; others end with EINTR.

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SHORT_MS = 300 };

static const struct timespec brief = {0, SHORT_MS * 1000000};
static const struct timespec lasting = {1000, 0};

static long by_nanosleep(void)
{
    struct timespec left;
    return nanosleep(&brief, &left);
}

static long by_clock_nanosleep(void)
{
    return clock_nanosleep(CLOCK_MONOTONIC, 0, &brief, NULL);
}

static long until_a_time(void)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += brief.tv_nsec;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
}

static long by_poll(void)
{
    struct pollfd none = {.fd = -1};
    return poll(&none, 1, SHORT_MS);
}

static long by_ppoll(void)
{
    struct pollfd none = {.fd = -1};
    return ppoll(&none, 1, &brief, NULL);
}

static long by_select(void)
{
    struct timeval timeout = {0, SHORT_MS * 1000};
    return select(0, NULL, NULL, NULL, &timeout);
}

static long by_futex(void)
{
    static int word;
    return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &brief, NULL, 0);
}

static long by_epoll_wait(void)
{
    struct epoll_event event;
    return epoll_wait(epoll_create1(0), &event, 1, 1000000);
}

static long by_sigtimedwait(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return sigtimedwait(&set, NULL, &lasting);
}

static long by_recv_with_timeout(void)
{
    int ends[2];
    struct timeval timeout = {1000, 0};
    char byte;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return -2;
    setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    return recv(ends[0], &byte, 1, 0);
}

static const struct {
    const char *name;
    long (*wait)(void);
} calls[] = {
    {"nanosleep", by_nanosleep},
    {"clock_nanosleep", by_clock_nanosleep},
    {"clock_nanosleep, absolute", until_a_time},
    {"poll", by_poll},
    {"ppoll", by_ppoll},
    {"select", by_select},
    {"futex", by_futex},
    {"epoll_wait", by_epoll_wait},
    {"sigtimedwait", by_sigtimedwait},
    {"recv with a timeout", by_recv_with_timeout},
};

static long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(void)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            long start = milliseconds();
            errno = 0;
            long result = calls[i].wait();
            int error = errno;
            int whole = milliseconds() - start >= SHORT_MS - 1;
            printf("%s: %ld, %s%s\n", calls[i].name, result, result < 0 ? strerrorname_np(error) : "no error",
                   result < 0 && error == EINTR ? "" : whole ? ", after the whole time" : ", too early");
            return 0;
        }
        // It may not have come to its call yet.
        int status;
        do {
            usleep(30000);
            kill(child, SIGSTOP);
            waitpid(child, &status, WUNTRACED);
            if (WIFSTOPPED(status)) {
                usleep(1000);
                kill(child, SIGCONT);
                usleep(30000);
            }
        } while (WIFSTOPPED(status) && waitpid(child, &status, WNOHANG) != child);
        if (status != 0)
            printf("status %#x\n", status);
    }
}
