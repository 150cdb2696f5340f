// Sizes, counts, amounts and positions that no tensor can have: an error of slope, never an overflow or an error of the
// library's containers. (The undefined behaviour behind some is seen by the sanitizers.)
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "slope/autograd.h"
#include "slope/nn.h"

using namespace slope;
namespace F = slope::nn::functional;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED_MEMORY
#endif
#endif

BOOST_AUTO_TEST_SUITE(sizes_that_no_tensor_can_have)

namespace {

using Size = std::int64_t;
constexpr Size most = INT64_MAX, least = INT64_MIN;

struct Call {
  std::string name;
  std::function<void(Size)> f;
};

std::vector<Call> calls() {
  const Tensor v = tensor({1.0, 2.0, 3.0, 4.0, 5.0}), m = arange(6.0).reshape({2, 3}), none = zeros({0, 3});
  const Tensor wide = zeros({1}).expand({Size{1} << 59});
  std::vector<Call> all;
  const auto add = [&](const char* name, std::function<void(Size)> f) { all.push_back({name, std::move(f)}); };
  add("zeros", [](Size n) { (void)zeros({n}); });
  add("zeros of many", [](Size n) { (void)zeros({n, n, n}); });
  add("zeros of nothing", [](Size n) { (void)zeros({0, n, n}).contiguous(); });
  add("empty", [](Size n) { (void)empty({2, n}); });
  add("full", [](Size n) { (void)full({n, 2}, 1); });
  add("eye", [](Size n) { (void)eye(n); });
  add("eye rows", [](Size n) { (void)eye(n, 4); });
  add("arange", [](Size n) { (void)arange(n); });
  add("arange from", [](Size n) { (void)arange(n, -(n / 2), 1); });
  add("arange step", [](Size n) { (void)arange(least, most, n); });
  add("arange of floats", [](Size n) { (void)arange(0.0, static_cast<double>(n), 1.0); });
  add("linspace", [](Size n) { (void)linspace(0, 1, n); });
  add("rand", [](Size n) { (void)rand({n}); });
  add("randint", [](Size n) { (void)randint(n, {3}); });
  add("randint range", [](Size n) { (void)randint(least, n, {3}); });
  add("randint shape", [](Size n) { (void)randint(0, 2, {n, n}); });
  add("randperm", [](Size n) { (void)randperm(n); });
  add("normal", [](Size n) { (void)normal(0, 1, {n}); });
  add("multinomial", [=](Size n) { (void)multinomial(v, n); });
  add("multinomial again", [=](Size n) { (void)multinomial(v, n, true); });
  add("from_blob", [](Size n) {
    float x = 0;
    (void)from_blob(&x, {n, 2}, float32);
  });
  add("from_blob strides", [](Size n) {
    float x = 0;
    (void)from_blob(&x, {3, 2}, {n, n}, float32);
  });
  add("view", [=](Size n) { (void)v.view({n}); });
  add("view of many", [=](Size n) { (void)m.view({n, n, -1}); });
  add("reshape", [=](Size n) { (void)none.reshape({n, n, 0}); });
  add("reshape inferred", [=](Size n) { (void)none.reshape({-1, n}); });
  add("expand", [=](Size n) { (void)m.unsqueeze(0).expand({n, 2, 3}); });
  add("expand twice", [=](Size n) { (void)tensor(1.0).expand({n, n}); });
  add("unflatten", [=](Size n) { (void)v.unflatten(0, {n, -1}); });
  add("unflatten of many", [=](Size n) { (void)v.unflatten(0, {n, n}); });
  add("flatten", [=](Size n) { (void)m.flatten(n, n); });
  add("permute", [=](Size n) { (void)m.permute({n, 0}); });
  add("transpose", [=](Size n) { (void)m.transpose(n, 0); });
  add("movedim", [=](Size n) { (void)m.movedim({n}, {0}); });
  add("unsqueeze", [=](Size n) { (void)m.unsqueeze(n); });
  add("squeeze", [=](Size n) { (void)m.squeeze(n); });
  add("narrow", [=](Size n) { (void)v.narrow(0, n, 1); });
  add("narrow length", [=](Size n) { (void)v.narrow(0, 1, n); });
  add("slice", [=](Size n) { (void)v.slice(0, n); });
  add("slice stop", [=](Size n) { (void)v.slice(0, 1, n); });
  add("slice step", [=](Size n) { (void)v.slice(0, 0, 5, n); });
  add("slice of a step", [=](Size n) { (void)v.slice(0, 1, 5, n).slice(0, 0, 1, n); });
  add("select", [=](Size n) { (void)v.select(0, n); });
  add("split", [=](Size n) { (void)v.split(n); });
  add("split sizes", [=](Size n) { (void)v.split(std::vector<Size>{n, n, 7}); });
  add("chunk", [=](Size n) { (void)v.chunk(n); });
  add("chunk of nothing", [=](Size n) { (void)none.chunk(n); });
  add("unbind", [=](Size n) { (void)v.unbind(n); });
  add("diagonal", [=](Size n) { (void)m.diagonal(n); });
  add("unfold", [=](Size n) { (void)v.unfold(0, n, 1); });
  add("unfold step", [=](Size n) { (void)v.unfold(0, 2, n); });
  add("as_strided", [=](Size n) { (void)as_strided(v, {n}, {1}, 0); });
  add("as_strided strides", [=](Size n) { (void)as_strided(v, {2, 2}, {n, n}, 0); });
  add("as_strided offset", [=](Size n) { (void)as_strided(v, {1}, {1}, n); });
  add("flip", [=](Size n) { (void)v.flip({n}); });
  add("roll", [=](Size n) { (void)v.roll({n}); });
  add("roll dims", [=](Size n) { (void)v.roll({1}, {n}); });
  add("tril", [=](Size n) { (void)m.tril(n); });
  add("triu", [=](Size n) { (void)m.triu(n); });
  add("diag", [=](Size n) { (void)m.diag(n); });
  add("diag of a vector", [=](Size n) { (void)v.diag(n); });
  add("diag_embed", [=](Size n) { (void)diag_embed(m, n); });
  add("repeat", [=](Size n) { (void)v.repeat({n}); });
  add("repeat of many", [=](Size n) { (void)m.repeat({n, n, n}); });
  add("tile", [=](Size n) { (void)tile(m, {n, 2}); });
  add("repeat_interleave", [=](Size n) { (void)repeat_interleave(v, n); });
  add("repeat_interleave dim", [=](Size n) { (void)repeat_interleave(m, n, 1); });
  add("cat", [=](Size n) { (void)cat(std::vector<Tensor>(40, wide), n); });
  add("cat of many", [=](Size) { (void)cat(std::vector<Tensor>(40, wide)); });
  add("stack", [=](Size n) { (void)stack({v, v}, n); });
  add("stack of many", [=](Size) { (void)stack(std::vector<Tensor>(40, wide)); });
  add("kron", [=](Size) { (void)kron(wide, wide); });
  add("outer", [=](Size) { (void)outer(wide, wide); });
  add("topk", [=](Size n) { (void)v.topk(n); });
  add("kthvalue", [=](Size n) { (void)kthvalue(v, n); });
  add("sum", [=](Size n) { (void)v.sum(n); });
  add("cumsum", [=](Size n) { (void)v.cumsum(n); });
  add("softmax", [=](Size n) { (void)v.softmax(n); });
  add("index", [=](Size n) { (void)v.index({n}); });
  add("index slices", [=](Size n) { (void)v.index({Slice{n, -(n / 2), 1}}); });
  add("index tensors", [=](Size n) { (void)v.index({tensor({n})}); });
  add("take", [=](Size n) { (void)v.take(tensor({n})); });
  add("gather", [=](Size n) { (void)v.gather(0, tensor({n})); });
  add("index_select", [=](Size n) { (void)v.index_select(0, tensor({n})); });
  add("scatter", [=](Size n) { (void)v.scatter(0, tensor({n}), 1); });
  add("index_put", [=](Size n) { (void)v.index_put({tensor({n})}, 1); });
  for (F::PadMode mode : {F::PadMode::constant, F::PadMode::reflect, F::PadMode::replicate, F::PadMode::circular}) {
    const std::string title = "pad " + std::to_string(static_cast<int>(mode));
    all.push_back({title, [=](Size n) { (void)F::pad(m, {n, n}, {.mode = mode}); }});
    all.push_back({title + " one side", [=](Size n) { (void)F::pad(m, {0, n}, {.mode = mode}); }});
    all.push_back({title + " against", [=](Size n) { (void)F::pad(m, {n, n == least ? most : -n}, {.mode = mode}); }});
  }
  add("one_hot", [](Size n) { (void)F::one_hot(tensor({0, 1}), n); });
  add("one_hot of huge", [](Size n) { (void)F::one_hot(tensor({n})); });
  add("embedding", [](Size n) { (void)F::embedding(tensor({n}), zeros({3, 2})); });
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(are_refused_with_an_error_of_slope) {
  for (const Call& call : calls())
    for (Size n : {most, most - 1, most / 2, Size{1} << 62, least, least + 1, -(Size{1} << 59), Size{-3}}) {
      const std::string title = call.name + " with " + std::to_string(n);
      try {
        call.f(n);  // some are harmless: a step, a diagonal, a bound of a slice
      } catch (const Error& e) {
        const std::string text = e.what();
        BOOST_TEST(text.find("huge_sizes_test.cpp:") != std::string::npos,
                   title << ": \"" << text << "\" names no line");
      } catch (const std::exception& e) {
        BOOST_ERROR(title + " throws another type: " + e.what());
      }
    }
}

BOOST_AUTO_TEST_CASE(say_what_is_too_large) {
  const auto error_of = [](const auto& f) -> std::string {
    try {
      (void)f();
    } catch (const ShapeError& e) {
      return e.what();
    }
    return "nothing thrown";
  };
  const Tensor v = tensor({1.0, 2.0, 3.0, 4.0, 5.0});
  BOOST_TEST(error_of([&] {
               return F::pad(v, {most, most}, {.mode = F::PadMode::replicate});
             }).starts_with("pad: 5 + 9223372036854775807 is more than a size can be (tests/ops/huge_sizes_test.cpp:"));
  BOOST_TEST(error_of([&] {
               return v.repeat({most});
             }).starts_with("repeat: 5 * 9223372036854775807 is more than a size can be (tests/"));
  BOOST_TEST(error_of([&] {
               return repeat_interleave(v, most);
             }).starts_with("repeat_interleave: 5 * 9223372036854775807 is more than a size can be (tests/"));
  BOOST_TEST(error_of([&] {
               return v.diag(least);
             }).starts_with("diag_embed: -9223372036854775808 * -1 is more than a size can be (tests/"));
}

#ifndef SANITIZED_MEMORY
BOOST_AUTO_TEST_CASE(that_the_system_has_no_memory_for_are_errors_of_slope) {
  try {
    (void)empty({Size{1} << 45, 8});
    BOOST_ERROR("a petabyte was given");
  } catch (const MemoryError& e) {
    const std::string text = e.what();
    BOOST_TEST(
        text.starts_with("a tensor of shape [35184372088832, 8] needs 1125899906842624 bytes, which the system does "
                         "not give (tests/ops/huge_sizes_test.cpp:"),
        text);
  }
}

// The result would be a petabyte. Elements are one number in memory, so that nothing else is large.
BOOST_AUTO_TEST_CASE(in_results_of_operations_name_the_line) {
  for (const bool grad : {false, true}) {
    const Tensor one = tensor({1.0F}, {.requires_grad = grad}), count = ones({1}, {.dtype = DType::int64});
    const Size n = Size{1} << 48;
    const Tensor wide = one.expand({n}), counts = count.expand({n}), rows = one.expand({n, 1}),
                 cells = one.expand({1, n});
    const std::vector<std::pair<const char*, std::function<Tensor()>>> calls = {
        {"exp", [&] { return exp(wide); }},
        {"+", [&] { return wide + 1.0; }},
        {"*", [&] { return wide * wide; }},
        {"+ of integers", [&] { return counts + counts; }},
        {"// of integers", [&] { return counts * 2; }},
        {"==", [&] { return wide == 1.0; }},
        {"== of two", [&] { return wide == wide; }},
        {"isnan", [&] { return isnan(wide); }},
        {"isclose", [&] { return isclose(wide, wide); }},
        {"&", [&] { return counts & counts; }},
        {"logical_or", [&] { return logical_or(wide, wide); }},
        {"where", [&] { return where(one > 0.0, wide, wide); }},
        {"clamp", [&] { return clamp(counts, 0, 1); }},
        {"clone", [&] { return wide.clone(); }},
        {"contiguous", [&] { return rows.expand({n, 2}).contiguous(); }},
        {"to", [&] { return wide.to(DType::float64); }},
        {"relu", [&] { return relu(wide); }},
        {"cumsum", [&] { return cumsum(wide, 0); }},
        {"sort", [&] { return sort(wide).first; }},
        {"softmax", [&] { return softmax(wide, 0); }},
        {"log_softmax", [&] { return log_softmax(rows, 1); }},
        {"sum", [&] { return sum(rows, {1}); }},
        {"amax", [&] { return amax(rows, {1}); }},
        {"argmax", [&] { return argmax(rows, 1); }},
        {"max along", [&] { return max(rows, 1).first; }},
        {"any", [&] { return any(rows, 1); }},
        {"count_nonzero", [&] { return count_nonzero(rows, {1}); }},
        {"topk", [&] { return topk(rows, 1, 1).first; }},
        {"median", [&] { return median(rows, 1).first; }},
        {"var", [&] { return var(rows, {1}); }},
        {"logsumexp", [&] { return logsumexp(rows, {1}); }},
        {"norm", [&] { return norm(rows, 2.0, {1}); }},
        {"cumprod", [&] { return cumprod(wide, 0); }},
        {"maximum", [&] { return maximum(wide, wide); }},
        {"pad", [&] { return F::pad(rows, {1, 1}); }},
        {"flip", [&] { return flip(wide, {0}); }},
        {"cat", [&] { return cat({wide, wide}); }},
        {"index_select", [&] { return index_select(cells, 0, zeros({1}, {.dtype = DType::int64})); }},
        {"masked_fill", [&] { return masked_fill(wide, one > 0.0, 0.0); }},
        {"mm", [&] { return mm(rows, one.expand({1, 1})); }},
        {"mm without recording",
         [&] {
           NoGradGuard no_grad;
           return mm(rows, one.expand({1, 1}));
         }},
        {"mv", [&] { return mv(rows, one); }},
        {"linear", [&] { return F::linear(rows, one.expand({1, 1})); }},
        {"dropout", [&] { return F::dropout(wide); }},
        {"mse_loss", [&] { return F::mse_loss(wide, wide, {.reduction = Reduction::none}); }},
    };
    for (const auto& [name, call] : calls) {
      try {
        (void)call();
        BOOST_ERROR(std::string(name) + " was given a petabyte");
      } catch (const Error& e) {
        const std::string text = e.what();
        BOOST_TEST(text.find("huge_sizes_test.cpp:") != std::string::npos,
                   name << ": \"" << text << "\" names no line");
      }
    }
  }
}
#endif

BOOST_AUTO_TEST_SUITE_END()
