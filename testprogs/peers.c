/* What a program does to another process and to its other threads: descriptors sent and fetched, pidfds, memory read and
 * written, kcmp, robust lists, scheduling, membarrier. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, HIDDEN_FIRST = 8, HIDDEN_LAST = 1100 };

static void show(const char *what, long result)
{
    if (result < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, result);
}

/* Sends descriptors in one control message. */
static long send_files(int socket, const int *fds, int count)
{
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr head;
    } control = {0};
    char byte = 'x';
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control};
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    control.head = (struct cmsghdr){CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
    return sendmsg(socket, &message, 0);
}

/* Receives descriptors into room for `room` bytes of control messages. Prints what came. */
static int receive_files(int socket, size_t room, int flags)
{
    char control[256] = {0}, byte;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
    long got = recvmsg(socket, &message, flags);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    printf("room %zu: %ld, control %zu, flags %x", room, got, message.msg_controllen, message.msg_flags & MSG_CTRUNC);
    int fd = -1;
    if (head != NULL) {
        printf(", message %zu of %d %d:", (size_t)head->cmsg_len, head->cmsg_level, head->cmsg_type);
        for (size_t i = 0; CMSG_LEN((i + 1) * sizeof fd) <= head->cmsg_len; i++) {
            if (fd >= 0)
                close(fd);
            memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            printf(" %d%s", fd, fcntl(fd, F_GETFD) & FD_CLOEXEC ? "c" : "");
        }
    }
    puts("");
    return fd;
}

static void sockets(void)
{
    int pair[2], files[4];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(pipe(files) == 0 && pipe(files + 2) == 0);
    show("send", send_files(pair[0], files, 4));
    int fd = receive_files(pair[1], 256, 0);
    CHECK(write(fd, "through", 7) == 7 && read(files[2], (char[8]){0}, 7) == 7);
    close(fd);
    show("send", send_files(pair[0], files, 2));
    close(receive_files(pair[1], 256, MSG_CMSG_CLOEXEC));
    for (size_t room = 16; room <= 28; room += 4) {
        show("send", send_files(pair[0], files, 3));
        int fd = receive_files(pair[1], room, 0);
        if (fd >= 0)
            close(fd);
    }
    show("send", send_files(pair[0], files, 1));
    receive_files(pair[1], 0, 0);
    int bad[] = {files[0], -1};
    show("send a bad one", send_files(pair[0], bad, 2));
    /* No number is a descriptor that the program has not opened. */
    int wrong = 0;
    for (int fd = HIDDEN_FIRST + 8; fd < HIDDEN_LAST; fd++)
        wrong += send_files(pair[0], &fd, 1) >= 0 || errno != EBADF;
    printf("sent of those never opened: %d\n", wrong);
    for (int i = 0; i < 4; i++)
        close(files[i]);
    close(pair[0]), close(pair[1]);
}

/* The other process shares nothing with this one but what it was started with. */
static struct {
    char text[2 * PAGE];
    int value;
} here __attribute__((aligned(PAGE)));

static int other_pipe[2], answers[2];
static pid_t other;

static void start_other(void)
{
    CHECK(pipe2(other_pipe, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0);
    other = fork();
    if (other == 0) {
        char command;
        int null = open("/dev/null", O_RDONLY);
        CHECK(dup2(null, 40) == 40);
        strcpy(here.text, "the other's");
        here.value = 17;
        CHECK(mprotect(here.text + PAGE, PAGE, PROT_NONE) == 0);
        CHECK(write(answers[1], "r", 1) == 1);
        while (read(other_pipe[0], &command, 1) == 1)
            CHECK(write(answers[1], &here.value, sizeof here.value) == sizeof here.value);
        _exit(0);
    }
    char ready;
    CHECK(read(answers[0], &ready, 1) == 1);
}

static int value_there(void)
{
    int value;
    CHECK(write(other_pipe[1], "v", 1) == 1 && read(answers[0], &value, sizeof value) == sizeof value);
    return value;
}

static void memory(void)
{
    char text[3 * PAGE] = "";
    int value = 0, next = 99;
    struct iovec local[2] = {{text, 12}, {&value, sizeof value}}, remote[2] = {{here.text, 12}, {&here.value, 4}};
    show("read", process_vm_readv(other, local, 2, remote, 2, 0));
    printf("[%s] %d, here [%s] %d\n", text, value, here.text, here.value);
    struct iovec from = {&next, sizeof next}, to = {&here.value, sizeof next};
    show("write", process_vm_writev(other, &from, 1, &to, 1, 0));
    printf("%d there, %d here\n", value_there(), here.value);
    struct iovec long_local = {text, sizeof text}, past = {here.text + 10, 2 * PAGE};
    show("into a protected page", process_vm_readv(other, &long_local, 1, &past, 1, 0));
    past = (struct iovec){here.text + PAGE, 1};
    show("a protected page", process_vm_readv(other, &long_local, 1, &past, 1, 0));
    struct iovec nowhere = {(void *)0x7ffffffff000, 8}, kernel = {(void *)(1ul << 63), 8}, low = {NULL, 8};
    show("above", process_vm_readv(other, &long_local, 1, &nowhere, 1, 0));
    show("the kernel's", process_vm_readv(other, &long_local, 1, &kernel, 1, 0));
    show("null", process_vm_writev(other, &long_local, 1, &low, 1, 0));
    struct iovec two[2] = {{here.text, 5}, {(void *)0x7ffffffff000, 8}};
    show("the second above", process_vm_readv(other, &long_local, 1, two, 2, 0));
    show("nothing", process_vm_readv(other, NULL, 0, NULL, 0, 0));
    show("a flag", process_vm_readv(other, local, 1, remote, 1, 1));
    show("a missing process", process_vm_readv(0x3fffffff, local, 1, remote, 1, 0));
    show("itself", process_vm_readv(getpid(), local, 1, remote, 1, 0));
    printf("[%s]\n", text);
}

static void advice(void)
{
    int fd = syscall(SYS_pidfd_open, other, 0);
    struct iovec part = {here.text, PAGE}, above = {(void *)0x7ffffffff000, PAGE};
    /* Advice to others needs CAP_SYS_NICE. */
    CHECK(syscall(SYS_process_madvise, fd, &part, 1, MADV_COLD, 0) == PAGE || errno == EPERM);
    CHECK(syscall(SYS_process_madvise, fd, &above, 1, MADV_COLD, 0) == -1 && (errno == EFAULT || errno == EPERM));
    CHECK(syscall(SYS_process_madvise, fd, &part, 1, MADV_DONTNEED, 0) == -1 && (errno == EINVAL || errno == EPERM));
    close(fd);
    void *pages[] = {here.text, (void *)0x7ffffffff000};
    int status[2] = {-99, -99};
    show("pages", syscall(SYS_move_pages, other, 2, pages, NULL, status, 0));
    printf("the first: %d, the second: %d\n", status[0] >= 0, status[1]);
}

static void pidfds(void)
{
    int fd = syscall(SYS_pidfd_open, other, 0);
    printf("pidfd: %d\n", fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    show("pidfd of a missing one", syscall(SYS_pidfd_open, 0x3fffffff, 0));
    show("pidfd flags", syscall(SYS_pidfd_open, other, 1));
    int got = syscall(SYS_pidfd_getfd, fd, 40, 0);
    struct stat st;
    CHECK(fstat(got, &st) == 0);
    printf("fetched /dev/null: %d, cloexec %d\n", S_ISCHR(st.st_mode), fcntl(got, F_GETFD) == FD_CLOEXEC);
    int wrong = 0;
    for (int number = HIDDEN_FIRST + 8; number < HIDDEN_LAST; number++)
        wrong += number != 40 && (syscall(SYS_pidfd_getfd, fd, number, 0) >= 0 || errno != EBADF);
    printf("fetched of those never opened: %d\n", wrong);
    show("same file", syscall(SYS_kcmp, getpid(), other, KCMP_FILE, got, 40));
    show("another file", syscall(SYS_kcmp, getpid(), other, KCMP_FILE, 0, 40) > 0);
    show("no file", syscall(SYS_kcmp, getpid(), other, KCMP_FILE, got, 41));
    wrong = 0;
    for (int number = HIDDEN_FIRST + 8; number < HIDDEN_LAST; number++)
        wrong += number != 40 && (syscall(SYS_kcmp, other, getpid(), KCMP_FILE, number, got) >= 0 || errno != EBADF);
    printf("compared of those never opened: %d\n", wrong);
    static const int kinds[] = {KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_SYSVSEM};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        printf("kind %d: %d with the other, %ld with itself\n", kinds[i],
               syscall(SYS_kcmp, getpid(), other, kinds[i], 0, 0) > 0, syscall(SYS_kcmp, other, other, kinds[i], 0, 0));
    show("a kind of no kernel", syscall(SYS_kcmp, getpid(), other, 99, 0, 0));
    close(got);

    struct rlimit limit, limits = {.rlim_cur = 77, .rlim_max = 77};
    show("prlimit", prlimit(other, RLIMIT_CORE, &limits, NULL));
    CHECK(prlimit(other, RLIMIT_CORE, NULL, &limit) == 0 && limit.rlim_cur == 77);
    CHECK(sched_setscheduler(other, SCHED_BATCH, &(struct sched_param){0}) == 0 && sched_getscheduler(other) == SCHED_BATCH);

    siginfo_t info = {0};
    show("signal 0", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    show("not yet", waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG));
    printf("pid %d\n", info.si_pid);
    show("signal", syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
    show("wait", waitid(P_PIDFD, fd, &info, WEXITED));
    printf("ended: %d, code %d, status %d\n", info.si_pid == other, info.si_code == CLD_KILLED, info.si_status);
    show("signal to nobody", syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
    show("fetch from nobody", syscall(SYS_pidfd_getfd, fd, 40, 0));
    close(fd);
}

static sem_t ready, done;
static struct {
    void *list, *offset, *pending;
} head = {&head, NULL, NULL};
static pid_t tid;

static void *second(void *unused)
{
    syscall(SYS_set_robust_list, &head, sizeof head);
    tid = syscall(SYS_gettid);
    sem_post(&ready);
    sem_wait(&done);
    return unused;
}

static void threads(void)
{
    pthread_t thread;
    sem_init(&ready, 0, 0);
    sem_init(&done, 0, 0);
    pthread_create(&thread, NULL, second, NULL);
    sem_wait(&ready);
    void *found = NULL;
    size_t size = 0;
    long result = syscall(SYS_get_robust_list, tid, &found, &size);
    printf("robust list of a thread: %ld, %d, %zu\n", result, found == &head, size);
    show("of nobody", syscall(SYS_get_robust_list, 0x3fffffff, &found, &size));
    show("into nothing", syscall(SYS_get_robust_list, tid, NULL, &size));
    CHECK(sched_setscheduler(tid, SCHED_IDLE, &(struct sched_param){0}) == 0);
    printf("policies: %d %d\n", sched_getscheduler(tid), sched_getscheduler(0));
    cpu_set_t all, one;
    CHECK(sched_getaffinity(tid, sizeof all, &all) == 0);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    CHECK(sched_setaffinity(tid, sizeof one, &one) == 0 && sched_getaffinity(tid, sizeof one, &one) == 0);
    printf("CPUs: %d", CPU_COUNT(&one));
    CHECK(sched_getaffinity(0, sizeof one, &one) == 0);
    printf(", and as before %d\n", CPU_EQUAL(&one, &all));
    int nice = getpriority(PRIO_PROCESS, 0);
    CHECK(setpriority(PRIO_PROCESS, tid, 19) == 0);
    printf("nice: %d, and as before %d\n", getpriority(PRIO_PROCESS, tid), getpriority(PRIO_PROCESS, 0) == nice);
    struct timespec slice;
    show("interval", sched_rr_get_interval(tid, &slice));
    char attr[56];
    show("attributes", syscall(SYS_sched_getattr, tid, attr, sizeof attr, 0));
    show("kcmp of threads", syscall(SYS_kcmp, getpid(), tid, KCMP_VM, 0, 0));
    show("memory of a thread", process_vm_readv(tid, &(struct iovec){attr, 8}, 1, &(struct iovec){&head, 8}, 1, 0));
    int reg = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
    show("membarrier before", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
    show("register", syscall(SYS_membarrier, reg, 0, 0));
    show("sync core", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
    show("register", syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
    show("expedited", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
    show("global", syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
    show("register", syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0));
    show("global expedited", syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0));
    show("unknown", syscall(SYS_membarrier, 1 << 20, 0, 0));
    show("flags", syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 2, 0));
    sem_post(&done);
    pthread_join(thread, NULL);
}

int main(void)
{
    /* Descriptors of whoever runs this. */
    syscall(SYS_close_range, 3, ~0u, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    sockets();
    start_other();
    memory();
    advice();
    pidfds();
    threads();
    return 0;
}
