// A C++ program with the features that need the loader, the unwinder and the C++ library.
#include "cxx.h"
#include <algorithm>
#include <chrono>
#include <complex>
#include <dlfcn.h>
#include <exception>
#include <filesystem>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <regex>
#include <sstream>
#include <typeinfo>
#include <vector>

namespace {
struct Announced {
    const char *name;
    explicit Announced(const char *name) : name(name) { std::cout << "constructed " << name << "\n"; }
    ~Announced() { std::cout << "destroyed " << name << "\n"; }
};
Announced first("first"), second("second");
thread_local Announced per_thread("of the thread");

const Announced &local_static()
{
    static Announced once("once");
    return once;
}

struct Base {
    virtual ~Base() = default;
    int shared = 1;
};
struct Left : virtual Base {
    int left = 2;
};
struct Right : virtual Base {
    int right = 3;
};
struct Both : Left, Right {
    int both = 4;
};

int unwound;

int deep(int depth)
{
    struct Counter {
        ~Counter() { unwound++; }
    } counter;
    if (depth == 0)
        throw 42;
    return deep(depth - 1) + 1;
}

int refuses(int value)
{
    if (value > 10)
        throw std::out_of_range("value " + std::to_string(value));
    return value * 2;
}

std::string nested(const std::exception &e)
{
    std::string text = e.what();
    try {
        std::rethrow_if_nested(e);
    } catch (const std::exception &inner) {
        text += " <- " + nested(inner);
    }
    return text;
}

void exceptions()
{
    try {
        deep(100);
    } catch (int n) {
        std::cout << "caught " << n << " behind " << unwound << " frames\n";
    }
    try {
        try {
            std::vector<int>(3).at(5);
        } catch (...) {
            std::throw_with_nested(Refused("outer", 3));
        }
    } catch (const Refused &e) {
        std::cout << e.code << ": " << nested(e).substr(0, 26) << "\n";
    }
    std::exception_ptr kept;
    try {
        (void)dynamic_cast<Both &>(*std::make_unique<Left>());
    } catch (...) {
        kept = std::current_exception();
    }
    try {
        std::rethrow_exception(kept);
    } catch (const std::bad_cast &e) {
        std::cout << "later: " << e.what() << "\n";
    }
    try {
        (void)std::string(std::string::npos - 1, 'x');
    } catch (const std::length_error &) {
        std::cout << "too long\n";
    }
}

void plugin(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        throw std::runtime_error(dlerror());
    auto make = reinterpret_cast<decltype(&::make)>(dlsym(library, "make"));
    auto calls_back = reinterpret_cast<decltype(&::calls_back)>(dlsym(library, "calls_back"));
    auto times_called = reinterpret_cast<decltype(&::times_called)>(dlsym(library, "times_called"));
    std::unique_ptr<Shape> shape(make("square", 1.5));
    std::cout << "area " << shape->area() << "\n";
    try {
        make("circle", 1);
    } catch (const Refused &e) {
        std::cout << "refused " << e.code << ": " << e.what() << "\n";
    }
    std::cout << calls_back(refuses, 4) << "\n";
    try {
        calls_back(refuses, 11);
    } catch (const std::out_of_range &e) {
        std::cout << "through the plugin: " << e.what() << "\n";
    }
    std::cout << times_called() << " calls\n";
    shape.reset();
    dlclose(library);
    library = dlopen("./no-such-library.so", RTLD_NOW);
    std::cout << "again: " << (library ? "there" : "not there") << "\n";
}

void library()
{
    std::map<std::string, int> words;
    std::istringstream text("the quick brown fox jumps over the lazy dog and the cat");
    for (std::string word; text >> word;)
        words[word]++;
    std::vector<std::pair<std::string, int>> sorted(words.begin(), words.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) { return a.second > b.second; });
    for (auto &[word, count] : sorted)
        std::cout << word << ":" << count << " ";
    std::cout << "\n";
    std::cout << std::setprecision(17) << 0.1 << " " << std::scientific << std::setprecision(3) << 123456.789 << " "
              << std::fixed << -1.005 << " " << std::hexfloat << 0.75 << std::defaultfloat << " " << std::hex
              << std::showbase << 48879 << std::dec << "\n";
    std::cout << std::regex_replace("2026-11-24", std::regex("(\\d+)-(\\d+)-(\\d+)"), "$3.$2.$1") << "\n";
    std::mt19937_64 random(42);
    std::cout << random() << " " << std::uniform_int_distribution<int>(1, 6)(random) << "\n";
    std::cout << std::polar(2.0, 0.5).real() << " " << std::abs(std::complex<double>(3, 4)) << "\n";
    Both both;
    Base *base = &both;
    std::cout << typeid(*base).name() << " " << dynamic_cast<Right *>(base)->right << " " << base->shared << "\n";
    std::function<int(int)> twice = [n = 2](int value) { return n * value; };
    std::cout << twice(21) << "\n";
    auto start = std::chrono::steady_clock::now();
    std::cout << (std::chrono::steady_clock::now() >= start) << std::filesystem::exists("/") << "\n";
    long double third = 1.0L / 3;
    std::cout << std::setprecision(33) << third << "\n";
}
} // namespace

int main(int argc, char **argv)
{
    std::cout << "main with " << argc << "\n";
    std::cout << per_thread.name << " " << local_static().name << " " << local_static().name << "\n";
    exceptions();
    library();
    plugin(argc > 1 ? argv[1] : "./libcxx-plugin.so");
    std::set_terminate([] {
        std::cout << "terminated" << std::endl;
        std::exit(5);
    });
    struct Throws {
        ~Throws() noexcept(true) { std::cout << "leaving\n"; }
    } throws;
    /* An exception that may not pass ends the program. */
    [](int value) noexcept { refuses(value); }(12);
}
