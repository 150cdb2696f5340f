// What any C++ program costs.
#include <iostream>

#include "startup/mark.h"

int main() {
  mark();
  return std::cout.good() ? 0 : 1;
}
