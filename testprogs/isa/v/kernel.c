// A kernel that runs the suite's Linux programs in virtual memory, with six page frames. Pages come in when they are
// touched and are evicted again, the dirty ones to their backing store. The programs run twice: with Sv39 (RV32: Sv32),
// where page faults report the first access and the first write, and with Sv57 (RV32: Sv32), where the hart sets the
// bits A and D. Each program has an ASID of its own.
//
// The kernel has signals and three system calls, as far as the programs need them.
#include "../../machine/machine.h"

enum { PAGE = 4096, FRAMES = 6, PAGES = 2048, TABLES = 16 };
enum { V = 1, R = 2, W = 4, X = 8, U = 16, G = 32, A = 64, D = 128 };
enum { ILLEGAL = 2, BREAKPOINT = 3, LOAD_MISALIGNED = 4, STORE_MISALIGNED = 6, CALL = 8 };
enum { FETCH_FAULT = 12, LOAD_FAULT = 13, STORE_FAULT = 15 };
enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGSEGV = 11, SIGNALS = 12 };
enum { SYS_EXIT_GROUP = 94, SYS_SIGALTSTACK = 132, SYS_RT_SIGACTION = 134 };
// The initial sp; the end of a signal handler, where no page is; the bits of menvcfg and menvcfgh.
enum { STACK_END = 0x3ffff000, STACK_PAGES = 2, SIGNAL_END = 0x3ffff800, CBO = 0xf0, ADUE_HIGH = 1 << 29 };
#if __riscv_xlen == 32
enum { INDEX_BITS = 10, ASIDS = 0x1ff, PC_IN_UCONTEXT = 160 };
#else
enum { INDEX_BITS = 9, ASIDS = 0xffff, PC_IN_UCONTEXT = 176 };
#endif

// pc and x1 to x31.
word registers[32];

struct page {
    word at, bits;
    u8 *store;
    word *entry; // that maps it
};
struct frame {
    struct page *page;
    u8 *memory;
};

static u8 frame_memory[FRAMES][PAGE] __attribute__((aligned(4096)));
static word tables[TABLES][PAGE / sizeof(word)] __attribute__((aligned(4096)));
static u8 stores[PAGES][PAGE] __attribute__((aligned(4096)));
static struct page pages[PAGES];
static struct frame frames[FRAMES];
static int page_count, table_count, hand;

// How the programs run now.
static const struct way { const char *name; int levels, by_hart; } ways[] = {
#if __riscv_xlen == 32
    {"Sv32, A and D by software", 2, 0}, {"Sv32, A and D by the hart", 2, 1},
#else
    {"Sv39, A and D by software", 3, 0}, {"Sv57, A and D by the hart", 5, 1},
#endif
};
static const struct way *way = ways;
static word asid;

// What happened in all programs.
static word came_in, evicted, written_back, accessed, dirtied;

extern const u8 programs[], programs_end[];
static const u8 *header = programs;
static const char *name;
static int programs_run, programs_failed;

static word handlers[SIGNALS], signal_stack_end;

static void copy(u8 *to, const u8 *from, word size) {
    if (((word)to | (word)from | size) % sizeof(word) == 0)
        for (word i = 0; i < size; i += sizeof(word))
            *(word *)(to + i) = *(const word *)(from + i);
    else
        for (word i = 0; i < size; i++)
            to[i] = from[i];
}

static void clear(void *at, word size) {
    for (word i = 0; i < size; i += sizeof(word))
        *(volatile word *)((u8 *)at + i) = 0;
}

static void machine(word what, word low, word high) {
    register word a0 __asm__("a0") = what;
    register word a1 __asm__("a1") = low;
    register word a2 __asm__("a2") = high;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1), "+r"(a2) : : "memory");
}

static _Noreturn void power_off(int status) {
    for (;;)
        machine(status ? (word)status << 16 | 0x3333 : 0x5555, 0, 0);
}

_Noreturn void kernel_fault(word cause, word value, word pc) {
    show("the kernel traps: cause", cause);
    show("  value", value);
    show("  pc", pc);
    power_off(2);
}

static void panic(const char *what, word value) {
    print(name);
    print(": the kernel stops: ");
    show(what, value);
    power_off(3);
}

static void start_program(void);

static void end_program(const char *what, word value) {
    programs_run++;
    if (what) {
        programs_failed++;
        print(name);
        print(": ");
        show(what, value);
    }
    start_program();
}

static word *new_table(void) {
    if (table_count == TABLES)
        panic("more page tables than", TABLES);
    clear(tables[table_count], PAGE);
    return tables[table_count++];
}

// The entry of a level that maps the address; makes the tables above it.
static word *entry(word at, int level) {
    word *table = tables[0];
    for (int l = way->levels - 1;; l--) {
        int shift = 12 + INDEX_BITS * l;
        word index = shift < (int)(8 * sizeof at) ? at >> shift & ((1 << INDEX_BITS) - 1) : 0;
        if (l == level)
            return table + index;
        if (!table[index])
            table[index] = (word)new_table() >> 12 << 10 | V;
        table = (word *)(table[index] >> 10 << 12);
    }
}

static struct page *page_at(word at) {
    for (int i = 0; i < page_count; i += 1)
        if (at - pages[i].at < PAGE)
            return &pages[i];
    return 0;
}

static struct frame *frame_of(struct page *page) {
    for (int i = 0; i < FRAMES; i++)
        if (frames[i].page == page)
            return &frames[i];
    return 0;
}

static void flush(word at) { __asm__ volatile("sfence.vma %0, %1" : : "r"(at), "r"(asid) : "memory"); }

static void evict(struct frame *frame) {
    struct page *page = frame->page;
    word was = *page->entry;
    *(volatile word *)page->entry = 0;
    flush(page->at);
    if (was & D) {
        copy(page->store, frame->memory, PAGE);
        written_back++;
    } else {
        for (word i = 0; i < PAGE; i += sizeof(word))
            if (*(word *)(frame->memory + i) != *(word *)(page->store + i))
                panic("a clean page has changed:", page->at + i);
    }
    frame->page = 0;
    evicted++;
}

// A free frame: of a page that was not accessed since the hand came by.
static struct frame *free_frame(void) {
    for (;; hand = (hand + 1) % FRAMES) {
        struct frame *frame = &frames[hand];
        if (!frame->page)
            return frame;
        if (*frame->page->entry & A) {
            *(volatile word *)frame->page->entry &= ~(word)A;
            flush(frame->page->at);
        } else {
            evict(frame);
            return frame;
        }
    }
}

static void bring_in(struct page *page) {
    struct frame *frame = free_frame();
    hand = (hand + 1) % FRAMES;
    copy(frame->memory, page->store, PAGE);
    frame->page = page;
    *(volatile word *)page->entry = (word)frame->memory >> 12 << 10 | page->bits | U | V;
    flush(page->at);
    __asm__ volatile("fence.i" : : : "memory");
    came_in++;
}

// The memory of a word of the program's.
static word *user(word at, int writes) {
    struct page *page = page_at(at);
    if (!page || at % sizeof(word))
        panic("bad pointer", at);
    struct frame *frame = frame_of(page);
    if (frame && writes)
        *(volatile word *)page->entry |= A | D;
    return (word *)((frame ? frame->memory : page->store) + (at - page->at));
}

static void add_pages(word from, word to, word bits) {
    for (word at = from & -(word)PAGE; at < to; at += PAGE) {
        struct page *page = page_at(at);
        if (!page) {
            if (page_count == PAGES)
                panic("more pages than", PAGES);
            page = &pages[page_count];
            *page = (struct page){at, 0, stores[page_count], entry(at, 0)};
            clear(page->store, PAGE);
            page_count++;
        }
        page->bits |= bits;
    }
}

// ELF's fields, in words of the program's width.
struct elf {
    u8 ident[16];
    u32 type_machine, version;
    word entry, phoff, shoff;
    u32 flags;
    unsigned short ehsize, phentsize, phnum;
};
struct segment {
    u32 type;
#if __riscv_xlen == 64
    u32 flags;
    word offset, vaddr, paddr, filesz, memsz, align;
#else
    word offset, vaddr, paddr, filesz, memsz;
    u32 flags;
    word align;
#endif
};

static void load(const u8 *file) {
    const struct elf *elf = (const struct elf *)file;
    for (int i = 0; i < elf->phnum; i++) {
        const struct segment *segment = (const struct segment *)(file + elf->phoff + i * elf->phentsize);
        if (segment->type != 1)
            continue;
        u32 flags = segment->flags;
        add_pages(segment->vaddr, segment->vaddr + segment->memsz,
                  (flags & 4 ? R : 0) | (flags & 2 ? W | R : 0) | (flags & 1 ? X : 0));
        for (word done = 0; done < segment->filesz;) {
            word at = segment->vaddr + done, part = PAGE - at % PAGE;
            if (part > segment->filesz - done)
                part = segment->filesz - done;
            struct page *page = page_at(at);
            copy(page->store + at % PAGE, file + segment->offset + done, part);
            done += part;
        }
    }
    add_pages(STACK_END - STACK_PAGES * PAGE, STACK_END, R | W);
    clear(registers, sizeof registers);
    registers[0] = elf->entry;
    registers[2] = STACK_END - 64;
}

static void address_space(void) {
    csr_write(satp, 0); // the tables of the last program go
    page_count = table_count = hand = 0;
    for (int i = 0; i < FRAMES; i++)
        frames[i] = (struct frame){0, frame_memory[i]};
    new_table();
    const word bits = V | R | W | X | G | A | D;
    const word memory = 0x80000000;
#if __riscv_xlen == 32
    for (word at = memory; at < memory + (128 << 20); at += 4 << 20)
        *entry(at, 1) = at >> 12 << 10 | bits;
#else
    *entry(memory, 2) = memory >> 12 << 10 | bits;
#endif
    *entry(UART, 1) = UART >> 12 << 10 | V | R | W | G | A | D;
    asid = asid % ASIDS + 1;
    word root = (word)tables[0] >> 12;
#if __riscv_xlen == 32
    csr_write(satp, 1ul << 31 | asid << 22 | root);
#else
    csr_write(satp, (way->levels + 5ul) << 60 | asid << 44 | root);
#endif
    __asm__ volatile("sfence.vma x0, %0" : : "r"(asid) : "memory");
}

static void end_way(void) {
    print(way->name);
    show(": programs", programs_run);
    show("  failed", programs_failed);
    show("  pages in", came_in);
    show("  evicted", evicted);
    show("  written back", written_back);
    show("  faults for A", accessed);
    show("  faults for D", dirtied);
    programs_run = programs_failed = came_in = evicted = written_back = accessed = dirtied = 0;
}

static void start_way(void) {
    machine(0, CBO, way->by_hart ? ADUE_HIGH : 0);
    __asm__ volatile("sfence.vma" : : : "memory");
}

// Starts the next program of the archive, which is one of tar's.
static void start_program(void) {
    if (header + 512 > programs_end || !header[0]) {
        end_way();
        if (++way == ways + sizeof ways / sizeof *ways)
            power_off(0);
        start_way();
        header = programs;
    }
    name = (const char *)header;
    word size = 0;
    for (const u8 *digit = header + 124; *digit >= '0' && *digit <= '7'; digit++)
        size = size * 8 + *digit - '0';
    const u8 *file = header + 512;
    header = file + ((size + 511) & -(word)512);
    address_space();
    load(file);
    clear(handlers, sizeof handlers);
    signal_stack_end = 0;
    // User mode, with floating point.
    csr_clear(sstatus, 1 << 8);
    csr_set(sstatus, 3 << 13);
    csr_write(0x3, 0);
}

static void deliver(int signal, word cause) {
    if (!handlers[signal]) {
        show("  pc", registers[0]);
        end_program("killed by a trap of cause", cause);
        return;
    }
    word context = (signal_stack_end - 1024) & -(word)16;
    for (int i = 0; i < 32; i++)
        *user(context + PC_IN_UCONTEXT + i * sizeof(word), 1) = registers[i];
    registers[0] = handlers[signal];
    registers[1] = SIGNAL_END;
    registers[2] = context;
    registers[10] = signal;
    registers[11] = registers[12] = context;
}

static void signal_ends(void) {
    word context = registers[2];
    for (int i = 0; i < 32; i++)
        registers[i] = *user(context + PC_IN_UCONTEXT + i * sizeof(word), 0);
}

static void system_call(void) {
    registers[0] += 4;
    word number = registers[17], first = registers[10], second = registers[11];
    registers[10] = 0;
    switch (number) {
    case SYS_EXIT_GROUP: end_program(first ? "case" : 0, first); break;
    case SYS_SIGALTSTACK: signal_stack_end = *user(first, 0) + *user(first + 2 * sizeof(word), 0); break;
    case SYS_RT_SIGACTION:
        if (first >= SIGNALS)
            panic("no signal", first);
        handlers[first] = *user(second, 0);
        break;
    default: panic("no system call", number);
    }
}

// Whether the page fault was one of ours.
static int page_fault(word cause, word at) {
    struct page *page = page_at(at);
    const word needed = cause == FETCH_FAULT ? X : cause == LOAD_FAULT ? R : W;
    if (!page || !(page->bits & needed))
        return 0;
    if (!frame_of(page)) {
        bring_in(page);
        return 1;
    }
    word missing = cause == STORE_FAULT ? A | D : A;
    if (way->by_hart)
        panic("the hart did not set A or D:", at);
    if ((*page->entry & missing) == missing)
        panic("nothing is wrong with the page at", at);
    if (missing & D)
        dirtied++;
    else
        accessed++;
    *(volatile word *)page->entry |= missing;
    flush(at);
    return 1;
}

void trap(word cause, word value) {
    switch (cause) {
    case CALL: system_call(); break;
    case FETCH_FAULT:
        if (registers[0] == SIGNAL_END) {
            signal_ends();
            break;
        }
    // Falls through.
    case LOAD_FAULT:
    case STORE_FAULT:
        if (!page_fault(cause, value))
            deliver(SIGSEGV, cause);
        break;
    case ILLEGAL: deliver(SIGILL, cause); break;
    case BREAKPOINT: deliver(SIGTRAP, cause); break;
    case LOAD_MISALIGNED:
    case STORE_MISALIGNED: deliver(SIGBUS, cause); break;
    default: deliver(SIGSEGV, cause);
    }
}

void kernel(void) {
    start_way();
    start_program();
}
