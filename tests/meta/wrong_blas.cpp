// A program whose BLAS is wrong in one number of a product: slope has to notice, say so, and multiply all the same.
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <string>

#include "slope/autograd.h"

using namespace slope;

#ifdef WRONG_SGEMM
using Number = float;
#else
using Number = double;
#endif

namespace {
int calls = 0;
}

extern "C" void WRONG_ROUTINE(int, int ta, int tb, int m, int n, int k, Number alpha, const Number* a, int lda,
                              const Number* b, int ldb, Number beta, Number* c, int ldc);
extern "C" void WRONG_ROUTINE(int, int ta, int tb, int m, int n, int k, Number alpha, const Number* a, int lda,
                              const Number* b, int ldb, Number beta, Number* c, int ldc) {
  constexpr int no_transpose = 111;
  ++calls;
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      Number sum = 0;
      for (int p = 0; p < k; ++p)
        sum += (ta == no_transpose ? a[i * lda + p] : a[p * lda + i]) *
               (tb == no_transpose ? b[p * ldb + j] : b[j * ldb + p]);
      c[i * ldc + j] = alpha * sum + (beta == 0 ? 0 : beta * c[i * ldc + j]);
    }
  c[(m - 1) * ldc + n - 1] += 1;
}

int main() {
  // What is printed to stderr goes into a file meanwhile.
  std::FILE* const log = std::tmpfile();
  const int before = dup(2);
  dup2(fileno(log), 2);
  bool right = true;
  for (DType dtype : {float32, float64})
    for (int size : {40, 100, 200}) {
      const Tensor a = randint(-3, 4, {size, size + 3}).to(dtype), b = randint(-3, 4, {size + 3, size + 1}).to(dtype);
      const Tensor expected = matmul(a.to(int64), b.to(int64));
      right &= equal(matmul(a, b).to(int64), expected);
      right &= equal(matmul(a.t().contiguous().t(), b).to(int64), expected);
      right &= equal(matmul(a, b.t().contiguous().t()).to(int64), expected);
      right &= equal(matmul(a, b.t().contiguous().t().select(1, 0)).to(int64), expected.select(1, 0));
    }
  std::fflush(stderr);
  dup2(before, 2);
  std::rewind(log);
  std::string text;
  for (int c; (c = std::fgetc(log)) != EOF;) text += static_cast<char>(c);
  const auto warnings = [&] {
    int n = 0;
    for (std::size_t at = 0;
         (at = text.find("slope: warning: the BLAS of this system computes wrong products", at)) != std::string::npos;
         ++at)
      ++n;
    return n;
  }();
  std::printf("right %d, calls %d, warnings %d\n%s", right, calls, warnings, text.c_str());
  return right && calls == 1 && warnings == 1 ? 0 : 1;
}
