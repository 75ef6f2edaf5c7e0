/* io_uring by the kernel's own calls: rings, requests, waits, errors. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long result)
{
    if (result < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, result);
}

typedef struct {
    int fd;
    struct io_uring_params params;
    char *rings;
    struct io_uring_sqe *sqes;
    size_t rings_size, sqes_size;
} Ring;

static unsigned *word(Ring *ring, unsigned offset)
{
    return (unsigned *)(ring->rings + offset);
}

static void map(Ring *ring, int fd)
{
    struct io_uring_params *p = &ring->params;
    size_t sq = p->sq_off.array + p->sq_entries * 4, cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
    ring->rings_size = sq > cq ? sq : cq;
    ring->sqes_size = p->sq_entries * sizeof(struct io_uring_sqe);
    ring->rings = mmap(NULL, ring->rings_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
    ring->sqes = mmap(NULL, ring->sqes_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQES);
    CHECK(ring->rings != MAP_FAILED && (void *)ring->sqes != MAP_FAILED);
}

static void set_up(Ring *ring, unsigned entries, unsigned flags)
{
    *ring = (Ring){.params = {.flags = flags}};
    ring->fd = syscall(SYS_io_uring_setup, entries, &ring->params);
    CHECK(ring->fd >= 0 && (fcntl(ring->fd, F_GETFD) & FD_CLOEXEC));
    CHECK((ring->params.features & IORING_FEAT_SINGLE_MMAP) && ring->params.flags == flags);
    map(ring, ring->fd);
    printf("ring of %u and %u\n", ring->params.sq_entries, ring->params.cq_entries);
}

static void tear_down(Ring *ring)
{
    munmap(ring->rings, ring->rings_size);
    munmap(ring->sqes, ring->sqes_size);
    close(ring->fd);
}

static struct io_uring_sqe *add(Ring *ring, int opcode, int fd, const void *addr, unsigned len, int data)
{
    unsigned *tail = word(ring, ring->params.sq_off.tail), at = *tail & *word(ring, ring->params.sq_off.ring_mask);
    ring->sqes[at] = (struct io_uring_sqe){
        .opcode = opcode, .fd = fd, .addr = (uintptr_t)addr, .len = len, .user_data = data};
    word(ring, ring->params.sq_off.array)[at] = at;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    return &ring->sqes[at];
}

static long enter(Ring *ring, unsigned submit, unsigned wait, void *arg, size_t size, unsigned flags)
{
    return syscall(SYS_io_uring_enter, ring->fd, submit, wait, flags | IORING_ENTER_GETEVENTS, arg, size);
}

/* Takes all completions and prints the results by what was asked for, since their order is not fixed. */
static void results(Ring *ring)
{
    long by_data[16] = {0};
    unsigned *head = word(ring, ring->params.cq_off.head), count = 0;
    while (*head != __atomic_load_n(word(ring, ring->params.cq_off.tail), __ATOMIC_ACQUIRE)) {
        struct io_uring_cqe *list = (struct io_uring_cqe *)(ring->rings + ring->params.cq_off.cqes);
        struct io_uring_cqe *event = &list[*head & *word(ring, ring->params.cq_off.ring_mask)];
        by_data[event->user_data & 15] = event->res;
        __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
        count++;
    }
    printf("%u events:", count);
    for (int i = 0; i < 16; i++)
        if (by_data[i] != 0)
            printf(" %d=%ld", i, by_data[i]);
    puts("");
}

static void transfers(Ring *ring)
{
    int fd = memfd_create("file", MFD_CLOEXEC), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    static char out[5000], in[5000], first[10], rest[20];
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = 'a' + i % 26;
    memset(in, 0, sizeof in);
    struct iovec parts[2] = {{first, sizeof first}, {rest, sizeof rest}};
    add(ring, IORING_OP_WRITE, fd, out, sizeof out, 1);
    show("write", enter(ring, 1, 1, NULL, 0, 0));
    results(ring);
    add(ring, IORING_OP_NOP, -1, NULL, 0, 2);
    add(ring, IORING_OP_READ, fd, in, sizeof in, 3);
    add(ring, IORING_OP_READV, fd, parts, 2, 4);
    add(ring, IORING_OP_READ, fd, (void *)8, 16, 5);
    show("reads", enter(ring, 4, 4, NULL, 0, 0));
    results(ring);
    CHECK(memcmp(in, out, sizeof out) == 0 && memcmp(first, out, 10) == 0 && memcmp(rest, out + 10, 16) == 0);
    struct iovec fixed = {in, sizeof in};
    show("register", syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, &fixed, 1));
    memset(in, 0, sizeof in);
    add(ring, IORING_OP_READ_FIXED, fd, in, sizeof in, 6);
    add(ring, IORING_OP_OPENAT, AT_FDCWD, "/no/such", O_RDONLY, 7)->open_flags = O_RDONLY;
    add(ring, IORING_OP_WRITE, null, out, 3, 8);
    add(ring, IORING_OP_WRITE, 99, out, 3, 9);
    show("others", enter(ring, 4, 4, NULL, 0, 0));
    results(ring);
    CHECK(memcmp(in, out, sizeof out) == 0);
    show("unregister", syscall(SYS_io_uring_register, ring->fd, IORING_UNREGISTER_BUFFERS, NULL, 0));
    close(fd), close(null);
}

static void on_signal(int signal)
{
    (void)signal;
}

static void waits(Ring *ring)
{
    int fds[2];
    char byte[8];
    CHECK(pipe(fds) == 0);
    add(ring, IORING_OP_READ, fds[0], byte, sizeof byte, 1);
    show("read a pipe", enter(ring, 1, 0, NULL, 0, 0));
    struct __kernel_timespec soon = {0, 1000000};
    struct io_uring_getevents_arg arg = {.ts = (uintptr_t)&soon};
    show("not yet", enter(ring, 0, 1, &arg, sizeof arg, IORING_ENTER_EXT_ARG));
    CHECK(write(fds[1], "xyz", 3) == 3);
    show("now", enter(ring, 0, 1, NULL, 0, 0));
    results(ring);
    add(ring, IORING_OP_TIMEOUT, -1, &soon, 1, 2);
    show("a timeout", enter(ring, 1, 1, NULL, 0, 0));
    results(ring);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    sigset_t usr1, none;
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    raise(SIGUSR1);
    show("blocked", enter(ring, 0, 1, &arg, sizeof arg, IORING_ENTER_EXT_ARG));
    show("let through", enter(ring, 0, 1, &none, 8, 0));
    show("a mask's size", enter(ring, 0, 1, &none, 4, 0));
    close(fds[0]), close(fds[1]);
}

/* The kernel reads `struct epoll_event` from the submission. */
static void epoll(Ring *ring)
{
    int fds[2], epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1122334455667788}, seen[2];
    struct io_uring_sqe *added = add(ring, IORING_OP_EPOLL_CTL, epoll, &event, EPOLL_CTL_ADD, 1);
    added->off = fds[0];
    show("add to an epoll", enter(ring, 1, 1, NULL, 0, 0));
    results(ring);
    CHECK(epoll_wait(epoll, seen, 2, 0) == 1 && seen[0].data.u64 == 0x1122334455667788 && seen[0].events == EPOLLIN);
    event.events = EPOLLOUT;
    event.data.fd = 5;
    add(ring, IORING_OP_EPOLL_CTL, epoll, &event, EPOLL_CTL_MOD, 2)->off = fds[0];
    /* The second one is not taken yet. */
    struct epoll_event other = {.events = EPOLLOUT | EPOLLET, .data.u64 = -9};
    add(ring, IORING_OP_EPOLL_CTL, epoll, &other, EPOLL_CTL_ADD, 3)->off = fds[1];
    show("modify", enter(ring, 1, 1, NULL, 0, 0));
    results(ring);
    CHECK(epoll_wait(epoll, seen, 2, 0) == 0);
    show("add another", enter(ring, 1, 1, NULL, 0, 0));
    results(ring);
    CHECK(epoll_wait(epoll, seen, 2, 0) == 1 && seen[0].data.u64 == (uint64_t)-9 && seen[0].events == EPOLLOUT);
    add(ring, IORING_OP_EPOLL_CTL, epoll, NULL, EPOLL_CTL_DEL, 4)->off = fds[1];
    add(ring, IORING_OP_EPOLL_CTL, epoll, &event, EPOLL_CTL_DEL, 5)->off = 99;
    add(ring, IORING_OP_EPOLL_CTL, epoll, (void *)16, EPOLL_CTL_ADD, 6)->off = fds[1];
    show("others", enter(ring, 3, 3, NULL, 0, 0));
    results(ring);
    close(epoll), close(fds[0]), close(fds[1]);
}

static void errors(Ring *ring)
{
    struct io_uring_params params = {0};
    show("no entries", syscall(SYS_io_uring_setup, 0, &params));
    show("too many", syscall(SYS_io_uring_setup, 1 << 20, &params));
    show("no parameters", syscall(SYS_io_uring_setup, 1, NULL));
    params.flags = 1u << 31;
    show("an unknown flag", syscall(SYS_io_uring_setup, 1, &params));
    show("enter no ring", syscall(SYS_io_uring_enter, 0, 1, 0, 0, NULL, 0));
    show("enter nothing", syscall(SYS_io_uring_enter, 99, 1, 0, 0, NULL, 0));
    show("unknown flags", enter(ring, 0, 0, NULL, 0, 1u << 31));
    show("register with nothing", syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, NULL, 1));
    show("register what", syscall(SYS_io_uring_register, ring->fd, 1000, NULL, 0));
    show("no ring", (long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, 99, IORING_OFF_SQES));
}

int main(void)
{
    syscall(SYS_close_range, 3, ~0u, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    Ring ring, other;
    set_up(&ring, 8, 0);
    transfers(&ring);
    set_up(&other, 100, IORING_SETUP_CLAMP);
    transfers(&other);
    waits(&ring);
    epoll(&ring);
    errors(&ring);
    tear_down(&other);
    set_up(&other, 3, IORING_SETUP_SINGLE_ISSUER);
    /* By a duplicate, after an unrelated descriptor has had its number. */
    int twin = dup(other.fd);
    Ring again = other;
    map(&again, twin);
    add(&again, IORING_OP_NOP, -1, NULL, 0, 1);
    show("by another mapping", enter(&other, 1, 1, NULL, 0, 0));
    results(&again);
    close(twin);
    tear_down(&other);
    /* The child has the ring, and its mappings. */
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        transfers(&ring);
        tear_down(&ring);
        set_up(&ring, 2, 0);
        add(&ring, IORING_OP_NOP, -1, NULL, 0, 1);
        show("its own", enter(&ring, 1, 1, NULL, 0, 0));
        results(&ring);
        _exit(7);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    printf("child: %x\n", status);
    tear_down(&ring);
    for (int i = 0; i < 100; i++) {
        struct io_uring_params params = {0};
        int fd = syscall(SYS_io_uring_setup, 64, &params);
        CHECK(fd == 3);
        close(fd);
    }
    return 0;
}
