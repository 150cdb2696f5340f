// Lanes, masks, partial loads and stores, sums, and the choice of the instruction set. Accuracy: lanes_math_test.cpp.
#include "slope/autograd/kernels/simd/lanes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "kernels/isa_support.h"
#include "slope/autograd/core/error.h"

namespace {

using slope::simd::dispatch;
using slope::simd::Isa;
using slope::tests::for_each_isa;

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float quiet_nan = std::numeric_limits<float>::quiet_NaN();

/// Two readable pages between two that fault: what touches a byte outside dies.
class GuardedPages {
 public:
  GuardedPages() : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    base_ = static_cast<char*>(mmap(nullptr, 4 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    BOOST_REQUIRE(base_ != MAP_FAILED);
    BOOST_REQUIRE_EQUAL(mprotect(begin(), 2 * page_, PROT_READ | PROT_WRITE), 0);
  }
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;
  ~GuardedPages() { munmap(base_, 4 * page_); }
  char* begin() { return base_ + page_; }
  char* end() { return base_ + 3 * page_; }

 private:
  std::size_t page_;
  char* base_;
};

/// Each lane of a kernel's result, as an array.
template <class T, class Formula>
std::vector<T> lanes_of(const std::vector<T>& x, const Formula& formula) {
  std::vector<T> y(x.size());
  dispatch([&](auto isa) {
    using V = typename decltype(isa)::template Lanes<T>;
    for (std::size_t i = 0; i < x.size(); i += V::size) {
      const int n = static_cast<int>(std::min<std::size_t>(V::size, x.size() - i));
      formula(V::load_n(x.data() + i, n)).store_n(y.data() + i, n);
    }
  });
  return y;
}

template <class T>
void check_same(const std::vector<T>& got, const std::vector<T>& want) {
  BOOST_REQUIRE_EQUAL(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    BOOST_TEST_CONTEXT("element " << i) {
      if (std::isnan(want[i])) {
        BOOST_TEST(std::isnan(got[i]));
      } else {
        BOOST_TEST(got[i] == want[i]);
        BOOST_TEST(std::signbit(got[i]) == std::signbit(want[i]));
      }
    }
  }
}

// Deliberately out of line and of the baseline set: lanes must then travel through memory, whatever the caller was compiled for.
template <class V>
[[gnu::noinline]] V twice_plus(V x, V y) {
  return 2 * x + y;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lanes)

BOOST_AUTO_TEST_CASE(partial_loads_and_stores_touch_nothing_outside) {
  GuardedPages pages;
  for_each_isa([&] {
    dispatch([&](auto isa) {
      const auto check = [&](auto type) {
        using T = decltype(type);
        using V = typename decltype(isa)::template Lanes<T>;
        bool good = true;
        for (int n = 0; n <= V::size; ++n) {
          for (T* p : {reinterpret_cast<T*>(pages.begin()), reinterpret_cast<T*>(pages.end()) - n}) {
            for (int i = 0; i < n; ++i) p[i] = static_cast<T>(i + 2);
            const V v = V::load_n(p, n);
            T all[V::size];
            v.store(all);
            for (int i = 0; i < V::size; ++i) good &= all[i] == (i < n ? static_cast<T>(i + 2) : T(1));
            (v * 3).store_n(p, n);
            for (int i = 0; i < n; ++i) good &= p[i] == static_cast<T>(3 * (i + 2));
          }
          // An empty range may begin where nothing may be touched.
          if (n == 0) V(T(5)).store_n(reinterpret_cast<T*>(pages.end()), n);
        }
        return good;
      };
      BOOST_TEST(check(float()));
      BOOST_TEST(check(double()));
    });
  });
}

BOOST_AUTO_TEST_CASE(a_partial_store_leaves_the_rest_alone) {
  for_each_isa([&] {
    dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<float>;
      for (int n = 0; n <= V::size; ++n) {
        float y[V::size];
        for (float& value : y) value = -7;
        V(4).store_n(y, n);
        for (int i = 0; i < V::size; ++i) BOOST_TEST(y[i] == (i < n ? 4.0F : -7.0F));
      }
    });
  });
}

BOOST_AUTO_TEST_CASE(floats_load_as_double_lanes_without_touching_more) {
  GuardedPages pages;
  for_each_isa([&] {
    dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<double>;
      for (int n = 0; n <= V::size; ++n) {
        float* p = reinterpret_cast<float*>(pages.end()) - n;
        for (int i = 0; i < n; ++i) p[i] = 0.1F * static_cast<float>(i + 1);
        double all[V::size];
        V::load_wide_n(p, n).store(all);
        for (int i = 0; i < n; ++i) BOOST_TEST(all[i] == static_cast<double>(p[i]));
        if (n < V::size) continue;
        V::load_wide(p).store(all);
        for (int i = 0; i < n; ++i) BOOST_TEST(all[i] == static_cast<double>(p[i]));
      }
    });
  });
}

BOOST_AUTO_TEST_CASE(partial_masks_read_and_write_only_their_bools) {
  GuardedPages pages;
  for_each_isa([&] {
    dispatch([&](auto isa) {
      using M = typename decltype(isa)::template Mask<float>;
      for (int n = 0; n <= M::size; ++n) {
        bool* p = reinterpret_cast<bool*>(pages.end()) - n;
        for (int i = 0; i < n; ++i) p[i] = i % 3 == 1;
        const M mask = M::load_n(p, n);
        bool all[M::size];
        mask.store(all);
        for (int i = 0; i < M::size; ++i) BOOST_TEST(all[i] == (i < n && i % 3 == 1));
        (!mask).store_n(p, n);
        for (int i = 0; i < n; ++i) BOOST_TEST(p[i] == (i % 3 != 1));
        M::first(n).store(all);
        for (int i = 0; i < M::size; ++i) BOOST_TEST(all[i] == (i < n));
        BOOST_TEST(M::first(n).any() == (n > 0));
        BOOST_TEST(M::first(n).all() == (n == M::size));
      }
    });
  });
}

BOOST_AUTO_TEST_CASE(masks_combine_like_booleans) {
  for_each_isa([&] {
    dispatch([&](auto isa) {
      using M = typename decltype(isa)::template Mask<double>;
      for (const bool a : {false, true}) {
        for (const bool b : {false, true}) {
          BOOST_TEST((M(a) & M(b)).all() == (a && b));
          BOOST_TEST((M(a) | M(b)).any() == (a || b));
          BOOST_TEST((M(a) ^ M(b)).any() == (a != b));
        }
        BOOST_TEST((!M(a)).all() == !a);
      }
    });
  });
}

BOOST_AUTO_TEST_CASE(comparisons_with_nan_are_false_except_unequal) {
  for_each_isa([&] {
    dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<float>;
      const V x(quiet_nan);
      for (const float other : {0.0F, quiet_nan, inf}) {
        const V y(other);
        BOOST_TEST(!(x < y).any());
        BOOST_TEST(!(x <= y).any());
        BOOST_TEST(!(x > y).any());
        BOOST_TEST(!(x >= y).any());
        BOOST_TEST(!(x == y).any());
        BOOST_TEST((x != y).all());
      }
      BOOST_TEST((V(1) < V(2)).all());
      BOOST_TEST((V(2) <= V(2)).all());
      BOOST_TEST((V(3) > V(2)).all());
      BOOST_TEST((V(2) >= V(2)).all());
      BOOST_TEST((V(0.0) == V(-0.0)).all());
      BOOST_TEST(isnan(x).all());
      BOOST_TEST(!isnan(V(inf)).any());
      BOOST_TEST(isinf(V(-inf)).all());
      BOOST_TEST(!isinf(x).any());
      BOOST_TEST(isfinite(V(3e38)).all());
      BOOST_TEST(!isfinite(x).any());
      BOOST_TEST(!isfinite(V(inf)).any());
    });
  });
}

BOOST_AUTO_TEST_CASE(scalars_mix_with_lanes_on_both_sides) {
  const std::vector<float> x = {-3, -0.5, 0, 0.25, 1, 7};
  std::vector<float> want;
  for (const float v : x) want.push_back((1 - v) * 2.5F + 3 / (v + 10) - 0.5F);
  for_each_isa([&] {
    check_same(lanes_of(x, [](const auto& v) { return (1 - v) * 2.5 + 3.0F / (v + 10) - 0.5; }), want);
    check_same(lanes_of(x,
                        [](auto v) {
                          auto r = 1 - v;
                          r *= 2.5;
                          r += 3 / (v + 10);
                          r -= 0.5;
                          return +r;
                        }),
               want);
    check_same(lanes_of(x,
                        [](auto v) {
                          v /= 4;
                          return -v;
                        }),
               {0.75F, 0.125F, -0.0F, -0.0625F, -0.25F, -1.75F});
  });
}

BOOST_AUTO_TEST_CASE(a_broadcast_keeps_the_value_bit_for_bit) {
  for_each_isa([&] {
    check_same(lanes_of<float>({1, 1, 1}, [](const auto& v) { return v * -0.0; }), {-0.0F, -0.0F, -0.0F});
    dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<double>;
      for (const double value : {-0.0, 0.0, 5e-324, -std::numeric_limits<double>::infinity()}) {
        double all[V::size];
        V(value).store(all);
        for (const double lane : all) {
          BOOST_TEST(lane == value);
          BOOST_TEST(std::signbit(lane) == std::signbit(value));
        }
      }
    });
  });
}

BOOST_AUTO_TEST_CASE(where_takes_lanes_and_scalars) {
  const std::vector<double> x = {-2, -1, 0, 1, 2};
  for_each_isa([&] {
    check_same(lanes_of(x, [](const auto& v) { return where(v > 0, v * 10, -v); }), {2, 1, -0.0, 10, 20});
    check_same(lanes_of(x, [](const auto& v) { return where((v > -2) & (v < 2), 1, v); }), {-2, 1, 1, 1, 2});
    check_same(lanes_of(x, [](const auto& v) { return where(v == 0, 1.5, 2.5); }), {2.5, 2.5, 1.5, 2.5, 2.5});
  });
}

BOOST_AUTO_TEST_CASE(maximum_and_minimum_pass_nan_on_from_either_side) {
  const std::vector<float> x = {quiet_nan, 1, -inf, 5};
  for_each_isa([&] {
    check_same(lanes_of(x, [](const auto& v) { return maximum(v, 2); }), {quiet_nan, 2, 2, 5});
    check_same(lanes_of(x, [](const auto& v) { return minimum(2, v); }), {quiet_nan, 1, -inf, 2});
    check_same(lanes_of(x, [](const auto& v) { return maximum(quiet_nan, v); }),
               {quiet_nan, quiet_nan, quiet_nan, quiet_nan});
  });
}

BOOST_AUTO_TEST_CASE(rounding_takes_halves_to_even_and_keeps_the_sign_of_zero) {
  const std::vector<float> x = {0.5F, 1.5F, 2.5F, -0.5F, -1.5F, -0.2F, 8388609, -1e30F, quiet_nan, -inf};
  for_each_isa([&] {
    check_same(lanes_of(x, [](const auto& v) { return round(v); }),
               {0, 2, 2, -0.0F, -2, -0.0F, 8388609, -1e30F, quiet_nan, -inf});
    check_same(lanes_of(x, [](const auto& v) { return floor(v); }),
               {0, 1, 2, -1, -2, -1, 8388609, -1e30F, quiet_nan, -inf});
    check_same(lanes_of(x, [](const auto& v) { return ceil(v); }),
               {1, 2, 3, -0.0F, -1, -0.0F, 8388609, -1e30F, quiet_nan, -inf});
    check_same(lanes_of(x, [](const auto& v) { return trunc(v); }),
               {0, 1, 2, -0.0F, -1, -0.0F, 8388609, -1e30F, quiet_nan, -inf});
  });
}

BOOST_AUTO_TEST_CASE(fma_rounds_once) {
  const float a = 1 + 0x1p-23F;
  for_each_isa([&] {
    check_same(lanes_of<float>({a}, [=](const auto& v) { return fma(v, a, -(1 + 0x1p-22F)); }), {0x1p-46F});
    check_same(lanes_of<double>({1 + 0x1p-52}, [](const auto& v) { return fma(v, v, -(1 + 0x1p-51)); }), {0x1p-104});
  });
}

BOOST_AUTO_TEST_CASE(remainder_follows_the_divisor_and_fmod_the_dividend) {
  const std::vector<double> x = {7, -7, 7, -7, 6, -6, 5.5, 1e300, -1};
  const std::vector<double> y = {3, 3, -3, -3, 3, 3, -2, 7, 1e-300};
  const auto run = [&](const auto& formula) {
    std::vector<double> r(x.size());
    dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<double>;
      for (std::size_t i = 0; i < x.size(); ++i) formula(V(x[i]), V(y[i])).store_n(&r[i], 1);
    });
    return r;
  };
  std::vector<double> fmod_want;
  for (std::size_t i = 0; i < x.size(); ++i) fmod_want.push_back(std::fmod(x[i], y[i]));
  for_each_isa([&] {
    check_same(run([](const auto& a, const auto& b) { return fmod(a, b); }), fmod_want);
    check_same(run([](const auto& a, const auto& b) { return remainder(a, b); }),
               {1, 2, -2, -1, 0, -0.0, -0.5, fmod_want[7], fmod_want[8] + 1e-300});
  });
}

BOOST_AUTO_TEST_CASE(sums_of_lanes_have_one_order) {
  for_each_isa([&] {
    dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<float>;
      float x[V::size];
      for (int i = 0; i < V::size; ++i) x[i] = std::ldexp(1.0F, i * 3) + 0.1F * static_cast<float>(i);
      // Neighbours first, then pairs, then fours.
      std::vector<float> tree(x, x + V::size);
      while (tree.size() > 1) {
        for (std::size_t i = 0; i < tree.size() / 2; ++i) tree[i] = tree[2 * i] + tree[2 * i + 1];
        tree.resize(tree.size() / 2);
      }
      BOOST_TEST(reduce_add(V::load(x)) == tree[0]);
      double exact = 0;
      for (const float value : x) exact += value;
      BOOST_TEST(reduce_add_wide(V::load(x)) == exact);
    });
  });
}

BOOST_AUTO_TEST_CASE(wide_sums_of_float_lose_nothing_that_double_keeps) {
  for_each_isa([&] {
    dispatch([&](auto isa) {
      using V = typename decltype(isa)::template Lanes<float>;
      typename decltype(isa)::template WideSum<float> sum;
      // 2^24 + 1 + 1 + ... would stay 2^24 in float.
      sum.add(V(16777216));
      for (int i = 0; i < 1000; ++i) sum.add(V(1));
      BOOST_TEST(sum.total() == V::size * (16777216.0 + 1000.0));
      // Lanes beyond n do not count, not even NaN.
      float x[V::size];
      for (float& value : x) value = quiet_nan;
      x[0] = 2;
      sum.add_n(V::load(x), 1);
      BOOST_TEST(sum.total() == V::size * (16777216.0 + 1000.0) + 2);
      sum.add_n(V(quiet_nan), 0);
      BOOST_TEST(sum.total() == V::size * (16777216.0 + 1000.0) + 2);
    });
    dispatch([&](auto isa) {
      typename decltype(isa)::template WideSum<double> sum;
      using V = typename decltype(isa)::template Lanes<double>;
      for (int i = 1; i <= 10; ++i) sum.add(V(i));
      BOOST_TEST(sum.total() == 55.0 * V::size);
    });
  });
}

BOOST_AUTO_TEST_CASE(lanes_pass_by_value_through_functions_of_another_instruction_set) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
  std::vector<float> want;
  for (const float v : x) want.push_back(2 * v - v * v);
  for_each_isa([&] { check_same(lanes_of(x, [](const auto& v) { return twice_plus(v, -v * v); }), want); });
}

BOOST_AUTO_TEST_CASE(dispatch_runs_the_instruction_set_in_force) {
  for_each_isa([&](Isa wanted) {
    Isa seen = Isa::baseline;
    int bytes = 0;
    dispatch([&](auto isa) {
      seen = decltype(isa)::isa;
      bytes = static_cast<int>(sizeof(typename decltype(isa)::template Lanes<float>));
    });
    BOOST_TEST((seen == wanted));
    BOOST_TEST(bytes == (wanted == Isa::avx512 ? 64 : wanted == Isa::avx2 ? 32 : 16));
  });
}

BOOST_AUTO_TEST_CASE(set_isa_stays_within_the_cpu_and_returns_what_was_in_force) {
  const Isa before = slope::simd::set_isa(Isa::baseline);
  BOOST_TEST((slope::simd::best_isa() == Isa::baseline));
  BOOST_TEST((slope::simd::set_isa(Isa::avx512) == Isa::baseline));
  BOOST_TEST((slope::simd::best_isa() == slope::simd::supported_isa()));
  slope::simd::set_isa(before);
}

BOOST_AUTO_TEST_CASE(the_environment_lowers_the_instruction_set) {
  const Isa before = slope::simd::best_isa();
  const char* old = std::getenv("SLOPE_ISA");
  const std::string saved = old ? old : "";
  const auto first_call_with = [](const char* value) {
    setenv("SLOPE_ISA", value, 1);
    slope::simd::detail::active_isa = -1;
    return slope::simd::best_isa();
  };
  const Isa supported = slope::simd::supported_isa();
  BOOST_TEST((first_call_with("baseline") == Isa::baseline));
  BOOST_TEST((first_call_with("avx2") == std::min(Isa::avx2, supported)));
  BOOST_TEST((first_call_with("avx512") == supported));
  BOOST_TEST((first_call_with("") == supported));
  BOOST_CHECK_EXCEPTION(first_call_with("sse9"), slope::ValueError, [](const slope::ValueError& e) {
    return std::string(e.what()).find("SLOPE_ISA: unknown instruction set \"sse9\"; use baseline, avx2 or avx512") == 0;
  });
  if (old) {
    setenv("SLOPE_ISA", saved.c_str(), 1);
  } else {
    unsetenv("SLOPE_ISA");
  }
  slope::simd::set_isa(before);
}

BOOST_AUTO_TEST_SUITE_END()
