/* A program for musl's dynamic linker, built without musl's headers and start files. */
int puts(const char *text);
int clock_gettime(int clock, long *time);
int __libc_start_main(int (*main)(int, char **), int argc, char **argv, void (*init)(void), void (*fini)(void), void *loader);

#ifdef STUB
/* A stub of musl's libc.so to link with. */
int puts(const char *text) { return !text; }
int clock_gettime(int clock, long *time) { return clock + !time; }
int __libc_start_main(int (*main)(int, char **), int argc, char **argv, void (*init)(void), void (*fini)(void), void *loader)
{
	return !init + !fini + !loader + main(argc, argv);
}
#else
int main(int argc, char **argv)
{
	long time[2] = {0, 0};
	int result = clock_gettime(1, time);
	for (int i = 0; i < argc; i++)
		puts(argv[i]);
	puts(result == 0 && time[0] > 0 ? "clock" : "no clock");
	return 4;
}

__attribute__((used)) static void start(long *sp)
{
	__libc_start_main(main, (int)sp[0], (char **)(sp + 1), 0, 0, 0);
}

__asm__(".globl _start\n_start: mv a0, sp\n\tandi sp, sp, -16\n\tcall start\n");
#endif
