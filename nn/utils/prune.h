#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "slope/nn/module.h"

/// Parameters some of whose elements are 0 and stay 0. A pruned parameter `weight` is computed before each forward as
/// `weight_orig`·`weight_mask`: the first is a parameter, whose gradient is multiplied by the mask, the second a buffer of zeros and
/// ones. Pruning again acts on what the mask has left.
///
/// All functions throw ValueError when the module has no such parameter or computes it by other means, and for an amount that is
/// not possible; nothing has changed then. (Of elements of equal importance, the first are pruned.)
namespace slope::nn::utils::prune {

/// How many to prune: an integer is their number, any other number the fraction of what is there, rounded half to even.
struct Amount {
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  Amount(I number) : count(static_cast<std::int64_t>(number)), is_count(true) {}
  template <std::floating_point F>
  Amount(F part) : fraction(static_cast<double>(part)) {}

  /// One of them counts.
  std::int64_t count = 0;
  double fraction = 0;
  bool is_count = false;
};

/// Prunes nothing, but makes the parameter one with a mask.
void identity(Module& module, const std::string& name, SourceLoc loc = SourceLoc::here());
/// Prunes the elements of smallest magnitude, or of smallest `importance_scores`, which have the parameter's shape.
///
///     nn::utils::prune::l1_unstructured(fc, "weight", 0.3);     // three in ten
void l1_unstructured(Module& module, const std::string& name, Amount amount, const Tensor& importance_scores = {},
                     SourceLoc loc = SourceLoc::here());
/// Prunes elements at random.
void random_unstructured(Module& module, const std::string& name, Amount amount, SourceLoc loc = SourceLoc::here());
/// Prunes whole slices along `dim`, those of smallest n-norm (of the importance scores, if given). Slices that are pruned already
/// do not count. Throws ShapeError for a parameter of fewer than two dimensions, IndexError for another `dim`.
///
///     nn::utils::prune::ln_structured(conv, "weight", 2, 1, 0);     // two filters by their absolute sums
void ln_structured(Module& module, const std::string& name, Amount amount, double n, std::int64_t dim,
                   const Tensor& importance_scores = {}, SourceLoc loc = SourceLoc::here());
/// Prunes whole slices along `dim` at random.
void random_structured(Module& module, const std::string& name, Amount amount, std::int64_t dim,
                       SourceLoc loc = SourceLoc::here());
/// Prunes where the mask, which has the parameter's shape, is 0.
void custom_from_mask(Module& module, const std::string& name, const Tensor& mask, SourceLoc loc = SourceLoc::here());

/// How global_unstructured ranks elements.
enum class Method { l1_unstructured, random_unstructured };
/// Prunes the least important elements of several parameters together. Throws ValueError for an empty list.
///
///     nn::utils::prune::global_unstructured({{&net.fc1, "weight"}, {&net.fc2, "weight"}},
///                                           nn::utils::prune::Method::l1_unstructured, 0.2);
void global_unstructured(const std::vector<std::pair<Module*, std::string>>& parameters, Method method, Amount amount,
                         SourceLoc loc = SourceLoc::here());

/// Makes the parameter an ordinary one again, with zeros where it was pruned. Throws ValueError when it is not pruned.
void remove(Module& module, const std::string& name, SourceLoc loc = SourceLoc::here());
/// Whether any parameter of the module, or of a module below it, is pruned.
bool is_pruned(const Module& module, SourceLoc loc = SourceLoc::here());

}  // namespace slope::nn::utils::prune
