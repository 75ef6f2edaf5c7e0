/* What the C++ program and its plugin share. */
#pragma once
#include <stdexcept>
#include <string>

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};

/* Thrown on one side of the boundary and caught on the other. */
struct Refused : std::runtime_error {
    int code;
    Refused(const std::string &why, int code) : std::runtime_error(why), code(code) {}
};

extern "C" {
Shape *make(const char *kind, double size);
int calls_back(int (*function)(int), int value);
int times_called();
}
