// A library that the C++ program opens while it runs.
#include "cxx.h"
#include <iostream>

namespace {
struct Loud {
    Loud() { std::cout << "plugin: constructed\n"; }
    ~Loud() { std::cout << "plugin: destroyed\n"; }
} loud;

thread_local int calls = 100;

struct Square : Shape {
    double side;
    explicit Square(double side) : side(side) {}
    double area() const override { return side * side; }
};
} // namespace

Shape *make(const char *kind, double size)
{
    calls++;
    if (std::string(kind) != "square")
        throw Refused("no such shape: " + std::string(kind), 7);
    return new Square(size);
}

int calls_back(int (*function)(int), int value)
{
    struct Guard {
        ~Guard() { std::cout << "plugin: unwound\n"; }
    } guard;
    calls++;
    return function(value) + 1;
}

int times_called() { return calls; }
