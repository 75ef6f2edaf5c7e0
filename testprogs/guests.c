/* /proc/PID of another program, which is run by another process: what `ps`, `pidof` and `lsof` read. */
#include "lib.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* For a condition inside an expression. */
static int check(int holds)
{
    CHECK(holds);
    return 1;
}

static char text[1 << 20];
static int pid, tid;

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return path;
}

/* Reads a whole file of the other process into `text`, in pieces of an odd size. */
static long whole(const char *name)
{
    int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
    long len = 0, got;
    CHECK(fd >= 0);
    while ((got = read(fd, text + len, 1013)) > 0)
        len += got;
    CHECK(got == 0);
    close(fd);
    text[len] = 0;
    return len;
}

static void strings_of(const char *name)
{
    long len = whole(name);
    printf("%s:", name);
    for (long at = 0; at < len; at += strlen(text + at) + 1)
        printf(" [%s]", text + at);
    puts("");
}

static const char *value(const char *key)
{
    static char line[256];
    char *at = text - 1;
    do
        at++;
    while ((strncmp(at, key, strlen(key)) != 0 || at[strlen(key)] != ':') && (at = strchr(at, '\n')) != NULL);
    CHECK(at != NULL);
    sscanf(at + strlen(key) + 1, " %255[^\n]", line);
    return line;
}

static void auxv(void)
{
    unsigned long pairs[128] = {0};
    CHECK(whole("auxv") <= (long)sizeof pairs);
    memcpy(pairs, text, sizeof pairs);
    for (int i = 0; i < 128 && pairs[i] != AT_NULL; i += 2)
        if (pairs[i] == AT_ENTRY || pairs[i] == AT_PHNUM || pairs[i] == AT_PAGESZ || pairs[i] == AT_PHDR)
            CHECK(pairs[i + 1] == getauxval(pairs[i]));
    puts("auxv: as here");
}

/* Prints a line for each kind of area, and checks that no area is another program's. */
static unsigned long maps(const char *name, const char *exe)
{
    unsigned long start, end, offset, total = 0;
    int seen[5] = {0}, lines = 0;
    char access[8], file[512];
    whole(name);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        file[0] = 0;
        if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %511[^\n]", &start, &end, access, &offset, file) < 4)
            continue;
        if (strstr(file, "[vsyscall]") == NULL)
            total += end - start;
        lines++;
        unsigned long code = (unsigned long)maps;
        if (code >= start && code < end)
            seen[0] += check(strcmp(access, "r-xp") == 0 && strcmp(file, exe) == 0);
        else if (strcmp(file, "[stack]") == 0)
            seen[1] += check(strcmp(access, "rw-p") == 0);
        else if (strcmp(file, "[heap]") == 0)
            seen[2] += check(strcmp(access, "rw-p") == 0);
        else if (strcmp(file, "[vdso]") == 0)
            seen[3] += check(strcmp(access, "r-xp") == 0);
        else
            CHECK(file[0] == 0 || file[0] == '[' || strcmp(file, exe) == 0);
    }
    CHECK(lines < 40 && total < 64 << 20);
    printf("%s: code %d, stack %d, heap %d, vdso %d\n", name, seen[0], seen[1], seen[2], seen[3]);
    return total;
}

static void stat_of(const char *name)
{
    whole(name);
    char *field = strrchr(text, ')') + 2;
    printf("%s: %d, %.*s", name, atoi(text) == pid, (int)(strrchr(text, ')') + 1 - strchr(text, '(')), strchr(text, '('));
    unsigned long numbers[60] = {0};
    for (int i = 3; i < 53 && field != NULL; i++, field = strchr(field, ' '), field += field != NULL)
        numbers[i] = strtoul(field, NULL, 10);
    CHECK(numbers[23] > 4096 && numbers[23] < 64 << 20);
    CHECK(numbers[26] <= (unsigned long)maps && numbers[27] > (unsigned long)maps);
    CHECK(numbers[28] < numbers[48] && numbers[48] < numbers[49] && numbers[50] < numbers[51]);
    CHECK(numbers[47] != 0);
    printf(", %lu threads, blocked %lx, ignored %lx\n", numbers[20], numbers[32], numbers[33]);
}

static void status(const char *name)
{
    whole(name);
    printf("%s: %s", name, value("Name"));
    printf(", threads %s", value("Threads"));
    printf(", blocked %s", value("SigBlk"));
    /* Whoever runs this may ignore real-time signals. */
    printf(", ignored %lx", strtoul(value("SigIgn"), NULL, 16) & 0x7fffffff);
    CHECK(atol(value("VmSize")) < 64 << 10 && atol(value("VmPeak")) < 64 << 10);
    printf(", stack %d\n", atol(value("VmStk")) >= 8 && atol(value("VmStk")) < 1 << 10);
}

/* `smaps_rollup` is the sum of `smaps`, and `numa_maps` has the areas that have pages. */
static void sums(void)
{
    long rss = 0;
    unsigned long start, first = 0, end, last = 0;
    whole("smaps");
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char name[64] = "";
        long value;
        if (sscanf(line, "Rss: %ld", &value) == 1)
            rss += value;
        else if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %63s", &start, &end, name) >= 2 && name[0] != 'V' &&
                 strcmp(name, "[vsyscall]") != 0) {
            first = first == 0 ? start : first;
            last = end;
        }
    }
    whole("smaps_rollup");
    CHECK(sscanf(text, "%lx-%lx ---p 00000000 00:00 0 %*[ ][rollup]", &start, &end) == 2 && start == first);
    CHECK(end >= last);
    CHECK(atol(value("Rss")) > rss / 2 && atol(value("Rss")) < rss * 2);
    CHECK(atol(value("Pss_Anon")) > 0 && atol(value("Pss")) <= atol(value("Rss")));
    puts("smaps_rollup: the sum of smaps");

    /* A kernel without NUMA has no such file. */
    if (access(path_of("numa_maps"), R_OK) == 0) {
        int heap = 0, stack = 0, lines = 0;
        whole("numa_maps");
        for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
            heap += strstr(line, " heap ") != NULL;
            stack += strstr(line, " stack ") != NULL;
        }
        CHECK(heap == 1 && stack == 1 && lines < 40);
    }
    puts("numa_maps: a heap and a stack");
}

/* The limits and filters of the other program, as it has set them. */
static void limits(void)
{
    struct rlimit stack, all;
    whole("limits");
    char *line = strstr(text, "\nMax stack size ");
    unsigned long soft = 0;
    CHECK(line != NULL && sscanf(line + 26, "%lu", &soft) == 1);
    CHECK(prlimit(pid, RLIMIT_STACK, NULL, &stack) == 0 && stack.rlim_cur == soft);
    CHECK(prlimit(pid, RLIMIT_AS, NULL, &all) == 0);
    printf("limits: stack %lu, address space %lu\n", soft, (unsigned long)all.rlim_cur);
}

static void filters(void)
{
    /* This program may have been started with filters. */
    long mode, count;
    whole("status");
    mode = atol(value("Seccomp")), count = atol(value("Seccomp_filters"));
    int other = pid;
    pid = getpid();
    whole("status");
    pid = other;
    CHECK(prctl(PR_GET_SECCOMP) == atol(value("Seccomp")));
    printf("filters: mode %ld, %ld more\n", mode, count - atol(value("Seccomp_filters")));
}

static void list(const char *name, int is_task)
{
    DIR *dir = opendir(path_of(name));
    printf("%s:", name);
    CHECK(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int number = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && is_task)
            printf(" %s", number == pid ? "first" : number == tid ? "second" : "another");
        else if (entry->d_name[0] != '.')
            printf(" %d", number);
    }
    closedir(dir);
    /* Numbers where an emulator could have its own. */
    for (int fd = 8; fd < 1100; fd++) {
        char path[160], link[64];
        struct stat st;
        snprintf(path, sizeof path, "%s/%d", path_of(name), fd);
        if (!is_task && (readlink(path, link, sizeof link) >= 0 || stat(path, &st) == 0 || open(path, O_PATH) >= 0))
            printf(" and %d", fd);
    }
    puts("");
}

static void *second(void *ready)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    prctl(PR_SET_NAME, "second");
    tid = syscall(SYS_gettid);
    sem_post(ready);
    pause();
    return NULL;
}

/* The other program: it is ready when it has written its ids, and changes its arguments when it is told to. */
static int other(char **argv)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR2, SIG_IGN);
    prctl(PR_SET_NAME, "a name (odd) ");
    void *volatile heap = sbrk(8192);
    CHECK(heap != (void *)-1);
    pthread_t thread;
    sem_t ready;
    sem_init(&ready, 0, 0);
    pthread_create(&thread, NULL, second, &ready);
    sem_wait(&ready);
    pid = getpid();
    char name[64];
    snprintf(name, sizeof name, "task/%d/status", tid);
    whole(name);
    CHECK(strcmp(value("SigBlk"), "0000000008000200") == 0 && strcmp(value("Name"), "second") == 0);
    whole("status");
    CHECK(strcmp(value("SigBlk"), "0000000000000200") == 0);
    int go, message[2] = {pid, tid};
    CHECK(write(5, message, sizeof message) == sizeof message);
    while (read(6, &go, sizeof go) == sizeof go) {
        struct rlimit stack, all;
        CHECK(getrlimit(RLIMIT_STACK, &stack) == 0);
        stack.rlim_cur = 7654400;
        CHECK(getrlimit(RLIMIT_AS, &all) == 0);
        all.rlim_cur = 1ul << 40;
        CHECK(setrlimit(RLIMIT_STACK, &stack) == 0 && setrlimit(RLIMIT_AS, &all) == 0);
        struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        struct sock_fprog program = {1, &allow};
        CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
        CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
        strcpy(argv[1], "NEW");
        CHECK(write(5, &go, sizeof go) == sizeof go);
    }
    return 0;
}

int main(int argc, char **argv)
{
    (void)argc;
    if (argv[1] != NULL)
        return other(argv);
    /* Descriptors of whoever runs this. */
    syscall(SYS_close_range, 3, ~0u, 0);
    char exe[512], link[512];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    CHECK(len > 0);
    exe[len] = 0;
    int out[2], in[2], message[2];
    CHECK(pipe2(out, O_CLOEXEC) == 0 && pipe2(in, O_CLOEXEC) == 0);
    pid = fork();
    if (pid == 0) {
        char *args[] = {"other", "old", "two words", "", NULL}, *env[] = {"A=1", "B=", NULL};
        dup2(in[0], 6);
        dup2(out[1], 5);
        execve(exe, args, env);
        _exit(1);
    }
    close(out[1]);
    CHECK(read(out[0], message, sizeof message) == sizeof message && message[0] == pid);
    tid = message[1];

    CHECK(readlink(path_of("exe"), link, sizeof link) == len && memcmp(link, exe, len) == 0);
    struct stat here, there;
    CHECK(stat(path_of("exe"), &there) == 0 && stat(exe, &here) == 0 && here.st_ino == there.st_ino);
    int fd = open(path_of("exe"), O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && fstat(fd, &there) == 0 && here.st_ino == there.st_ino);
    close(fd);
    whole("comm");
    printf("comm: %s", text);
    strings_of("cmdline");
    strings_of("environ");
    auxv();
    unsigned long size = maps("maps", exe);
    CHECK(size == maps("smaps", exe));
    stat_of("stat");
    status("status");
    sums();
    list("task", 1);
    list("fd", 0);
    list("fdinfo", 0);
    char name[64];
    snprintf(name, sizeof name, "task/%d/comm", tid);
    whole(name);
    printf("the second's comm: %s", text);
    snprintf(name, sizeof name, "task/%d/status", tid);
    whole(name);
    printf("its blocked signals: %s\n", value("SigBlk"));

    CHECK(write(in[1], &pid, sizeof pid) == sizeof pid && read(out[0], message, sizeof pid) == sizeof pid);
    strings_of("cmdline");
    limits();
    filters();
    close(in[1]);
    int wstatus;
    CHECK(waitpid(pid, &wstatus, 0) == pid && wstatus == 0);
    CHECK(readlink(path_of("exe"), link, sizeof link) == -1 && errno == ENOENT);
    return 0;
}
