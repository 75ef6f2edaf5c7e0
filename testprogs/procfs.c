/* Files under /proc about the process itself: the results of each call on them, except sizes. */
#include "lib.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { PAGE = 4096 };
static char text[1 << 20], buf[1 << 16];

/* Prints a result, or the error's name. */
static void show(const char *what, long result)
{
    if (result < 0)
        printf(" %s=%s", what, strerrorname_np(errno));
    else
        printf(" %s=%ld", what, result);
}

/* Reads a whole file into `text`. */
static long whole(const char *path)
{
    int fd = open(path, O_RDONLY);
    long len = 0, got;
    while ((got = read(fd, text + len, sizeof text - len)) > 0)
        len += got;
    CHECK(got == 0 && len > 0 && close(fd) == 0);
    return len;
}

static void attributes(int fd)
{
    struct stat st;
    struct statfs fs;
    CHECK(fstat(fd, &st) == 0 && fstatfs(fd, &fs) == 0);
    printf("  mode=%o size=%ld type=%lx", st.st_mode, (long)st.st_size, (long)fs.f_type);
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLPRI, 0};
    show("poll", poll(&p, 1, 0));
    printf(" revents=%x", p.revents);
    show("mmap", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    show("ftruncate", ftruncate(fd, 0));
    show("write", write(fd, "x", 1));
    puts("");
}

static void positions(int fd)
{
    show(" end", lseek(fd, 0, SEEK_END));
    show("set", lseek(fd, 100, SEEK_SET));
    show("cur", lseek(fd, -98, SEEK_CUR));
    show("negative", lseek(fd, -1, SEEK_SET));
    show("data", lseek(fd, 0, SEEK_DATA));
    show("hole", lseek(fd, 0, SEEK_HOLE));
    show("read", read(fd, buf, 1));
    show("then", lseek(fd, 0, SEEK_CUR));
    show("far", lseek(fd, 1 << 30, SEEK_SET));
    show("read", read(fd, buf, 1));
    show("then", lseek(fd, 0, SEEK_CUR));
    puts("");
}

static void reads(int fd)
{
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    show(" none", read(fd, buf, 0));
    show("two", read(fd, buf, 2));
    int twin = dup(fd);
    show("twin", lseek(twin, 0, SEEK_CUR));
    CHECK(close(twin) == 0);
    struct iovec v[3] = {{buf, 1}, {buf, 0}, {buf, 1}};
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    show("readv", readv(fd, v, 3));
    show("preadv", preadv(fd, v, 3, 1));
    show("pread", pread(fd, buf, 1, 1));
    show("pread", pread(fd, buf, 1, -1));
    show("pread", pread(fd, buf, 1, 1 << 30));
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    show("preadv2", preadv2(fd, v, 3, -1, 0));
    show("nowait", preadv2(fd, v, 3, 0, RWF_NOWAIT));
    show("unknown", preadv2(fd, v, 3, 0, 1 << 30));
    show("position", lseek(fd, 0, SEEK_CUR));
    puts("");
}

static void bad_buffers(int fd)
{
    char *edge = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(edge != MAP_FAILED && munmap(edge + PAGE, PAGE) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    show(" nowhere", read(fd, (void *)OPAQUE(8ul), 10));
    show("kernel", read(fd, (void *)OPAQUE(-PAGE + 0l), 10));
    show("edge", read(fd, edge + PAGE - 2, 4));
    show("position", lseek(fd, 0, SEEK_CUR));
    show("past-end", pread(fd, (void *)OPAQUE(8ul), 10, 1 << 30));
    struct iovec v[2] = {{buf, 1}, {(void *)OPAQUE(8ul), 1}};
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    show("readv", readv(fd, v, 2));
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    show("all", read(fd, buf, OPAQUE(-1ul)));
    show("3G", read(fd, buf, OPAQUE(3ul << 30)) > 0);
    CHECK(munmap(edge, PAGE) == 0);
    puts("");
}

static void copies(int fd, const char *path)
{
    int ends[2], sockets[2], file = memfd_create("copy", 0);
    off_t at = 1;
    CHECK(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    show(" sendfile", sendfile(ends[1], fd, NULL, 3));
    show("position", lseek(fd, 0, SEEK_CUR));
    show("at", sendfile(file, fd, &at, 3));
    printf(" at=%ld", (long)at);
    show("splice", splice(fd, NULL, ends[1], NULL, 3, 0));
    show("at", splice(fd, &at, ends[1], NULL, 3, 0));
    printf(" at=%ld", (long)at);
    show("copy", copy_file_range(fd, NULL, file, NULL, 3, 0));
    show("piped", fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? read(ends[0], buf, 100) : -1);
    puts("");
    /* Another descriptor of the same open file description. */
    char control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec v = {buf, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    CHECK(lseek(fd, 1, SEEK_SET) == 1 && sendmsg(sockets[0], &m, 0) == 1 && recvmsg(sockets[1], &m, 0) == 1);
    int passed;
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof passed);
    char one, same;
    CHECK(pread(passed, &one, 1, 1) == 1 && pread(fd, &same, 1, 1) == 1 && one == same);
    show(" passed", lseek(passed, 0, SEEK_CUR));
    int place = open(path, O_PATH);
    show("place", read(place, buf, 1));
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int again = open(link, O_RDONLY);
    show("again", lseek(again, 0, SEEK_CUR));
    show("direct", open(path, O_RDONLY | O_DIRECT));
    puts("");
    CHECK(close(ends[0]) + close(ends[1]) + close(sockets[0]) + close(sockets[1]) == 0);
    CHECK(close(file) + close(passed) + close(place) + close(again) == 0);
}

/* Reads of any size add up to the same contents. */
static void pieces(const char *path)
{
    static char other[sizeof text];
    static const size_t sizes[] = {1, 3, 100, 1000, 1024, PAGE, PAGE + 1, sizeof buf};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int fd = open(path, O_RDONLY);
        long len = 0, got;
        while ((got = read(fd, other + len, sizes[i])) > 0) {
            /* A large read ends at a record and returns at most a page and the rest of a record. */
            if (sizes[i] >= PAGE)
                CHECK(got < 2 * PAGE && (other[len + got - 1] == '\n' || other[len + got - 1] == 0 || got == PAGE));
            len += got;
        }
        CHECK(got == 0 && lseek(fd, 0, SEEK_CUR) == len && close(fd) == 0);
        long want = whole(path);
        CHECK(len == want && memcmp(other, text, len) == 0);
    }
}

/* Lines stay whole while mappings are added between reads. */
static void growing(void)
{
    int fd = open("/proc/self/maps", O_RDONLY);
    long len = read(fd, text, 50), got;
    void *areas[20];
    for (int i = 0; i < 20; i++) {
        areas[i] = mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(areas[i] != MAP_FAILED && (got = read(fd, text + len, 7)) >= 0);
        len += got;
    }
    while ((got = read(fd, text + len, 99)) > 0)
        len += got;
    text[len] = 0;
    unsigned long last = 0, start, end;
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        CHECK(sscanf(line, "%lx-%lx ", &start, &end) == 2 && start >= last && end > start);
        last = end;
    }
    for (int i = 0; i < 20; i++)
        CHECK(munmap(areas[i], PAGE) == 0);
    CHECK(close(fd) == 0);
}

/* numa_maps, which kernels with CONFIG_NUMA have: a line for each VMA, with its pages. */
static void nodes(void)
{
    static char lines[sizeof text];
    if (access("/proc/self/numa_maps", F_OK) != 0)
        return;
    char *own = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), start[20];
    int fd = memfd_create("a file =", 0);
    CHECK(own != MAP_FAILED && mprotect(own + 3 * PAGE, PAGE, PROT_NONE) == 0 && ftruncate(fd, PAGE) == 0);
    own[0] = own[2 * PAGE] = 1;
    void *file = mmap(own + 3 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
    CHECK(file == own + 3 * PAGE);
    text[whole("/proc/self/numa_maps")] = 0;
    strcpy(lines, text);
    snprintf(start, sizeof start, "%08lx ", (long)own);
    char *line = strstr(lines, start);
    CHECK(line != NULL);
    CHECK(strncmp(strchr(line, ' '), " default anon=2 dirty=2 ", 24) == 0);
    line = strchr(line, '\n') + 1;
    const char *name = " default file=/memfd:a\\040file\\040\\075\\040(deleted)\n";
    CHECK(strncmp(strchr(line, ' '), name, strlen(name)) == 0);
    CHECK(strstr(lines, " heap anon=") && strstr(lines, " stack anon="));
    text[whole("/proc/self/maps")] = 0;
    char *area = text;
    for (line = lines; *line; line = strchr(line, '\n') + 1, area = strchr(area, '\n') + 1)
        CHECK(strtoul(line, NULL, 16) == strtoul(area, NULL, 16) && strstr(line, " default"));
    /* On x86, maps has one line more. */
    CHECK((*area == 0 || strstr(area, "[vsyscall]")) && munmap(own, 4 * PAGE) == 0 && close(fd) == 0);
}

/* The format of maps and smaps_rollup. */
static void forms(void)
{
    text[whole("/proc/self/maps")] = 0;
    int nameless = 0;
    for (char *line = text, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        *end = 0;
        if (strlen(line) < 72)
            CHECK(end[-1] == ' ' && strchr(line, '/') == NULL && ++nameless);
        else
            CHECK(line[72] == ' ' && line[73] > ' ');
    }
    CHECK(nameless > 0);
    text[whole("/proc/self/smaps_rollup")] = 0;
    char *words = strchr(text, '\n');
    CHECK(words - text == 81 && memcmp(text + 73, "[rollup]", 8) == 0 && strstr(text, " ---p 00000000 00:00 0 "));
    long rss, anon = 0, file = 0, shmem = 0, pss = 0;
    CHECK(sscanf(words, "\nRss: %ld kB\nPss: %ld kB\n", &rss, &pss) == 2 && rss >= pss && pss > 0);
    sscanf(strstr(words, "Pss_Anon:"), "Pss_Anon: %ld kB\nPss_File: %ld kB\nPss_Shmem: %ld kB\n", &anon, &file, &shmem);
    CHECK(anon > 0 && labs(anon + file + shmem - pss) < 3);
    CHECK(strstr(words, "Referenced:") && strstr(words, "Locked:") && !strstr(words, "Size:") && !strstr(words, "VmFlags"));
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--input") == 0) {
        ssize_t len = read(0, buf, sizeof buf);
        return write(1, buf, len) != len;
    }
    static const char *const names[] = {"self/maps", "self/smaps",   "self/smaps_rollup", "self/status", "self/stat",
                                        "self/statm", "self/cmdline", "self/environ",      "self/auxv",   "self/comm",
                                        "self/limits", "self/personality", "cpuinfo"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%s", names[i]);
        int fd = open(path, O_RDONLY);
        CHECK(fd >= 0);
        printf("%s\n", names[i]);
        attributes(fd);
        positions(fd);
        reads(fd);
        bad_buffers(fd);
        copies(fd, path);
        CHECK(close(fd) == 0);
        /* Reading these changes their counters. */
        if (strstr(names[i], "smaps") == NULL && strstr(names[i], "stat") == NULL && strstr(names[i], "cpu") == NULL)
            pieces(path);
    }
    growing();
    forms();
    nodes();
    int fd = open("/proc/self/comm", O_RDWR);
    CHECK(write(fd, "renamed", 7) == 7 && pread(fd, buf, 100, 0) == 8 && memcmp(buf, "renamed\n", 8) == 0);
    fd = open("/proc/self/clear_refs", O_WRONLY);
    show("clear_refs", write(fd, "1", 1));
    fd = open("/proc/self/oom_score_adj", O_RDWR);
    show("oom_score_adj", write(fd, "1000", 4));
    puts("");
    return 0;
}
