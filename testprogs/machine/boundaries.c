// Boundaries: of memory protection, when a region contains a part of an access or of a page; of page numbers and of
// addresses; and of the TLB, with more superpages and address spaces than it holds.
#include "probe.h"

stub(do_load, "ld a2, (a0)");
stub(do_store, "sd a1, (a0)");
stub(do_load_byte, "lbu a2, (a0)");
stub(do_load_word, "lwu a2, (a0)");
stub(do_chase, "1: ld a0, (a0); addi a2, a2, 1; bnez a0, 1b");
stub(do_chase_storing, "1: sd a1, 8(a0); ld a0, (a0); addi a2, a2, 1; bnez a0, 1b");

enum { OFF = 0, TOR = 1 << 3, NA4 = 2 << 3, NAPOT = 3 << 3, ALL = 7 };
enum { SUPERPAGE = 1 << 21, OTHER = DATA + SUPERPAGE };

// Prints what is loaded, or the cause of the fault.
static void load(const char *what, u64 at) {
    probe(MPRV | MPP_S, (u64)do_load, at, 0);
    print(what);
    show(trap.cause == CALL_M ? ": loaded" : ": cause", trap.cause == CALL_M ? trap.loaded : trap.cause);
}

static void load_byte(const char *what, u64 at) {
    probe(MPRV | MPP_S, (u64)do_load_byte, at, 0);
    show(what, trap.loaded);
}

static void flush_address(u64 at) { __asm__ volatile("sfence.vma %0" : : "r"(at) : "memory"); }

static char letter(int denied) { return denied ? '-' : '.'; }

// Prints whether loads of a byte, four and eight bytes, and stores of eight are allowed at an address.
static void access_sizes(u64 at) {
    static char *const codes[] = {do_load_byte, do_load_word, do_load, do_store};
    for (int i = 0; i < 4; i++) {
        probe(MPRV | MPP_S, (u64)codes[i], at, 0);
        write8(UART, at % (i == 0 ? 1 : i == 1 ? 4 : 8) ? ' ' : letter(trap.cause != CALL_M));
    }
    write8(UART, '|');
}

// Sets the regions 0 to 2; region 3 allows the rest.
static void regions(u64 addr0, u64 addr1, u64 addr2, u64 configs) {
    csr_write(pmpaddr0, addr0);
    csr_write(pmpaddr1, addr1);
    csr_write(pmpaddr2, addr2);
    csr_write(pmpaddr3, ~0ul);
    csr_write(pmpcfg0, configs | (NAPOT | ALL) << 24);
    flush();
}

// A region decides about an access of which it contains any byte, and denies it unless it contains all of them.
static void parts_of_accesses(void) {
    for (int allowed = 0; allowed < 2; allowed++) {
        for (int word = 0; word < 4; word++) {
            regions((DATA >> 2) + word, 0, 0, NA4 | (allowed ? ALL : 0));
            show("four bytes at", 4 * word);
            print(allowed ? "  allowed " : "  denied ");
            for (int at = 0; at < 20; at += 4)
                access_sizes(DATA + at);
            print("\n");
        }
    }
    allow();
}

// A region that contains a part of a page: an allowed access elsewhere in the page is followed by one to each place.
static void parts_of_pages(void) {
    static const struct { u64 start, end; } places[] = {
        {0, 0x1000}, {0, 0x2000}, {0x800, 0x1000}, {0x800, 0x2000}, {0x800, 0x1800}, {0x400, 0x800}, {0, 0x800},
        {0x800, 0x808}, {0xff8, 0x1008}, {0xffc, 0x1004}, {0x1000, 0x2000}, {0x1004, 0x1800},
    };
    static const u64 offsets[] = {0, 0x7f8, 0x800, 0x808, 0xff8, 0xffc, 0x1000, 0x1004, 0x17f8, 0x1800, 0x1ff8};
    for (word i = 0; i < sizeof places / sizeof *places; i++) {
        show("denied from", places[i].start);
        show("  to", places[i].end);
        print("  ");
        regions((DATA + places[i].start) >> 2, (DATA + places[i].end) >> 2, 0, TOR << 8);
        for (int again = 0; again < 2; again++)
            for (word j = 0; j < sizeof offsets / sizeof *offsets; j++)
                access_sizes(DATA + offsets[j]);
        print("\n");
    }
    allow();
}

// A page table's entry has 44 bits of a page's number, whose memory need not exist.
static void page_numbers(void) {
    // Bit 34 is that of PCI's memory on QEMU.
    for (int bit = 35; bit < 56; bit++) {
        *entry(0, 0) = leaf(DATA ^ 1ul << bit, V | R | W | X | A | D);
        flush();
        show("bit", bit);
        load("  page", WINDOW);
        *entry(1, 5) = pointer(table(0) ^ 1ul << bit);
        flush();
        load("  table", WINDOW + 5 * SUPERPAGE);
    }
}

// 64 KiB in sixteen entries, whose number has any bits above the four that give the size.
static void contiguous_pages(void) {
    for (int bit = 0; bit < 5; bit++) {
        u64 to = DATA + (0x10000 << bit);
        for (int i = 16; i < 32; i++)
            *entry(0, i) = leaf(to + 0x8000, V | R | W | A | D | N);
        write64(to, bit);
        write64(to + 0xf000, 0x10 + bit);
        flush();
        load("contiguous", WINDOW + 16 * PAGE);
        load("contiguous", WINDOW + 31 * PAGE);
    }
}

// So many superpages that a hart may not remember each of them.
static void superpages(void) {
    static const int counts[] = {31, 32, 33, 34, 100};
    const u64 bits = V | R | W | X | A | D;
    write64(DATA, 1);
    write64(DATA + SUPERPAGE - PAGE, 3);
    write64(OTHER, 2);
    write64(OTHER + SUPERPAGE - PAGE, 4);
    for (word n = 0; n < sizeof counts / sizeof *counts; n++) {
        int count = counts[n];
        u64 last = WINDOW + (u64)SUPERPAGE * count;
        for (int i = 1; i <= count; i++)
            *entry(1, i) = leaf(DATA, bits);
        flush();
        for (int i = 1; i <= count; i++)
            probe(MPRV | MPP_S, (u64)do_load, WINDOW + (u64)SUPERPAGE * i + PAGE, 0);
        show("superpages", count);
        load("  first", last);
        load("  last", last + SUPERPAGE - PAGE);
        *entry(1, count) = leaf(OTHER, bits);
        flush_address(last + 100 * PAGE);
        load("  first after it is flushed", last);
        load("  last after it is flushed", last + SUPERPAGE - PAGE);
        *entry(1, 1) = 0;
        flush_address(WINDOW + SUPERPAGE + 100 * PAGE);
        load("  unmapped", WINDOW + SUPERPAGE + PAGE);
    }
}

// Addresses of both halves, odd ones too, and others that differ from them in an unused bit.
static void halves(void) {
    static const u64 windows[] = {WINDOW, (~0ul << 38) + WINDOW};
    const u64 bits = V | R | W | X | A | D;
    write64(DATA, 0x1111);
    write64(OTHER, 0x2222);
    tables(3);
    *entry(2, 257) = *entry(2, 1);
    for (int half = 0; half < 2; half++) {
        u64 page = windows[half] + 3 * PAGE, superpage = windows[half] + 5 * SUPERPAGE;
        show("half", half);
        for (int bit = 38; bit < 64; bit++) {
            *entry(0, 3) = leaf(DATA, bits);
            flush();
            load("page", page);
            load("  with another bit", page ^ 1ul << bit);
            load("  again", page);
        }
        // An entry that an odd address fills is flushed by another odd address, whether or not there are others.
        *entry(0, 3) = leaf(DATA, bits);
        for (int others = 0; others < 2; others++) {
            *entry(1, 5) = leaf(DATA, bits);
            flush();
            if (others)
                load_byte("page", page + 1);
            load_byte("superpage", superpage + 1);
            if (others) {
                *entry(0, 3) = leaf(OTHER, bits);
                flush_address(page + 0x7ff);
                load_byte("another page", page + 1);
                load_byte("superpage", superpage + 1);
            }
            *entry(1, 5) = leaf(OTHER, bits);
            flush_address(superpage + 0x64fff);
            load_byte("another superpage", superpage + 1);
        }
    }
}

// More address spaces than a hart may remember, each with a page of its own at the same address.
static void address_spaces(void) {
    enum { COUNT = 64 };
    for (int i = 0; i < COUNT; i++) {
        int root = 8 + 3 * i;
        *entry(root, WINDOW >> 30) = pointer(table(root + 1));
        *entry(root + 1, 0) = pointer(table(root + 2));
        *entry(root + 2, 3) = leaf(DATA + i * PAGE, V | R | W | A | D);
        write64(DATA + i * PAGE, 0x1000 + i);
    }
    flush();
    word right = 0;
    for (int step = 1; step < 8; step += 2) {
        for (int i = 0; i < COUNT; i++) {
            int space = i * step % COUNT;
            csr_write(satp, 8ul << 60 | (word)space << 44 | table(8 + 3 * space) >> 12);
            probe(MPRV | MPP_S, (u64)do_load, WINDOW + 3 * PAGE, 0);
            right += trap.loaded == 0x1000 + (word)space;
        }
    }
    show("address spaces: right loads", right);
}

// Lists over several pages whose ends are not in memory. Nothing may take an address without a page for one in the
// page of an element.
static void lists(void) {
    static const u64 ends[] = {0, 0x9000000, 1ull << 62, (1ull << 62) + 0xff8, (1ull << 62) + 0xffc, 1ull << 63, -8ull};
    static u64 nodes[64][64];
    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
        for (int n = 0; n < 64; n++)
            nodes[n][0] = n < 63 ? (u64)nodes[n + 1] : ends[i];
        show("list up to", ends[i]);
        for (int stores = 0; stores < 2; stores++) {
            probe(MPP_M, (u64)(stores ? do_chase_storing : do_chase), (u64)nodes, 0);
            show(stores ? "  storing: cause" : "  cause", trap.cause);
            show("  tval", trap.tval);
            show("  elements", trap.loaded);
        }
    }
}

int main(word hart) {
    allow();
    lists();
    parts_of_accesses();
    parts_of_pages();
    tables(3);
    use_tables(3);
    page_numbers();
    contiguous_pages();
    superpages();
    halves();
    address_spaces();
    use_tables(0);
    return 0;
}
