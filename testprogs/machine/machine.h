// Registers and output for the bare-metal programs.
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
// A register.
typedef unsigned long word;

enum { FINISHER = 0x100000, RTC = 0x101000, CLINT = 0x2000000, PLIC = 0xc000000, UART = 0x10000000 };
enum { MSIP = 1 << 3, MTIP = 1 << 7, MEIP = 1 << 11, SEIP = 1 << 9 };
enum { UART_SOURCE = 10, RTC_SOURCE = 11 };

static inline u8 read8(word at) { return *(volatile u8 *)at; }
static inline u32 read32(word at) { return *(volatile u32 *)at; }
static inline u64 read64(word at) { return *(volatile u64 *)at; }
static inline void write8(word at, u8 value) { *(volatile u8 *)at = value; }
static inline void write32(word at, u32 value) { *(volatile u32 *)at = value; }
static inline void write64(word at, u64 value) { *(volatile u64 *)at = value; }

#define csr_read(name) ({ word value; __asm__ volatile("csrr %0, " #name : "=r"(value) : : "memory"); value; })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" : : "r"((word)(value)) : "memory")
#define csr_set(name, value) __asm__ volatile("csrs " #name ", %0" : : "r"((word)(value)) : "memory")
#define csr_clear(name, value) __asm__ volatile("csrc " #name ", %0" : : "r"((word)(value)) : "memory")
#define wfi() __asm__ volatile("wfi" : : : "memory")

static inline void print(const char *text) {
    while (*text)
        write8(UART, *text++);
}

static inline void show(const char *name, word value) {
    print(name);
    print(" ");
    int shift = 8 * sizeof value - 4;
    while (shift > 0 && !(value >> shift))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        write8(UART, "0123456789abcdef"[value >> shift & 15]);
    print("\n");
}

// The registers of the PLIC for machine mode of hart 0, its context 0.
static inline word priority(int source) { return PLIC + 4 * source; }
enum { PENDING = PLIC + 0x1000, ENABLE = PLIC + 0x2000, THRESHOLD = PLIC + 0x200000, CLAIM = PLIC + 0x200004 };
