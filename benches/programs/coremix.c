/* Integers: typical work of microcontrollers in one loop: a linked list that is searched, reversed and merge-sorted,
 * 16-bit products of small matrices, a state machine that recognizes numbers, and a CRC over all results. */
#include "../../testprogs/lib.h"

typedef struct Node {
    struct Node *next;
    int16_t key, value;
} Node;

enum { NODES = 220, N = 10, TEXT = 700 };
static Node nodes[NODES];
static int16_t a[N][N], b[N][N];
static int32_t c[N][N];
static char text[TEXT];

static uint16_t crc16(uint16_t crc, uint32_t v)
{
    for (int i = 0; i < 32; i++, v >>= 1)
        crc = (uint16_t)((crc ^ v) & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
    return crc;
}

static Node *reverse(Node *list)
{
    Node *done = NULL;
    while (list) {
        Node *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

static int by_key(const Node *x, const Node *y)
{
    return x->key - y->key;
}

static int by_value(const Node *x, const Node *y)
{
    return x->value != y->value ? x->value - y->value : x->key - y->key;
}

/* Merge sort from the bottom: runs of 1, 2, 4 ... nodes, until one run is all. */
static Node *sort(Node *list, int (*order)(const Node *, const Node *))
{
    for (int width = 1;; width *= 2) {
        Node *rest = list, **tail = &list;
        int merges = 0;
        for (; rest; merges++) {
            Node *x = rest, *y = rest;
            int left = 0, right = width;
            while (left < width && y) {
                y = y->next;
                left++;
            }
            while (left > 0 || (right > 0 && y)) {
                int first = left > 0 && (right == 0 || !y || order(x, y) <= 0);
                Node **from = first ? &x : &y;
                *tail = *from;
                tail = &(*from)->next;
                *from = (*from)->next;
                *(first ? &left : &right) -= 1;
            }
            rest = y;
        }
        *tail = NULL;
        if (merges <= 1)
            return list;
    }
}

static uint16_t lists(uint16_t crc, int round)
{
    Node *list = NULL;
    for (int i = 0; i < NODES; i++) {
        nodes[i].next = list;
        list = &nodes[i];
    }
    for (int i = 0; i < 24; i++) {
        const Node *at = list;
        int16_t want = (int16_t)((round + i * 37) & 0x7f);
        while (at && (at->value & 0x7f) != want)
            at = at->next;
        crc = crc16(crc, at ? (uint32_t)at->key : 0xffff);
        list = reverse(list);
    }
    list = sort(list, by_value);
    for (const Node *at = list; at; at = at->next)
        crc = (uint16_t)((crc << 1 | crc >> 15) ^ at->value);
    list = sort(list, by_key);
    return crc16(crc, (uint32_t)list->value);
}

static uint16_t matrices(uint16_t crc, int16_t bias)
{
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            int32_t sum = 0;
            for (int m = 0; m < N; m++)
                sum += (a[i][m] + bias) * b[m][k];
            c[i][k] = sum;
        }
    int32_t total = 0, last = 0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            int32_t bits = (c[i][k] >> 2 & 15) * (c[i][k] >> 5 & 127);
            total = bits > last ? total + 10 : (int32_t)((uint32_t)total + (uint32_t)bits);
            last = bits;
        }
    return crc16(crc, (uint32_t)total);
}

enum State { START, SIGN, WHOLE, POINT, FRACTION, EXPONENT, POWER, INVALID, STATES };

static enum State step(enum State s, char ch)
{
    int digit = ch >= '0' && ch <= '9';
    switch (s) {
    case START: return digit ? WHOLE : ch == '+' || ch == '-' ? SIGN : ch == '.' ? POINT : INVALID;
    case SIGN: return digit ? WHOLE : ch == '.' ? POINT : INVALID;
    case WHOLE: return digit ? WHOLE : ch == '.' ? FRACTION : ch == 'e' ? EXPONENT : INVALID;
    case POINT: return digit ? FRACTION : INVALID;
    case FRACTION: return digit ? FRACTION : ch == 'e' ? EXPONENT : INVALID;
    case EXPONENT: return digit || ch == '-' ? POWER : INVALID;
    case POWER: return digit ? POWER : INVALID;
    default: return INVALID;
    }
}

static uint16_t states(uint16_t crc)
{
    uint32_t final[STATES] = {0}, changes = 0;
    enum State s = START;
    for (int i = 0; i < TEXT; i++) {
        if (text[i] == ',') {
            final[s]++;
            s = START;
            continue;
        }
        enum State next = step(s, text[i]);
        changes += next != s;
        s = next;
    }
    for (int i = 0; i < STATES; i++)
        crc = crc16(crc, final[i]);
    return crc16(crc, changes);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    Rng r = {77};
    for (int i = 0; i < NODES; i++) {
        nodes[i].key = (int16_t)i;
        nodes[i].value = (int16_t)(rng_next(&r) & 0x3fff);
    }
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            a[i][k] = (int16_t)(rng_next(&r) & 0xff);
            b[i][k] = (int16_t)(rng_next(&r) & 0xff);
        }
    for (int i = 0; i < TEXT; i++)
        text[i] = "0123456789,,.e-+,123x"[rng_next(&r) % 21];
    uint16_t crc = 0;
    for (int t = 0; t < rounds; t++) {
        crc = lists(crc, t);
        crc = matrices(crc, (int16_t)(t & 0xff));
        text[t % TEXT] ^= 1;
        crc = states(crc);
    }
    printf("crc %04x\n", crc);
    return 0;
}
