/* A minimal C program: starts the C library, prints, runs the exit handlers, exits. With `wait`, it runs until its
 * standard input ends, so that a benchmark can inspect the process. */
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
