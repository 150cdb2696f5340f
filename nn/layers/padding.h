#pragma once

#include <vector>

#include "slope/autograd/core/int_array.h"
#include "slope/nn/module.h"

namespace slope::nn {

namespace functional {

enum class PadMode {
  /// A value of the caller's choice.
  constant,
  /// Mirrored at the edge element, which is not repeated: c b | a b c | b a.
  reflect,
  /// The edge element: a a | a b c | c c.
  replicate,
  /// From the other end: b c | a b c | a b.
  circular
};
struct PadOptions {
  /// What the new elements hold.
  PadMode mode = PadMode::constant;
  /// For PadMode::constant; else 0.
  Scalar value = 0;
};
/// Enlarges `x` at its edges, or with negative numbers cuts them off. `pads` = {before, after} of the last dimension, then of the one
/// before it, and so on. Modes other than constant pad the last one, two or three dimensions, behind channels: (C, sizes) or
/// (N, C, sizes).
///
/// The gradient of a padded element goes to the element it was copied from. Throws ValueError for an odd number of pads and a value with
/// another mode than constant, ShapeError for more pads than x has edges, for a negative result, and where a mode cannot reach:
/// reflect needs pads below the size of the dimension, circular pads up to it.
///
///     F::pad(x, {1, 2})                                         // [.., n] -> [.., n + 3]
///     F::pad(image, {1, 1, 1, 1}, {.mode = F::PadMode::reflect})
Tensor pad(In x, const std::vector<std::int64_t>& pads, const PadOptions& options = {});

}  // namespace functional

/// F::pad over the last `dims` dimensions as a module. `padding` is one number for all edges or {before, after} of the last dimension,
/// then of the one before it. Throws ValueError for lists of another length, and what F::pad does for inputs.
template <int dims, functional::PadMode mode>
class PadModule : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string extra_repr() const override;

 protected:
  PadModule(const IntArray& padding, Scalar value, SourceLoc loc);

  /// As F::pad takes them.
  std::vector<std::int64_t> pads_;
  /// At the edges.
  Scalar value_;
};

/// Zeros at the edges: `nn::ZeroPad2d({1, 0, 2, 0})`.
template <int dims>
class ZeroPadModule : public PadModule<dims, functional::PadMode::constant> {
 public:
  explicit ZeroPadModule(const IntArray& padding, SourceLoc loc = SourceLoc::here())
      : PadModule<dims, functional::PadMode::constant>(padding, 0, loc) {}
};
class ZeroPad1d : public ZeroPadModule<1> {
  using ZeroPadModule::ZeroPadModule;
};
class ZeroPad2d : public ZeroPadModule<2> {
  using ZeroPadModule::ZeroPadModule;
};
class ZeroPad3d : public ZeroPadModule<3> {
  using ZeroPadModule::ZeroPadModule;
};

/// One value at the edges: `nn::ConstantPad2d(1, 0.5)`.
template <int dims>
class ConstantPadModule : public PadModule<dims, functional::PadMode::constant> {
 public:
  ConstantPadModule(const IntArray& padding, Scalar value, SourceLoc loc = SourceLoc::here())
      : PadModule<dims, functional::PadMode::constant>(padding, value, loc) {}
  std::string extra_repr() const override;
};
class ConstantPad1d : public ConstantPadModule<1> {
  using ConstantPadModule::ConstantPadModule;
};
class ConstantPad2d : public ConstantPadModule<2> {
  using ConstantPadModule::ConstantPadModule;
};
class ConstantPad3d : public ConstantPadModule<3> {
  using ConstantPadModule::ConstantPadModule;
};

/// Elements of the input at the edges, by a mode of F::pad: `nn::ReflectionPad2d(1)`.
template <int dims, functional::PadMode mode>
class CopyPadModule : public PadModule<dims, mode> {
 public:
  explicit CopyPadModule(const IntArray& padding, SourceLoc loc = SourceLoc::here())
      : PadModule<dims, mode>(padding, 0, loc) {}
};
class ReflectionPad1d : public CopyPadModule<1, functional::PadMode::reflect> {
  using CopyPadModule::CopyPadModule;
};
class ReflectionPad2d : public CopyPadModule<2, functional::PadMode::reflect> {
  using CopyPadModule::CopyPadModule;
};
class ReflectionPad3d : public CopyPadModule<3, functional::PadMode::reflect> {
  using CopyPadModule::CopyPadModule;
};
class ReplicationPad1d : public CopyPadModule<1, functional::PadMode::replicate> {
  using CopyPadModule::CopyPadModule;
};
class ReplicationPad2d : public CopyPadModule<2, functional::PadMode::replicate> {
  using CopyPadModule::CopyPadModule;
};
class ReplicationPad3d : public CopyPadModule<3, functional::PadMode::replicate> {
  using CopyPadModule::CopyPadModule;
};
class CircularPad1d : public CopyPadModule<1, functional::PadMode::circular> {
  using CopyPadModule::CopyPadModule;
};
class CircularPad2d : public CopyPadModule<2, functional::PadMode::circular> {
  using CopyPadModule::CopyPadModule;
};
class CircularPad3d : public CopyPadModule<3, functional::PadMode::circular> {
  using CopyPadModule::CopyPadModule;
};

}  // namespace slope::nn
