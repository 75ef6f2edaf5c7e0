// vfork and posix_spawn from four threads that allocate: programs that run, programs that do not exist, and children
// that are killed while they are still in their parent's memory.

#include "torture.h"
#include <fcntl.h>
#include <spawn.h>

#define THREADS 4

// A child that is killed in its parent's memory takes some of remu's own memory with it. So a long run kills no more
// children than a short one, and what grows otherwise is seen.
#define KILLS 2000

extern char **environ;

static char *const nothing[] = {"none", NULL};

static void spawn(int code) {
    char text[8];
    snprintf(text, sizeof text, "%d", code);
    char *const arguments[] = {"self", "status", text, NULL};
    pid_t pid;
    SAME(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ), 0);
    reap_exited(pid, code);
}

static void spawn_nothing(void) {
    pid_t pid;
    SAME(posix_spawn(&pid, "/no/such/program", NULL, NULL, nothing, environ), ENOENT);
    SAME(posix_spawn(&pid, "/", NULL, NULL, nothing, environ), EACCES);
}

static void write_memory(int code) {
    volatile int written = 0;
    volatile pid_t seen = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        seen = getpid();
        written = code;
        _exit(code);
    }
    SAME(written, code);
    SAME(seen, pid);
    reap_exited(pid, code);
}

static void *kill_child(void *pid) {
    atomic_int *child = pid;
    while (*child == 0)
        sched_yield();
    for (unsigned i = dice(20000); i > 0; i--)
        atomic_signal_fence(memory_order_seq_cst);
    SAME(kill(*child, SIGKILL), 0);
    return NULL;
}

// The child makes calls that use the parent's memory in many ways until it is killed.
static void kill_one(void) {
    atomic_int child = 0;
    void *place = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t killer = start(kill_child, &child);
    pid_t pid = vfork();
    if (pid == 0) {
        child = getpid();
        for (;;) {
            execve("/no/such/program", nothing, environ);
            close(open("/", O_RDONLY | O_CLOEXEC));
            mmap(place, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
            mprotect(place, 4096, PROT_NONE);
        }
    }
    join(killer);
    reap_killed(pid, SIGKILL);
    SAME(munmap(place, 8192), 0);
}

static void *torture(void *number) {
    static atomic_int kills;
    int i = (int)(intptr_t)number;
    do {
        free(malloc(dice(10000)));
        switch (i++ % 4) {
        case 0: spawn((int)dice(100)); break;
        case 1: spawn_nothing(); break;
        case 2: write_memory((int)dice(100)); break;
        case 3:
            if (kills++ < KILLS)
                kill_one();
            break;
        }
    } while (time_is_left());
    return NULL;
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "status") == 0)
        return atoi(argv[2]);
    set_deadline(argc, argv);
    int before = count_descriptors();
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = start(torture, (void *)i);
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    // A killed child shares the descriptors no more than any child does.
    SAME(count_descriptors(), before);
    SAME(waitpid(-1, NULL, 0), -1);
    puts("Every child ended as it should.");
    return 0;
}
