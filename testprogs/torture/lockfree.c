// Stacks without locks, whose nodes come back at once (ABA): by LR and SC on RISC-V, by a tagged word on the host. No
// node is ever held twice or lost, and every thread makes progress.

#include "torture.h"

#define THREADS 4
#define NODES 8
#define STACKS 2

struct node {
    struct node *volatile next;
    atomic_int holders;
};

static struct node nodes[NODES];

#if defined(__riscv)
static struct node *heads[STACKS];

static struct node *pop(int stack) {
    struct node *top, *next;
    long failed;
    __asm__ volatile("1: lr.d.aq %0, (%3)\n"
                     "beqz %0, 2f\n"
                     "ld %1, 0(%0)\n"
                     "sc.d.rl %2, %1, (%3)\n"
                     "bnez %2, 1b\n"
                     "2:"
                     : "=&r"(top), "=&r"(next), "=&r"(failed)
                     : "r"(&heads[stack])
                     : "memory");
    return top;
}

static void push(int stack, struct node *node) {
    long failed, now;
    do {
        struct node *top = *(struct node *volatile *)&heads[stack];
        node->next = top;
        __asm__ volatile("li %0, 1\n"
                         "lr.d.aq %1, (%2)\n"
                         "bne %1, %3, 1f\n"
                         "sc.d.rl %0, %4, (%2)\n"
                         "1:"
                         : "=&r"(failed), "=&r"(now)
                         : "r"(&heads[stack]), "r"(top), "r"(node)
                         : "memory");
    } while (failed);
}
#else
// A count of changes above the index of the node, from one.
static _Atomic uint64_t heads[STACKS];

static struct node *at(uint64_t head) {
    return (uint32_t)head == 0 ? NULL : &nodes[(uint32_t)head - 1];
}

static uint64_t changed(uint64_t head, struct node *top) {
    return ((head >> 32) + 1) << 32 | (top == NULL ? 0 : (uint64_t)(top - nodes) + 1);
}

static struct node *pop(int stack) {
    uint64_t head = heads[stack];
    struct node *top;
    do {
        top = at(head);
        if (top == NULL)
            return NULL;
    } while (!atomic_compare_exchange_weak(&heads[stack], &head, changed(head, top->next)));
    return top;
}

static void push(int stack, struct node *node) {
    uint64_t head = heads[stack];
    do
        node->next = at(head);
    while (!atomic_compare_exchange_weak(&heads[stack], &head, changed(head, node)));
}
#endif

static atomic_bool stop;

static struct node *take(int stack) {
    struct node *node = pop(stack);
    if (node != NULL)
        SAME(node->holders++, 0);
    return node;
}

static void give(int stack, struct node *node) {
    if (node == NULL)
        return;
    SAME(node->holders--, 1);
    push(stack, node);
}

static void *torture(void *arg) {
    long rounds = 0;
    while (!stop || rounds < 1000) {
        int from = dice(STACKS), to = dice(STACKS);
        struct node *first = take(from), *second = take(from);
        // In the order that leaves the same top above another node.
        give(to, first);
        give(from, second);
        rounds++;
    }
    return arg;
}

static void round_of(void) {
    for (int i = 0; i < STACKS; i++)
        CHECK(pop(i) == NULL);
    for (int i = 0; i < NODES; i++)
        push(i % STACKS, &nodes[i]);
    pthread_t threads[THREADS];
    stop = false;
    for (int i = 0; i < THREADS; i++)
        threads[i] = start(torture, NULL);
    usleep(100000);
    stop = true;
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
    int found = 0;
    for (int i = 0; i < STACKS; i++)
        for (struct node *node; (node = take(i)) != NULL; found++)
            ;
    SAME(found, NODES);
    for (int i = 0; i < NODES; i++)
        SAME(nodes[i].holders--, 1);
}

int main(int argc, char **argv) {
    set_deadline(argc, argv);
    do
        round_of();
    while (time_is_left());
    puts("No node was held twice or lost.");
    return 0;
}
