/* Unwinding out of a signal handler. The unwinder of the shared libgcc_s recognizes the signal frame by the
 * instructions at its return address. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unwind.h>

int main(void);
static int seen_faulting, seen_main;
static void faulting(void);

static _Unwind_Reason_Code frame(struct _Unwind_Context *context, void *unused)
{
	(void)unused;
	void *start = (void *)_Unwind_GetRegionStart(context);
	seen_faulting |= start == (void *)faulting;
	seen_main |= start == (void *)main;
	return _URC_NO_REASON;
}

static void handler(int signal)
{
	_Unwind_Backtrace(frame, NULL);
	printf("signal %d: through the faulting function %d, to main %d\n", signal, seen_faulting, seen_main);
	exit(0);
}

static __attribute__((noinline)) void faulting(void)
{
	*(volatile int *)NULL = 1;
}

int main(void)
{
	signal(SIGSEGV, handler);
	faulting();
	return 1;
}
