#include <boost/test/unit_test.hpp>
#include <cmath>
#include <csignal>
#include <sstream>
#include <stdexcept>

#include "support/checks.h"
#include "train/small_job.h"

using namespace small_job;

namespace {

const train::FitOptions quiet = {.style = train::Style::quiet};

// Every moment with what the loop tells of itself there.
struct Recorder : train::Callback {
  std::string events;
  void note(const std::string& what, const train::TrainLoop& loop) {
    events += what + " " + std::to_string(loop.epoch()) + "/" + std::to_string(loop.epochs()) + " " +
              std::to_string(loop.step()) + "/" + std::to_string(loop.steps()) + "; ";
  }
  void on_fit_begin(train::TrainLoop& loop) override { note("fit", loop); }
  void on_epoch_begin(train::TrainLoop& loop) override { note("epoch", loop); }
  void on_batch_end(train::TrainLoop& loop) override { note("batch", loop); }
  void on_validation_begin(train::TrainLoop& loop) override { note("validation", loop); }
  void on_validation_batch_end(train::TrainLoop& loop) override { note("checked", loop); }
  void on_epoch_end(train::TrainLoop& loop) override { note("end", loop); }
  void on_fit_end(train::TrainLoop& loop) override { note("done", loop); }
};

// One function called at one moment.
struct When : train::Callback {
  enum Moment { fit_begin, epoch_begin, batch_end, validation_begin, validation_batch_end, epoch_end, fit_end };
  Moment moment;
  Function<void(train::TrainLoop&)> action;
  When(Moment m, Function<void(train::TrainLoop&)> f) : moment(m), action(std::move(f)) {}
  void at(Moment m, train::TrainLoop& loop) {
    if (m == moment) action(loop);
  }
  void on_fit_begin(train::TrainLoop& loop) override { at(fit_begin, loop); }
  void on_epoch_begin(train::TrainLoop& loop) override { at(epoch_begin, loop); }
  void on_batch_end(train::TrainLoop& loop) override { at(batch_end, loop); }
  void on_validation_begin(train::TrainLoop& loop) override { at(validation_begin, loop); }
  void on_validation_batch_end(train::TrainLoop& loop) override { at(validation_batch_end, loop); }
  void on_epoch_end(train::TrainLoop& loop) override { at(epoch_end, loop); }
  void on_fit_end(train::TrainLoop& loop) override { at(fit_end, loop); }
};

struct Run {
  Net net;
  Data data;
  optim::Adam adam{net.parameters(), {.lr = 0.05}};
  train::Model model{net};
  std::ostringstream out;
  Run() { model.compile(nn::BCELoss(), adam, {{"accuracy", train::accuracy}}); }
  train::History fit(std::int64_t epochs, std::vector<train::Callback*> callbacks) {
    return model.fit(epochs, data.train, data.valid,
                     {.style = train::Style::quiet, .out = &out, .callbacks = std::move(callbacks)});
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(callbacks)

BOOST_AUTO_TEST_CASE(a_callback_is_told_every_moment_and_where_the_loop_stands) {
  Run run;
  Recorder recorder;
  run.fit(1, {&recorder});
  BOOST_TEST(recorder.events ==
             "fit 0/1 0/0; epoch 1/1 0/3; batch 1/1 1/3; batch 1/1 2/3; batch 1/1 3/3; validation 1/1 0/2; "
             "checked 1/1 1/2; checked 1/1 2/2; end 1/1 2/2; done 1/1 2/2; ");
  recorder.events.clear();
  run.model.fit(2, run.data.train, {.style = train::Style::quiet, .callbacks = {&recorder}});
  BOOST_TEST(recorder.events.find("validation") == std::string::npos);
  BOOST_TEST(recorder.events.ends_with("end 2/2 3/3; done 2/2 3/3; "));
  recorder.events.clear();
  run.fit(0, {&recorder});
  BOOST_TEST(recorder.events == "fit 0/0 3/3; done 0/0 3/3; ");
}

BOOST_AUTO_TEST_CASE(callbacks_come_in_their_order_and_see_the_values_of_the_history) {
  Run run;
  std::string order;
  std::vector<double> seen;
  When first(When::epoch_end, [&](train::TrainLoop&) { order += "a"; });
  When second(When::epoch_end, [&](train::TrainLoop& loop) {
    order += "b";
    seen.push_back(loop.value("val_loss"));
    BOOST_TEST(loop.values().size() == 4u);
    BOOST_TEST((loop.values() == loop.row()));
    check_error<ValueError>([&] { loop.value("auc"); },
                            "no value 'auc' at this moment; available: loss, accuracy, val_loss, val_accuracy");
  });
  const train::History history = run.fit(3, {&first, &second});
  BOOST_TEST(order == "ababab");
  BOOST_TEST(seen == history["val_loss"], boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_callback_can_stop_the_training_at_any_moment) {
  struct Case {
    When::Moment moment;
    std::size_t rows;
    bool validated;
  };
  for (const Case& c :
       {Case{When::fit_begin, 0, false}, Case{When::epoch_begin, 1, false}, Case{When::batch_end, 1, false},
        Case{When::validation_begin, 1, false}, Case{When::validation_batch_end, 1, false},
        Case{When::epoch_end, 1, true}, Case{When::fit_end, 5, true}}) {
    Run run;
    When stop(c.moment, [](train::TrainLoop& loop) { loop.stop("enough"); });
    const train::History history = run.fit(5, {&stop});
    BOOST_TEST(history.size() == c.rows, "moment " << c.moment);
    if (c.rows > 0) BOOST_TEST(std::isnan(history["val_loss"][0]) == !c.validated, "moment " << c.moment);
    // The model goes on as if nothing had been.
    BOOST_TEST(run.fit(2, {}).size() == 2u);
    BOOST_TEST(run.model.evaluate(run.data.valid).size() == 2u);
  }
}

BOOST_AUTO_TEST_CASE(a_stop_in_the_last_batch_of_a_validation_leaves_its_values) {
  Run run;
  When stop(When::validation_batch_end, [](train::TrainLoop& loop) {
    if (loop.step() == loop.steps()) loop.stop("enough");
  });
  const train::History history = run.fit(5, {&stop});
  BOOST_TEST_REQUIRE(history.size() == 1u);
  BOOST_TEST(std::isfinite(history["val_loss"][0]));
  BOOST_TEST(std::isfinite(history["val_accuracy"][0]));
}

BOOST_AUTO_TEST_CASE(the_reason_of_a_stop_is_the_last_line_of_the_log) {
  Run run;
  When stop(When::epoch_end, [](train::TrainLoop& loop) {
    if (loop.epoch() < 2) return;
    loop.stop("Stopped: good enough.");
    loop.stop("a second reason does not count");
  });
  std::ostringstream out;
  run.model.fit(5, run.data.train, {.out = &out, .callbacks = {&stop}});
  const std::string text = out.str();
  BOOST_TEST(text.ends_with("\nStopped: good enough.\n"), text);
  BOOST_TEST(text.find("Epoch 2/5") != std::string::npos);
  BOOST_TEST(text.find("Epoch 3/5") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(ctrl_c_and_a_stop_in_one_batch_end_the_training_once) {
  Run run;
  When both(When::batch_end, [](train::TrainLoop& loop) {
    std::raise(SIGINT);
    loop.stop();
  });
  BOOST_TEST(run.fit(5, {&both}).size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_a_callback_throws_ends_the_training_and_leaves_everything_usable) {
  for (const auto moment : {When::fit_begin, When::epoch_begin, When::batch_end, When::validation_begin,
                            When::validation_batch_end, When::epoch_end, When::fit_end}) {
    Run run;
    When fails(moment, [](train::TrainLoop&) { throw std::runtime_error("the callback failed"); });
    BOOST_CHECK_THROW(run.fit(2, {&fails}), std::runtime_error);
    BOOST_TEST(run.net.is_training());
    BOOST_TEST(grad_enabled());
    BOOST_TEST(run.fit(1, {}).size() == 1u);
  }
}

BOOST_AUTO_TEST_CASE(a_callback_may_evaluate_but_not_train_or_compile_the_same_model) {
  Run run;
  std::vector<double> measured;
  When look(When::batch_end, [&](train::TrainLoop& loop) {
    const std::int64_t step = loop.step();
    measured.push_back(run.model.evaluate(run.data.valid).at(0).second);
    BOOST_TEST(loop.step() == step);
    BOOST_TEST(run.net.is_training());
    check_error<ValueError>([&] { run.model.fit(1, run.data.train, quiet); }, "this model is being trained already");
    check_error<ValueError>([&] { run.model.compile(nn::BCELoss()); }, "compile: this model is being trained");
  });
  const train::History history = run.fit(2, {&look});
  BOOST_TEST(measured.size() == 6u);
  BOOST_TEST(history["val_loss"][0] == measured[2]);
  BOOST_TEST(history["val_loss"][1] == measured[5]);
  // The losses are those of a training that nobody looked at.
  Run alone;
  BOOST_TEST(alone.fit(2, {})["loss"] == history["loss"], boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_loop_by_steps_and_by_epochs_trains_as_fit_does) {
  Run run;
  const train::History history = run.fit(2, {});
  {
    Net net;
    Data data;
    optim::Adam adam(net.parameters(), {.lr = 0.05});
    train::TrainLoop loop(net, nn::BCELoss(), adam);
    for (std::size_t epoch = 0; epoch < 2; ++epoch) {
      double sum = 0, count = 0;
      for (auto& batch : data.train) {
        sum += loop.run_step(batch);
        ++count;
      }
      BOOST_TEST(sum / count == history["loss"][epoch]);
    }
  }
  Net net;
  Data data;
  optim::Adam adam(net.parameters(), {.lr = 0.05});
  train::TrainLoop loop(net, nn::BCELoss(), adam, {{"accuracy", train::accuracy}});
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    const train::LogValues trained = loop.run_epoch(data.train), checked = loop.run_validation(data.valid);
    BOOST_TEST(trained.at(0).second == history["loss"][epoch]);
    BOOST_TEST(trained.at(1).second == history["accuracy"][epoch]);
    BOOST_TEST(checked.at(0).second == history["val_loss"][epoch]);
    BOOST_TEST(checked.at(1).second == history["val_accuracy"][epoch]);
  }
  data::DataLoader empty(Data::rows(0, 1), {.batch_size = 2, .drop_last = true});
  check_error<ValueError>([&] { loop.run_epoch(empty); }, "run_epoch: the loader has no batches");
  check_error<ValueError>([&] { loop.run_validation(empty); }, "has no batches");
  check_error<ValueError>([&] { loop.run(1, data.train, nullptr, {nullptr}); }, "fit: a callback is null");
  check_error<ValueError>([&] { loop.run(-1, data.train); }, "must not be negative, got -1");
  check_error<IndexError>([&] { loop.run_step(data::Batch({inputs()})); }, "Batch: there is no tensor 1");
  check_error<ValueError>([&] { train::TrainLoop(net, nn::BCELoss(), adam, {{"loss", train::accuracy}}); }, "collides");
}

BOOST_AUTO_TEST_CASE(a_loss_is_a_function_with_default_options_a_module_or_a_lambda) {
  const auto loss_of = [](train::LossFunction loss) { return loss(tensor({0.5, 0.25}), tensor({1.0, 0.0})).item(); };
  BOOST_TEST(loss_of(F::mse_loss) == 0.15625);
  BOOST_TEST(loss_of(&F::mse_loss) == 0.15625);
  BOOST_TEST(loss_of(nn::MSELoss()) == 0.15625);
  nn::MSELoss kept({.reduction = Reduction::sum});
  BOOST_TEST(loss_of(kept) == 0.3125);
  BOOST_TEST(loss_of([](const Tensor& p, const Tensor& t) { return mean(p * t); }) == 0.25);
  BOOST_TEST(loss_of(mean_absolute_error) == 0.375);
  Net net;
  Data data;
  train::Model model(net);
  model.compile(F::binary_cross_entropy);
  BOOST_TEST(model.fit(1, data.train, quiet).size() == 1u);
  model.compile(F::mse_loss);
  data::DataLoader rows(data::TensorDataset(inputs(), zeros({16})), {.batch_size = 4});
  check_error<ShapeError>([&] { model.fit(1, rows, quiet); }, "mse_loss: prediction [4, 1] and target [4] differ");
}

BOOST_AUTO_TEST_SUITE_END()
