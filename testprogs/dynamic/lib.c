/* A library with a constructor, a destructor and thread-local storage: built as libfirst.so (which
 * PROGRAM is linked with) and libsecond.so (which it opens). */
#include <stdio.h>

static __thread int calls_in_thread = 40;
__thread int shared_tls = 7;
static int *where;

__attribute__((constructor)) static void begin(void)
{
	printf("%s: constructor\n", NAME);
}

__attribute__((destructor)) static void end(void)
{
	printf("%s: destructor, %d\n", NAME, *where);
}

int ENTRY(int n)
{
	where = &calls_in_thread;
	calls_in_thread += n;
	return calls_in_thread + shared_tls;
}
