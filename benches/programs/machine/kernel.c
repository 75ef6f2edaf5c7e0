// A kernel for one program: it runs a static Linux program of this folder in user mode, in pages of 4 KiB that are
// mapped when they are touched (Sv39), with the few system calls that such programs make. The program is the initial
// RAM disk, its arguments are the kernel's command line. It measures a machine without the time that a boot takes.
#include "../../../testprogs/machine/machine.h"

enum { PAGE = 4096, WORDS = PAGE / sizeof(word), ARGUMENTS = 8 };
enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128 };
enum { CALL = 8, LOAD_FAULT = 13, STORE_FAULT = 15 };
enum { WRITE = 64, WRITEV = 66, EXIT = 93, EXIT_GROUP = 94, UNAME = 160, BRK = 214, MUNMAP = 215, MMAP = 222 };
enum { MPROTECT = 226, MAP_FIXED = 16, MAP_ANONYMOUS = 32, ENOMEM = 12, ENOSYS = 38 };

// The stack and the mappings of the program.
static const word STACK_END = 0x3ffffff000, STACK_SIZE = 8 << 20, MAPPINGS = 0x1000000000;

struct header {
    u8 ident[16];
    unsigned short type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    unsigned short size, phentsize, phnum, rest[3];
};
struct segment {
    u32 type, flags;
    u64 offset, at, physical, in_file, in_memory, alignment;
};

// pc and x1 to x31.
word registers[32];

extern u8 _end[];
static u8 *free_memory, *memory_end;
static word *root;
static word heap, heap_end, mappings_end;

static _Noreturn void power_off(word status) {
    for (;;)
        write32(FINISHER, status ? (u32)status << 16 | 0x3333 : 0x5555);
}

static _Noreturn void panic(const char *what, word value) {
    show(what, value);
    power_off(99);
}

_Noreturn void kernel_fault(word cause, word pc) {
    show("the kernel traps: cause", cause);
    panic("pc", pc);
}

static int equal(const char *a, const char *b) {
    for (; *a && *a == *b; a++, b++)
        ;
    return *a == *b;
}

// A page of zeros.
static word *new_page(void) {
    if (free_memory + PAGE > memory_end)
        panic("no memory is left behind", (word)free_memory);
    volatile word *page = (word *)free_memory;
    for (int i = 0; i < WORDS; i++)
        page[i] = 0;
    free_memory += PAGE;
    return (word *)page;
}

// The program's byte at an address, whose page is mapped now.
static u8 *byte_at(word at) {
    word *table = root;
    for (int level = 2;; level--) {
        word *entry = &table[at >> (12 + 9 * level) & (WORDS - 1)];
        if (!*entry)
            *entry = (word)new_page() >> 12 << 10 | V | (level ? 0 : R | W | X | U | A | D);
        table = (word *)(*entry >> 10 << 12);
        if (!level)
            return (u8 *)table + at % PAGE;
    }
}

static void copy_in(word to, const void *from, word size) {
    for (word i = 0; i < size; i++)
        *byte_at(to + i) = ((const u8 *)from)[i];
}

static u32 big_endian(const u8 *at) { return (u32)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3]; }

// A property of /chosen in the device tree, which alone has such names.
static const u8 *property(const u8 *tree, const char *name, u32 *size) {
    const u8 *at = tree + big_endian(tree + 8), *names = tree + big_endian(tree + 12);
    for (;;) {
        u32 token = big_endian(at);
        at += 4;
        if (token == 1) { // a node
            while (*at)
                at++;
            at = (const u8 *)(((word)at + 4) & -4ul);
        } else if (token == 3) {
            *size = big_endian(at);
            if (equal((const char *)names + big_endian(at + 4), name))
                return at + 8;
            at += 8 + ((*size + 3) & -4u);
        } else if (token == 9) {
            panic(name, 0);
        }
    }
}

static u64 number(const u8 *tree, const char *name) {
    u32 size;
    const u8 *at = property(tree, name, &size);
    return size == 8 ? (u64)big_endian(at) << 32 | big_endian(at + 4) : big_endian(at);
}

// Puts arguments and auxiliary vector on the stack, in the page below its end.
static word start_stack(const u8 *arguments, u32 size, const struct header *header, word headers) {
    word strings = STACK_END - 1024, vector[2 * ARGUMENTS + 24], n = 1;
    if (size > 1024 - 16)
        panic("arguments of more bytes than", 1024 - 16);
    word random = STACK_END - 16;
    for (u32 i = 0; i < size; i++) {
        int starts = arguments[i] > ' ' && (i == 0 || arguments[i - 1] <= ' ');
        if (starts && n > ARGUMENTS)
            panic("more arguments than", ARGUMENTS);
        if (starts)
            vector[n++] = strings + i;
        *byte_at(strings + i) = arguments[i] > ' ' ? arguments[i] : 0;
    }
    vector[0] = n - 1;
    enum { PHDR = 3, PHENT, PHNUM, PAGESZ, ENTRY = 9, RANDOM = 25 };
    const word rest[] = {0, 0, PHDR, headers, PHENT, header->phentsize, PHNUM, header->phnum, PAGESZ, PAGE,
                         ENTRY, header->entry, RANDOM, random, 0, 0};
    for (word i = 0; i < sizeof rest / sizeof *rest; i++)
        vector[n++] = rest[i];
    word sp = (strings - n * sizeof(word)) & -16ul;
    copy_in(sp, vector, n * sizeof(word));
    return sp;
}

void kernel(const u8 *tree) {
    const u8 *file = (const u8 *)number(tree, "linux,initrd-start");
    free_memory = (u8 *)(((word)_end + PAGE - 1) & -(word)PAGE);
    // The device tree is behind the RAM disk, at the end of memory.
    memory_end = (u8 *)((word)file & -(word)PAGE);
    root = new_page();
    mappings_end = MAPPINGS;
    const struct header *header = (const struct header *)file;
    word headers = 0;
    for (int i = 0; i < header->phnum; i++) {
        const struct segment *segment = (const struct segment *)(file + header->phoff + i * header->phentsize);
        if (segment->type != 1)
            continue;
        copy_in(segment->at, file + segment->offset, segment->in_file);
        if (segment->offset <= header->phoff && header->phoff < segment->offset + segment->in_file)
            headers = segment->at + header->phoff - segment->offset;
        word end = segment->at + segment->in_memory;
        for (word at = segment->at & -(word)PAGE; at < end; at += PAGE)
            byte_at(at);
        if (heap < end)
            heap = heap_end = (end + PAGE - 1) & -(word)PAGE;
    }
    u32 size;
    const u8 *arguments = property(tree, "bootargs", &size);
    registers[0] = header->entry;
    registers[2] = start_stack(arguments, size, header, headers);
    csr_write(satp, 8ul << 60 | (word)root >> 12);
    __asm__ volatile("sfence.vma; fence.i" : : : "memory");
}

static word write_out(word from, word size) {
    for (word i = 0; i < size; i++)
        write8(UART, *byte_at(from + i));
    return size;
}

static word word_at(word at) {
    word value;
    u8 *to = (u8 *)&value;
    for (word i = 0; i < sizeof value; i++)
        to[i] = *byte_at(at + i);
    return value;
}

static word system_call(word which, const word *argument) {
    switch (which) {
    case WRITE:
        return write_out(argument[1], argument[2]);
    case WRITEV: {
        word written = 0;
        for (word i = 0, at = argument[1]; i < argument[2]; i++, at += 16)
            written += write_out(word_at(at), word_at(at + 8));
        return written;
    }
    case EXIT:
    case EXIT_GROUP:
        power_off(argument[0] & 255);
    case UNAME: {
        // Six names of 65 bytes each; the third is the release, which must not be too old.
        copy_in(argument[0] + 2 * 65, "6.1.0", 6);
        return 0;
    }
    case BRK:
        if (argument[0] >= heap && argument[0] < MAPPINGS)
            heap_end = argument[0];
        return heap_end;
    case MMAP: {
        word at = mappings_end, size = (argument[1] + PAGE - 1) & -(word)PAGE;
        if ((argument[3] & (MAP_FIXED | MAP_ANONYMOUS)) != MAP_ANONYMOUS)
            return -ENOSYS;
        if (size > STACK_END - STACK_SIZE - at)
            return -ENOMEM;
        mappings_end += size;
        return at;
    }
    case MUNMAP:
    case MPROTECT:
        return 0;
    default:
        return -ENOSYS;
    }
}

void trap(word cause, word value) {
    if (cause == CALL) {
        registers[0] += 4;
        registers[10] = system_call(registers[17], registers + 10);
        return;
    }
    int is_mapped = (value >= heap && value < heap_end) || (value >= MAPPINGS && value < mappings_end) ||
                    (value >= STACK_END - STACK_SIZE && value < STACK_END);
    if (is_mapped && (cause == LOAD_FAULT || cause == STORE_FAULT)) {
        byte_at(value);
        __asm__ volatile("sfence.vma %0" : : "r"(value) : "memory");
        return;
    }
    show("the program traps: cause", cause);
    show("value", value);
    panic("pc", registers[0]);
}
