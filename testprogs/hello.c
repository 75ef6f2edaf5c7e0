/* The least a C program does: start the C library, print, run the exit handlers, leave. Given `wait`
 * it stays until its standard input ends, so that a benchmark can look at the process. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    puts("Hello, world!");
    if (argc > 1 && strcmp(argv[1], "wait") == 0) {
        fflush(stdout);
        while (getchar() != EOF)
            ;
    }
    return 0;
}
