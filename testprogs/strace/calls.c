/* Makes system calls with interesting arguments and no other calls in between, so that the output of strace(1) on the
 * host and of remu's -strace can be compared line by line. The calls of the C library's start-up precede the first
 * marker. Numbers and structures are the same for both; if a layout differs, the C library's type is used. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)
#define CWD ((long)AT_FDCWD)
#define BAD ((void *)8)

static char buf[8192] __attribute__((aligned(4096)));
static char *page;
static int file_fd;
static uint64_t empty_set, some_set, alarm_set = 1ull << (SIGALRM - 1);

/* A marker line, which no C library writes. */
static void marker(const char *text)
{
    CALL(write, -1000L, text, strlen(text));
}

static void files(void)
{
    CALL(openat, CWD, "no such \"file\"\n\t\001\0012\\", O_RDONLY | O_CLOEXEC);
    CALL(openat, CWD, BAD, O_WRONLY | O_APPEND | O_NONBLOCK);
    CALL(openat, CWD, NULL, O_RDWR | O_DIRECTORY | O_NOFOLLOW | O_PATH);
    int fd = CALL(openat, CWD, "file", O_RDWR | O_CREAT | O_EXCL | O_TRUNC, 0640);
    file_fd = fd;
    CALL(openat, CWD, ".", O_TMPFILE | O_RDWR | O_SYNC, 0600);
    struct open_how how = {.flags = O_RDONLY | O_NOATIME, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
    CALL(openat2, CWD, "nothing", &how, sizeof how);
    how = (struct open_how){.flags = O_CREAT | O_WRONLY, .mode = 0600};
    CALL(openat2, CWD, "/nowhere/nothing", &how, sizeof how);
    CALL(openat2, CWD, "nothing", &how, 3L);
    CALL(write, fd, "a short line\n", 13L);
    CALL(write, fd, "\a\b\t\n\v\f\r\033\177\200\377\"quoted\"\\", 21L);
    CALL(write, fd, "0123456789abcdefghijklmnopqrstuvwxyz", 36L);
    CALL(write, fd, BAD, 5L);
    CALL(write, fd, "\0001\0", 3L);
    CALL(write, 1000L, "", 0L);
    CALL(lseek, fd, 0L, SEEK_SET);
    CALL(lseek, fd, -5L, SEEK_END);
    CALL(lseek, fd, 1L << 40, SEEK_CUR);
    CALL(lseek, fd, 0L, 77);
    CALL(lseek, fd, 0L, SEEK_DATA);
    CALL(read, fd, buf, 20L);
    CALL(read, fd, buf, 100L);
    CALL(read, fd, buf, 100L);
    CALL(read, fd, BAD, 1L);
    CALL(pread64, fd, buf, 4L, 9L);
    CALL(pread64, fd, buf, 4L, -9L);
    CALL(pwrite64, fd, "xyz", 3L, 100L);
    struct iovec out[2] = {{"one", 3}, {"two\n", 4}};
    struct iovec in[3] = {{buf, 2}, {buf + 100, 40}, {NULL, 0}};
    CALL(writev, fd, out, 2L);
    CALL(writev, fd, NULL, 1L);
    CALL(preadv, fd, in, 3L, 0L, 0L);
    CALL(pwritev, fd, out, 2L, 50L, 0L);
    CALL(lseek, fd, 100L, SEEK_SET);
    CALL(readv, fd, in, 3L);
    CALL(readv, fd, in, 0L);
    CALL(preadv2, fd, in, 2L, 3L, 0L, 0x2L);
    CALL(pwritev2, fd, out, 1L, 7L, 0L, 0L);
    CALL(ftruncate, fd, 4096L);
    CALL(truncate, "nothing", 10L);
    CALL(fallocate, fd, FALLOC_FL_KEEP_SIZE, 0L, 8192L);
    CALL(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0L, 4096L);
    CALL(fsync, fd);
    CALL(fdatasync, fd);
    CALL(sync_file_range, fd, 0L, 4096L, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_BEFORE);
    CALL(fadvise64, fd, 0L, 0L, POSIX_FADV_SEQUENTIAL);
    CALL(readahead, fd, 0L, 4096L);
    CALL(flock, fd, LOCK_EX | LOCK_NB);
    CALL(flock, fd, LOCK_UN);
    CALL(close, fd + 500L);
}

static void names(void)
{
    struct stat st;
    struct statfs fs;
    static char statx_buf[256] __attribute__((aligned(8)));
    CALL(mkdirat, CWD, "dir", 0755);
    CALL(mkdirat, CWD, "dir", 0);
    CALL(symlinkat, "file", CWD, "link");
    CALL(linkat, CWD, "file", CWD, "dir/hard", 0);
    CALL(linkat, CWD, "link", CWD, "dir/soft", AT_SYMLINK_FOLLOW);
    CALL(readlinkat, CWD, "link", buf, 100L);
    CALL(readlinkat, CWD, "file", buf, 100L);
    CALL(mknodat, CWD, "fifo", S_IFIFO | 0600, 0L);
    CALL(mknodat, CWD, "nowhere/null", S_IFCHR | 0666, 0x103L);
    CALL(mknodat, CWD, "nowhere/file", S_IFREG | S_ISUID | 0, 0L);
    CALL(renameat2, CWD, "dir/hard", CWD, "dir/moved", RENAME_NOREPLACE);
    CALL(renameat2, CWD, "file", CWD, "nothing", RENAME_EXCHANGE);
    CALL(newfstatat, CWD, "file", &st, 0);
    CALL(newfstatat, CWD, "link", &st, AT_SYMLINK_NOFOLLOW);
    CALL(newfstatat, (long)file_fd, "", &st, AT_EMPTY_PATH);
    CALL(newfstatat, CWD, "dir", &st, AT_NO_AUTOMOUNT);
    CALL(newfstatat, CWD, "/dev/null", &st, 0);
    CALL(newfstatat, CWD, "nothing", &st, 0x8000);
    CALL(fstat, (long)file_fd, &st);
    CALL(fstat, (long)file_fd, BAD);
    CALL(statx, CWD, "file", AT_STATX_SYNC_AS_STAT, STATX_BASIC_STATS, statx_buf);
    CALL(statx, CWD, "/dev/zero", AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_SIZE, statx_buf);
    CALL(statx, CWD, "nothing", AT_STATX_FORCE_SYNC, STATX_ALL, statx_buf);
    CALL(statfs, "/proc", &fs);
    CALL(statfs, "nothing", &fs);
    CALL(fstatfs, (long)file_fd, &fs);
    CALL(faccessat, CWD, "file", R_OK | W_OK);
    CALL(faccessat, CWD, "file", F_OK);
    CALL(faccessat2, CWD, "file", X_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
    CALL(fchmod, (long)file_fd, 0644);
    CALL(fchmodat, CWD, "file", 04711);
    CALL(fchown, (long)file_fd, -1, -1);
    CALL(fchownat, CWD, "link", -1, -1, AT_SYMLINK_NOFOLLOW);
    struct timespec times[2] = {{1700000000, 123456789}, {0, UTIME_OMIT}};
    CALL(utimensat, CWD, "file", times, 0);
    times[0].tv_nsec = UTIME_NOW;
    times[1] = (struct timespec){1600000000, 0};
    CALL(utimensat, CWD, "link", times, AT_SYMLINK_NOFOLLOW);
    CALL(utimensat, (long)file_fd, NULL, NULL, 0);
    CALL(umask, 027);
    CALL(umask, 0);
    int dir = CALL(openat, CWD, "dir", O_RDONLY | O_DIRECTORY);
    CALL(getdents64, (long)dir, buf, sizeof buf);
    CALL(getdents64, (long)dir, buf, sizeof buf);
    CALL(fchdir, (long)dir);
    CALL(getcwd, buf, sizeof buf);
    CALL(getcwd, buf, 2L);
    CALL(chdir, "..");
    CALL(chdir, "nothing");
    CALL(close, (long)dir);
    CALL(unlinkat, CWD, "dir/moved", 0);
    CALL(unlinkat, CWD, "dir/soft", 0);
    CALL(unlinkat, CWD, "dir", AT_REMOVEDIR);
    CALL(unlinkat, CWD, "fifo", 0);
    CALL(unlinkat, CWD, "link", 0);
    CALL(unlinkat, CWD, "nothing", 0);
}

static void attributes(void)
{
    CALL(setxattr, "file", "user.remu", "value\n", 6L, XATTR_CREATE);
    CALL(setxattr, "file", "bad", "v", 1L, XATTR_CREATE | XATTR_REPLACE);
    CALL(lsetxattr, "file", "user.two", "", 0L, 0);
    CALL(fsetxattr, (long)file_fd, "user.three", "3", 1L, XATTR_REPLACE);
    CALL(getxattr, "file", "user.remu", buf, 100L);
    CALL(getxattr, "file", "user.remu", NULL, 0L);
    CALL(lgetxattr, "file", "user.none", buf, 100L);
    CALL(fgetxattr, (long)file_fd, "user.remu", buf, 2L);
    CALL(listxattr, "file", buf, 100L);
    CALL(llistxattr, "nothing", buf, 100L);
    CALL(flistxattr, (long)file_fd, NULL, 0L);
    CALL(removexattr, "file", "user.two");
    CALL(lremovexattr, "file", "user.none");
    CALL(fremovexattr, (long)file_fd, "user.remu");
}

static void descriptors(void)
{
    int pipe_fd[2], other[2];
    CALL(pipe2, pipe_fd, O_CLOEXEC | O_NONBLOCK);
    CALL(pipe2, BAD, 0);
    CALL(pipe2, other, 0);
    long in = pipe_fd[0], out = pipe_fd[1];
    CALL(dup, out);
    CALL(dup3, out, 50L, O_CLOEXEC);
    CALL(dup3, out, out, 0);
    CALL(fcntl, in, F_GETFD);
    CALL(fcntl, in, F_SETFD, 0L);
    CALL(fcntl, in, F_GETFD);
    CALL(fcntl, in, F_GETFL);
    CALL(fcntl, in, F_SETFL, O_NONBLOCK | O_ASYNC);
    CALL(fcntl, in, F_SETFL, O_NONBLOCK);
    CALL(fcntl, in, F_DUPFD, 60L);
    CALL(fcntl, in, F_DUPFD_CLOEXEC, 61L);
    CALL(fcntl, in, F_GETPIPE_SZ);
    CALL(fcntl, in, F_SETPIPE_SZ, 8192L);
    CALL(fcntl, in, 4711, 0L);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20};
    CALL(fcntl, (long)file_fd, F_SETLK, &lock);
    CALL(fcntl, (long)file_fd, F_GETLK, &lock);
    CALL(fcntl, (long)file_fd, F_SETLK, BAD);
    CALL(read, in, buf, 10L);
    CALL(write, out, "pipe", 4L);
    CALL(tee, in, (long)other[1], 2L, SPLICE_F_NONBLOCK);
    loff_t from = 0;
    CALL(splice, (long)file_fd, &from, out, NULL, 3L, SPLICE_F_MOVE | SPLICE_F_MORE);
    CALL(splice, in, NULL, in, NULL, 3L, 0);
    off_t at = 2;
    CALL(sendfile, out, (long)file_fd, &at, 4L);
    CALL(sendfile, out, (long)file_fd, NULL, 4L);
    loff_t to = 4096;
    from = 0;
    CALL(copy_file_range, (long)file_fd, &from, (long)file_fd, &to, 16L, 0);
    int n;
    CALL(ioctl, in, FIONREAD, &n);
    CALL(ioctl, in, FIONBIO, &(int){1});
    CALL(ioctl, in, FIOCLEX);
    struct winsize ws;
    CALL(ioctl, in, TIOCGWINSZ, &ws);
    struct termios tio;
    CALL(ioctl, in, TCGETS, &tio);
    CALL(ioctl, in, 0x12345678L, BAD);
    long memory = CALL(memfd_create, "a \"name\"", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CALL(fcntl, memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    CALL(fcntl, memory, F_GET_SEALS);
    CALL(close_range, 50L, 70L, 0L);
    CALL(close_range, 50L, 40L, 4L);
    long watch = CALL(inotify_init1, IN_CLOEXEC | IN_NONBLOCK);
    CALL(inotify_add_watch, watch, "file", IN_MODIFY | IN_CLOSE_WRITE | IN_ONESHOT);
    CALL(inotify_add_watch, watch, "nothing", IN_ALL_EVENTS);
    CALL(inotify_rm_watch, watch, 1L);
    CALL(inotify_rm_watch, watch, 99L);
}

static void terminals(void)
{
    long tty = CALL(openat, CWD, "/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    int zero = 0;
    struct termios tio;
    struct winsize ws = {24, 80, 0, 0};
    CALL(ioctl, tty, TIOCSPTLCK, &zero);
    CALL(ioctl, tty, TCGETS, &tio);
    CALL(ioctl, tty, TCSETS, &tio);
    CALL(ioctl, tty, TIOCSWINSZ, &ws);
    CALL(ioctl, tty, TIOCGWINSZ, &ws);
    CALL(ioctl, tty, TIOCGWINSZ, BAD);
    CALL(ioctl, tty, TCFLSH, 0L);
    CALL(close, tty);
}

static void memory(void)
{
    page = (char *)CALL(mmap, NULL, 16384L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0L);
    CALL(mmap, NULL, 4096L, PROT_READ, MAP_SHARED, (long)file_fd, 4096L);
    CALL(mmap, NULL, 0L, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1L, 0L);
    CALL(mmap, page, 4096L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_POPULATE, -1L, 0L);
    CALL(mmap, page, 4096L, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS, -1L, 0L);
    CALL(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, 1000L, 0L);
    CALL(mmap, NULL, 4096L, PROT_READ, MAP_SHARED, -1L, 1L);
    CALL(mprotect, page, 4096L, PROT_NONE);
    CALL(mprotect, page, 4096L, PROT_READ | PROT_WRITE);
    CALL(mprotect, page + 1, 4096L, PROT_READ);
    CALL(mprotect, BAD, 4096L, 0x1000);
    CALL(madvise, page, 4096L, MADV_DONTNEED);
    CALL(madvise, page, 4096L, 4711);
    CALL(msync, page, 4096L, MS_SYNC);
    CALL(msync, page, 4096L, MS_SYNC | MS_ASYNC | MS_INVALIDATE);
    page[0] = 1;
    page[8192] = 1;
    CALL(mincore, page, 16384L, buf);
    CALL(mincore, page + 1, 16384L, buf);
    CALL(mlock, page, 4096L);
    CALL(mlock2, page, 4096L, 1L);
    CALL(munlock, page, 4096L);
    CALL(munlockall);
    char *moved = (char *)CALL(mremap, page, 16384L, 32768L, MREMAP_MAYMOVE);
    CALL(mremap, moved, 32768L, 4096L, 0, 0L);
    CALL(mremap, moved, 4096L, 4096L, MREMAP_MAYMOVE | MREMAP_FIXED, page + 1);
    CALL(munmap, moved, 4096L);
    CALL(munmap, BAD, 4096L);
    CALL(brk, 0L);
    CALL(membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
    CALL(membarrier, 4711, 0, 0);
    CALL(getrandom, buf, 4L, GRND_NONBLOCK);
    CALL(getrandom, buf, 0L, GRND_RANDOM | GRND_NONBLOCK);
    CALL(getrandom, BAD, 4L, 0x100);
}

static void waiting(void)
{
    int pipe_fd[2];
    CALL(pipe2, pipe_fd, 0);
    long in = pipe_fd[0], out = pipe_fd[1];
    struct timespec limit = {1, 500000000}, now = {0, 0}, soon = {0, 1000};
    struct pollfd fds[2] = {{in, POLLIN | POLLPRI, 0}, {out, POLLOUT, 0}};
    CALL(ppoll, fds, 2L, &limit, &empty_set, 8L);
    CALL(ppoll, fds, 1L, &now, NULL, 0L);
    CALL(ppoll, fds, 1L, &soon, &some_set, 8L);
    CALL(ppoll, BAD, 1L, NULL, NULL, 0L);
    fd_set in_set, out_set;
    FD_ZERO(&in_set);
    FD_ZERO(&out_set);
    FD_SET(in, &in_set);
    FD_SET(out, &out_set);
    struct {
        const uint64_t *set;
        size_t size;
    } mask = {&some_set, 8};
    limit = (struct timespec){2, 0};
    CALL(pselect6, out + 1L, &in_set, &out_set, NULL, &limit, &mask);
    FD_SET(in, &in_set);
    CALL(pselect6, in + 1L, &in_set, NULL, NULL, &now, NULL);
    CALL(pselect6, -1L, NULL, NULL, NULL, NULL, NULL);
    long ep = CALL(epoll_create1, EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP, .data = {.u64 = 0x123456789abcdef0}};
    CALL(epoll_ctl, ep, EPOLL_CTL_ADD, in, &event);
    event.events = EPOLLOUT | EPOLLONESHOT;
    CALL(epoll_ctl, ep, EPOLL_CTL_ADD, out, &event);
    CALL(epoll_ctl, ep, EPOLL_CTL_MOD, out, &event);
    struct epoll_event events[4];
    CALL(epoll_pwait, ep, events, 4L, 100L, NULL, 8L);
    CALL(epoll_pwait, ep, events, 4L, 0L, &some_set, 8L);
    CALL(epoll_pwait2, ep, events, 4L, &now, NULL, 8L);
    CALL(epoll_ctl, ep, EPOLL_CTL_DEL, in, NULL);
    CALL(epoll_ctl, ep, 4711, in, &event);
    long ev = CALL(eventfd2, 3L, EFD_CLOEXEC | EFD_SEMAPHORE);
    CALL(read, ev, buf, 8L);
    CALL(eventfd2, 0L, 0x100);
    long timer = CALL(timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct itimerspec spec = {{1, 0}, {1000, 5}}, old;
    CALL(timerfd_settime, timer, 0, &spec, NULL);
    CALL(timerfd_settime, timer, TFD_TIMER_ABSTIME, &spec, &old);
    CALL(timerfd_gettime, timer, &old);
    CALL(timerfd_create, 4711L, 0);
    CALL(close, timer);
    int word = 1;
    CALL(futex, &word, FUTEX_WAKE_PRIVATE, 1L);
    CALL(futex, &word, FUTEX_WAIT, 2L, NULL);
    CALL(futex, &word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 2L, &now, NULL, FUTEX_BITSET_MATCH_ANY);
    CALL(futex, &word, FUTEX_CMP_REQUEUE, 1L, 2L, &word, 1L);
    CALL(futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1L, &soon);
}

static void sockets(void)
{
    int pair[2];
    CALL(socketpair, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair);
    long a = pair[0], b = pair[1];
    CALL(socketpair, AF_INET, SOCK_STREAM, 0, pair);
    CALL(sendto, a, "datagram", 8L, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0L);
    CALL(recvfrom, b, buf, 100L, MSG_PEEK, NULL, NULL);
    CALL(recvfrom, b, buf, 4L, MSG_TRUNC, NULL, NULL);
    CALL(recvfrom, b, buf, 4L, MSG_DONTWAIT, NULL, NULL);
    struct iovec out[2] = {{"one", 3}, {"two", 3}}, in = {buf, 100};
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr msg = {.msg_iov = out, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(head), &(int){0}, sizeof(int));
    CALL(sendmsg, a, &msg, MSG_EOR);
    msg.msg_iov = &in;
    msg.msg_iovlen = 1;
    CALL(recvmsg, b, &msg, MSG_CMSG_CLOEXEC);
    msg.msg_control = NULL;
    msg.msg_controllen = 0;
    CALL(recvmsg, b, &msg, MSG_DONTWAIT);
    CALL(sendmsg, a, BAD, 0);
    struct mmsghdr many[2] = {{{.msg_iov = out, .msg_iovlen = 1}, 0}, {{.msg_iov = out + 1, .msg_iovlen = 1}, 0}};
    CALL(sendmmsg, a, many, 2L, MSG_DONTWAIT);
    struct iovec two[2] = {{buf, 10}, {buf + 10, 10}};
    struct mmsghdr got[2] = {{{.msg_iov = two, .msg_iovlen = 1}, 0}, {{.msg_iov = two + 1, .msg_iovlen = 1}, 0}};
    CALL(recvmmsg, b, got, 2L, MSG_DONTWAIT, NULL);
    CALL(shutdown, a, SHUT_WR);
    CALL(shutdown, a, 7L);
    long s = CALL(socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    CALL(socket, AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_IP);
    CALL(socket, AF_UNIX, SOCK_SEQPACKET, 0);
    CALL(socket, 99L, SOCK_STREAM, 0);
    int one = 1;
    CALL(setsockopt, s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    CALL(setsockopt, s, SOL_TCP, TCP_NODELAY, &one, sizeof one);
    struct linger linger = {1, 5};
    CALL(setsockopt, s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    struct timeval limit = {2, 500000};
    CALL(setsockopt, s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    CALL(setsockopt, s, SOL_SOCKET, 4711, BAD, 4L);
    CALL(setsockopt, s, SOL_IP, IP_TTL, &one, sizeof one);
    socklen_t len = sizeof one;
    CALL(getsockopt, s, SOL_SOCKET, SO_TYPE, &one, &len);
    CALL(getsockopt, s, SOL_SOCKET, SO_ERROR, &one, &len);
    len = sizeof linger;
    CALL(getsockopt, s, SOL_SOCKET, SO_LINGER, &linger, &len);
    len = 100;
    CALL(getsockopt, s, SOL_TCP, TCP_NODELAY, &one, &len);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    CALL(bind, s, &addr, sizeof addr);
    CALL(bind, s, &addr, 3L);
    CALL(listen, s, 5L);
    len = sizeof addr;
    CALL(getsockname, s, &addr, &len);
    long c = CALL(socket, AF_INET, SOCK_STREAM, IPPROTO_IP);
    CALL(getpeername, c, &addr, &len);
    CALL(connect, c, &addr, sizeof addr);
    struct sockaddr_in peer;
    len = sizeof peer;
    CALL(accept4, s, &peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    len = sizeof peer;
    CALL(getpeername, c, &peer, &len);
    len = 2;
    CALL(getpeername, c, &peer, &len);
    CALL(accept4, s, NULL, NULL, 0x40);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(80), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    CALL(connect, c, &six, sizeof six);
    struct sockaddr_un un = {AF_UNIX, "no such socket"};
    CALL(connect, c, &un, offsetof(struct sockaddr_un, sun_path) + 15L);
    un.sun_path[0] = 0;
    CALL(bind, 1000L, &un, offsetof(struct sockaddr_un, sun_path) + 8L);
    CALL(connect, c, BAD, sizeof addr);
}

static void identity(void)
{
    unsigned ids[3];
    int list[64];
    CALL(getpid);
    CALL(gettid);
    CALL(getppid);
    CALL(getuid);
    CALL(geteuid);
    CALL(getgid);
    CALL(getegid);
    CALL(getresuid, ids, ids + 1, ids + 2);
    CALL(getresgid, ids, ids + 1, ids + 2);
    CALL(setresuid, -1L, -1L, -1L);
    CALL(setregid, -1L, -1L);
    CALL(setfsuid, -1L);
    CALL(getgroups, 64L, list);
    CALL(getgroups, 0L, NULL);
    CALL(getpgid, 0L);
    CALL(getsid, 0L);
    CALL(setpgid, -1L, 0L);
    CALL(getpriority, PRIO_PROCESS, 0L);
    CALL(setpriority, PRIO_USER, -1L, 5L);
    struct rlimit limit = {100, 4096 * 1024};
    CALL(prlimit64, 0L, RLIMIT_CORE, NULL, &limit);
    limit = (struct rlimit){2048, RLIM_INFINITY};
    CALL(prlimit64, 0L, 4711, &limit, NULL);
    CALL(getrlimit, RLIMIT_NOFILE, &limit);
    CALL(setrlimit, RLIMIT_NOFILE, &limit);
    struct rusage usage;
    CALL(getrusage, RUSAGE_SELF, &usage);
    CALL(getrusage, 4711L, &usage);
    struct tms tms;
    CALL(times, &tms);
    struct utsname uts;
    CALL(uname, BAD);
    CALL(uname, &uts);
    struct sysinfo info;
    CALL(sysinfo, &info);
    CALL(personality, 0xffffffffL);
    CALL(prctl, PR_SET_NAME, "a name");
    CALL(prctl, PR_GET_NAME, buf);
    CALL(prctl, PR_GET_DUMPABLE);
    CALL(prctl, PR_SET_PDEATHSIG, 0L);
    CALL(prctl, PR_GET_PDEATHSIG, ids);
    CALL(prctl, PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);
    CALL(prctl, PR_CAPBSET_READ, 3L);
    CALL(prctl, PR_GET_TID_ADDRESS, BAD);
    CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 3L, 0L, 0L);
    CALL(prctl, PR_SET_CHILD_SUBREAPER, 0L);
    CALL(prctl, PR_GET_CHILD_SUBREAPER, ids);
    CALL(prctl, PR_SET_TIMERSLACK, 50000L);
    CALL(prctl, PR_GET_TIMERSLACK);
    CALL(prctl, PR_SET_DUMPABLE, 1L);
    CALL(prctl, PR_SET_KEEPCAPS, 0L);
    unsigned action = SECCOMP_RET_TRAP, unknown = 5;
    CALL(seccomp, SECCOMP_GET_ACTION_AVAIL, 0L, &action);
    CALL(seccomp, SECCOMP_GET_ACTION_AVAIL, 1L, &unknown);
    CALL(seccomp, SECCOMP_GET_ACTION_AVAIL, 0L, BAD);
    CALL(seccomp, SECCOMP_GET_NOTIF_SIZES, 0L, buf);
    CALL(seccomp, SECCOMP_GET_NOTIF_SIZES, 0L, NULL);
    CALL(seccomp, 77L, 9L, BAD);
    CALL(seccomp, SECCOMP_SET_MODE_STRICT, 1L, NULL);
    struct sock_filter filter[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    struct sock_fprog program = {.len = 1, .filter = filter};
    CALL(seccomp, SECCOMP_SET_MODE_FILTER, 0x1000L, &program);
    CALL(seccomp, SECCOMP_SET_MODE_FILTER, 3L, NULL);
    CALL(seccomp, SECCOMP_SET_MODE_FILTER, 6L, BAD);
    CALL(prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL);
    CALL(prctl, PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
    CALL(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
    CALL(prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    CALL(prctl, PR_GET_SECCOMP);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2];
    CALL(capget, &header, caps);
    header.version = 1;
    CALL(capget, &header, NULL);
    CALL(sched_yield);
    CALL(sched_getscheduler, 0L);
    CALL(sched_get_priority_max, SCHED_FIFO);
    CALL(sched_get_priority_min, SCHED_OTHER);
    struct sched_param param = {0};
    CALL(sched_getparam, 0L, &param);
    CALL(sched_setscheduler, 0L, SCHED_OTHER, &param);
    CALL(sched_getaffinity, 0L, 128L, buf);
    CALL(sched_rr_get_interval, 0L, BAD);
    unsigned cpu, node;
    CALL(getcpu, &cpu, &node, NULL);
    int status;
    CALL(wait4, -1L, &status, WNOHANG | WUNTRACED, NULL);
    siginfo_t si;
    CALL(waitid, P_ALL, 0L, &si, WEXITED | WNOHANG, NULL);
    CALL(set_tid_address, BAD);
    struct {
        long flags, maxmsg, msgsize, curmsgs, rest[4];
    } attr = {.maxmsg = 4, .msgsize = 16};
    /* All processes see the same names. */
    char queue[32];
    snprintf(queue, sizeof queue, "remu-calls-%d", (int)getpid());
    long mq = CALL(mq_open, queue, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr);
    CALL(mq_timedsend, mq, "message", 7L, 3L, NULL);
    unsigned priority;
    CALL(mq_timedreceive, mq, buf, 16L, &priority, NULL);
    CALL(mq_timedreceive, mq, buf, 16L, NULL, NULL);
    CALL(mq_getsetattr, mq, NULL, &attr);
    CALL(mq_unlink, queue);
    CALL(close, mq);
}

static void clocks(void)
{
    struct timespec t;
    struct timeval v;
    struct timezone z;
    CALL(clock_gettime, CLOCK_REALTIME, &t);
    CALL(clock_gettime, CLOCK_MONOTONIC_COARSE, &t);
    CALL(clock_gettime, 4711L, &t);
    CALL(clock_getres, CLOCK_BOOTTIME, &t);
    CALL(clock_getres, CLOCK_PROCESS_CPUTIME_ID, NULL);
    CALL(gettimeofday, &v, NULL);
    CALL(gettimeofday, &v, &z);
    struct timespec wait = {0, 1000}, left = {7, 7};
    CALL(nanosleep, &wait, &left);
    CALL(nanosleep, BAD, NULL);
    CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &wait, NULL);
    CALL(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &wait, &left);
    struct itimerval timer = {{0, 0}, {1000, 5}}, old;
    CALL(getitimer, ITIMER_VIRTUAL, &old);
    CALL(setitimer, ITIMER_REAL, &timer, NULL);
    timer.it_value.tv_sec = timer.it_value.tv_usec = 0;
    CALL(setitimer, ITIMER_REAL, &timer, &old);
    CALL(setitimer, 4711L, &timer, &old);
    struct timex tx = {.modes = 0};
    CALL(adjtimex, BAD);
    CALL(adjtimex, &tx);
    CALL(clock_adjtime, 4711L, &tx);
}

static void ipc(void)
{
    struct {
        long type;
        char text[16];
    } message = {7, "text\n"};
    long q = CALL(msgget, IPC_PRIVATE, IPC_CREAT | 0600);
    CALL(msgget, 0x12345678L, IPC_EXCL | 0640);
    CALL(msgsnd, q, &message, 5L, IPC_NOWAIT);
    CALL(msgrcv, q, &message, 5L, 0L, IPC_NOWAIT | MSG_NOERROR);
    CALL(msgrcv, q, &message, 16L, -3L, IPC_NOWAIT);
    CALL(msgsnd, q, BAD, 5L, 0);
    CALL(msgctl, q, IPC_RMID, NULL);
    CALL(msgctl, q, 4711L, NULL);
    struct sembuf ops[2] = {{0, 1, SEM_UNDO}, {1, -1, IPC_NOWAIT}};
    struct timespec limit = {0, 1000};
    long s = CALL(semget, IPC_PRIVATE, 2L, IPC_CREAT | 0600);
    CALL(semop, s, ops, 2L);
    CALL(semtimedop, s, ops, 1L, &limit);
    CALL(semctl, s, 0L, GETVAL, 0L);
    CALL(semctl, s, 1L, SETVAL, 3L);
    CALL(semctl, s, 0L, IPC_RMID, 0L);
    long m = CALL(shmget, IPC_PRIVATE, 4096L, IPC_CREAT | 0600);
    char *at = (char *)CALL(shmat, m, NULL, SHM_RDONLY);
    CALL(shmdt, at);
    CALL(shmdt, BAD);
    CALL(shmctl, m, IPC_RMID, NULL);
}

static void rest(void)
{
    long me = CALL(getpid);
    int any;
    CALL(accept, 1000L, NULL, NULL);
    CALL(get_robust_list, 0L, BAD, &any);
    CALL(ioprio_get, 1L, 0L);
    CALL(ioprio_set, 1L, 0L, 0x6004L);
    CALL(mlockall, 0x100L);
    CALL(mlockall, MCL_CURRENT | 0x100);
    CALL(mount, "source", "/nowhere", "type", MS_RDONLY | MS_NOSUID | MS_NOATIME, "data");
    CALL(umount2, "/nowhere", MNT_DETACH | UMOUNT_NOFOLLOW);
    CALL(chroot, "nothing");
    CALL(pivot_root, "nothing", "nowhere");
    CALL(clock_settime, 4711L, &(struct timespec){1, 2});
    CALL(settimeofday, BAD, NULL);
    CALL(sethostname, BAD, 3L);
    CALL(setreuid, -1L, -1L);
    CALL(setresgid, -1L, -1L, -1L);
    CALL(setfsgid, -1L);
    CALL(setgid, -1L);
    CALL(setuid, -1L);
    CALL(setgroups, 70000L, BAD);
    CALL(syncfs, 1000L);
    CALL(pidfd_open, -1L, 0);
    CALL(pidfd_send_signal, 1000L, SIGTERM, NULL, 0L);
    uint64_t cpus = 1;
    CALL(sched_setaffinity, -1L, 8L, &cpus);
    CALL(sched_getattr, 0L, buf, 48L, 0L);
    CALL(sched_setattr, 0L, BAD, 0L);
    CALL(sched_setparam, 0L, BAD);
    long fd = CALL(signalfd4, -1L, &some_set, 8L, SFD_CLOEXEC | SFD_NONBLOCK);
    CALL(read, fd, buf, 128L);
    CALL(close, fd);
    CALL(rt_tgsigqueueinfo, me, me, 0L, BAD);
    struct sigevent event = {.sigev_signo = SIGRTMIN, .sigev_notify = SIGEV_SIGNAL, .sigev_value = {.sival_int = 5}};
    struct itimerspec spec = {{0, 0}, {1L << 32, 7}}, old;
    CALL(timer_create, CLOCK_MONOTONIC, &event, &any);
    CALL(timer_settime, (long)any, TIMER_ABSTIME, &spec, &old);
    CALL(timer_gettime, (long)any, BAD);
    CALL(timer_getoverrun, (long)any);
    CALL(timer_delete, (long)any);
    CALL(timer_delete, 4711L);
    event.sigev_notify = SIGEV_NONE;
    CALL(timer_create, CLOCK_REALTIME, &event, &any);
    CALL(timer_create, CLOCK_REALTIME, NULL, &any);
    CALL(mq_notify, 1000L, &event);
    CALL(mq_notify, 1000L, NULL);
}

static char *guarded;

static void handler(int signal)
{
    if (signal == SIGSEGV)
        CALL(mprotect, guarded, 4096L, PROT_READ | PROT_WRITE);
    else if (signal == SIGBUS)
        CALL(ftruncate, (long)file_fd, 4096L);
    else
        CALL(getpid);
}

static void signals(void)
{
    long me = CALL(getpid);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK}, old;
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR1, NULL, &old);
    action.sa_handler = SIG_IGN;
    action.sa_flags = 0;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGKILL, &action, NULL);
    CALL(kill, me, 0L);
    CALL(kill, me, SIGUSR1);
    CALL(tgkill, me, me, SIGUSR1);
    CALL(tkill, me, SIGUSR1);
    CALL(kill, 0x7ffffffeL, SIGRTMIN + 3);
    CALL(kill, me, 4711L);
    CALL(rt_sigprocmask, SIG_BLOCK, &some_set, &empty_set, 8L);
    CALL(rt_sigprocmask, SIG_SETMASK, &(uint64_t){~0ull}, NULL, 8L);
    CALL(rt_sigprocmask, SIG_SETMASK, &some_set, NULL, 8L);
    CALL(rt_sigprocmask, 4711L, &some_set, NULL, 8L);
    CALL(rt_sigprocmask, SIG_BLOCK, NULL, &(uint64_t){0}, 3L);
    empty_set = 0;
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = SIGUSR2;
    info.si_code = SI_QUEUE;
    info.si_pid = me;
    info.si_uid = CALL(getuid);
    info.si_value.sival_int = 42;
    CALL(rt_sigqueueinfo, me, SIGUSR2, &info);
    CALL(rt_sigpending, buf, 8L);
    struct timespec soon = {0, 1000};
    CALL(rt_sigtimedwait, &some_set, &info, &soon, 8L);
    CALL(rt_sigtimedwait, &some_set, NULL, &soon, 8L);
    action = (struct sigaction){.sa_handler = handler, .sa_flags = SA_NODEFER};
    sigaction(SIGUSR2, &action, NULL);
    CALL(kill, me, SIGUSR2);
    CALL(rt_sigsuspend, &empty_set, 8L);
    /* Signals that arrive during a blocking call: blocked until then. */
    sigaction(SIGALRM, &action, NULL);
    CALL(rt_sigprocmask, SIG_SETMASK, &alarm_set, NULL, 8L);
    struct itimerval timer = {{0, 0}, {0, 1000}};
    CALL(setitimer, ITIMER_REAL, &timer, NULL);
    CALL(ppoll, NULL, 0L, NULL, &empty_set, 8L);
    CALL(setitimer, ITIMER_REAL, &timer, NULL);
    CALL(rt_sigsuspend, &empty_set, 8L);
    CALL(rt_sigprocmask, SIG_SETMASK, &empty_set, NULL, 8L);
    stack_t stack = {.ss_sp = buf, .ss_size = sizeof buf}, before;
    CALL(sigaltstack, &stack, &before);
    CALL(sigaltstack, NULL, &before);
    stack.ss_flags = SS_DISABLE;
    CALL(sigaltstack, &stack, NULL);
    CALL(sigaltstack, BAD, NULL);
    guarded = (char *)CALL(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0L);
    action.sa_flags = SA_SIGINFO | SA_RESETHAND;
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    *(volatile char *)guarded = 1;
    CALL(ftruncate, (long)file_fd, 0L);
    volatile char *behind = (char *)CALL(mmap, NULL, 4096L, PROT_READ | PROT_WRITE, MAP_SHARED, (long)file_fd, 0L);
    behind[5] = 1;
    int pipe_fd[2];
    CALL(pipe2, pipe_fd, 0);
    CALL(close, (long)pipe_fd[0]);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = handler}, NULL);
    CALL(write, (long)pipe_fd[1], "x", 1L);
}

int main(int argc, char **argv)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN);
    memcpy(&some_set, &set, 8);
    if (argc > 1 && strcmp(argv[1], "crash") == 0) {
        marker("begin");
        *(volatile int *)16 = 1;
    }
    if (argc > 1 && strcmp(argv[1], "kill") == 0) {
        marker("begin");
        CALL(kill, (long)getpid(), SIGTERM);
    }
    marker("begin");
    files();
    names();
    attributes();
    descriptors();
    terminals();
    memory();
    waiting();
    sockets();
    identity();
    clocks();
    ipc();
    rest();
    signals();
    CALL(unlinkat, CWD, "file", 0);
    CALL(exit_group, 7L);
}
