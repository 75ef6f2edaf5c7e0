/* Integers: a regular-expression matcher: patterns are compiled for a machine that follows all alternatives in
 * parallel, in linear time. They are searched for in the lines of a log. */
#include "../../testprogs/lib.h"
#include <bitset>
#include <string>
#include <vector>

namespace {

/* One step: a set of bytes to take, a way in two, the begin or the end of the line, or the match. */
struct Step {
    enum Kind { TAKE, SPLIT, JUMP, BEGIN, END, MATCH } kind;
    int x = 0, y = 0;
    std::bitset<256> set{};
};

/* Alternatives of sequences of atoms, each with * + or ?; atoms are . [sets] (groups) ^ $ \d \w \s and bytes. */
class Compiler {
    const char *p;
    std::vector<Step> code;

    using Part = std::vector<Step>; // jumps in it are relative

    static std::bitset<256> named(char c)
    {
        std::bitset<256> set;
        for (int b = 0; b < 256; b++) {
            bool digit = b >= '0' && b <= '9', letter = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b == '_';
            if ((c == 'd' && digit) || (c == 'w' && (digit || letter)) || (c == 's' && (b == ' ' || b == '\t')))
                set.set((size_t)b);
        }
        if (c != 'd' && c != 'w' && c != 's')
            set.set((unsigned char)c);
        return set;
    }

    std::bitset<256> brackets()
    {
        std::bitset<256> set;
        bool negated = *p == '^';
        p += negated;
        while (*p != ']') {
            if (*p == '\\') {
                set |= named(p[1]);
                p += 2;
            } else if (p[1] == '-' && p[2] != ']') {
                for (int b = (unsigned char)p[0]; b <= (unsigned char)p[2]; b++)
                    set.set((size_t)b);
                p += 3;
            } else {
                set.set((unsigned char)*p++);
            }
        }
        p++;
        return negated ? ~set : set;
    }

    Part atom()
    {
        char c = *p++;
        switch (c) {
        case '(': {
            Part part = alternatives();
            CHECK(*p == ')');
            p++;
            return part;
        }
        case '[': return {{Step::TAKE, 0, 0, brackets()}};
        case '.': return {{Step::TAKE, 0, 0, ~std::bitset<256>()}};
        case '^': return {{Step::BEGIN}};
        case '$': return {{Step::END}};
        case '\\': return {{Step::TAKE, 0, 0, named(*p++)}};
        default: return {{Step::TAKE, 0, 0, std::bitset<256>().set((unsigned char)c)}};
        }
    }

    static void append(Part &to, const Part &from) { to.insert(to.end(), from.begin(), from.end()); }

    Part sequence()
    {
        Part all;
        while (*p && *p != '|' && *p != ')') {
            Part part = atom();
            int n = (int)part.size();
            if (*p == '*' || *p == '?') {
                all.push_back({Step::SPLIT, 1, *p == '*' ? n + 2 : n + 1});
                append(all, part);
                if (*p++ == '*')
                    all.push_back({Step::JUMP, -n - 1});
            } else {
                append(all, part);
                if (*p == '+') {
                    p++;
                    all.push_back({Step::SPLIT, -n, 1});
                }
            }
        }
        return all;
    }

    Part alternatives()
    {
        Part first = sequence();
        if (*p != '|')
            return first;
        p++;
        Part second = alternatives(), all{{Step::SPLIT, 1, (int)first.size() + 2}};
        append(all, first);
        all.push_back({Step::JUMP, (int)second.size() + 1});
        append(all, second);
        return all;
    }

public:
    explicit Compiler(const char *pattern) : p(pattern) {}

    std::vector<Step> program()
    {
        code = alternatives();
        CHECK(!*p);
        for (size_t i = 0; i < code.size(); i++) {
            code[i].x += (int)i;
            code[i].y += (int)i;
        }
        code.push_back({Step::MATCH});
        return code;
    }
};

class Matcher {
    std::vector<Step> code;
    std::vector<int> now, next, mark;
    int round = 0;

    void follow(std::vector<int> &list, int pc, bool begin, bool end)
    {
        if (mark[(size_t)pc] == round)
            return;
        mark[(size_t)pc] = round;
        const Step &s = code[(size_t)pc];
        switch (s.kind) {
        case Step::JUMP: follow(list, s.x, begin, end); break;
        case Step::SPLIT:
            follow(list, s.x, begin, end);
            follow(list, s.y, begin, end);
            break;
        case Step::BEGIN:
            if (begin)
                follow(list, pc + 1, begin, end);
            break;
        case Step::END:
            if (end)
                follow(list, pc + 1, begin, end);
            break;
        default: list.push_back(pc);
        }
    }

public:
    explicit Matcher(const char *pattern) : code(Compiler(pattern).program()), mark(code.size()) {}

    /* Where the first match to be complete ends, or -1. */
    int search(const std::string &line)
    {
        int n = (int)line.size();
        now.clear();
        for (int i = 0; i <= n; i++) {
            round++;
            next.clear();
            for (int pc : now) {
                const Step &s = code[(size_t)pc];
                if (s.set[(unsigned char)line[(size_t)i - 1]])
                    follow(next, pc + 1, false, i == n);
            }
            follow(next, 0, i == 0, i == n);
            for (int pc : next)
                if (code[(size_t)pc].kind == Step::MATCH)
                    return i;
            now.swap(next);
        }
        return -1;
    }
};

std::vector<std::string> log_lines(int count)
{
    static const char *const who[] = {"kernel", "init", "cron", "sshd", "mail"};
    static const char *const what[] = {"started", "stopped", "failed: timeout", "warning: retry", "connection from"};
    std::vector<std::string> lines;
    Rng r = {99};
    for (int i = 0; i < count; i++) {
        uint64_t v = rng_next(&r);
        char line[160];
        snprintf(line, sizeof line, "2024-%02d-%02d %02d:%02d %s[%d]: %s %d.%d.%d.%d id=%llx", (int)(v % 12) + 1, (int)(v >> 8) % 28 + 1,
                 (int)(v >> 16 & 15), (int)(v >> 20 & 31), who[(v >> 25) % 5], (int)(v >> 30 & 0xfff), what[(v >> 33) % 5],
                 (int)(v >> 40 & 255), (int)(v >> 44 & 255), (int)(v >> 48 & 255), (int)(v >> 52 & 255), (unsigned long long)(v >> 20));
        lines.push_back(line);
    }
    return lines;
}

} // namespace

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    static const char *const patterns[] = {
        "^2024-0[1-6]-\\d\\d ",
        "(kernel|cron)\\[\\d+\\]: (started|stopped)",
        "failed|warning",
        "(\\d+\\.)+\\d+ id=[0-9a-f]*dead",
        "[^a-z ]+[:.] *w\\w*g: retry .*7$",
        "((a|b|c|d|e|f)?\\d)+f$",
        "id=(..)*(00|11|22)(..)*$",
    };
    std::vector<std::string> lines = log_lines(300);
    std::vector<Matcher> matchers;
    for (const char *pattern : patterns)
        matchers.emplace_back(pattern);
    uint64_t h = HASH_START;
    for (size_t m = 0; m < matchers.size(); m++) {
        int found = 0;
        for (int t = 0; t < rounds; t++)
            for (const std::string &line : lines) {
                int at = matchers[m].search(line);
                found += at >= 0;
                h = hash_u64(h, (uint64_t)at);
            }
        printf("%d lines: %s\n", found / rounds, patterns[m]);
    }
    printf("hash %016llx\n", (unsigned long long)h);
    return 0;
}
