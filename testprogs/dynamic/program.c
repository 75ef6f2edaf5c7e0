/* The dynamic linker: initialisation order, symbols, thread-local storage, dlopen. */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

int first(int n);
extern __thread int shared_tls;

__attribute__((constructor)) static void begin(void)
{
	puts("program: constructor");
}

__attribute__((destructor)) static void end(void)
{
	puts("program: destructor");
}

static void at_exit(void)
{
	puts("program: atexit");
}

static void vdso(void)
{
	static const char *const names[] = {
		"rt_sigreturn", "gettimeofday", "clock_gettime", "clock_getres",
		"getcpu", "flush_icache", "riscv_hwprobe", "getrandom",
	};
	void *lib = dlopen("linux-vdso.so.1", RTLD_NOLOAD | RTLD_NOW);
	if (!lib) {
		printf("vdso: %s\n", dlerror());
		return;
	}
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		char name[64] = "__vdso_";
		if (!dlvsym(lib, strcat(name, names[i]), "LINUX_4.15"))
			printf("vdso: no %s\n", name);
	}
	int (*get)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))
		dlsym(lib, "__vdso_clock_gettime");
	struct timespec a, b, c;
	clock_gettime(CLOCK_MONOTONIC, &a);
	int good = get(CLOCK_MONOTONIC, &b), bad = get(1000, &b);
	clock_gettime(CLOCK_MONOTONIC, &c);
	printf("vdso: %d %d, monotonic %d\n", good, bad,
	       a.tv_sec * 1000000000 + a.tv_nsec <= c.tv_sec * 1000000000 + c.tv_nsec);
	ssize_t (*fill)(void *, size_t, unsigned, void *, size_t) =
		(ssize_t (*)(void *, size_t, unsigned, void *, size_t))dlsym(lib, "__vdso_getrandom");
	unsigned params[16];
	memset(params, 0xff, sizeof params);
	ssize_t told = fill(0, 0, 0, params, -1);
	unsigned reserved = 0;
	for (int i = 3; i < 16; i++)
		reserved |= params[i];
	unsigned char bytes[32] = {0}, sum = 0;
	ssize_t got = fill(bytes, sizeof bytes, 0, params, params[0]);
	for (int i = 0; i < 32; i++)
		sum |= bytes[i];
	printf("getrandom: %zd %u %#x %#x %u, %zd %d\n", told, params[0], params[1], params[2], reserved, got, sum != 0);
}

int main(int argc, char **argv)
{
	atexit(at_exit);
	for (int i = 0; i < argc; i++)
		printf("argv[%d] = %s\n", i, argv[i]);
	printf("execfn = %s\n", (char *)getauxval(AT_EXECFN));
	Elf64_Phdr *headers = (Elf64_Phdr *)getauxval(AT_PHDR);
	int interp = 0;
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		interp += headers[i].p_type == PT_INTERP;
	Elf64_Ehdr *base = (Elf64_Ehdr *)getauxval(AT_BASE);
	printf("PT_INTERP %d, base is ELF %d\n", interp, base && !memcmp(base->e_ident, ELFMAG, SELFMAG));
	printf("first: %d, tls %d\n", first(2), shared_tls);
	shared_tls = 100;
	printf("first: %d\n", first(0));
	printf("sqrt: %.3f\n", sqrt(argc + 1));
	void *lib = dlopen("libsecond.so", RTLD_NOW);
	if (!lib) {
		puts(dlerror());
		return 1;
	}
	int (*second)(int) = (int (*)(int))dlsym(lib, "second");
	printf("second: %d\n", second(1));
	printf("missing: %s\n", dlsym(lib, "nothing") ? "there" : "not there");
	dlclose(lib);
	printf("libnothing: %s\n", dlopen("libnothing.so", RTLD_NOW) ? "opened" : "not opened");
	vdso();
	return 3;
}
