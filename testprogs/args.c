/* argv, the environment and the auxiliary vector, as the kernel lays them out on the stack. */
#include "lib.h"
#include <elf.h>
#include <sys/auxv.h>
#include <unistd.h>

extern char **environ;
extern char __executable_start[] __attribute__((weak));
void _start(void);

int main(int argc, char **argv)
{
    printf("argc = %d\n", argc);
    const char *base = strrchr(argv[0], '/');
    CHECK(base && base[1]);
    for (int i = 1; i < argc; i++)
        printf("argv[%d] = \"%s\"\n", i, argv[i]);
    CHECK(argv[argc] == NULL);
    CHECK(environ == argv + argc + 1);
    int vars = 0;
    for (char **e = environ; *e; e++)
        vars++;
    printf("environment: %d variables\n", vars);
    const char *names[] = {"LC_ALL", "TZ", "GUEST_EMPTY", "GUEST_WORDS", "GUEST_ABSENT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        printf("%s = %s\n", names[i], getenv(names[i]) ? getenv(names[i]) : "(unset)");
    CHECK(setenv("GUEST_NEW", "x", 1) == 0 && strcmp(getenv("GUEST_NEW"), "x") == 0);

    /* Reading the vector itself, not only getauxval: its place on the stack is part of the interface. */
    char **e = argv + argc + 1;
    while (*e)
        e++;
    const Elf64_auxv_t *aux = (const Elf64_auxv_t *)(e + 1);
    int entries = 0, pagesz = 0;
    for (; aux->a_type != AT_NULL; aux++, entries++) {
        CHECK(entries < 100);
        if (aux->a_type == AT_PAGESZ)
            pagesz = (int)aux->a_un.a_val;
    }
    printf("AT_PAGESZ %d\n", pagesz);
    CHECK((unsigned long)sysconf(_SC_PAGESIZE) == getauxval(AT_PAGESZ));
    CHECK(getauxval(AT_CLKTCK) == 100);
    CHECK(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid());
    CHECK(getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid());
    CHECK(getauxval(AT_SECURE) == 0);
    CHECK(getauxval(AT_BASE) == 0); /* a static program has no interpreter */
    CHECK(getauxval(AT_ENTRY) == (unsigned long)_start);
    CHECK(getauxval(AT_HWCAP) != 0);

    const Elf64_Phdr *ph = (const Elf64_Phdr *)getauxval(AT_PHDR);
    CHECK(ph && getauxval(AT_PHENT) == sizeof *ph && getauxval(AT_PHNUM) > 0);
    int loads = 0, tls = 0;
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
        loads += ph[i].p_type == PT_LOAD;
        tls += ph[i].p_type == PT_TLS;
    }
    CHECK(loads >= 2 && tls == 1);

    const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
    CHECK(random);
    int nonzero = 0;
    for (int i = 0; i < 16; i++)
        nonzero += random[i] != 0;
    CHECK(nonzero > 4);
    const char *execfn = (const char *)getauxval(AT_EXECFN);
    CHECK(execfn && strcmp(strrchr(execfn, '/'), base) == 0);
    /* The strings lie above the vector, in the order argv, environment. */
    if (argc > 1)
        CHECK(argv[1] == argv[0] + strlen(argv[0]) + 1);
    CHECK((char *)aux < argv[0]);
    unsigned long sp;
    __asm__ volatile("" : "=r"(sp) : "0"(__builtin_frame_address(0)));
    CHECK(sp % 16 == 0 && sp < (unsigned long)argv);
    puts("auxiliary vector: good");
    return 0;
}
