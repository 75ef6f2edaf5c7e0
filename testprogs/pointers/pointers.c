/* Makes each call with bad pointers: each pointer argument in turn, in every way. Prints a line with each result. The
 * host build gives the host kernel's results. No call changes the machine: those that would have another bad argument.
 * */
#include "../lib.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <mqueue.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static char *hole, *edge, *readonly, *none;

static struct {
    const char *name;
    char *pointer;
} kinds[8];

static void make_kinds(void)
{
    char *at = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    CHECK(munmap(at + PAGE, PAGE) == 0 && mprotect(at + 3 * PAGE, PAGE, PROT_READ) == 0);
    CHECK(mprotect(at + 5 * PAGE, PAGE, PROT_NONE) == 0);
    edge = at + PAGE - 1, hole = at + PAGE, readonly = at + 3 * PAGE, none = at + 5 * PAGE;
    *edge = 'a';
    kinds[0].name = "null", kinds[0].pointer = NULL;
    kinds[1].name = "one", kinds[1].pointer = (char *)1;
    kinds[2].name = "hole", kinds[2].pointer = hole;
    kinds[3].name = "edge", kinds[3].pointer = edge;
    kinds[4].name = "readonly", kinds[4].pointer = readonly;
    kinds[5].name = "none", kinds[5].pointer = none;
    kinds[6].name = "kernel", kinds[6].pointer = (char *)-PAGE;
    kinds[7].name = "noncanonical", kinds[7].pointer = (char *)(1L << 62);
}

static int file, dir, reads, writes, pair[2], listener, epoll, event, timer, watcher, master, queue;
static int messages, semaphores, memory;
static struct sockaddr_un name_of_listener;

/* Prepares each call. */
static void refill(void)
{
    struct { long type; char text[8]; } message = { 1, "message" };
    struct epoll_event wanted = { .events = EPOLLIN };
    epoll_ctl(epoll, EPOLL_CTL_MOD, event, &wanted);
    sendto(pair[0], "datagram", 8, MSG_DONTWAIT, NULL, 0);
    mq_timedsend(queue, "message", 7, 1, &(struct timespec){ 1, 0 });
    msgsnd(messages, &message, 8, IPC_NOWAIT);
    static int client = -1;
    close(client);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(client, (struct sockaddr *)&name_of_listener, sizeof name_of_listener);
}

static void attempt(const char *name, int argument, const char *kind, long number, const long *a)
{
    refill();
    errno = 0;
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    const char *said = result < 0 ? strerrorname_np(errno) : "ok";
    printf("%s %d %s: %s\n", name, argument, kind, said);
}

/* Makes the call with each of the arguments in the bit set `pointers` made bad. */
static void call(const char *name, long number, int pointers, const long a[6])
{
    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < 8 && pointers >> i & 1; k++) {
            long bad[6];
            memcpy(bad, a, sizeof bad);
            bad[i] = (long)kinds[k].pointer;
            attempt(name, i, kinds[k].name, number, bad);
        }
    }
}

#define CALL(name, pointers, ...) call(#name, SYS_##name, pointers, (long[6]){ __VA_ARGS__ })
#define L(x) ((long)(x))

/* Makes the call with bad pointers inside a structure: at each of these offsets in turn. */
static void inside(const char *name, long number, const long a[6], void *structure, int count, const int *offsets)
{
    for (int i = 0; i < count; i++) {
        char **word = (char **)((char *)structure + offsets[i]);
        char *good = *word;
        for (int k = 0; k < 8; k++) {
            *word = kinds[k].pointer;
            attempt(name, 100 + offsets[i], kinds[k].name, number, a);
        }
        *word = good;
    }
}

#define INSIDE(name, structure, offsets, ...)                                                             \
    inside(#name, SYS_##name, (long[6]){ __VA_ARGS__ }, structure, sizeof(offsets) / sizeof *(offsets), offsets)

static void files(void)
{
    static char buf[PAGE], value[8] = "value";
    struct stat st;
    struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
    struct open_how how = { 0 };
    struct flock lock = { .l_type = F_RDLCK };
    struct iovec iov = { buf, 8 };
    long at = 0;
    const long cwd = AT_FDCWD, path = L("file"), missing = L("missing"), attr = L("user.attr");
    CALL(setxattr, 7, path, attr, L(value), 5, 0);
    CALL(lsetxattr, 7, path, attr, L(value), 5, 0);
    CALL(fsetxattr, 6, file, attr, L(value), 5, 0);
    CALL(getxattr, 7, path, attr, L(buf), 64);
    CALL(lgetxattr, 7, path, attr, L(buf), 64);
    CALL(fgetxattr, 6, file, attr, L(buf), 64);
    CALL(listxattr, 3, path, L(buf), 64);
    CALL(llistxattr, 3, path, L(buf), 64);
    CALL(flistxattr, 2, file, L(buf), 64);
    CALL(removexattr, 3, path, L("user.none"));
    CALL(lremovexattr, 3, path, L("user.none"));
    CALL(fremovexattr, 2, file, L("user.none"));
    CALL(getcwd, 1, L(buf), PAGE);
    CALL(inotify_add_watch, 2, watcher, path, IN_CREATE);
    CALL(mknodat, 2, cwd, path, S_IFREG | 0600, 0);
    CALL(mkdirat, 2, cwd, path, 0700);
    CALL(unlinkat, 2, cwd, missing, 0);
    CALL(symlinkat, 5, missing, cwd, path);
    CALL(linkat, 10, cwd, path, cwd, path, 0);
    CALL(renameat2, 10, cwd, missing, cwd, missing, 0);
    CALL(umount2, 1, missing, 0);
    CALL(mount, 23, L("none"), missing, L("nosuchfs"), 0, L("data"));
    CALL(pivot_root, 3, missing, missing);
    CALL(statfs, 3, path, L(buf));
    CALL(fstatfs, 2, file, L(buf));
    CALL(truncate, 1, path, 4096);
    CALL(faccessat, 2, cwd, path, R_OK);
    CALL(faccessat2, 2, cwd, path, R_OK, 0);
    CALL(chdir, 1, missing);
    CALL(chroot, 1, missing);
    CALL(fchmodat, 2, cwd, path, 0600);
    CALL(fchownat, 2, cwd, path, -1, -1, 0);
    CALL(openat, 2, cwd, missing, O_RDONLY, 0);
    CALL(openat2, 6, cwd, missing, L(&how), sizeof how);
    CALL(getdents64, 2, dir, L(buf), PAGE);
    CALL(pread64, 2, file, L(buf), 8, 0);
    CALL(pwrite64, 2, file, L(buf), 8, 0);
    CALL(read, 2, file, L(buf), 8);
    CALL(write, 2, file, L(buf), 8);
    CALL(readv, 2, file, L(&iov), 1);
    CALL(writev, 2, file, L(&iov), 1);
    CALL(preadv, 2, file, L(&iov), 1, 0, 0);
    CALL(pwritev, 2, file, L(&iov), 1, 0, 0);
    CALL(preadv2, 2, file, L(&iov), 1, 0, 0, 0);
    CALL(pwritev2, 2, file, L(&iov), 1, 0, 0, 0);
    INSIDE(readv, &iov, ((int[]){ 0 }), file, L(&iov), 1);
    INSIDE(writev, &iov, ((int[]){ 0 }), file, L(&iov), 1);
    INSIDE(pwritev2, &iov, ((int[]){ 0 }), file, L(&iov), 1, 0, 0, 0);
    CALL(sendfile, 4, writes, file, L(&at), 1);
    CALL(splice, 10, file, L(&at), writes, 0, 1, 0);
    CALL(copy_file_range, 10, file, L(&at), file, L(&at), 0, 0);
    CALL(readlinkat, 6, cwd, L("link"), L(buf), 64);
    CALL(readlinkat, 6, cwd, L("/proc/self/exe"), L(buf), 64);
    CALL(newfstatat, 6, cwd, path, L(&st), 0);
    CALL(newfstatat, 2, file, L(""), L(&st), AT_EMPTY_PATH);
    CALL(fstat, 2, file, L(&st));
    CALL(statx, 18, cwd, path, 0, 0x7ff, L(buf));
    CALL(utimensat, 6, cwd, path, L(times), 0);
    CALL(memfd_create, 1, L("name"), 0);
    CALL(fcntl, 4, file, F_GETLK, L(&lock));
    CALL(fcntl, 4, file, F_SETLK, L(&lock));
    CALL(fcntl, 4, file, F_OFD_GETLK, L(&lock));
    CALL(fcntl, 4, file, F_GETOWN_EX, L(buf));
    CALL(fcntl, 4, file, F_SETOWN_EX, L(buf));
    CALL(fcntl, 4, file, F_GET_RW_HINT, L(buf));
    CALL(ioctl, 4, reads, FIONREAD, L(buf));
    CALL(ioctl, 4, file, FIONBIO, L(buf));
    CALL(ioctl, 4, master, TIOCGWINSZ, L(buf));
    CALL(ioctl, 4, master, TIOCSWINSZ, L(buf));
    CALL(ioctl, 4, master, TCGETS, L(buf));
    CALL(ioctl, 4, master, TIOCGPTN, L(buf));
    CALL(ioctl, 4, pair[0], SIOCGIFCONF, L(buf));
    CALL(ioctl, 4, pair[0], SIOCGIFNAME, L(buf));
    CALL(ioctl, 4, file, SIOCGIFCONF, L(buf));
    CALL(ioctl, 4, file, 2 /* FIGETBSZ */, L(buf));
}

static void waiting(void)
{
    static char buf[PAGE];
    struct epoll_event one = { .events = EPOLLIN }, many[4];
    struct timespec zero = { 0, 0 };
    struct itimerspec never = { 0 }, left;
    struct pollfd fds = { .fd = event, .events = POLLIN };
    unsigned long mask = 0, ready[16] = { 1UL << event }, empty[16] = { 0 };
    struct { void *mask; unsigned long size; } both = { &mask, 8 };
    int pipes[2];
    CALL(epoll_ctl, 8, epoll, EPOLL_CTL_MOD, event, L(&one));
    CALL(epoll_ctl, 8, epoll, EPOLL_CTL_ADD, 999, L(&one));
    CALL(epoll_pwait, 18, epoll, L(many), 4, 0, L(&mask), 8);
    CALL(epoll_pwait2, 26, epoll, L(many), 4, L(&zero), L(&mask), 8);
    CALL(ppoll, 13, L(&fds), 1, L(&zero), L(&mask), 8);
    CALL(pselect6, 62, 64, L(ready), L(empty), L(empty), L(&zero), L(&both));
    INSIDE(pselect6, &both, ((int[]){ 0 }), 64, 0, 0, 0, L(&zero), L(&both));
    CALL(timerfd_settime, 12, timer, 0, L(&never), L(&left));
    CALL(timerfd_gettime, 2, timer, L(&left));
    CALL(pipe2, 1, L(pipes), 0);
    CALL(read, 2, event, L(buf), 8);
    CALL(write, 2, event, L(buf), 8);
    CALL(read, 2, reads, L(buf), 1);
    CALL(write, 2, writes, L(buf), 1);
}

static void sockets(void)
{
    static char buf[PAGE], control[64];
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct iovec iov = { buf, 4 };
    struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
    struct msghdr full = { .msg_name = &addr, .msg_namelen = sizeof addr, .msg_iov = &iov, .msg_iovlen = 1,
                           .msg_control = control, .msg_controllen = sizeof control };
    struct mmsghdr list[2] = { { .msg_hdr = header }, { .msg_hdr = header } };
    struct timespec zero = { 0, 0 };
    int two[2], value = 1, len = sizeof addr;
    const int fields[] = { offsetof(struct msghdr, msg_name), offsetof(struct msghdr, msg_iov),
                           offsetof(struct msghdr, msg_control) };
    CALL(socketpair, 8, AF_UNIX, SOCK_DGRAM, 0, L(two));
    CALL(bind, 2, listener, L(&addr), 8);
    CALL(connect, 2, listener, L(&addr), 8);
    CALL(accept, 6, listener, L(&addr), L(&len));
    CALL(accept4, 6, listener, L(&addr), L(&len), SOCK_CLOEXEC);
    CALL(getsockname, 6, listener, L(&addr), L(&len));
    CALL(getpeername, 6, pair[0], L(&addr), L(&len));
    CALL(sendto, 2, pair[0], L(buf), 4, MSG_DONTWAIT, 0, 0);
    CALL(sendto, 16, pair[0], L(buf), 4, MSG_DONTWAIT, L(&addr), 8);
    CALL(recvfrom, 50, pair[1], L(buf), 4, MSG_DONTWAIT, L(&addr), L(&len));
    CALL(setsockopt, 8, pair[0], SOL_SOCKET, SO_KEEPALIVE, L(&value), 4);
    CALL(setsockopt, 8, pair[0], SOL_SOCKET, SO_ATTACH_FILTER, L(buf), 16);
    CALL(getsockopt, 24, pair[0], SOL_SOCKET, SO_TYPE, L(&value), L(&len));
    CALL(sendmsg, 2, pair[0], L(&header), MSG_DONTWAIT);
    CALL(recvmsg, 2, pair[1], L(&header), MSG_DONTWAIT);
    INSIDE(sendmsg, &full, fields, pair[0], L(&full), MSG_DONTWAIT);
    full.msg_controllen = sizeof control, full.msg_namelen = sizeof addr;
    INSIDE(recvmsg, &full, fields, pair[1], L(&full), MSG_DONTWAIT);
    CALL(sendmmsg, 2, pair[0], L(list), 2, MSG_DONTWAIT);
    CALL(recvmmsg, 18, pair[1], L(list), 2, MSG_DONTWAIT, L(&zero));
    INSIDE(sendmmsg, list, fields, pair[0], L(list), 2, MSG_DONTWAIT);
    INSIDE(recvmmsg, list, fields, pair[1], L(list), 2, MSG_DONTWAIT, 0);
}

static void processes(void)
{
    static char buf[PAGE];
    struct timespec zero = { 0, 0 }, left;
    struct itimerval never = { 0 }, old;
    struct rlimit limit;
    int word = 0, version[2] = { 0x20080522, 0 }, zeros[6] = { 0 };
    siginfo_t info = { .si_code = SI_QUEUE };
    stack_t stack = { .ss_flags = SS_DISABLE };
    unsigned set[32], a, b, c;
    CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && sigaltstack(&stack, NULL) == 0);
    CALL(futex, 1, L(&word), FUTEX_WAKE, 1);
    CALL(futex, 9, L(&word), FUTEX_WAIT, 1, L(&zero));
    CALL(futex, 17, L(&word), FUTEX_CMP_REQUEUE, 1, 1, L(&word), 0);
    CALL(get_robust_list, 6, 0, L(buf), L(buf));
    CALL(nanosleep, 3, L(&zero), L(&left));
    CALL(clock_nanosleep, 12, CLOCK_MONOTONIC, 0, L(&zero), L(&left));
    CALL(getitimer, 2, ITIMER_REAL, L(&old));
    CALL(setitimer, 6, ITIMER_REAL, L(&never), L(&old));
    CALL(clock_gettime, 2, CLOCK_REALTIME, L(&left));
    CALL(clock_getres, 2, CLOCK_REALTIME, L(&left));
    CALL(clock_settime, 2, CLOCK_MONOTONIC, L(&zero));
    CALL(gettimeofday, 3, L(buf), L(buf));
    CALL(adjtimex, 1, L(memset(buf, 0, sizeof buf)));
    CALL(clock_adjtime, 2, CLOCK_REALTIME, L(buf));
    CALL(times, 1, L(buf));
    CALL(syslog, 2, 99, L(buf), 8);
    CALL(sched_getparam, 2, 0, L(&word));
    CALL(sched_setparam, 2, 0, L(&word));
    CALL(sched_setscheduler, 4, 0, 0, L(&word));
    CALL(sched_setaffinity, 4, 0, 128, L(set));
    CALL(sched_getaffinity, 4, 0, 128, L(set));
    CALL(sched_rr_get_interval, 2, 0, L(&left));
    CALL(sched_getattr, 2, 0, L(buf), 48, 0);
    CALL(sched_setattr, 2, 0, L(buf), 0);
    CALL(sigaltstack, 3, L(&stack), L(buf));
    CALL(rt_sigaction, 2, SIGUSR1, L(buf), 0, 8);
    CALL(rt_sigaction, 4, SIGUSR1, 0, L(buf), 8);
    CALL(rt_sigprocmask, 6, SIG_BLOCK, L(memset(buf, 0, 8)), L(buf), 8);
    CALL(rt_sigpending, 1, L(buf), 8);
    CALL(rt_sigtimedwait, 3, L(buf), L(&info), L(&zero), 8);
    CALL(rt_sigqueueinfo, 4, getpid(), 0, L(&info));
    CALL(rt_tgsigqueueinfo, 8, getpid(), getpid(), 0, L(&info));
    CALL(getresuid, 7, L(&a), L(&b), L(&c));
    CALL(getresgid, 7, L(&a), L(&b), L(&c));
    CALL(setgroups, 2, 1, L(zeros));
    CALL(getgroups, 2, 1, L(set));
    CALL(uname, 1, L(buf));
    CALL(getrlimit, 2, RLIMIT_CORE, L(buf));
    CALL(setrlimit, 2, 99, L(&limit));
    CALL(prlimit64, 12, 0, RLIMIT_CORE, L(&limit), L(buf));
    CALL(getrusage, 2, RUSAGE_SELF, L(buf));
    CALL(getcpu, 3, L(&a), L(&b), 0);
    CALL(sysinfo, 1, L(buf));
    CALL(prctl, 2, PR_SET_NAME, L("name"));
    CALL(prctl, 2, PR_GET_NAME, L(buf));
    CALL(prctl, 2, PR_GET_PDEATHSIG, L(buf));
    CALL(prctl, 2, PR_GET_TID_ADDRESS, L(buf));
    CALL(getrandom, 1, L(buf), 8, 0);
    CALL(mincore, 4, L(edge + 1 - PAGE), PAGE, L(buf));
    CALL(wait4, 10, -1, L(&word), WNOHANG, L(buf));
    CALL(waitid, 20, P_ALL, 0, L(&info), WNOHANG | WEXITED, L(buf));
    CALL(capget, 3, L(version), L(zeros));
    CALL(capset, 3, L(version), L(zeros));
}

static void queues(void)
{
    static char buf[PAGE];
    struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 16 };
    struct timespec past = { 1, 0 };
    struct { long type; char text[8]; } message = { 1, "message" };
    struct sembuf operation = { 0, 0, IPC_NOWAIT };
    unsigned priority;
    CALL(mq_open, 9, L("missing"), O_RDONLY, 0, L(&attr));
    CALL(mq_unlink, 1, L("missing"));
    CALL(mq_timedsend, 18, queue, L(buf), 4, 1, L(&past));
    CALL(mq_timedreceive, 26, queue, L(buf), 16, L(&priority), L(&past));
    CALL(mq_getsetattr, 6, queue, L(&attr), L(buf));
    CALL(msgsnd, 2, messages, L(&message), 8, IPC_NOWAIT);
    CALL(msgrcv, 2, messages, L(&message), 8, 0, IPC_NOWAIT);
    CALL(msgctl, 4, messages, IPC_STAT, L(buf));
    CALL(msgctl, 4, messages, IPC_SET, L(buf));
    CALL(semctl, 8, semaphores, 0, IPC_STAT, L(buf));
    CALL(semctl, 8, semaphores, 0, GETALL, L(buf));
    CALL(semctl, 8, semaphores, 0, SETALL, L(memset(buf, 0, 8)));
    CALL(semop, 2, semaphores, L(&operation), 1);
    CALL(semtimedop, 10, semaphores, L(&operation), 1, L(&past));
    CALL(shmctl, 4, memory, IPC_STAT, L(buf));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    make_kinds();
    file = open("file", O_RDWR | O_CREAT, 0600);
    dir = open(".", O_RDONLY | O_DIRECTORY);
    int pipes[2];
    CHECK(file >= 0 && dir >= 0 && ftruncate(file, 2 * PAGE) == 0 && symlink("target", "link") == 0);
    CHECK(pipe2(pipes, O_NONBLOCK) == 0);
    reads = pipes[0], writes = pipes[1];
    CHECK(write(writes, "pipe", 4) == 4);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) == 0);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    name_of_listener.sun_family = AF_UNIX;
    strcpy(name_of_listener.sun_path, "socket");
    CHECK(bind(listener, (struct sockaddr *)&name_of_listener, sizeof name_of_listener) == 0);
    CHECK(listen(listener, 5) == 0);
    epoll = epoll_create1(0), event = eventfd(1, EFD_NONBLOCK), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    watcher = inotify_init1(IN_NONBLOCK), master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    struct epoll_event wanted = { .events = EPOLLIN };
    CHECK(epoll >= 0 && event >= 0 && timer >= 0 && watcher >= 0 && master >= 0);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted) == 0);
    char name[64];
    sprintf(name, "/remu-pointers-%d", getpid());
    struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 16 };
    queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr);
    CHECK(queue >= 0 && mq_unlink(name) == 0);
    messages = msgget(IPC_PRIVATE, 0600), semaphores = semget(IPC_PRIVATE, 1, 0600);
    memory = shmget(IPC_PRIVATE, PAGE, 0600);
    CHECK(messages >= 0 && semaphores >= 0 && memory >= 0);

    files();
    waiting();
    sockets();
    queues();
    CHECK(msgctl(messages, IPC_RMID, NULL) == 0 && semctl(semaphores, 0, IPC_RMID) == 0);
    CHECK(shmctl(memory, IPC_RMID, NULL) == 0);
    messages = -1;
    processes();
    CHECK(unlink("file") == 0 && unlink("link") == 0 && unlink("socket") == 0);
    return 0;
}
