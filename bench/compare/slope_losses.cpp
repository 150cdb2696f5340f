#include <cstring>

#include "harness.h"
#include "losses.h"
#include "slope/slope.h"

using namespace slope;

namespace {

using Inputs = std::vector<Tensor>;
using Loss = Tensor (*)(const Inputs&);

const std::map<std::string, Loss>& losses() {
  static const std::map<std::string, Loss> all = {
      {"mse_loss", [](const Inputs& in) { return F::mse_loss(in[0], in[1]); }},
      {"l1_loss", [](const Inputs& in) { return F::l1_loss(in[0], in[1]); }},
      {"smooth_l1_loss", [](const Inputs& in) { return F::smooth_l1_loss(in[0], in[1]); }},
      {"huber_loss", [](const Inputs& in) { return F::huber_loss(in[0], in[1]); }},
      {"poisson_nll_loss", [](const Inputs& in) { return F::poisson_nll_loss(in[0], in[1]); }},
      {"gaussian_nll_loss", [](const Inputs& in) { return F::gaussian_nll_loss(in[0], in[1], in[2]); }},
      {"log_cosh_loss", [](const Inputs& in) { return F::log_cosh_loss(in[0], in[1]); }},
      {"quantile_loss", [](const Inputs& in) { return F::quantile_loss(in[0], in[1], {.q = 0.9}); }},
      {"binary_cross_entropy", [](const Inputs& in) { return F::binary_cross_entropy(in[0], in[1]); }},
      {"binary_cross_entropy_with_logits", [](const Inputs& in) { return F::binary_cross_entropy_with_logits(in[0], in[1]); }},
      {"sigmoid_focal_loss", [](const Inputs& in) { return F::sigmoid_focal_loss(in[0], in[1], {.reduction = Reduction::mean}); }},
      {"focal_loss", [](const Inputs& in) { return F::focal_loss(in[0], in[1]); }},
      {"kl_div", [](const Inputs& in) { return F::kl_div(in[0], in[1], {.reduction = Reduction::batchmean}); }},
      {"soft_margin_loss", [](const Inputs& in) { return F::soft_margin_loss(in[0], in[1]); }},
      {"hinge_embedding_loss", [](const Inputs& in) { return F::hinge_embedding_loss(in[0], in[1]); }},
      {"margin_ranking_loss", [](const Inputs& in) { return F::margin_ranking_loss(in[0], in[1], in[2]); }},
      {"charbonnier_loss", [](const Inputs& in) { return F::charbonnier_loss(in[0], in[1]); }},
      {"msle_loss", [](const Inputs& in) { return F::msle_loss(in[0], in[1]); }},
      {"mape_loss", [](const Inputs& in) { return F::mape_loss(in[0], in[1]); }},
      {"dice_loss", [](const Inputs& in) { return F::dice_loss(in[0], in[1]); }},
      {"tversky_loss", [](const Inputs& in) { return F::tversky_loss(in[0], in[1]); }},
      {"nll_loss", [](const Inputs& in) { return F::nll_loss(in[0], in[1]); }},
      {"cross_entropy", [](const Inputs& in) { return F::cross_entropy(in[0], in[1]); }},
      {"cross_entropy_smoothing", [](const Inputs& in) { return F::cross_entropy(in[0], in[1], {.label_smoothing = 0.1}); }},
      {"cross_entropy_probabilities", [](const Inputs& in) { return F::cross_entropy(in[0], in[1]); }},
      {"multi_margin_loss", [](const Inputs& in) { return F::multi_margin_loss(in[0], in[1]); }},
      {"multilabel_margin_loss", [](const Inputs& in) { return F::multilabel_margin_loss(in[0], in[1]); }},
      {"multilabel_soft_margin_loss", [](const Inputs& in) { return F::multilabel_soft_margin_loss(in[0], in[1]); }},
      {"cosine_similarity", [](const Inputs& in) { return F::cosine_similarity(in[0], in[1]).sum(); }},
      {"cosine_embedding_loss", [](const Inputs& in) { return F::cosine_embedding_loss(in[0], in[1], in[2]); }},
      {"pairwise_distance", [](const Inputs& in) { return F::pairwise_distance(in[0], in[1]).sum(); }},
      {"triplet_margin_loss", [](const Inputs& in) { return F::triplet_margin_loss(in[0], in[1], in[2]); }},
      {"triplet_margin_with_distance_loss",
       [](const Inputs& in) { return F::triplet_margin_with_distance_loss(in[0], in[1], in[2]); }},
      {"info_nce_loss", [](const Inputs& in) { return F::info_nce_loss(in[0], in[1]); }},
      {"nt_xent_loss", [](const Inputs& in) { return F::nt_xent_loss(in[0], in[1]); }},
  };
  return all;
}

Tensor to_tensor(const compare::Data& d) {
  const bool integers = !d.integers.empty();
  const Tensor t = empty(Shape(d.shape), {.dtype = integers ? int64 : float32});
  if (integers)
    std::memcpy(t.data_ptr<std::int64_t>(), d.integers.data(), d.integers.size() * 8);
  else
    std::memcpy(t.data_ptr<float>(), d.floats.data(), d.floats.size() * 4);
  return t;
}

void add_work(const std::string& name, Loss loss, const std::function<Inputs()>& make, bool backward) {
  compare::slope_works().add(name, [=]() -> compare::Work {
    const Inputs in = make();
    if (!backward)
      return [=] {
        NoGradGuard no_grad;
        (void)loss(in);
      };
    return [=] {
      loss(in).backward();
      for (const Tensor& t : in)
        if (t.requires_grad()) t.zero_grad();
    };
  });
}

const compare::Registered registered([] {
  compare::slope_works().set_threads = [](int n) { set_num_threads(n); };
  for (const compare::LossRow& row : compare::loss_rows())
    for (const compare::Size& size : compare::sizes_of(row))
      for (const bool backward : {false, true})
        add_work(compare::work_name(row, size, backward), losses().at(row.name), [row, size] {
          Inputs in;
          for (std::size_t i = 0; i < row.inputs.size(); ++i)
            in.push_back(to_tensor(compare::make_data(row, size, i)).requires_grad_(static_cast<int>(i) < row.differentiated));
          return in;
        }, backward);
});

}  // namespace
