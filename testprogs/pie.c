/* A static position-independent program without a C library. It gets its load address from the auxiliary vector,
 * applies its own R_RISCV_RELATIVE relocations, and then uses pointers that depend on them. */
#include <elf.h>

static long syscall3(long number, long a, long b, long c)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
    return a0;
}

static void say(const char *s)
{
    long n = 0;
    while (s[n])
        n++;
    syscall3(64, 1, (long)s, n);
}

static void must(int ok, const char *what)
{
    if (!ok) {
        say(what);
        say(": does not hold\n");
        syscall3(94, 1, 0, 0);
    }
}

void _start(void) __attribute__((visibility("hidden")));
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
extern Elf64_Dyn _DYNAMIC[] __attribute__((visibility("hidden")));

static const char *const volatile words[] = {"pointers ", "in ", "relocated ", "data ", "work\n"};
static void (*const volatile functions[])(const char *) = {say};
static long zeroed[4096]; /* .bss, several pages */
static long initialised[2] = {11, 22};

__attribute__((used, noreturn)) void start(unsigned long *sp)
{
    unsigned long base = (unsigned long)&__ehdr_start;
    static unsigned long aux[64];
    unsigned long *p = sp + 1 + sp[0] + 1;
    while (*p++)
        ;
    for (; p[0]; p += 2)
        if (p[0] < 64)
            aux[p[0]] = p[1];
    must(base != 0 && base % 4096 == 0, "page-aligned base");
    must(aux[AT_PHDR] == base + __ehdr_start.e_phoff, "AT_PHDR");
    must(aux[AT_PHNUM] == __ehdr_start.e_phnum, "AT_PHNUM");
    must(aux[AT_ENTRY] == base + __ehdr_start.e_entry, "AT_ENTRY");
    must(aux[AT_ENTRY] == (unsigned long)_start, "entry point");
    must(aux[AT_BASE] == 0, "AT_BASE");

    unsigned long rela = 0, size = 0, done = 0;
    for (Elf64_Dyn *d = _DYNAMIC; d->d_tag; d++) {
        if (d->d_tag == DT_RELA)
            rela = d->d_un.d_ptr;
        if (d->d_tag == DT_RELASZ)
            size = d->d_un.d_val;
    }
    for (Elf64_Rela *r = (Elf64_Rela *)(base + rela); done < size; r++, done += sizeof *r) {
        must(ELF64_R_TYPE(r->r_info) == R_RISCV_RELATIVE, "relocation type");
        *(unsigned long *)(base + r->r_offset) = base + (unsigned long)r->r_addend;
    }
    must(size >= 6 * sizeof(Elf64_Rela), "relocations");
    for (int i = 0; i < 5; i++)
        functions[0](words[i]);
    for (int i = 0; i < 4096; i++)
        must(zeroed[i] == 0, ".bss");
    must(initialised[0] + initialised[1] == 33, ".data");
    initialised[0] = zeroed[4095] = 1;
    say("position-independent: good\n");
    for (;;)
        syscall3(94, 0, 0, 0);
}

__asm__(".text\n.globl _start\n_start:\n"
        ".option push\n.option norelax\n    lla gp, __global_pointer$\n.option pop\n"
        "    mv a0, sp\n    andi sp, sp, -16\n    j start\n");
