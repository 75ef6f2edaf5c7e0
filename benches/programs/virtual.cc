/* Calls: virtual functions of C++: a tree of expressions that is evaluated, and shapes of mixed classes in one list. */
#include "../../testprogs/lib.h"
#include <memory>
#include <vector>

namespace {

struct Expression {
    virtual ~Expression() = default;
    virtual int64_t value(int64_t x) const = 0;
    virtual int size() const { return 1; }
};
using Tree = std::unique_ptr<Expression>;

struct Constant : Expression {
    int64_t n;
    explicit Constant(int64_t v) : n(v) {}
    int64_t value(int64_t) const override { return n; }
};

struct Variable : Expression {
    int64_t value(int64_t x) const override { return x; }
};

struct Pair : Expression {
    Tree left, right;
    Pair(Tree l, Tree r) : left(std::move(l)), right(std::move(r)) {}
    int size() const override { return 1 + left->size() + right->size(); }
};

struct Sum : Pair {
    using Pair::Pair;
    int64_t value(int64_t x) const override { return left->value(x) + right->value(x); }
};

struct Difference : Pair {
    using Pair::Pair;
    int64_t value(int64_t x) const override { return left->value(x) - right->value(x); }
};

struct Product : Pair {
    using Pair::Pair;
    int64_t value(int64_t x) const override { return (left->value(x) & 0xffff) * (right->value(x) & 0xffff); }
};

Tree grow(Rng &r, int depth)
{
    uint64_t v = rng_next(&r);
    if (depth == 0) {
        if (v & 1)
            return std::make_unique<Variable>();
        return std::make_unique<Constant>((int64_t)(v >> 50));
    }
    Tree left = grow(r, depth - 1), right = grow(r, depth - 1);
    if (v % 3 == 0)
        return std::make_unique<Sum>(std::move(left), std::move(right));
    if (v % 3 == 1)
        return std::make_unique<Difference>(std::move(left), std::move(right));
    return std::make_unique<Product>(std::move(left), std::move(right));
}

class Shape {
public:
    virtual ~Shape() = default;
    virtual int area() const = 0;
    virtual void grow(int by) = 0;
};

class Square : public Shape {
    int side = 1;

public:
    int area() const override { return side * side; }
    void grow(int by) override { side = (side + by) & 63; }
};

class Rectangle : public Shape {
    int width = 1, height = 2;

public:
    int area() const override { return width * height; }
    void grow(int by) override
    {
        width = (width + by) & 31;
        height ^= by;
    }
};

class Triangle : public Shape {
    int base = 3, height = 2;

public:
    int area() const override { return base * height / 2; }
    void grow(int by) override { base = (base * 5 + by) & 63; }
};

class Nothing : public Shape {
public:
    int area() const override { return 0; }
    void grow(int) override {}
};

} // namespace

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 100;
    Rng r = {31};
    Tree tree = grow(r, 8);
    std::vector<std::unique_ptr<Shape>> shapes;
    for (int i = 0; i < 500; i++) {
        switch (rng_next(&r) & 3) {
        case 0: shapes.push_back(std::make_unique<Square>()); break;
        case 1: shapes.push_back(std::make_unique<Rectangle>()); break;
        case 2: shapes.push_back(std::make_unique<Triangle>()); break;
        default: shapes.push_back(std::make_unique<Nothing>());
        }
    }
    uint64_t h = HASH_START;
    int64_t area = 0;
    for (int t = 0; t < rounds; t++) {
        h = h * 31 + (uint64_t)tree->value(t);
        for (const auto &shape : shapes) {
            shape->grow(t & 15);
            area += shape->area();
        }
    }
    printf("%d expressions, area %lld, hash %016llx\n", tree->size(), (long long)area, (unsigned long long)h);
    return 0;
}
