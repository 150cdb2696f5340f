#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <sstream>

#include "support/checks.h"
#include "train/small_job.h"
#include "train_text/test_support.h"

using namespace small_job;
using train_text::FakeClock;

namespace {

volatile std::sig_atomic_t heard = 0;
void program_handler(int) { heard = heard + 1; }

// The program's own handler for SIGINT, which fit must put back.
class ProgramHandler {
 public:
  ProgramHandler() {
    heard = 0;
    struct sigaction action = {};
    action.sa_handler = program_handler;
    sigaction(SIGINT, &action, &before_);
  }
  ~ProgramHandler() { sigaction(SIGINT, &before_, nullptr); }
  ProgramHandler(const ProgramHandler&) = delete;
  ProgramHandler& operator=(const ProgramHandler&) = delete;
  // Whether it is the one in place, by its effect.
  static bool in_place() {
    const int before = heard;
    std::raise(SIGINT);
    return heard == before + 1;
  }

 private:
  struct sigaction before_ = {};
};

// A training in which Ctrl-C is pressed during the `at`-th batch that is looked at, training and validation counted
// together.
struct Run {
  enum Place { in_loss, in_metric, in_hook };

  Net net;
  Data data;
  FakeClock clock;
  std::ostringstream out;
  optim::Adam adam{net.parameters(), {.lr = 0.05}};
  train::Model model{net};
  int batches = 0;
  int at;
  int presses = 1;
  nn::ForwardHookHandle hook;

  explicit Run(int batch, Place place = in_loss, data::DataLoaderOptions options = {.batch_size = 4})
      : data(options), at(batch) {
    const auto count = [this] {
      if (++batches == at)
        for (int i = 0; i < presses; ++i) std::raise(SIGINT);
    };
    const auto loss = [=](const Tensor& p, const Tensor& t) {
      if (place == in_loss) count();
      return F::binary_cross_entropy(p, t);
    };
    const auto metric = [=](const Tensor& p, const Tensor& t) {
      if (place == in_metric) count();
      return train::accuracy(p, t);
    };
    if (place == in_hook)
      hook = net.fc1.register_forward_hook([=](nn::Module&, const Tensor&, const Tensor&) { count(); });
    model.compile(loss, adam, {{"accuracy", metric}});
  }
  train::History fit(std::int64_t epochs, train::Style style = train::Style::quiet) {
    return model.fit(epochs, data.train, data.valid, {.style = style, .out = &out, .clock = &clock});
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(fit_interrupt)

BOOST_AUTO_TEST_CASE(ctrl_c_finishes_the_batch_and_returns_the_history_wherever_it_is_pressed) {
  for (const Run::Place place : {Run::in_loss, Run::in_metric, Run::in_hook}) {
    const ProgramHandler program;
    Run run(8, place);  // an epoch is 3 batches and 2 of validation: this is the third batch of the second epoch
    const train::History history = run.fit(50);
    BOOST_TEST(run.batches == 8);
    BOOST_TEST(heard == 0);
    BOOST_TEST(ProgramHandler::in_place());

    // That batch took its whole step: as much as two epochs without the second validation.
    Net by_hand_net;
    Data by_hand_data;
    const ByHand expected = train_by_hand(by_hand_net, 2, by_hand_data);
    for (std::size_t i = 0; i < run.net.parameters().size(); ++i)
      BOOST_TEST(run.net.parameters()[i].to_vector<float>() == by_hand_net.parameters()[i].to_vector<float>(),
                 boost::test_tools::per_element());
    BOOST_TEST_REQUIRE(history.size() == 2U);
    BOOST_TEST(history["loss"][0] == expected.epochs[0][0]);
    BOOST_TEST(history["val_loss"][0] == expected.epochs[0][2]);
    BOOST_TEST(history["loss"][1] == expected.epochs[1][0]);
    BOOST_TEST(history["accuracy"][1] == expected.epochs[1][1]);
    BOOST_TEST(std::isnan(history["val_loss"][1]));
    BOOST_TEST(std::isnan(history["val_accuracy"][1]));
  }
}

BOOST_AUTO_TEST_CASE(an_epoch_cut_short_counts_the_batches_it_had) {
  const ProgramHandler program;
  Run run(7);
  const train::History history = run.fit(50);
  Net by_hand_net;
  Data by_hand_data;
  const ByHand expected = train_by_hand(by_hand_net, 2, by_hand_data);
  BOOST_TEST(run.batches == 7);
  BOOST_TEST_REQUIRE(history.size() == 2U);
  BOOST_TEST(history["loss"][1] == expected.steps[1][1][0]);
  BOOST_TEST(history["accuracy"][1] == expected.steps[1][1][1]);
}

BOOST_AUTO_TEST_CASE(in_the_first_epoch_the_history_has_all_its_columns) {
  const ProgramHandler program;
  Run run(1);
  const train::History history = run.fit(50);
  BOOST_TEST(run.batches == 1);
  const std::vector<std::string> columns = {"loss", "accuracy", "val_loss", "val_accuracy"};
  BOOST_TEST(history.columns() == columns, boost::test_tools::per_element());
  BOOST_TEST(history.size() == 1U);
  BOOST_TEST(std::isnan(history["val_loss"].back()));
}

BOOST_AUTO_TEST_CASE(validation_ends_after_its_batch_too_and_half_of_one_is_not_reported) {
  const ProgramHandler program;
  Run run(4);  // the first of two batches of validation
  const train::History history = run.fit(50, train::Style::automatic);
  BOOST_TEST(run.batches == 4);
  BOOST_TEST_REQUIRE(history.size() == 1U);
  BOOST_TEST(std::isfinite(history["loss"][0]));
  BOOST_TEST(std::isnan(history["val_loss"][0]));
  BOOST_TEST(run.out.str() ==
             "Epoch  1/50   0ms  loss 0.6987  accuracy 0.7500\n"
             "Interrupted: training ended after the batch at hand.\n");
  BOOST_TEST(run.net.is_training());
}

BOOST_AUTO_TEST_CASE(in_the_last_batch_of_validation_the_epoch_is_whole) {
  const ProgramHandler program;
  Run run(5);
  const train::History history = run.fit(50);
  BOOST_TEST(run.batches == 5);
  BOOST_TEST_REQUIRE(history.size() == 1U);
  BOOST_TEST(std::isfinite(history["val_loss"][0]));
}

BOOST_AUTO_TEST_CASE(a_second_fit_works_and_goes_on_from_there) {
  const ProgramHandler program;
  Run run(3);
  run.fit(50);
  run.at = 0;
  const train::History history = run.fit(2);
  BOOST_TEST(run.batches == 3 + 10);
  Net by_hand_net;
  Data by_hand_data;
  const ByHand expected = train_by_hand(by_hand_net, 3, by_hand_data);
  BOOST_TEST_REQUIRE(history.size() == 2U);
  BOOST_TEST(history["loss"][1] == expected.epochs[2][0]);
  BOOST_TEST(history["val_loss"][1] == expected.epochs[2][2]);
  BOOST_TEST(ProgramHandler::in_place());
}

BOOST_AUTO_TEST_CASE(workers_that_load_ahead_end_with_the_training) {
  const ProgramHandler program;
  Run run(2, Run::in_loss, {.batch_size = 1, .num_workers = 2});
  BOOST_TEST(run.fit(50).size() == 1U);
  BOOST_TEST(run.batches == 2);
}

BOOST_AUTO_TEST_CASE(the_logs_show_the_epoch_cut_short_and_say_why_it_ended) {
  const ProgramHandler program;
  Run plain(7);
  plain.fit(2, train::Style::automatic);
  BOOST_TEST(plain.out.str() ==
             "Epoch 1/2   0ms  loss 0.6987  accuracy 0.7500  val_loss 0.6591  val_accuracy 0.7500\n"
             "Epoch 2/2   0ms  loss 0.6012  accuracy 0.8750\n"
             "Interrupted: training ended after the batch at hand.\n");
  Run classic(1);
  classic.fit(2, train::Style::classic);
  const std::string bar = "\n" + std::string(80, '=') + "2020-07-11 23:34:17\n";
  BOOST_TEST(classic.out.str() == "Start Training ...\n" + bar +
                                      "{'step': 1, 'loss': 0.686, 'accuracy': 0.75}\n\n"
                                      " +-------+-------+----------+\n"
                                      "| epoch |  loss | accuracy |\n"
                                      "+-------+-------+----------+\n"
                                      "|   1   | 0.686 |   0.75   |\n"
                                      "+-------+-------+----------+\n" +
                                      bar +
                                      "Interrupted: training ended after the batch at hand.\n"
                                      "Finished Training...\n");
}

BOOST_AUTO_TEST_CASE(an_exception_puts_the_programs_handler_back) {
  const ProgramHandler program;
  Run run(0);
  run.model.compile([](const Tensor&, const Tensor&) -> Tensor { throw std::runtime_error("the loss failed"); },
                    run.adam);
  BOOST_CHECK_THROW(run.fit(1), std::runtime_error);
  BOOST_TEST(ProgramHandler::in_place());
}

BOOST_AUTO_TEST_CASE(a_second_ctrl_c_before_the_batch_has_ended_ends_the_program) {
  const auto status_after = [](int presses) {
    const pid_t child = fork();
    if (child == 0) {
      set_num_threads(1);  // the threads of the parent do not live here
      std::signal(SIGINT, SIG_DFL);
      Run run(3);
      run.presses = presses;
      run.fit(1);
      _exit(run.batches == 3 ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  };
  const int once = status_after(1);
  BOOST_TEST(WIFEXITED(once));
  BOOST_TEST(WEXITSTATUS(once) == 0);
  const int twice = status_after(2);
  BOOST_TEST(WIFSIGNALED(twice));
  BOOST_TEST(WTERMSIG(twice) == SIGINT);
}

BOOST_AUTO_TEST_SUITE_END()
