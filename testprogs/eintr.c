/* What a signal does to calls that wait: with a handler, with one that has SA_RESTART, and when the process is stopped
 * and continued. Another process sends the signals once this one sleeps. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HANDLER, RESTART, STOP, WAYS };

/* What the two processes share. */
static struct {
    volatile int armed;   /* The number of the try, 0 between tries. */
    volatile int way;
    volatile int signals; /* Signals handled in this try. */
} *shared;

static sigjmp_buf out;
static pid_t parent, sender;
static const struct timespec HOUR = {3600, 0};
static char buffer[4096];

static void on_signal(int signal)
{
    (void)signal;
    int count = ++shared->signals;
    /* Stopping comes before the first one. */
    if (shared->armed && (count == 2 || shared->way == STOP))
        siglongjmp(out, 1);
}

static char state(void)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", parent);
    int fd = open(path, O_RDONLY);
    ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[size > 0 ? size : 0] = 0;
    char *end = strrchr(text, ')');
    return end ? end[2] : 'X';
}

/* Waits until the parent has slept for a while in this try; false if the try has ended. */
static int sleeps(int try)
{
    for (int seen = 0; seen < 4; usleep(500)) {
        if (shared->armed != try)
            return 0;
        seen = state() == 'S' ? seen + 1 : 0;
    }
    return 1;
}

static void send_signals(void)
{
    for (int try = 1;; try++) {
        while (shared->armed != try) {
            usleep(200);
            if (getppid() != parent)
                _exit(0);
        }
        if (shared->way == STOP && sleeps(try)) {
            kill(parent, SIGSTOP);
            while (state() != 'T')
                usleep(200);
            kill(parent, SIGCONT);
        }
        for (int sent = 0; sleeps(try); sent++) {
            kill(parent, SIGUSR1);
            while (shared->signals <= sent && shared->armed == try)
                usleep(200);
        }
    }
}

/* Each makes a call that waits for ever. */
static int new_pipe(int end)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    return ends[end];
}

static int full_pipe(void)
{
    int fd = new_pipe(1);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    while (write(fd, buffer, sizeof buffer) > 0)
        ;
    CHECK(fcntl(fd, F_SETFL, 0) == 0);
    return fd;
}

static int new_socket(void)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    return ends[0];
}

static int full_socket(void)
{
    int fd = new_socket();
    while (send(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
        ;
    return fd;
}

static int with_timeout(int fd, int option)
{
    struct timeval hour = {3600, 0};
    CHECK(setsockopt(fd, SOL_SOCKET, option, &hour, sizeof hour) == 0);
    return fd;
}

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_len;

static int listener(void)
{
    static int number;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memset(address.sun_path, 0, sizeof address.sun_path);
    int len = snprintf(address.sun_path + 1, 64, "remu-eintr-%d-%d", getpid(), number++);
    address_len = offsetof(struct sockaddr_un, sun_path) + 1 + len;
    CHECK(bind(fd, (struct sockaddr *)&address, address_len) == 0 && listen(fd, 0) == 0);
    return fd;
}

static struct iovec iov = {buffer, sizeof buffer};
static struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

static long do_read(void) { return read(new_pipe(0), buffer, 1); }
static long do_readv(void) { return readv(new_pipe(0), &iov, 1); }
static long do_write(void) { return write(full_pipe(), buffer, sizeof buffer); }
static long do_writev(void) { return writev(full_pipe(), &iov, 1); }
static long do_eventfd(void) { return read(eventfd(0, 0), buffer, 8); }
static long do_eventfd_write(void)
{
    uint64_t most = UINT64_MAX - 1;
    int fd = eventfd(0, 0);
    CHECK(write(fd, &most, 8) == 8);
    return write(fd, &most, 8);
}
static long do_timerfd(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec hour = {.it_value = HOUR};
    CHECK(timerfd_settime(fd, 0, &hour, NULL) == 0);
    return read(fd, buffer, 8);
}
static long do_inotify(void) { return read(inotify_init(), buffer, sizeof buffer); }
static long do_signalfd(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return read(signalfd(-1, &set, 0), buffer, sizeof buffer);
}
static long do_open(void) { return open("fifo", O_RDONLY); }
static long do_recv(void) { return recv(new_socket(), buffer, 1, 0); }
static long do_recvfrom(void) { return recvfrom(new_socket(), buffer, 1, 0, NULL, NULL); }
static long do_recvmsg(void) { return recvmsg(new_socket(), &message, 0); }
static long do_recvmmsg(void)
{
    struct mmsghdr list[2] = {{message, 0}, {message, 0}};
    return recvmmsg(new_socket(), list, 2, 0, NULL);
}
static long do_recv_timeout(void) { return recv(with_timeout(new_socket(), SO_RCVTIMEO), buffer, 1, 0); }
static long do_read_timeout(void) { return read(with_timeout(new_socket(), SO_RCVTIMEO), buffer, 1); }
static long do_send(void) { return send(full_socket(), buffer, sizeof buffer, 0); }
static long do_sendmsg(void) { return sendmsg(full_socket(), &message, 0); }
static long do_sendmmsg(void)
{
    struct mmsghdr list[2] = {{message, 0}, {message, 0}};
    return sendmmsg(full_socket(), list, 2, 0);
}
static long do_send_timeout(void) { return send(with_timeout(full_socket(), SO_SNDTIMEO), buffer, sizeof buffer, 0); }
static long do_accept(void) { return accept(listener(), NULL, NULL); }
static long do_accept4(void) { return accept4(listener(), NULL, NULL, SOCK_CLOEXEC); }
static long do_accept_timeout(void) { return accept(with_timeout(listener(), SO_RCVTIMEO), NULL, NULL); }
static long do_connect(void)
{
    listener();
    int first = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(connect(first, (struct sockaddr *)&address, address_len) == 0);
    return connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, address_len);
}
static long do_poll(void)
{
    struct pollfd fd = {new_pipe(0), POLLIN, 0};
    return poll(&fd, 1, -1);
}
static long do_poll_timeout(void) { return poll(NULL, 0, 3600000); }
static long do_ppoll(void)
{
    sigset_t none;
    sigemptyset(&none);
    return ppoll(NULL, 0, &HOUR, &none);
}
static long do_select(void)
{
    struct timeval hour = {3600, 0};
    return select(0, NULL, NULL, NULL, &hour);
}
static long do_pselect(void)
{
    sigset_t none;
    sigemptyset(&none);
    return pselect(0, NULL, NULL, NULL, NULL, &none);
}
static struct epoll_event event;
static long do_epoll_wait(void) { return epoll_wait(epoll_create1(0), &event, 1, -1); }
static long do_epoll_wait_timeout(void) { return epoll_wait(epoll_create1(0), &event, 1, 3600000); }
static long do_epoll_pwait(void)
{
    sigset_t none;
    sigemptyset(&none);
    return epoll_pwait(epoll_create1(0), &event, 1, -1, &none);
}
static long do_epoll_pwait2(void)
{
    return syscall(SYS_epoll_pwait2, epoll_create1(0), &event, 1, &HOUR, NULL, (size_t)8);
}
static long do_nanosleep(void) { return nanosleep(&HOUR, NULL); }
static long do_clock_nanosleep(void) { return (errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &HOUR, NULL)) ? -1 : 0; }
static long do_clock_nanosleep_abs(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 3600;
    return (errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)) ? -1 : 0;
}
static long do_pause(void) { return pause(); }
static long do_sigsuspend(void)
{
    sigset_t none;
    sigemptyset(&none);
    return sigsuspend(&none);
}
static long do_sigwaitinfo(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return sigwaitinfo(&set, NULL);
}
static long do_sigtimedwait(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return sigtimedwait(&set, NULL, &HOUR);
}
static long do_wait4(void) { return wait4(sender, NULL, 0, NULL); }
static long do_waitid(void)
{
    siginfo_t info;
    return waitid(P_PID, (id_t)sender, &info, WEXITED);
}
static long do_waitid_pidfd(void)
{
    siginfo_t info;
    return waitid(P_PIDFD, (id_t)syscall(SYS_pidfd_open, sender, 0), &info, WEXITED);
}
static uint32_t word;
static long do_futex(void) { return syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL); }
static long do_futex_timeout(void) { return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &HOUR); }
static struct timespec in_an_hour(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 3600;
    return until;
}
static long do_futex_bitset(void)
{
    struct timespec until = in_an_hour();
    return syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &until, NULL, ~0u);
}
static long do_futex_waitv(void)
{
    struct timespec until = in_an_hour();
    struct futex_waitv list = {.val = 0, .uaddr = (uintptr_t)&word, .flags = FUTEX_32};
    return syscall(SYS_futex_waitv, &list, 1, 0, &until, CLOCK_MONOTONIC);
}
static long do_futex_lock_pi(void)
{
    static uint32_t lock;
    lock = (uint32_t)sender;
    return syscall(SYS_futex, &lock, FUTEX_LOCK_PI, 0, NULL);
}
static FILE *temporary;
/* The same file, opened once more. */
static int open_again(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(temporary));
    return open(path, O_RDWR);
}
static long do_flock(void)
{
    static int holds = -1;
    if (holds < 0)
        CHECK(flock(holds = open_again(), LOCK_EX) == 0);
    return flock(open_again(), LOCK_EX);
}
static long do_ofd_lock(void)
{
    static int start;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start++, .l_len = 1};
    int one = open_again(), two = open_again();
    CHECK(fcntl(one, F_OFD_SETLK, &lock) == 0);
    return fcntl(two, F_OFD_SETLKW, &lock);
}
static long do_setlkw(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 1};
    return fcntl(fileno(temporary), F_SETLKW, &lock);
}
static int queue, semaphores;
static long do_msgrcv(void) { return msgrcv(queue, buffer, 8, 99, 0); }
static long do_msgsnd(void)
{
    struct {
        long type;
        char text[4096];
    } text = {.type = 1};
    while (msgsnd(queue, &text, sizeof text.text, IPC_NOWAIT) == 0)
        ;
    return msgsnd(queue, &text, sizeof text.text, 0);
}
static struct sembuf down = {0, -1, 0};
static long do_semop(void) { return semop(semaphores, &down, 1); }
static long do_semtimedop(void) { return semtimedop(semaphores, &down, 1, &HOUR); }
static mqd_t new_queue(void)
{
    char name[64];
    snprintf(name, sizeof name, "/remu-eintr-%d", getpid());
    struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
    mqd_t made = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
    CHECK(made != (mqd_t)-1 && mq_unlink(name) == 0);
    return made;
}
static long do_mq_receive(void) { return mq_receive(new_queue(), buffer, sizeof buffer, NULL); }
static long do_mq_send(void)
{
    mqd_t full = new_queue();
    CHECK(mq_send(full, buffer, 8, 0) == 0);
    return mq_send(full, buffer, 8, 0);
}
static long do_splice(void) { return splice(new_pipe(0), NULL, new_pipe(1), NULL, 100, 0); }
static long do_tee(void) { return tee(new_pipe(0), new_pipe(1), 100, 0); }
static long do_vmsplice(void) { return vmsplice(full_pipe(), &iov, 1, 0); }
static long do_sendfile(void) { return sendfile(full_pipe(), fileno(temporary), &(off_t){0}, 100); }
static long do_preadv2(void) { return preadv2(new_pipe(0), &iov, 1, -1, 0); }

static const struct {
    const char *name;
    long (*make)(void);
} CALLS[] = {
#define CALL(name) {#name, do_##name}
    CALL(read), CALL(readv), CALL(preadv2), CALL(write), CALL(writev), CALL(eventfd), CALL(eventfd_write),
    CALL(timerfd), CALL(inotify), CALL(signalfd), CALL(open), CALL(recv), CALL(recvfrom), CALL(recvmsg),
    CALL(recvmmsg), CALL(recv_timeout), CALL(read_timeout), CALL(send), CALL(sendmsg), CALL(sendmmsg),
    CALL(send_timeout), CALL(accept), CALL(accept4), CALL(accept_timeout), CALL(connect), CALL(poll),
    CALL(poll_timeout), CALL(ppoll), CALL(select), CALL(pselect), CALL(epoll_wait), CALL(epoll_wait_timeout),
    CALL(epoll_pwait), CALL(epoll_pwait2), CALL(nanosleep), CALL(clock_nanosleep), CALL(clock_nanosleep_abs),
    CALL(pause), CALL(sigsuspend), CALL(sigwaitinfo), CALL(sigtimedwait), CALL(wait4), CALL(waitid),
    CALL(waitid_pidfd), CALL(futex), CALL(futex_timeout), CALL(futex_bitset), CALL(futex_waitv),
    CALL(futex_lock_pi), CALL(flock), CALL(setlkw), CALL(ofd_lock), CALL(msgrcv), CALL(msgsnd), CALL(semop),
    CALL(semtimedop), CALL(mq_receive), CALL(mq_send), CALL(splice), CALL(tee), CALL(vmsplice), CALL(sendfile),
};

static const char *outcome(int index, int way)
{
    static int tries;
    static char text[64];
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = way == RESTART ? SA_RESTART : 0};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    shared->signals = 0;
    shared->way = way;
    if (sigsetjmp(out, 1) != 0) {
        shared->armed = 0;
        return way == STOP ? "goes on" : "starts again";
    }
    shared->armed = ++tries;
    long result = CALLS[index].make();
    int error = errno;
    shared->armed = 0;
    if (result < 0)
        return strerrorname_np(error);
    snprintf(text, sizeof text, "%ld", result);
    return text;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL);
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    temporary = tmpfile();
    CHECK(temporary && ftruncate(fileno(temporary), 4096) == 0);
    CHECK(mkfifo("fifo", 0600) == 0);
    queue = msgget(IPC_PRIVATE, 0600);
    semaphores = semget(IPC_PRIVATE, 1, 0600);
    CHECK(queue >= 0 && semaphores >= 0);
    parent = getpid();
    sender = fork();
    if (sender == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 1};
        CHECK(fcntl(fileno(temporary), F_SETLK, &lock) == 0);
        send_signals();
    }
    for (size_t i = 0; i < sizeof CALLS / sizeof CALLS[0]; i++) {
        printf("%s:", CALLS[i].name);
        for (int way = 0; way < WAYS; way++)
            printf(" %s%s", outcome((int)i, way), way < STOP ? "," : "\n");
    }
    msgctl(queue, IPC_RMID, NULL);
    semctl(semaphores, 0, IPC_RMID);
    kill(sender, SIGKILL);
    unlink("fifo");
    return 0;
}
