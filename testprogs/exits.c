/* Ways to exit: the status, the handlers that run, and whether output is flushed. */
#include "lib.h"
#include <unistd.h>

static void handler(void)
{
    puts("exit handler");
}

static void quick(void)
{
    if (write(2, "quick handler\n", 14) != 14)
        abort();
}

__attribute__((constructor)) static void before(void)
{
    puts("constructor");
}

__attribute__((destructor)) static void after(void)
{
    puts("destructor");
}

int main(int argc, char **argv)
{
    CHECK(argc == 3 && atexit(handler) == 0 && at_quick_exit(quick) == 0);
    int status = atoi(argv[2]);
    if (!strcmp(argv[1], "return"))
        return status;
    if (!strcmp(argv[1], "exit"))
        exit(status);
    fflush(stdout);
    printf("lost in the buffer");
    if (!strcmp(argv[1], "quick"))
        quick_exit(status);
    _exit(status);
}
