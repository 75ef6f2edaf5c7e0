/* Prints what a program gets from execve: arguments, auxiliary vector, descriptors. `told --by-descriptor FILE ARGV...`
 * executes FILE through an open descriptor, which stays open; `told --by-path FILE ARGV...` executes it by its path. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* Prints a file, with a bar for each zero byte. */
static void show(const char *name)
{
    char bytes[4096], path[64];
    snprintf(path, sizeof path, "/proc/self/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t len = read(fd, bytes, sizeof bytes);
    close(fd);
    printf("%s: ", name);
    for (ssize_t i = 0; i < len; i++)
        putchar(bytes[i] ? bytes[i] : '|');
    puts("");
}

int main(int argc, char **argv, char **envp)
{
    if (argc > 3 && strcmp(argv[1], "--by-descriptor") == 0) {
        fexecve(open(argv[2], O_RDONLY), argv + 3, envp);
        perror(argv[2]);
        return 1;
    }
    if (argc > 3 && strcmp(argv[1], "--by-path") == 0) {
        execve(argv[2], argv + 3, envp);
        perror(argv[2]);
        return 1;
    }
    for (int i = 0; i < argc; i++)
        printf("argv[%d]: %s\n", i, argv[i]);
    printf("AT_EXECFN: %s\n", (char *)getauxval(AT_EXECFN));
    for (char **p = envp; *p; p++)
        printf("environment: %s\n", *p);
    printf("AT_FLAGS: %lx, AT_SECURE: %lu\n", getauxval(AT_FLAGS), getauxval(AT_SECURE));
    /* Only interpreters get AT_EXECFD. */
    unsigned long pair[2];
    FILE *auxv = fopen("/proc/self/auxv", "r");
    while (auxv && fread(pair, sizeof pair, 1, auxv) == 1)
        if (pair[0] == AT_EXECFD)
            printf("AT_EXECFD: %lu\n", pair[1]);
    if (auxv)
        fclose(auxv);
    char exe[4096] = "";
    if (readlink("/proc/self/exe", exe, sizeof exe - 1) > 0)
        printf("exe: %s\n", exe);
    show("cmdline");
    /* For execution by descriptor, the name is the number until Linux 6.14, and the file's name since. */
    if (strncmp((char *)getauxval(AT_EXECFN), "/dev/fd/", 8) != 0)
        show("comm");
    /* The open descriptors, except for the directory's. */
    for (int fd = 0; fd < 200; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf("open: %d\n", fd);
    return 0;
}
