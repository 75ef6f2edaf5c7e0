/* Forks while the system call log has a line of the parent's that is not finished. The child writes once its parent
 * waits for it, then executes this program again, which writes and exits with 3. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Waits until the parent sleeps in a system call. */
static void await_parent(void)
{
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", getppid());
    for (;;) {
        int fd = open(path, O_RDONLY);
        ssize_t len = read(fd, text, sizeof text - 1);
        close(fd);
        text[len > 0 ? len : 0] = 0;
        const char *name_end = strrchr(text, ')');
        if (name_end && name_end[1] == ' ' && name_end[2] == 'S')
            return;
        usleep(100);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        if (write(1, "executed\n", 9) != 9)
            return 1;
        return 3;
    }
    if (fork() == 0) {
        await_parent();
        if (write(1, "child\n", 6) != 6)
            return 1;
        char *arguments[] = {"again", "x", NULL}, *environment[] = {NULL};
        execve(argv[0], arguments, environment);
        return 1;
    }
    int status;
    return wait4(-1, &status, 0, NULL) > 0 && WEXITSTATUS(status) == 3 ? 0 : 1;
}
