// Deliberate faults: a sanitizer build that does not report them would not report ours either.
#include <climits>
#include <cstdio>
#include <cstring>
#include <thread>

namespace {

volatile int one = 1;

int heap_overflow() {
  int* a = new int[4];
  a[0] = 0;
  const int got = a[3 + one];
  delete[] a;
  return got;
}

int leak() {
  static_cast<char*>(::operator new(64))[0] = 1;
  return 0;
}

int overflow() { return INT_MAX - 1 + one + one; }

int race() {
  static int shared = 0;
  const auto add = [] {
    for (int i = 0; i < 1000; ++i) shared += one;
  };
  std::thread other(add);
  add();
  other.join();
  return shared == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const char* fault = argc > 1 ? argv[1] : "";
  int result = 0;
  if (std::strcmp(fault, "heap-buffer-overflow") == 0) result = heap_overflow();
  if (std::strcmp(fault, "leak") == 0) result = leak();
  if (std::strcmp(fault, "signed-overflow") == 0) result = overflow();
  if (std::strcmp(fault, "data-race") == 0) result = race();
  std::printf("not caught: %s (%d)\n", fault, result);
  return 0;
}
