#include <boost/test/unit_test.hpp>
#include <functional>
#include <map>
#include <set>

#include "oracle/oracle.h"
#include "slope/autograd/engine/backward.h"
#include "slope/autograd/ops/ops.h"
#include "slope/nn/losses/losses.h"

using namespace slope;
namespace F = slope::nn::functional;
using oracle::Record;
using oracle::Tensors;

namespace {

Tensor get(const Tensors& inputs, const char* name) { return inputs.contains(name) ? inputs.at(name) : Tensor(); }

nn::DistanceFunction distance_named(const std::string& name) {
  if (name == "l1_sum") return [](const Tensor& a, const Tensor& b) { return abs(a - b).sum(-1); };
  if (name == "squared_l2") return [](const Tensor& a, const Tensor& b) { return square(a - b).sum(-1); };
  if (name == "one_minus_cosine")
    return [](const Tensor& a, const Tensor& b) { return 1.0 - F::cosine_similarity(a, b, {.dim = -1}); };
  BOOST_REQUIRE_EQUAL(name, "default");
  return {};
}

/// Options of a loss from a record. Tensors among the options come with the inputs.
template <class Options>
Options options_of(const Record& r, const Tensors& in) {
  Options o;
  if constexpr (requires { o.reduction; })
    if (r.has("reduction")) o.reduction = r.word("reduction", "mean");
  if constexpr (requires { o.weight; }) o.weight = get(in, "weight");
  if constexpr (requires { o.pos_weight; }) o.pos_weight = get(in, "pos_weight");
  if constexpr (requires { o.delta; }) o.delta = r.real("delta", o.delta);
  if constexpr (requires { o.margin; }) o.margin = r.real("margin", o.margin);
  if constexpr (requires { o.q; }) o.q = r.real("q", o.q);
  if constexpr (requires { o.log_input; }) o.log_input = r.flag("log_input", o.log_input);
  if constexpr (requires { o.log_target; }) o.log_target = r.flag("log_target", o.log_target);
  if constexpr (requires { o.full; }) o.full = r.flag("full", o.full);
  if constexpr (requires { o.beta; }) o.beta = r.real("beta", o.beta);
  if constexpr (requires { o.ignore_index; }) o.ignore_index = r.integer("ignore_index", o.ignore_index);
  if constexpr (requires { o.label_smoothing; }) o.label_smoothing = r.real("label_smoothing", o.label_smoothing);
  if constexpr (requires { o.gamma; }) o.gamma = r.real("gamma", o.gamma);
  if constexpr (requires { o.alpha; }) o.alpha = r.real("alpha", o.alpha);
  if constexpr (requires { o.dim; }) o.dim = r.integer("dim", o.dim);
  if constexpr (requires { o.eps; }) o.eps = r.real("eps", o.eps);
  if constexpr (requires { o.temperature; }) o.temperature = r.real("temperature", o.temperature);
  if constexpr (requires { o.easy_margin; }) {
    o.margin = r.real("margin", o.margin);
    o.scale = r.real("scale", o.scale);
    o.easy_margin = r.flag("easy_margin", o.easy_margin);
  }
  if constexpr (requires { o.blank; }) o.blank = r.integer("blank", o.blank);
  if constexpr (requires { o.zero_infinity; }) o.zero_infinity = r.flag("zero_infinity", o.zero_infinity);
  if constexpr (requires { o.margin; }) o.margin = r.real("margin", o.margin);
  if constexpr (requires { o.p; }) o.p = static_cast<decltype(o.p)>(r.real("p", static_cast<double>(o.p)));
  if constexpr (requires { o.swap; }) o.swap = r.flag("swap", o.swap);
  if constexpr (requires { o.smooth; }) o.smooth = r.real("smooth", o.smooth);
  if constexpr (requires { o.keepdim; }) o.keepdim = r.flag("keepdim", o.keepdim);
  if constexpr (requires { o.distance_function; })
    o.distance_function = distance_named(r.word("distance_function", "default"));
  return o;
}

struct Loss {
  oracle::Function function, module;
};

/// A loss called with the inputs of these names.
template <class Options, class Module, auto function, class... Names>
Loss loss_of(Names... names) {
  return {[=](const Record& r, const Tensors& in) {
            return Tensors{{"", function(in.at(names)..., options_of<Options>(r, in))}};
          },
          [=](const Record& r, const Tensors& in) {
            Module m(options_of<Options>(r, in));
            return Tensors{{"", m(in.at(names)...)}};
          }};
}
template <class Options, class Module, auto function>
Loss loss() {
  return loss_of<Options, Module, function>("input", "target");
}

/// The variance is an input or an option.
Loss gaussian_nll() {
  const auto call = [](const Record& r, const Tensors& in, auto&& loss) {
    const Tensor &x = in.at("input"), &t = in.at("target");
    return Tensors{{"", r.has("var") ? loss(x, t, Operand(r.real("var", 1))) : loss(x, t, Operand(in.at("var")))}};
  };
  return {[=](const Record& r, const Tensors& in) {
            const auto o = options_of<nn::GaussianNLLLossOptions>(r, in);
            return call(r, in, [&](const Tensor& x, const Tensor& t, const Operand& var) {
              return F::gaussian_nll_loss(x, t, var, o);
            });
          },
          [=](const Record& r, const Tensors& in) {
            nn::GaussianNLLLoss m(options_of<nn::GaussianNLLLossOptions>(r, in));
            return call(r, in, m);
          }};
}

Loss margin_ranking() {
  return {[](const Record& r, const Tensors& in) {
            return Tensors{{"", F::margin_ranking_loss(in.at("input1"), in.at("input2"), in.at("target"),
                                                       options_of<nn::MarginRankingLossOptions>(r, in))}};
          },
          [](const Record& r, const Tensors& in) {
            nn::MarginRankingLoss m(options_of<nn::MarginRankingLossOptions>(r, in));
            return Tensors{{"", m(in.at("input1"), in.at("input2"), in.at("target"))}};
          }};
}

Loss ctc() {
  return {
      [](const Record& r, const Tensors& in) {
        return Tensors{{"", F::ctc_loss(in.at("log_probs"), in.at("targets"), in.at("input_lengths"),
                                        in.at("target_lengths"), options_of<nn::CTCLossOptions>(r, in))}};
      },
      [](const Record& r, const Tensors& in) {
        nn::CTCLoss m(options_of<nn::CTCLossOptions>(r, in));
        return Tensors{{"", m(in.at("log_probs"), in.at("targets"), in.at("input_lengths"), in.at("target_lengths"))}};
      }};
}

/// The module of a record with its parameters, which `in` holds under their dotted names; it is made for each call.
template <class Call>
Tensors adaptive(const Record& r, const Tensors& in, const Call& call) {
  nn::AdaptiveLogSoftmaxWithLoss m(r.integer("in_features", 0), r.integer("n_classes", 0),
                                   r.options().at("cutoffs").get<std::vector<std::int64_t>>(),
                                   {.div_value = r.real("div_value", 4.0), .head_bias = r.flag("head_bias", false)});
  m.to(in.at("input").dtype());
  const auto share = [&](nn::Parameter& p, const std::string& name) {
    if (in.contains(name)) p.tie(in.at(name));
  };
  share(m.head.weight, "head.weight");
  share(m.head.bias, "head.bias");
  for (std::size_t i = 0; i < m.tail.size(); ++i)
    for (int k = 0; k < 2; ++k)
      share(m.tail.at<nn::Sequential>(i).at<nn::Linear>(k).weight, concat("tail.", i, ".", k, ".weight"));
  return call(m, in.at("input"));
}
Loss arcface() {
  return {[](const Record& r, const Tensors& in) {
            return Tensors{{"", F::arcface_loss(in.at("input"), in.at("weight"), in.at("target"),
                                                options_of<nn::ArcFaceLossOptions>(r, {}))}};
          },
          [](const Record& r, const Tensors& in) {
            const Tensor& weight = in.at("weight");
            nn::ArcFaceLoss m(weight.size(1), weight.size(0), options_of<nn::ArcFaceLossOptions>(r, {}));
            m.to(weight.dtype());
            m.weight.tie(weight);
            return Tensors{{"", m(in.at("input"), in.at("target"))}};
          }};
}
Loss same(const oracle::Function& f) { return {f, f}; }
Loss adaptive_loss() {
  return same([](const Record& r, const Tensors& in) {
    return adaptive(r, in, [&](nn::AdaptiveLogSoftmaxWithLoss& m, const Tensor& x) {
      auto [output, loss] = m(x, in.at("target"));
      return Tensors{{"output", output}, {"loss", loss}};
    });
  });
}
Loss adaptive_log_prob() {
  return same([](const Record& r, const Tensors& in) {
    return adaptive(r, in,
                    [](nn::AdaptiveLogSoftmaxWithLoss& m, const Tensor& x) { return Tensors{{"", m.log_prob(x)}}; });
  });
}
Loss adaptive_predict() {
  return same([](const Record& r, const Tensors& in) {
    return adaptive(r, in,
                    [](nn::AdaptiveLogSoftmaxWithLoss& m, const Tensor& x) { return Tensors{{"", m.predict(x)}}; });
  });
}

const std::map<std::string, Loss>& built() {
  static const std::map<std::string, Loss> all = {
      {"l1_loss", loss<nn::L1LossOptions, nn::L1Loss, F::l1_loss>()},
      {"mse_loss", loss<nn::MSELossOptions, nn::MSELoss, F::mse_loss>()},
      {"smooth_l1_loss", loss<nn::SmoothL1LossOptions, nn::SmoothL1Loss, F::smooth_l1_loss>()},
      {"huber_loss", loss<nn::HuberLossOptions, nn::HuberLoss, F::huber_loss>()},
      {"poisson_nll_loss", loss<nn::PoissonNLLLossOptions, nn::PoissonNLLLoss, F::poisson_nll_loss>()},
      {"gaussian_nll_loss", gaussian_nll()},
      {"log_cosh_loss", loss<nn::LogCoshLossOptions, nn::LogCoshLoss, F::log_cosh_loss>()},
      {"quantile_loss", loss<nn::QuantileLossOptions, nn::QuantileLoss, F::quantile_loss>()},
      {"sigmoid_focal_loss", loss<nn::SigmoidFocalLossOptions, nn::SigmoidFocalLoss, F::sigmoid_focal_loss>()},
      {"kl_div", loss<nn::KLDivLossOptions, nn::KLDivLoss, F::kl_div>()},
      {"margin_ranking_loss", margin_ranking()},
      {"hinge_embedding_loss", loss<nn::HingeEmbeddingLossOptions, nn::HingeEmbeddingLoss, F::hinge_embedding_loss>()},
      {"soft_margin_loss", loss<nn::SoftMarginLossOptions, nn::SoftMarginLoss, F::soft_margin_loss>()},
      {"binary_cross_entropy", loss<nn::BCELossOptions, nn::BCELoss, F::binary_cross_entropy>()},
      {"binary_cross_entropy_with_logits",
       loss<nn::BCEWithLogitsLossOptions, nn::BCEWithLogitsLoss, F::binary_cross_entropy_with_logits>()},
      {"focal_loss", loss<nn::FocalLossOptions, nn::FocalLoss, F::focal_loss>()},
      {"nll_loss", loss<nn::NLLLossOptions, nn::NLLLoss, F::nll_loss>()},
      {"cross_entropy", loss<nn::CrossEntropyLossOptions, nn::CrossEntropyLoss, F::cross_entropy>()},
      {"ctc_loss", ctc()},
      {"info_nce_loss", loss_of<nn::InfoNCELossOptions, nn::InfoNCELoss, F::info_nce_loss>("query", "key")},
      {"nt_xent_loss", loss_of<nn::NTXentLossOptions, nn::NTXentLoss, F::nt_xent_loss>("z1", "z2")},
      {"arcface_loss", arcface()},
      {"lovasz_hinge_loss", loss<nn::LovaszLossOptions, nn::LovaszHingeLoss, F::lovasz_hinge_loss>()},
      {"lovasz_softmax_loss", loss<nn::LovaszLossOptions, nn::LovaszSoftmaxLoss, F::lovasz_softmax_loss>()},
      {"adaptive_log_softmax_with_loss", adaptive_loss()},
      {"adaptive_log_softmax_with_loss.log_prob", adaptive_log_prob()},
      {"adaptive_log_softmax_with_loss.predict", adaptive_predict()},
      {"cosine_similarity",
       loss_of<nn::CosineSimilarityOptions, nn::CosineSimilarity, F::cosine_similarity>("x1", "x2")},
      {"cosine_embedding_loss",
       loss_of<nn::CosineEmbeddingLossOptions, nn::CosineEmbeddingLoss, F::cosine_embedding_loss>("input1", "input2",
                                                                                                  "target")},
      {"dice_loss", loss<nn::DiceLossOptions, nn::DiceLoss, F::dice_loss>()},
      {"multi_margin_loss", loss<nn::MultiMarginLossOptions, nn::MultiMarginLoss, F::multi_margin_loss>()},
      {"multilabel_margin_loss",
       loss<nn::MultiLabelMarginLossOptions, nn::MultiLabelMarginLoss, F::multilabel_margin_loss>()},
      {"multilabel_soft_margin_loss",
       loss<nn::MultiLabelSoftMarginLossOptions, nn::MultiLabelSoftMarginLoss, F::multilabel_soft_margin_loss>()},
      {"pairwise_distance",
       loss_of<nn::PairwiseDistanceOptions, nn::PairwiseDistance, F::pairwise_distance>("x1", "x2")},
      {"triplet_margin_loss", loss_of<nn::TripletMarginLossOptions, nn::TripletMarginLoss, F::triplet_margin_loss>(
                                  "anchor", "positive", "negative")},
      {"triplet_margin_with_distance_loss",
       loss_of<nn::TripletMarginWithDistanceLossOptions, nn::TripletMarginWithDistanceLoss,
               F::triplet_margin_with_distance_loss>("anchor", "positive", "negative")},
      {"tversky_loss", loss<nn::TverskyLossOptions, nn::TverskyLoss, F::tversky_loss>()},
  };
  return all;
}

// What the file has records of and the library does not build yet.
const std::set<std::string> not_built_yet = {};

// The functional weight of L1 and MSE is differentiable; a module keeps its weight as a constant.
bool has_module_form(const Record& r) {
  for (const std::string& name : r.differentiated())
    if (name == "weight") return false;
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(loss_records)

BOOST_AUTO_TEST_CASE(every_record_names_a_loss_that_is_built_or_listed_as_missing) {
  int missing = 0, total = 0;
  for (const Record& r : oracle::records("loss")) {
    ++total;
    const bool is_built = built().contains(r.name()), is_listed = not_built_yet.contains(r.name());
    BOOST_TEST(is_built != is_listed,
               r.name() << " is " << (is_built ? "both built and" : "neither built nor") << " listed");
    missing += is_listed;
  }
  BOOST_TEST_MESSAGE(missing << " of " << total << " records are of losses not built yet");
}

BOOST_AUTO_TEST_CASE(functions_agree_with_the_reference) {
  for (const Record& r : oracle::records("loss"))
    if (const auto found = built().find(r.name()); found != built().end()) oracle::check(r, found->second.function);
}

BOOST_AUTO_TEST_CASE(modules_agree_with_the_reference) {
  for (const Record& r : oracle::records("loss"))
    if (const auto found = built().find(r.name()); found != built().end() && has_module_form(r))
      oracle::check(r, found->second.module);
}

BOOST_AUTO_TEST_SUITE_END()
