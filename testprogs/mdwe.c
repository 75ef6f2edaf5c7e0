// PR_SET_MDWE: what it denies, and who inherits it: children of fork and vfork, and the next program.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

static int get(void)
{
    return prctl(PR_GET_MDWE, 0, 0, 0, 0);
}

static void show(const char *who)
{
    void *both = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("%s: %d, %s\n", who, get(), both == MAP_FAILED ? strerrorname_np(errno) : "writable and executable");
    fflush(stdout);
}

static void execute(const char *who)
{
    execl("/proc/self/exe", "mdwe", "shows", who, NULL);
    _exit(1);
}

static void await(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        printf("a child ended with %#x\n", status);
}

static void with(int flags)
{
    printf("flags %d: %d\n", flags, prctl(PR_SET_MDWE, flags, 0, 0, 0));
    show("itself");
    pid_t child = fork();
    if (child == 0) {
        show("child");
        execute("program of the child");
    }
    await(child);
    child = vfork();
    if (child == 0)
        execute("program of the vfork child");
    await(child);
    execute("next program");
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        show(argv[2]);
        return 0;
    }
    for (int flags = 1; flags <= 3; flags += 2) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            with(flags);
        await(child);
    }
    show("parent");
}
