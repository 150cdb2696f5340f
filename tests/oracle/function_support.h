#pragma once

#include "oracle/check.h"

// Functions of one and of two tensors. The tensors are taken before the function runs, which may throw.

template <class F>
oracle::Function unary(F f) {
  return [f](const oracle::Record& r, const oracle::Arguments& in) {
    const slope::Tensor x = in.at("input");
    return oracle::Tensors{{"", f(r, x)}};
  };
}
template <class F>
oracle::Function binary(F f, const char* first = "input", const char* second = "other") {
  return [=](const oracle::Record& r, const oracle::Arguments& in) {
    const slope::Tensor a = in.at(first), b = in.at(second);
    return oracle::Tensors{{"", f(r, a, b)}};
  };
}
#define ORACLE_UNARY(name) {#name, unary([](const Record&, const Tensor& x) { return slope::name(x); })}
#define SLOPE_BINARY(name) \
  {#name, binary([](const Record&, const Tensor& a, const Tensor& b) { return slope::name(a, b); })}
#define SLOPE_ALONG(name) \
  {#name, unary([](const Record& r, const Tensor& x) { return slope::name(x, r.integer("dim", 0)); })}
