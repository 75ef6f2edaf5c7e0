/* Asynchronous I/O by the kernel's own calls: contexts and their rings, requests, events, errors. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
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

static long setup(unsigned events, aio_context_t *context)
{
    return syscall(SYS_io_setup, events, context);
}

static long submit(aio_context_t context, long count, struct iocb **list)
{
    return syscall(SYS_io_submit, context, count, list);
}

static long events(aio_context_t context, long least, long most, struct io_event *list, struct timespec *timeout)
{
    return syscall(SYS_io_getevents, context, least, most, list, timeout);
}

static struct iocb request(int opcode, int fd, void *buf, size_t size, long offset, int data)
{
    return (struct iocb){
        .aio_lio_opcode = opcode, .aio_fildes = fd, .aio_buf = (uintptr_t)buf, .aio_nbytes = size,
        .aio_offset = offset, .aio_data = data};
}

/* Prints the sum of the results by what was asked for, since their order is not fixed. */
static void results(aio_context_t context, long count)
{
    struct io_event list[16];
    long by_data[16] = {0}, got = events(context, count, 16, list, NULL);
    for (long i = 0; i < got; i++)
        by_data[list[i].data] = list[i].res;
    printf("%ld events:", got);
    for (int i = 0; i < 16; i++)
        if (by_data[i] != 0)
            printf(" %d=%ld", i, by_data[i]);
    puts("");
}

static void transfers(aio_context_t context, int fd)
{
    char out[5000], in[5000] = "", first[10], rest[20];
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = 'a' + i % 26;
    struct iovec parts[2] = {{first, sizeof first}, {rest, sizeof rest}};
    struct iocb a = request(IOCB_CMD_PWRITE, fd, out, sizeof out, 0, 1), b = request(IOCB_CMD_PREAD, fd, in, sizeof in, 3, 2);
    struct iocb c = request(IOCB_CMD_PREADV, fd, parts, 2, 26, 3), d = request(IOCB_CMD_FSYNC, fd, NULL, 0, 0, 4);
    struct iocb *write[] = {&a}, *read[] = {&b, &c, &d};
    show("write", submit(context, 1, write));
    results(context, 1);
    show("reads", submit(context, 3, read));
    results(context, 3);
    CHECK(memcmp(in, out + 3, sizeof out - 3) == 0 && memcmp(first, out, 10) == 0 && memcmp(rest, out + 10, 16) == 0);
}

static void errors(aio_context_t context, int fd)
{
    static char buf[64];
    struct iocb good = request(IOCB_CMD_PREAD, fd, buf, 8, 0, 1), bad_fd = request(IOCB_CMD_PREAD, 99, buf, 8, 0, 1);
    struct iocb bad_op = request(77, fd, buf, 8, 0, 1), bad_buf = request(IOCB_CMD_PREAD, fd, (void *)(1ul << 63), 8, 0, 1);
    struct iocb unmapped = request(IOCB_CMD_PREAD, fd, (void *)8, 8, 0, 1), many = request(IOCB_CMD_PREADV, fd, buf, 5000, 0, 1);
    struct iocb high = request(IOCB_CMD_PWRITE, fd, (void *)0x7ffffffff000, 8, 0, 1);
    struct iocb *lists[][2] = {{&bad_fd}, {&bad_op}, {&bad_buf}, {&many}, {(void *)8}, {NULL}, {&good, &bad_fd}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        show("submit", submit(context, 2, lists[i]));
    results(context, 1);
    struct iocb *faults[] = {&unmapped}, *above[] = {&high};
    show("an unmapped buffer", submit(context, 1, faults));
    results(context, 1);
    /* Where the address space ends differs: an error at once, or in the event. */
    long done = submit(context, 1, above);
    struct io_event event = {.res = -errno};
    CHECK(done < 0 || events(context, 1, 1, &event, NULL) == 1);
    printf("a buffer above: %lld\n", event.res);
    for (int fd = 16; fd < 1100; fd++) {
        struct iocb other = request(IOCB_CMD_PREAD, fd, buf, 8, 0, 1), *list[] = {&other};
        CHECK(submit(context, 1, list) == -1 && errno == EBADF);
        other = good;
        other.aio_flags = IOCB_FLAG_RESFD;
        other.aio_resfd = fd;
        CHECK(submit(context, 1, list) == -1 && errno == EBADF);
    }
    show("none", submit(context, 0, NULL));
    show("a negative number", submit(context, -1, NULL));
    show("no list", submit(context, 1, NULL));
    show("a bad context", submit(context + 4096, 1, lists[0]));
    show("no context", submit(0, 1, lists[0]));
    struct io_event event2;
    struct timespec soon = {0, 1000000}, wrong = {0, 2000000000};
    show("no events", events(context, 1, 1, &event2, &soon));
    show("none wanted", events(context, 0, 0, NULL, NULL));
    show("more than most", events(context, 2, 1, &event2, &soon));
    show("a negative least", events(context, -1, 1, &event2, &soon));
    show("a wrong time", events(context, 1, 1, &event2, &wrong));
    show("events of no context", events(context + 8, 1, 1, &event2, &soon));
    show("cancel", syscall(SYS_io_cancel, context, &good, &event2));
    show("cancel nothing", syscall(SYS_io_cancel, context, NULL, &event2));
    show("destroy no context", syscall(SYS_io_destroy, context + 8));
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void waits(aio_context_t context)
{
    int fds[2], told = eventfd(0, EFD_CLOEXEC);
    CHECK(pipe(fds) == 0);
    struct iocb wait = request(IOCB_CMD_POLL, fds[0], NULL, 0, 0, 5), *list[] = {&wait};
    wait.aio_buf = POLLIN;
    wait.aio_flags = IOCB_FLAG_RESFD;
    wait.aio_resfd = told;
    show("poll", submit(context, 1, list));
    struct timespec soon = {0, 1000000};
    struct io_event event;
    show("not yet", events(context, 1, 1, &event, &soon));
    CHECK(write(fds[1], "x", 1) == 1);
    results(context, 1);
    uint64_t count = 0;
    CHECK(read(told, &count, sizeof count) == sizeof count);
    printf("told %d\n", (int)count);
    CHECK(read(fds[0], &count, 1) == 1);
    show("poll", submit(context, 1, list));
    /* A signal ends the wait, also one that only the temporary mask lets through. */
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    sigset_t usr1, none;
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    raise(SIGUSR1);
    struct {
        sigset_t *set;
        size_t size;
    } mask = {&none, 8};
    show("blocked", syscall(SYS_io_pgetevents, context, 1, 1, &event, &soon, NULL));
    show("let through", syscall(SYS_io_pgetevents, context, 1, 1, &event, NULL, &mask));
    mask.size = 4;
    show("a mask's size", syscall(SYS_io_pgetevents, context, 1, 1, &event, &soon, &mask));
    /* Ending the context cancels the request. */
    show("destroy", syscall(SYS_io_destroy, context));
    show("again", syscall(SYS_io_destroy, context));
    close(fds[0]), close(fds[1]), close(told);
}

static int lines_of_maps(aio_context_t ring)
{
    char line[512], access[8];
    unsigned long start, end;
    int lines = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (fgets(line, sizeof line, maps) != NULL) {
        lines += strstr(line, "/[aio]") != NULL;
        if (ring != 0 && sscanf(line, "%lx-%lx %7s", &start, &end, access) == 3 && start == ring)
            printf("the ring: %s, %d\n", access, strstr(line, "/[aio] (deleted)") != NULL);
    }
    fclose(maps);
    return lines;
}

int main(void)
{
    syscall(SYS_close_range, 3, ~0u, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    aio_context_t context = 0, second = 0, third = 1;
    show("set up", setup(8, &context));
    lines_of_maps(context);
    show("a second", setup(1, &second));
    printf("rings: %d\n", lines_of_maps(0));
    show("a name that is not zero", setup(1, &third));
    third = 0;
    show("of no events", setup(0, &third));
    show("nowhere", setup(1, NULL));
    show("too many", setup(0x7fffffff, &third));
    int fd = memfd_create("file", MFD_CLOEXEC);
    transfers(context, fd);
    transfers(second, fd);
    errors(context, fd);
    show("destroy the second", syscall(SYS_io_destroy, second));
    /* A child has no contexts, whatever it has of the ring. */
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        show("in a child", submit(context, 0, NULL));
        show("destroy there", syscall(SYS_io_destroy, context));
        context = 0;
        show("its own", setup(4, &context));
        transfers(context, fd);
        _exit(7);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    printf("child: %x\n", status);
    transfers(context, fd);
    /* A ring that moves takes its name along. */
    unsigned *header = (unsigned *)context;
    size_t size = (header[7] + header[1] * sizeof(struct io_event) + 4095) & ~4095ul;
    void *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *moved = mremap((void *)context, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, room);
    printf("moved: %d\n", moved == room);
    show("by the old name", submit(context, 0, NULL));
    context = (aio_context_t)moved;
    transfers(context, fd);
    waits(context);
    printf("rings: %d\n", lines_of_maps(0));
    /* Many, to see that nothing is left of each. */
    for (int i = 0; i < 10; i++) {
        context = 0;
        CHECK(setup(64, &context) == 0 && syscall(SYS_io_destroy, context) == 0);
    }
    context = 0;
    show("set up", setup(8, &context));
    munmap((void *)context, 4096);
    show("without its ring", submit(context, 0, NULL));
    return 0;
}
