// execve and execveat: what the new program has, and every error before it.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *name_of(int error) {
    return error == 0 ? "none" : strerrorname_np(error);
}

static void make(const char *path, const void *bytes, size_t size, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || fchmod(fd, mode) != 0)
        perror(path);
    close(fd);
}

static void fails(const char *what, const char *path, char **argv, char **envp) {
    execve(path, argv, envp);
    printf("%s: %s\n", what, name_of(errno));
}

static char *one[] = {"one", NULL};

static void errors(const char *self) {
    char elf[4096];
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    if (read(fd, elf, sizeof elf) != sizeof elf)
        perror(self);
    close(fd);
    fails("nothing there", "nowhere", one, environ);
    fails("an empty path", "", one, environ);
    fails("below a file", "/proc/self/exe/x", one, environ);
    fails("a directory", ".", one, environ);
    make("plain", "text\n", 5, 0644);
    fails("not executable", "plain", one, environ);
    make("text", "text\n", 5, 0755);
    fails("neither program nor script", "text", one, environ);
    make("empty", "", 0, 0755);
    fails("an empty file", "empty", one, environ);
    make("cut", elf, 80, 0755);
    fails("a program cut off", "cut", one, environ);
    memset(elf + 18, 0x7f, 2);
    make("other", elf, sizeof elf, 0755);
    fails("for another machine", "other", one, environ);
    make("lost", "#!/no/such/interpreter\n", 23, 0755);
    fails("a script without its interpreter", "lost", one, environ);
    make("loop", "#!./loop\n", 9, 0755);
    fails("a script of itself", "loop", one, environ);
    make("bare", "#!\n", 3, 0755);
    fails("a script that names nothing", "bare", one, environ);
    fails("a bad path", (char *)8, one, environ);
    fails("bad arguments", self, (char **)8, environ);
    char *bad[] = {"a", (char *)8, NULL};
    fails("a bad argument", self, bad, environ);
    fails("a bad environment", self, one, bad);
    char *long_one = malloc(131073);
    memset(long_one, 'x', 131072);
    long_one[131072] = 0;
    char *list[] = {long_one, NULL};
    fails("a long string", self, list, environ);
    static char *many[300000];
    for (int i = 0; i < 299999; i++)
        many[i] = "0123456";
    fails("2 MiB of strings and as many pointers", self, many, environ);
    symlink("text", "link");
    syscall(SYS_execveat, AT_FDCWD, "link", one, environ, AT_SYMLINK_NOFOLLOW);
    printf("a link not to be followed: %s\n", name_of(errno));
    syscall(SYS_execveat, AT_FDCWD, "text", one, environ, 0x40000);
    printf("a bad flag: %s\n", name_of(errno));
    syscall(SYS_execveat, 99, "text", one, environ, 0);
    printf("a bad directory: %s\n", name_of(errno));
    syscall(SYS_execveat, 99, "", one, environ, AT_EMPTY_PATH);
    printf("a bad descriptor: %s\n", name_of(errno));
    syscall(SYS_execveat, AT_FDCWD, "", one, environ, 0);
    printf("no path: %s\n", name_of(errno));
    const char *files[] = {"plain", "text", "empty", "cut", "other", "lost", "loop", "bare", "link"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(files[i]);
}

/* Executes a program in a child, which exits with 0 if that works. */
static void tries(const char *what, int dir, const char *path, int flags) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char *argv[] = {"x", "succeeds", NULL};
        syscall(SYS_execveat, dir, path, argv, environ, flags);
        _exit(errno);
    }
    int status;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
        perror("waitpid");
    printf("%s: %s\n", what, name_of(WEXITSTATUS(status)));
}

static void scripts(const char *self) {
    for (int depth = 1; depth <= 7; depth++) {
        char what[32], name[8], line[4200];
        for (int i = 1; i <= depth; i++) {
            snprintf(name, sizeof name, "s%d", i);
            int size = i < depth ? snprintf(line, sizeof line, "#!./s%d\n", i + 1)
                                 : snprintf(line, sizeof line, "#!%s succeeds\n", self);
            make(name, line, size, 0755);
        }
        snprintf(what, sizeof what, "a chain of %d", depth);
        tries(what, AT_FDCWD, "./s1", 0);
    }
    /* The script is named by a descriptor, which has to stay open for its interpreter. */
    char line[4200];
    make("script", line, snprintf(line, sizeof line, "#!%s succeeds\n", self), 0755);
    int closed = open("script", O_RDONLY | O_CLOEXEC), stays = open("script", O_RDONLY);
    tries("a script that is closed", closed, "", AT_EMPTY_PATH);
    tries("a script that stays open", stays, "", AT_EMPTY_PATH);
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tries("in a directory that is closed", here, "script", 0);
    tries("in the working directory", AT_FDCWD, "script", 0);
    int program = open(self, O_RDONLY | O_CLOEXEC);
    tries("a program that is closed", program, "", AT_EMPTY_PATH);
    tries("the program itself", AT_FDCWD, "/proc/self/exe", 0);
    close(closed), close(stays), close(here), close(program);
    for (int i = 1; i <= 7; i++) {
        char name[8];
        snprintf(name, sizeof name, "s%d", i);
        unlink(name);
    }
    unlink("script");
}

/* How many lines or entries a file or directory of this process has. */
static int count(const char *path) {
    int lines = 0;
    DIR *dir = opendir(path);
    if (dir != NULL) {
        while (readdir(dir) != NULL)
            lines++;
        closedir(dir);
        return lines;
    }
    FILE *file = fopen(path, "re");
    for (int c; (c = getc(file)) != EOF;)
        lines += c == '\n';
    fclose(file);
    return lines;
}

static long resident(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (fscanf(file, "%*d %ld", &pages) != 1)
        perror("statm");
    fclose(file);
    return pages;
}

/* What fails leaves nothing behind. */
static void copy(const char *from, int to) {
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    char buffer[65536];
    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
        if (write(to, buffer, n) != n)
            perror("write");
    close(fd);
}

/* A file cannot be executed while a process has it open for writing. */
static void writers(const char *self) {
    int fd = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0755);
    copy(self, fd);
    tries("open for reading and writing", AT_FDCWD, "./copy", 0);
    tries("by the descriptor that writes", fd, "", AT_EMPTY_PATH);
    link("copy", "copy2");
    tries("by another name", AT_FDCWD, "./copy2", 0);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    tries("mapped shared", AT_FDCWD, "./copy", 0);
    munmap(page, 4096);
    tries("closed", AT_FDCWD, "./copy", 0);
    fd = open("copy", O_WRONLY | O_APPEND);
    int ends[2];
    pipe(ends);
    pid_t child = fork();
    if (child == 0) {
        char end;
        close(ends[1]);
        _exit(read(ends[0], &end, 1));
    }
    close(fd);
    tries("open in a child", AT_FDCWD, "./copy", 0);
    char line[4200];
    int size = snprintf(line, sizeof line, "#!./copy succeeds\n");
    make("by", line, size, 0755);
    tries("the interpreter of a script", AT_FDCWD, "./by", 0);
    close(ends[0]);
    close(ends[1]);
    waitpid(child, NULL, 0);
    fd = open("by", O_WRONLY);
    tries("a script", AT_FDCWD, "./by", 0);
    make("lost", "#!/no/such/interpreter\n", 23, 0755);
    int lost = open("lost", O_WRONLY);
    tries("a script without its interpreter", AT_FDCWD, "./lost", 0);
    fchmod(lost, 0644);
    tries("not executable", AT_FDCWD, "./lost", 0);
    close(lost);
    close(fd);
    tries("a script that is closed", AT_FDCWD, "./by", 0);
    fd = open("copy", O_RDONLY);
    tries("open for reading", AT_FDCWD, "./copy", 0);
    close(fd);
    unlink("copy");
    unlink("copy2");
    unlink("by");
    unlink("lost");
}

static void leaks(const char *self) {
    char *large = malloc(100001);
    memset(large, 'x', 100000);
    large[100000] = 0;
    char *argv[] = {large, large, large, NULL};
    make("text", "text\n", 5, 0755);
    make("lost", "#!/no/such/interpreter\n", 23, 0755);
    long fds = 0, maps = 0, pages = 0;
    char **volatile bad = (char **)8;
    for (int i = 0; i < 400; i++) {
        if (i == 100) {
            fds = count("/proc/self/fd");
            pages = resident();
            maps = count("/proc/self/maps");
        }
        execve("./text", argv, environ);
        execve("./lost", argv, environ);
        execve("nowhere", argv, environ);
        execve(self, argv, bad);
    }
    long grown = resident() - pages;
    printf("left: %ld descriptors, %ld areas, memory %s\n", count("/proc/self/fd") - fds,
           count("/proc/self/maps") - maps, grown < 256 ? "as before" : "grown");
    unlink("text");
    unlink("lost");
    free(large);
}

static void show(int argc, char **argv) {
    printf("program %s with %d:", argv[0], argc - 2);
    for (int i = 2; i < argc; i++)
        printf(" [%s]", argv[i]);
    printf("\nenvironment:");
    for (char **e = environ; *e != NULL; e++)
        printf(" [%s]", strncmp(*e, "LAST=", 5) == 0 ? "LAST" : *e);
    sigset_t blocked, pending;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    sigpending(&pending);
    struct sigaction action;
    printf("\nUSR1 blocked %d, pending %d;", sigismember(&blocked, SIGUSR1), sigismember(&pending, SIGUSR1));
    sigaction(SIGUSR2, NULL, &action);
    printf(" USR2 ignored %d;", action.sa_handler == SIG_IGN);
    sigaction(SIGINT, NULL, &action);
    printf(" INT default %d;", action.sa_handler == SIG_DFL);
    sigaction(SIGSEGV, NULL, &action);
    printf(" SEGV ignored %d\n", action.sa_handler == SIG_IGN);
    struct rlimit stack, data;
    getrlimit(RLIMIT_STACK, &stack);
    getrlimit(RLIMIT_DATA, &data);
    printf("stack %ld, data %ld; descriptors:", (long)stack.rlim_cur, (long)data.rlim_cur);
    for (int fd = 3; fd < 2048; fd++)
        if (fcntl(fd, F_GETFD) >= 0 && fd == 77)
            printf(" %d", fd);
    char comm[32] = "";
    int fd = open("/proc/self/comm", O_RDONLY);
    if (read(fd, comm, sizeof comm - 1) < 0)
        perror("comm");
    // What a program executed by its descriptor is called depends on the kernel's version.
    int is_named = strcmp(argv[1], "by-path") == 0 || strcmp(argv[1], "by-script") == 0;
    printf("; comm %s; pid is tid %d\n", is_named ? strtok(comm, "\n") : "unknown", getpid() == gettid());
    fflush(stdout);
}

// What /proc/self/exe is, as a link and as a file.
static void show_link(const char *when) {
    char link[4096] = {0};
    if (readlink("/proc/self/exe", link, sizeof link - 1) < 0)
        perror("readlink");
    struct stat opened = {0}, found = {0};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int result = fstat(fd, &opened) | stat("/proc/self/exe", &found) | (opened.st_ino != found.st_ino);
    close(fd);
    printf("%s: %s, %d\n", when, strrchr(link, '/') + 1, result);
}

// A program whose file loses its name still has /proc/self/exe, and can execute it.
static void without_a_name(const char *self) {
    int from = open(self, O_RDONLY | O_CLOEXEC), to = open("a copy", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    char buffer[65536];
    for (ssize_t n; (n = read(from, buffer, sizeof buffer)) > 0;)
        if (write(to, buffer, n) != n)
            perror("write");
    close(from);
    close(to);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl("./a copy", "copy", "nameless", NULL);
        _exit(1);
    }
    int status;
    waitpid(child, &status, 0);
    printf("nameless: %d\n", status);
}

static const char *self;

static char *environment[] = {"A=1", "no equals sign", "EMPTY=", "A=2", NULL};

static void *from_a_thread(void *arg) {
    char *argv[] = {"", "by-descriptor", "", "two words", NULL};
    int fd = open(self, O_RDONLY | O_CLOEXEC);
    syscall(SYS_execveat, fd, "", argv, environment, AT_EMPTY_PATH);
    perror("execveat");
    return arg;
}

static pthread_t first;

/* Executes the next program when this is the only thread left. */
static void *after_the_first(void *arg) {
    pthread_join(first, NULL);
    char *argv[] = {"alone", "after-first", NULL};
    execve(self, argv, environment);
    perror("execve");
    return arg;
}

static void ignore(int signal) {
    (void)signal;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *step = argc > 1 ? argv[1] : "first";
    static char path[4096];
    if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
        perror("readlink");
    self = path;
    if (strcmp(step, "first") == 0) {
        errors(self);
        scripts(self);
        writers(self);
        leaks(self);
        without_a_name(self);
        sigset_t usr1;
        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        sigprocmask(SIG_BLOCK, &usr1, NULL);
        kill(getpid(), SIGUSR1);
        signal(SIGUSR2, SIG_IGN);
        signal(SIGSEGV, SIG_IGN);
        signal(SIGINT, ignore);
        struct rlimit limit;
        getrlimit(RLIMIT_STACK, &limit);
        limit.rlim_cur = 1 << 20;
        setrlimit(RLIMIT_STACK, &limit);
        getrlimit(RLIMIT_DATA, &limit);
        limit.rlim_cur = 64 << 20;
        setrlimit(RLIMIT_DATA, &limit);
        dup2(1, 77);
        fcntl(dup2(1, 78), F_SETFD, FD_CLOEXEC);
        char *next[] = {"a name", "by-path", "--", "-L", NULL};
        execve(self, next, environment);
    } else if (strcmp(step, "by-path") == 0) {
        show(argc, argv);
        pthread_t thread;
        pthread_create(&thread, NULL, from_a_thread, NULL);
        pthread_join(thread, NULL);
    } else if (strcmp(step, "by-descriptor") == 0) {
        show(argc, argv);
        char script[4200];
        int size = snprintf(script, sizeof script, "#!%s by-script\n", self);
        make("script", script, size, 0755);
        char *next[] = {"ignored", "x", "y", NULL};
        execve("./script", next, environment);
    } else if (strcmp(step, "by-script") == 0) {
        unlink("script");
        argv[0] = "a script";
        show(argc, argv);
        char last_is[4200];
        snprintf(last_is, sizeof last_is, "LAST=%s", self);
        char *last[] = {last_is, NULL};
        int fd = memfd_create("copy", MFD_CLOEXEC);
        copy(self, fd);
        char *final[] = {"end", "by-memfd", NULL};
        // Open descriptors, remu's own among them, are above the limit.
        struct rlimit files;
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max = 40;
        setrlimit(RLIMIT_NOFILE, &files);
        fexecve(fd, final, last);
    } else if (strcmp(step, "by-memfd") == 0) {
        show(argc, argv);
        // The file that this program was executed from has no path.
        first = pthread_self();
        self = getenv("LAST");
        pthread_t thread;
        pthread_create(&thread, NULL, after_the_first, NULL);
        pthread_exit(NULL);
    } else if (strcmp(step, "nameless") == 0) {
        show_link("executed");
        rename("a copy", "renamed");
        show_link("renamed");
        unlink("renamed");
        show_link("deleted");
        execl("/proc/self/exe", "copy", "again", NULL);
    } else if (strcmp(step, "again") == 0) {
        show_link("executed again");
        return 0;
    } else if (strcmp(step, "after-first") == 0) {
        show(argc, argv);
        return 42;
    } else if (strcmp(step, "succeeds") == 0) {
        return 0;
    }
    perror(step);
    return 1;
}
