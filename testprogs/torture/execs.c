// Programs executed by a thread while others run: by a thread that is not the first, also after the first has ended,
// and by two at once. The new program has one thread, the same process, and what execve keeps.

#include "torture.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>

#define LENGTH_OF_CHAIN 3
#define INHERITED 40
#define CLOSED 41

static char *depth;
// /proc/self has nothing to show once the first thread has ended.
static char program[4096];

static void *spin(void *arg) {
    for (volatile long i = 0;; i++)
        ;
    return arg;
}

static void *sleep_for_ever(void *arg) {
    for (;;)
        pause();
    return arg;
}

static void *allocate(void *arg) {
    for (;;)
        free(malloc(dice(100000)));
    return arg;
}

static void *open_files(void *arg) {
    for (;;)
        close(open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
    return arg;
}

static void *nothing(void *arg) {
    return arg;
}

static void *churn(void *arg) {
    pthread_t thread;
    for (;;)
        // While another thread executes a program, the kernel starts no more (EAGAIN).
        if (pthread_create(&thread, NULL, nothing, NULL) == 0)
            join(thread);
    return arg;
}

static void *execute(void *arg) {
    char pid[16], next[16];
    snprintf(pid, sizeof pid, "%d", getpid());
    snprintf(next, sizeof next, "%d", atoi(depth) - 1);
    // Until the first thread has ended.
    while (arg != NULL && *(atomic_int *)arg != 0)
        syscall(SYS_futex, arg, FUTEX_WAIT, 1, NULL);
    execve(program, (char *[]){"a program", "chain", next, pid, "", NULL}, (char *[]){"KEPT=yes no", NULL});
    // Where another thread was first, the call ends this one.
    CHECK(!"executed");
    return arg;
}

static int count_tasks(void) {
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static void prepare(void) {
    sigset_t usr2 = set_of(SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &usr2, NULL);
    kill(getpid(), SIGUSR2);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGHUP, exit);
    int file = memfd_create("inherited", 0);
    SAME(write(file, "text", 4), 4);
    SAME(dup2(file, INHERITED), INHERITED);
    SAME(dup3(file, CLOSED, O_CLOEXEC), CLOSED);
    close(file);
}

static void check(char **argv) {
    SAME(atoi(argv[3]), getpid());
    SAME(gettid(), getpid());
    SAME(count_tasks(), 1);
    SAME(strcmp(argv[0], "a program"), 0);
    SAME(argv[4][0], 0);
    CHECK(argv[5] == NULL);
    const char *kept = getenv("KEPT");
    CHECK(kept != NULL && strcmp(kept, "yes no") == 0);
    sigset_t mask, pending;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    sigpending(&pending);
    for (int signal = 1; signal < SIGRTMAX; signal++)
        SAME(sigismember(&mask, signal) == 1, signal == SIGUSR2);
    CHECK(sigismember(&pending, SIGUSR2));
    struct sigaction action;
    sigaction(SIGUSR1, NULL, &action);
    CHECK(action.sa_handler == SIG_IGN);
    sigaction(SIGHUP, NULL, &action);
    CHECK(action.sa_handler == SIG_DFL);
    char text[5] = "";
    SAME(pread(INHERITED, text, 4, 0), 4);
    SAME(strcmp(text, "text"), 0);
    CHECK(fcntl(CLOSED, F_GETFD) == -1 && errno == EBADF);
    SAME(dup3(INHERITED, CLOSED, O_CLOEXEC), CLOSED);
}

static void go_on(void) {
    CHECK(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    void *(*bodies[])(void *) = {spin, sleep_for_ever, allocate, open_files, churn};
    for (size_t i = 0; i < LENGTH(bodies); i++)
        start(bodies[i], NULL);
    switch (atoi(depth)) {
    case 3:
        start(execute, NULL);
        sleep_for_ever(NULL);
        break;
    case 2: {
        // The second does not start if the first is quick (EAGAIN, see above).
        pthread_t threads[2];
        for (int i = 0; i < 2; i++)
            pthread_create(&threads[i], NULL, execute, NULL);
        execute(NULL);
        break;
    }
    case 1: {
        static atomic_int tid = 1;
        syscall(SYS_set_tid_address, &tid);
        start(execute, &tid);
        syscall(SYS_exit, 3);
    }
    }
}

static void *torture(void *arg) {
    do {
        pid_t pid = fork();
        if (pid == 0) {
            prepare();
            char text[8];
            snprintf(text, sizeof text, "%d", LENGTH_OF_CHAIN);
            depth = text;
            go_on();
        }
        reap_exited(pid, 17);
    } while (time_is_left());
    return arg;
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "chain") == 0) {
        check(argv);
        depth = argv[2];
        if (atoi(depth) == 0)
            return 17;
        go_on();
    }
    set_deadline(argc, argv);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        threads[i] = start(torture, NULL);
    for (int i = 0; i < 2; i++)
        join(threads[i]);
    puts("Every program was executed once, in its process.");
    return 0;
}
