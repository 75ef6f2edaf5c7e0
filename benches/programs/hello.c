/* Start-up: does almost nothing, so that the time is that of starting. */
#include <stdio.h>

int main(void)
{
    puts("hello");
    return 0;
}
