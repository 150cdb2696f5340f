#include <boost/test/unit_test.hpp>
#include <sstream>
#include <stdexcept>

#include "support/checks.h"
#include "train/small_job.h"
#include "train_text/test_support.h"

using namespace small_job;

namespace {

const train::FitOptions quiet = {.style = train::Style::quiet};

// Dropout makes the mode visible in the values; one of them stands for a part the user froze.
struct ModalNet : nn::Module {
  Net body = add("body", Net());
  nn::Dropout dropout = add("dropout", nn::Dropout(0.5));
  nn::Dropout frozen = add("frozen", nn::Dropout(0.5));
  ModalNet() { frozen.eval(); }
  Tensor forward(const Tensor& x) override {
    trained_in.push_back({is_training(), dropout.is_training(), grad_enabled()});
    return body(frozen(dropout(x)));
  }
  struct Mode {
    bool net, dropout, grad;
  };
  std::vector<Mode> trained_in;
};

// The mode of every module, in order.
std::vector<bool> modes(nn::Module& net) {
  std::vector<bool> out;
  for (const nn::Module* m : net.modules()) out.push_back(m->is_training());
  return out;
}

// A loss that throws in its `fatal`-th call, counted from 1.
struct FailingLoss {
  int fatal;
  int calls = 0;
  Tensor operator()(const Tensor& p, const Tensor& t) {
    if (++calls == fatal) throw std::runtime_error("the loss failed");
    return F::binary_cross_entropy(p, t);
  }
};

std::vector<std::vector<double>> values_of(const nn::Module& net) {
  std::vector<std::vector<double>> out;
  for (const Tensor& p : net.parameters()) out.push_back(p.to_vector<double>());
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fit)

BOOST_AUTO_TEST_CASE(training_runs_in_training_mode_and_validation_in_eval_mode_without_gradients) {
  for (const bool started_in_training : {true, false}) {
    ModalNet net;
    Data data;
    net.dropout.train(started_in_training);
    const std::vector<bool> before = modes(net);
    optim::SGD sgd(net.parameters(), {.lr = 0.1});
    train::Model model(net);
    model.compile(nn::BCELoss(), sgd);
    model.fit(2, data.train, data.valid, quiet);
    BOOST_TEST_REQUIRE(net.trained_in.size() == 10U);
    for (std::size_t i = 0; i < 10; ++i) {
      const bool training = i % 5 < 3;
      BOOST_TEST(net.trained_in[i].net == training);
      BOOST_TEST(net.trained_in[i].dropout == training);
      BOOST_TEST(net.trained_in[i].grad == training);
    }
    BOOST_TEST(modes(net) == before, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(an_exception_in_a_batch_leaves_every_mode_as_it_was_and_training_can_go_on) {
  for (const int fatal : {1, 2, 4, 5, 7}) {  // batches 4 and 5 are the validation of the first epoch
    ModalNet net;
    Data data({.batch_size = 4, .num_workers = 2});
    net.dropout.eval();
    const std::vector<bool> before = modes(net);
    train::Model model(net);
    FailingLoss loss{fatal};
    model.compile([&](const Tensor& p, const Tensor& t) { return loss(p, t); });
    std::ostringstream out;
    BOOST_CHECK_EXCEPTION(model.fit(2, data.train, data.valid, {.out = &out}), std::runtime_error,
                          [](const auto& e) { return e.what() == std::string("the loss failed"); });
    BOOST_TEST(modes(net) == before, boost::test_tools::per_element());
    BOOST_TEST(grad_enabled());
    BOOST_TEST(model.fit(2, data.train, data.valid, quiet).size() == 2U);
    BOOST_TEST(modes(net) == before, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(an_exception_from_the_loader_has_its_own_type) {
  Net net;
  const data::FunctionDataset broken(6, [](std::int64_t i) -> data::Sample {
    if (i == 4) throw std::out_of_range("sample 4 is missing");
    return {zeros({2}), zeros({1})};
  });
  train::Model model(net);
  model.compile(nn::BCELoss());
  for (const int workers : {0, 2}) {
    data::DataLoader loader(broken, {.batch_size = 2, .num_workers = workers});
    BOOST_CHECK_THROW(model.fit(1, loader, quiet), std::out_of_range);
    BOOST_CHECK_THROW(model.evaluate(loader), std::out_of_range);
    BOOST_CHECK_THROW(model.predict(loader), std::out_of_range);
    BOOST_TEST(net.is_training());
  }
}

BOOST_AUTO_TEST_CASE(training_works_where_gradients_are_off) {
  Net net;
  Data data;
  train::Model model(net);
  model.compile(nn::BCELoss());
  const auto before = values_of(net);
  const NoGradGuard no_grad;
  model.fit(1, data.train, quiet);
  BOOST_TEST(!grad_enabled());
  BOOST_TEST((values_of(net) != before));
}

BOOST_AUTO_TEST_CASE(evaluate_measures_what_fit_did_changes_no_mode_and_no_weight) {
  ModalNet net;
  Data data;
  train::Model model(net);
  optim::Adam adam(net.parameters(), {.lr = 0.05});
  model.compile(nn::BCELoss(), adam, {{"accuracy", train::accuracy}, {"auc", train::AUC()}});
  const train::History history = model.fit(2, data.train, data.valid, quiet);
  const std::vector<bool> before = modes(net);
  const auto weights = values_of(net);
  const train::LogValues got = model.evaluate(data.valid);
  BOOST_TEST_REQUIRE(got.size() == 3U);
  const std::vector<std::string> names = {"val_loss", "val_accuracy", "val_auc"};
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(got[i].first == names[i]);
    BOOST_TEST(got[i].second == history[names[i]].back());
  }
  BOOST_TEST(modes(net) == before, boost::test_tools::per_element());
  BOOST_TEST((values_of(net) == weights));
  for (const auto& mode : {net.trained_in.back(), net.trained_in[net.trained_in.size() - 2]}) {
    BOOST_TEST(!mode.net);
    BOOST_TEST(!mode.grad);
  }
}

BOOST_AUTO_TEST_CASE(predict_gives_all_batches_in_eval_mode_and_without_a_graph) {
  ModalNet net;
  Data data;
  train::Model model(net);  // needs no compile
  const std::vector<bool> before = modes(net);
  const Tensor p = model.predict(data.train);
  BOOST_TEST(modes(net) == before, boost::test_tools::per_element());
  BOOST_TEST(!p.requires_grad());
  BOOST_TEST((p.shape() == Shape{10, 1}));
  net.eval();
  BOOST_TEST(p.to_vector<double>() == net(inputs().slice(0, 0, 10)).to_vector<double>(),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(evaluate_and_predict_keep_the_mode_when_a_batch_throws) {
  ModalNet net;
  net.body.eval();
  Data data;
  const std::vector<bool> before = modes(net);
  train::Model model(net);
  FailingLoss loss{2};
  model.compile([&](const Tensor& p, const Tensor& t) { return loss(p, t); });
  BOOST_CHECK_THROW(model.evaluate(data.valid), std::runtime_error);
  BOOST_TEST(modes(net) == before, boost::test_tools::per_element());
  int calls = 0;
  const auto hook = net.register_forward_hook([&](nn::Module&, const Tensor&, const Tensor&) {
    if (++calls == 2) throw std::runtime_error("the hook failed");
  });
  BOOST_CHECK_THROW(model.predict(data.train), std::runtime_error);
  BOOST_TEST(modes(net) == before, boost::test_tools::per_element());
  BOOST_TEST(grad_enabled());
}

BOOST_AUTO_TEST_CASE(metric_objects_start_anew_for_every_epoch_and_for_validation) {
  struct Counter : train::Metric {
    std::int64_t rows = 0;
    void update(In y_pred, const Tensor&) override {
      BOOST_TEST(!y_pred->requires_grad());
      rows += y_pred->size(0);
    }
    double compute() const override { return static_cast<double>(rows); }
    void reset() override { rows = 0; }
  };
  Net net;
  Data data;
  train::Model model(net);
  model.compile(nn::BCELoss(), {{"rows", Counter()}});
  const train::History history = model.fit(3, data.train, data.valid, quiet);
  for (const double rows : history["rows"]) BOOST_TEST(rows == 10);
  for (const double rows : history["val_rows"]) BOOST_TEST(rows == 6);
  BOOST_TEST(model.evaluate(data.train).at(1).second == 10);
}

BOOST_AUTO_TEST_CASE(functions_are_means_over_batches_and_objects_see_all_samples) {
  Net net;
  Data data;
  train::Model model(net);
  model.compile(nn::BCELoss(), {{"by_batch", train::accuracy}, {"overall", train::Accuracy()}});
  const train::LogValues got = model.evaluate(data.valid);  // batches of 4 and 2
  const Tensor p = model.predict(data.valid), t = targets().slice(0, 10, 16);
  const double first = share_right(p.slice(0, 0, 4), t.slice(0, 0, 4)),
               second = share_right(p.slice(0, 4), t.slice(0, 4));
  BOOST_TEST(first != second);
  BOOST_TEST(got.at(1).second == (first + second) / 2);
  BOOST_TEST(got.at(2).second == (4 * first + 2 * second) / 6);
}

BOOST_AUTO_TEST_CASE(without_an_optimizer_it_is_adam_with_a_rate_of_a_thousandth) {
  Net given, own;
  Data data;
  optim::Adam adam(given.parameters(), {.lr = 1e-3});
  train::Model with(given), without(own);
  with.compile(nn::BCELoss(), adam);
  without.compile(nn::BCELoss());
  with.fit(2, data.train, quiet);
  without.fit(2, data.train, quiet);
  BOOST_TEST((values_of(given) == values_of(own)));
}

BOOST_AUTO_TEST_CASE(a_loss_may_be_a_function_a_lambda_a_module_or_a_variable) {
  const nn::BCELossOptions doubled{.reduction = Reduction::sum};
  nn::BCELoss variable(doubled);
  const auto trained = [](train::LossFunction loss) {
    Net net;
    Data data;
    train::Model model(net);
    model.compile(std::move(loss));
    return model.fit(1, data.train, quiet)["loss"].back();
  };
  const double expected = trained(
      [](const Tensor& p, const Tensor& t) { return F::binary_cross_entropy(p, t, {.reduction = Reduction::sum}); });
  BOOST_TEST(trained(variable) == expected);
  BOOST_TEST(trained(nn::BCELoss(doubled)) == expected);
  BOOST_TEST(trained(nn::BCELoss()) != expected);
}

BOOST_AUTO_TEST_CASE(a_second_fit_goes_on_from_the_first_and_has_a_history_of_its_own) {
  Net once_net, twice_net;
  Data once_data, twice_data;
  optim::Adam once_adam(once_net.parameters(), {.lr = 0.05}), twice_adam(twice_net.parameters(), {.lr = 0.05});
  train::Model once(once_net), twice(twice_net);
  once.compile(nn::BCELoss(), once_adam);
  twice.compile(nn::BCELoss(), twice_adam);
  const train::History all = once.fit(4, once_data.train, quiet);
  twice.fit(1, twice_data.train, quiet);
  const train::History rest = twice.fit(3, twice_data.train, quiet);
  BOOST_TEST_REQUIRE(rest.size() == 3U);
  for (std::size_t e = 0; e < 3; ++e) BOOST_TEST(rest["loss"][e] == all["loss"][e + 1]);
}

BOOST_AUTO_TEST_CASE(bad_calls_are_refused_before_anything_happens) {
  Net net;
  Data data;
  const data::TensorDataset nothing(zeros({0, 2}), zeros({0, 1}));
  data::DataLoader empty(nothing, {.batch_size = 4});
  data::DataLoader too_few(Data::rows(0, 10), {.batch_size = 16, .drop_last = true});
  train::Model model(net);
  std::ostringstream out;
  const train::FitOptions options = {.out = &out};
  check_error<ValueError>([&] { model.fit(1, data.train, options); },
                          "fit: call compile(loss, optimizer, metrics) first");
  check_error<ValueError>([&] { model.evaluate(data.valid); },
                          "evaluate: call compile(loss, optimizer, metrics) first");
  model.compile(nn::BCELoss());
  const auto before = values_of(net);
  check_error<ValueError>([&] { model.fit(-1, data.train, options); },
                          "fit: the number of epochs must not be negative, got -1");
  for (const auto style : {train::Style::automatic, train::Style::classic, train::Style::quiet})
    check_error<ValueError>([&] { model.fit(1, data.train, {.log_step_freq = 0, .style = style, .out = &out}); },
                            "fit: log_step_freq must be at least 1, got 0");
  check_error<ValueError>([&] { model.fit(1, empty, options); }, "fit: the training loader has no batches");
  check_error<ValueError>([&] { model.fit(1, too_few, options); }, "fit: the training loader has no batches");
  check_error<ValueError>([&] { model.fit(1, data.train, empty, options); },
                          "fit: the validation loader has no batches");
  check_error<ValueError>([&] { model.evaluate(empty); }, "evaluate: the loader has no batches");
  check_error<ValueError>([&] { (void)model.predict(empty); }, "predict: the loader has no batches");
  BOOST_TEST(out.str() == "");
  BOOST_TEST((values_of(net) == before));
  BOOST_TEST(net.is_training());
}

BOOST_AUTO_TEST_CASE(names_of_metrics_that_collide_are_refused_and_the_old_ones_stay) {
  Net net;
  Data data;
  train::Model model(net);
  model.compile(nn::BCELoss(), {{"accuracy", train::accuracy}});
  const auto compile = [&](std::vector<train::NamedMetric> metrics) {
    model.compile(nn::BCELoss(), std::move(metrics));
  };
  for (const char* const name : {"loss", "val_loss", "epoch"})
    check_error<ValueError>(
        [&] { compile({{name, train::accuracy}}); },
        concat("compile: a metric called \"", name, "\" collides with another column of the history"));
  check_error<ValueError>([&] { compile({{"auc", train::auc}, {"auc", train::AUC()}}); },
                          "a metric called \"auc\" collides");
  check_error<ValueError>([&] { compile({{"auc", train::auc}, {"val_auc", train::AUC()}}); },
                          "a metric called \"val_auc\" collides");
  check_error<ValueError>([&] { compile({{"a\nb", train::auc}}); }, "must be one line of text and not empty");
  BOOST_TEST(model.evaluate(data.valid).at(1).first == "val_accuracy");
}

BOOST_AUTO_TEST_CASE(an_error_in_a_batch_names_the_line_that_called_fit) {
  struct Wrong : nn::Module {
    nn::Linear fc = add("fc", nn::Linear(3, 1));
    Tensor forward(const Tensor& x) override { return fc(x); }
  } wrong;
  Data data;
  train::Model model(wrong);
  model.compile(nn::MSELoss());
  check_error<ShapeError>([&] { model.fit(1, data.train, quiet); }, "fit_test.cpp:");
  check_error<ShapeError>([&] { model.evaluate(data.train); }, "fit_test.cpp:");
  check_error<ShapeError>([&] { (void)model.predict(data.train); }, "fit_test.cpp:");
}

BOOST_AUTO_TEST_SUITE_END()
