// nn::utils::rnn.
#include <boost/test/unit_test.hpp>
#include <vector>

#include "slope/gradcheck.h"
#include "slope/slope.h"
#include "support/checks.h"

using namespace slope;

namespace {

using namespace nn::utils::rnn;
using Numbers = std::vector<std::int64_t>;

Numbers numbers(const Tensor& t) { return t.to_vector<std::int64_t>(); }

// Number 100·i + t is step t of sequence i; beyond its end there is -1.
Tensor batch(const Numbers& lengths, std::int64_t steps, bool batch_first) {
  std::vector<double> all;
  for (std::size_t i = 0; i < lengths.size(); ++i)
    for (std::int64_t t = 0; t < steps; ++t)
      all.push_back(t < lengths[i] ? static_cast<double>(100 * static_cast<std::int64_t>(i) + t) : -1);
  const Tensor x = tensor(all, {.dtype = float64}).reshape({static_cast<std::int64_t>(lengths.size()), steps});
  return batch_first ? x : x.t();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(packing)

BOOST_AUTO_TEST_CASE(sequences_are_packed_step_by_step_the_longest_first) {
  for (const bool batch_first : {false, true}) {
    const PackedSequence p =
        pack_padded_sequence(batch({2, 4, 1, 4}, 5, batch_first), {2, 4, 1, 4}, {batch_first, false});
    check_values(p.data, {100, 300, 0, 200, 101, 301, 1, 102, 302, 103, 303});
    BOOST_TEST(numbers(p.batch_sizes) == (Numbers{4, 3, 2, 2}));
    BOOST_TEST(numbers(p.sorted_indices) == (Numbers{1, 3, 0, 2}));
    BOOST_TEST(numbers(p.unsorted_indices) == (Numbers{2, 0, 3, 1}));
  }
  const PackedSequence sorted = pack_padded_sequence(batch({3, 1}, 3, false), tensor(Numbers{3, 1}));
  check_values(sorted.data, {0, 100, 1, 2});
  BOOST_TEST(!sorted.sorted_indices.defined());
  BOOST_TEST(!sorted.unsorted_indices.defined());
}

BOOST_AUTO_TEST_CASE(padding_puts_them_back) {
  const Numbers lengths = {2, 4, 1, 4};
  for (const bool batch_first : {false, true}) {
    const Tensor x = batch(lengths, 5, batch_first);
    const PackedSequence p = pack_padded_sequence(x, lengths, {batch_first, false});
    const auto [y, found] =
        pad_packed_sequence(p, {.batch_first = batch_first, .padding_value = -1, .total_length = 5});
    BOOST_TEST(equal(x, y));
    BOOST_TEST(numbers(found) == lengths);
    const auto [shorter, unused] = pad_packed_sequence(p, {.batch_first = true});
    BOOST_TEST((shorter.shape() == Shape{4, 4}));
    BOOST_TEST(shorter[2][1].item() == 0);
  }
}

BOOST_AUTO_TEST_CASE(lists_of_sequences_are_padded_on_either_side) {
  const std::vector<Tensor> list = {tensor({1.0, 2.0}), tensor({3.0}), tensor({4.0, 5.0, 6.0})};
  check_values(pad_sequence(list), {1, 3, 4, 2, 0, 5, 0, 0, 6});
  check_values(pad_sequence(list, {.batch_first = true, .padding_value = 9}), {1, 2, 9, 3, 9, 9, 4, 5, 6});
  check_values(pad_sequence(list, {.batch_first = true, .padding_side = "left"}), {0, 1, 2, 0, 0, 3, 4, 5, 6});
  const Tensor integers = pad_sequence({arange(2), arange(1)}, {.batch_first = true, .padding_value = -1});
  BOOST_TEST((integers.dtype() == int64));
  BOOST_TEST(numbers(integers.reshape({4})) == (Numbers{0, 1, 0, -1}));
  BOOST_TEST((pad_sequence({zeros({0, 2}), zeros({0, 2})}).shape() == Shape{0, 2, 2}));
}

BOOST_AUTO_TEST_CASE(what_was_packed_or_padded_comes_back_as_a_list) {
  const std::vector<Tensor> list = {tensor({{1.0, 2.0}}), tensor({{3.0, 4.0}, {5.0, 6.0}, {7.0, 8.0}}),
                                    tensor({{9.0, 10.0}, {11.0, 12.0}})};
  const auto check = [&](const std::vector<Tensor>& got) {
    BOOST_REQUIRE(got.size() == list.size());
    for (std::size_t i = 0; i < got.size(); ++i) BOOST_TEST(equal(got[i], list[i]));
  };
  check(unpack_sequence(pack_sequence(list, false)));
  for (const bool batch_first : {false, true})
    check(unpad_sequence(pad_sequence(list, {.batch_first = batch_first}), {1, 3, 2}, batch_first));
  BOOST_TEST(unpad_sequence(zeros({2, 1}), {0})[0].numel() == 0);
}

BOOST_AUTO_TEST_CASE(all_of_them_are_differentiable) {
  const Tensor x = randn({4, 3, 2}, {.dtype = float64, .requires_grad = true});
  const Numbers lengths = {2, 4, 1};
  const auto check = [](const autograd::GradcheckResult& r) { BOOST_TEST(r.ok, r.message); };
  const auto pack = [&](const auto& in) { return pack_padded_sequence(in[0], lengths, {.enforce_sorted = false}); };
  const auto round = [&](const auto& in) { return pad_packed_sequence(pack(in), {.padding_value = 3}).first.square(); };
  check(autograd::gradcheck(round, {x}));
  check(autograd::gradgradcheck(round, {x}));
  const Tensor a = randn({2, 2}, {.dtype = float64, .requires_grad = true}),
               b = randn({3, 2}, {.dtype = float64, .requires_grad = true});
  check(autograd::gradcheck([](const auto& in) { return pad_sequence({in[0], in[1]}, {.padding_side = "left"}); },
                            {a, b}));
  check(autograd::gradcheck([&](const auto& in) { return unpad_sequence(in[0], lengths); }, {x}));
  pack(std::vector{x}).data.sum().backward();
  BOOST_TEST(x.grad().sum().item() == 14.0);
  BOOST_TEST((x.grad().select(1, 2).narrow(0, 1, 3) == 0).all().item());
}

BOOST_AUTO_TEST_CASE(lengths_that_do_not_fit_are_refused) {
  const Tensor x = zeros({3, 2, 1});
  const auto value = [](const auto& call, const std::string& text) { check_error<ValueError>(call, text, __FILE__); };
  value([&] { pack_padded_sequence(x, {1, 2}); },
        "pack_padded_sequence: `lengths` array must be sorted in decreasing order when `enforce_sorted` is True; pass");
  value([&] { pack_padded_sequence(x, {1, 0}, {.enforce_sorted = false}); },
        "pack_padded_sequence: Length of all samples has to be greater than 0, but found an element in 'lengths' that "
        "is <= 0: 0 at position 1");
  value([&] { pack_padded_sequence(x, {3, -1}); }, "found an element in 'lengths' that is <= 0: -1 at position 1");
  value([&] { pack_padded_sequence(x, {4, 2}); },
        "pack_padded_sequence: Expected lengths of at most 3, the time steps of the input, but got 4 at position 0");
  value([&] { pack_padded_sequence(x, Tensor()); }, "pack_padded_sequence: lengths is an undefined tensor");
  value([&] { pack_padded_sequence(zeros({3, 0, 1}), Numbers()); }, "Cannot pack empty tensors");
  value([&] { pack_padded_sequence(Tensor(), {1}); }, "pack_padded_sequence: the input is an undefined tensor");
  value([&] { unpad_sequence(x, {1, -1}); }, "unpad_sequence: Length of all samples has to be at least 0");
  check_error<ShapeError>([&] { pack_padded_sequence(x, {2}); },
                          "Expected `len(lengths)` to be equal to batch_size, but got 1 (batch_size=2)");
  check_error<ShapeError>([&] { pack_padded_sequence(zeros({3}), {2}); }, "the input must be [T, N, ...], but has");
  check_error<DTypeError>([&] { pack_padded_sequence(x, zeros({2})); }, "lengths must be int64, but is float32");
}

BOOST_AUTO_TEST_CASE(lists_that_do_not_fit_are_refused) {
  check_error<ValueError>([] { pad_sequence({}); }, "pad_sequence: received an empty list of sequences");
  check_error<ValueError>([] { pad_sequence({zeros({2}), Tensor()}); },
                          "pad_sequence: sequence 1 is an undefined tensor");
  check_error<ValueError>([] { pad_sequence({zeros({2})}, {.padding_side = "top"}); },
                          "pad_sequence: Expected padding_side to be one of 'left' or 'right', but got 'top'");
  check_error<ShapeError>([] { pad_sequence({zeros({2, 2}), zeros({2, 3})}); },
                          "sequences must have the same sizes behind the first, but number 0 has shape [2, 2]");
  check_error<ShapeError>([] { pad_sequence({zeros({})}); }, "must have a dimension of steps");
  check_error<DTypeError>([] { pad_sequence({zeros({2}), arange(2)}); }, "number 0 is float32 and number 1 int64");
  check_error<ValueError>([] { pack_sequence({zeros({1}), zeros({2})}); }, "must be sorted in decreasing order");
  check_error<ValueError>([] { pack_sequence({zeros({0})}); }, "Length of all samples has to be greater than 0");
}

BOOST_AUTO_TEST_CASE(packed_sequences_that_contradict_themselves_are_refused) {
  const PackedSequence right = pack_padded_sequence(zeros({3, 2, 1}), {1, 3}, {.enforce_sorted = false});
  nn::GRU gru(1, 2);
  const auto with = [&](auto change, const std::string& text) {
    PackedSequence p = right;
    change(p);
    check_error<ValueError>([&] { pad_packed_sequence(p); }, text, __FILE__);
    check_error<ValueError>([&] { gru(p); }, text, __FILE__);
  };
  with([](auto& p) { p.data = {}; }, "data or batch_sizes of the PackedSequence are undefined");
  with([](auto& p) { p.batch_sizes = {}; }, "data or batch_sizes of the PackedSequence are undefined");
  with([](auto& p) { p.batch_sizes = zeros({2}); }, "batch_sizes of a PackedSequence must be int64 [T]");
  with([](auto& p) { p.batch_sizes = zeros({0}, {.dtype = int64}); },
       "batch_sizes of a PackedSequence must not be empty");
  with([](auto& p) { p.batch_sizes = tensor(Numbers{1, 2, 1}); }, "must be positive and not increase, but got 2");
  with([](auto& p) { p.batch_sizes = tensor(Numbers{2, 1, 1, 0}); }, "must be positive and not increase, but got 0");
  with([](auto& p) { p.batch_sizes = tensor(Numbers{2, 1}); }, "must add up to the rows of its data, 4, but give 3");
  with([](auto& p) { p.batch_sizes = tensor(Numbers{2, 2, 2}); }, "must add up to the rows of its data, 4, but exceed");
  with([](auto& p) { p.sorted_indices = tensor(Numbers{0, 0}); }, "must name each of 2 sequences once, but there is 0");
  with([](auto& p) { p.sorted_indices = tensor(Numbers{0, 5}); }, "must name each of 2 sequences once, but there is 5");
  with([](auto& p) { p.sorted_indices = tensor(Numbers{0}); },
       "sorted_indices of the PackedSequence must be int64 [2]");
  with([](auto& p) { p.unsorted_indices = {}; }, "has both sorted_indices and unsorted_indices, or neither");
  with([](auto& p) { p.unsorted_indices = tensor(Numbers{0, 1}); }, "must undo sorted_indices");
  check_error<ValueError>([&] { pad_packed_sequence(right, {.total_length = 2}); },
                          "Expected total_length to be at least the length of the longest sequence in input, but got "
                          "total_length=2 and max sequence length being 3");
  check_error<ShapeError>([&] { gru({zeros({4}), right.batch_sizes}); }, "gru: input must have 2 dimensions, got 1");
  check_error<ShapeError>([&] { gru(right, zeros({1, 2})); }, "gru: For batched 3-D input, hx should also be 3-D");
  check_error<ShapeError>([&] { gru(right, zeros({1, 3, 2})); }, "gru: Expected hidden size (1, 2, 2), got [1, 3, 2]");
}

BOOST_AUTO_TEST_SUITE_END()
