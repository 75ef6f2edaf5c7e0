/* Integers: a JSON parser that builds a tree of the standard library's containers, and the writer that turns it
 * back: bytes, branches, small allocations, maps of strings. */
#include "../../testprogs/lib.h"
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace {

struct Value;
using Array = std::vector<Value>;
using Object = std::map<std::string, Value>;

struct Value {
    std::variant<std::nullptr_t, bool, int64_t, double, std::string, Array, Object> is = nullptr;
};

class Parser {
    const char *p, *end;

    [[noreturn]] void fail(const char *what)
    {
        printf("not JSON: %s, %zu bytes before the end\n", what, (size_t)(end - p));
        exit(1);
    }

    void space()
    {
        while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
            p++;
    }

    bool accept(char c)
    {
        space();
        if (p == end || *p != c)
            return false;
        p++;
        return true;
    }

    void expect(char c)
    {
        if (!accept(c))
            fail("another byte expected");
    }

    void word(const char *w)
    {
        for (; *w; w++)
            if (p == end || *p++ != *w)
                fail("an unknown word");
    }

    unsigned hex4()
    {
        unsigned v = 0;
        for (int i = 0; i < 4; i++) {
            char c = p < end ? *p++ : 0;
            if (c >= '0' && c <= '9')
                v = v * 16 + (unsigned)(c - '0');
            else if (c >= 'a' && c <= 'f')
                v = v * 16 + (unsigned)(c - 'a' + 10);
            else
                fail("a hexadecimal digit expected");
        }
        return v;
    }

    std::string string()
    {
        std::string s;
        for (;;) {
            const char *from = p;
            while (p < end && *p != '"' && *p != '\\')
                p++;
            s.append(from, p);
            if (p == end)
                fail("a string that does not end");
            if (*p++ == '"')
                return s;
            char c = p < end ? *p++ : 0;
            if (c == 'u') {
                unsigned v = hex4();
                if (v < 0x80) {
                    s += (char)v;
                } else if (v < 0x800) {
                    s += (char)(0xc0 | v >> 6);
                    s += (char)(0x80 | (v & 63));
                } else {
                    s += (char)(0xe0 | v >> 12);
                    s += (char)(0x80 | (v >> 6 & 63));
                    s += (char)(0x80 | (v & 63));
                }
            } else {
                s += c == 'n' ? '\n' : c == 't' ? '\t' : c;
            }
        }
    }

    Value number()
    {
        const char *from = p;
        bool whole = true;
        for (; p < end && ((*p >= '0' && *p <= '9') || *p == '-' || *p == '+' || *p == '.' || *p == 'e'); p++)
            whole &= *p != '.' && *p != 'e';
        if (p == from)
            fail("a value expected");
        if (!whole)
            return {strtod(from, nullptr)};
        int64_t v = 0;
        bool negative = *from == '-';
        for (from += negative; from < p; from++)
            v = v * 10 + (*from - '0');
        return {negative ? -v : v};
    }

    Value value()
    {
        space();
        switch (p < end ? *p : 0) {
        case '{': {
            p++;
            Object object;
            if (accept('}'))
                return {object};
            do {
                expect('"');
                std::string key = string();
                expect(':');
                object.insert_or_assign(std::move(key), value());
            } while (accept(','));
            expect('}');
            return {std::move(object)};
        }
        case '[': {
            p++;
            Array array;
            if (accept(']'))
                return {array};
            do
                array.push_back(value());
            while (accept(','));
            expect(']');
            return {std::move(array)};
        }
        case '"': p++; return {string()};
        case 't': word("true"); return {true};
        case 'f': word("false"); return {false};
        case 'n': word("null"); return {nullptr};
        default: return number();
        }
    }

public:
    explicit Parser(const std::string &text) : p(text.data()), end(p + text.size()) {}

    Value document()
    {
        Value v = value();
        space();
        if (p != end)
            fail("bytes after the value");
        return v;
    }
};

void write_string(std::string &out, const std::string &s)
{
    out += '"';
    for (char c : s) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    out += '"';
}

void write(std::string &out, const Value &v)
{
    if (auto *i = std::get_if<int64_t>(&v.is)) {
        out += std::to_string(*i);
    } else if (auto *d = std::get_if<double>(&v.is)) {
        char digits[40];
        snprintf(digits, sizeof digits, "%.17g", *d);
        out += digits;
    } else if (auto *s = std::get_if<std::string>(&v.is)) {
        write_string(out, *s);
    } else if (auto *a = std::get_if<Array>(&v.is)) {
        char before = '[';
        for (const Value &e : *a) {
            out += before;
            write(out, e);
            before = ',';
        }
        out += a->empty() ? "[]" : "]";
    } else if (auto *o = std::get_if<Object>(&v.is)) {
        char before = '{';
        for (const auto &[key, e] : *o) {
            out += before;
            write_string(out, key);
            out += ':';
            write(out, e);
            before = ',';
        }
        out += o->empty() ? "{}" : "}";
    } else if (auto *b = std::get_if<bool>(&v.is)) {
        out += *b ? "true" : "false";
    } else {
        out += "null";
    }
}

std::string document(int records)
{
    std::string text = "{\"records\": [\n";
    Rng r = {5};
    for (int i = 0; i < records; i++) {
        uint64_t v = rng_next(&r);
        char line[300];
        snprintf(line, sizeof line,
                 "  {\"id\": %d, \"name\": \"user %llx\", \"balance\": %d.%02d, \"active\": %s, \"tags\": [\"a%d\", \"caf\\u00e9\", \"x\\\"y\\n\"],\n"
                 "   \"at\": {\"x\": %lld, \"y\": -%d, \"none\": null, \"list\": [%d, [], {}, 1.5e%d]}}%s\n",
                 i, (unsigned long long)(v >> 40), (int)(v & 0xffff), (int)(v >> 16) % 100 & 63, v & 1 ? "true" : "false", (int)(v >> 24 & 15),
                 (long long)(v >> 3), (int)(v >> 8 & 0xfff), (int)(v >> 12 & 0xff), (int)(v >> 20 & 15), i + 1 < records ? "," : "");
        text += line;
    }
    return text + "]}\n";
}

} // namespace

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    std::string text = document(100), out;
    uint64_t h = HASH_START;
    for (int t = 0; t < rounds; t++) {
        out.clear();
        write(out, Parser(text).document());
        h = hash_bytes(h, out.data(), 64) + out.size();
        if (t == 0)
            text = out; /* what was written is read from now on */
    }
    CHECK(out == text);
    printf("%zu bytes %016llx, hash %016llx\n", out.size(), (unsigned long long)hash_bytes(HASH_START, out.data(), out.size()),
           (unsigned long long)h);
    return 0;
}
