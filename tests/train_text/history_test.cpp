#include "slope/train/history.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>

#include "slope/autograd/core/error.h"
#include "slope/io/internal/text_file.h"
#include "test_support.h"

using namespace slope::train;
using namespace train_text;

namespace {

History three_epochs() {
  History history;
  history.append({{"loss", 0.5}, {"accuracy", 0.8}, {"val_loss", 0.6}});
  history.append({{"loss", 0.25}, {"accuracy", 0.9}, {"val_loss", 0.4}});
  history.append({{"loss", 0.125}, {"accuracy", 0.9}, {"val_loss", 0.45}});
  return history;
}

std::string csv(const History& history) {
  std::ostringstream out;
  history.write_csv(out);
  return out.str();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(history)

BOOST_AUTO_TEST_CASE(columns_keep_the_order_in_which_they_came) {
  const History history = three_epochs();
  BOOST_TEST(history.size() == 3U);
  BOOST_TEST((history.columns() == std::vector<std::string>{"loss", "accuracy", "val_loss"}));
  BOOST_TEST((history["loss"] == std::vector<double>{0.5, 0.25, 0.125}));
  BOOST_TEST((history.row(2) == LogValues{{"loss", 0.25}, {"accuracy", 0.9}, {"val_loss", 0.4}}));
}

BOOST_AUTO_TEST_CASE(an_unknown_column_is_answered_with_the_known_ones) {
  BOOST_TEST(error_of<slope::ValueError>([] { three_epochs()["val_auc"]; }) ==
             "History: no column 'val_auc'; available: loss, accuracy, val_loss");
  BOOST_TEST(error_of<slope::ValueError>([] { History()["loss"]; }) ==
             "History: no column 'loss'; available: none yet");
}

BOOST_AUTO_TEST_CASE(a_late_column_is_nan_before_and_a_missing_value_is_nan) {
  History history;
  history.append({{"loss", 1}});
  history.append({{"loss", 2}, {"lr", 0.1}});
  history.append({{"lr", 0.2}});
  BOOST_TEST(std::isnan(history["lr"][0]));
  BOOST_TEST(history["lr"][2] == 0.2);
  BOOST_TEST(std::isnan(history["loss"][2]));
}

BOOST_AUTO_TEST_CASE(a_bad_row_changes_nothing) {
  History history = three_epochs();
  const std::string before = csv(history);
  BOOST_TEST(error_of<slope::ValueError>([&] { history.append({{"new", 1}, {"loss", 1}, {"loss", 2}}); }) ==
             "History::append: 'loss' stands twice; give each metric its own name");
  BOOST_TEST(error_of<slope::ValueError>([&] { history.append({{"", 1}}); }) ==
             "History::append: a value has an empty name");
  BOOST_TEST(csv(history) == before);
}

BOOST_AUTO_TEST_CASE(best_is_the_first_epoch_that_is_never_beaten) {
  const History history = three_epochs();
  BOOST_TEST(history.best("val_loss", Mode::min).epoch == 2U);
  BOOST_TEST(history.best("val_loss", Mode::min).value == 0.4);
  BOOST_TEST(history.best("accuracy", Mode::max).epoch == 2U);
  BOOST_TEST(history.best("loss", Mode::max).epoch == 1U);
}

BOOST_AUTO_TEST_CASE(best_may_be_the_last_epoch_or_the_only_one) {
  const History history = History::from_rows({"a", "b"}, {{3, 1}, {2, 2}, {1, 3}});
  BOOST_TEST(history.best("a", Mode::min).epoch == 3U);
  BOOST_TEST(history.best("a", Mode::min).value == 1.0);
  BOOST_TEST(history.best("b", Mode::max).epoch == 3U);
  const History single = History::from_rows({"a"}, {{3}});
  BOOST_TEST(single.best("a", Mode::min).epoch == 1U);
  BOOST_TEST(single.best("a", Mode::max).value == 3.0);
}

BOOST_AUTO_TEST_CASE(best_passes_over_nan_but_not_over_infinity) {
  const double nan = std::nan("");
  const double inf = std::numeric_limits<double>::infinity();
  const History history = History::from_rows({"a", "b"}, {{nan, nan}, {3, nan}, {inf, nan}, {nan, nan}});
  BOOST_TEST(history.best("a", Mode::min).epoch == 2U);
  BOOST_TEST(history.best("a", Mode::max).epoch == 3U);
  BOOST_TEST(error_of<slope::ValueError>([&] { history.best("b", Mode::min); }) ==
             "History::best: column 'b' holds no number in 4 epochs");
}

BOOST_AUTO_TEST_CASE(epochs_are_counted_from_one) {
  const History history = three_epochs();
  BOOST_TEST(history.row(1)[0].second == 0.5);
  BOOST_TEST(error_of<slope::IndexError>([&] { history.row(0); }) == "History::row: epoch 0 is out of range [1, 3]");
  BOOST_TEST(error_of<slope::IndexError>([&] { history.row(4); }) == "History::row: epoch 4 is out of range [1, 3]");
}

BOOST_AUTO_TEST_CASE(a_history_can_be_put_together_from_rows) {
  const History history = three_epochs();
  const History copy =
      History::from_rows({"loss", "accuracy", "val_loss"}, {{.5, .8, .6}, {.25, .9, .4}, {.125, .9, .45}});
  BOOST_TEST(csv(copy) == csv(history));
  BOOST_TEST(error_of<slope::ValueError>([] { History::from_rows({"a", "b"}, {{1, 2}, {3}}); }) ==
             "History::from_rows: row 1 has 1 values for 2 columns");
  BOOST_TEST(error_of<slope::ValueError>([] { History::from_rows({"a", "a"}, {}); }) ==
             "History::from_rows: two columns are called 'a'");
}

BOOST_AUTO_TEST_CASE(csv_numbers_read_back_exactly) {
  History history;
  history.append({{"loss", 0.1 + 0.2}, {"acc", 1}});
  history.append({{"loss", std::nan("")}, {"acc", 1e-7}});
  BOOST_TEST(csv(history) == "epoch,loss,acc\n1,0.30000000000000004,1.0\n2,nan,1e-07\n");
}

BOOST_AUTO_TEST_CASE(csv_takes_an_epoch_column_as_it_is) {
  History history;
  history.append({{"epoch", 5}, {"loss", 0.5}});
  BOOST_TEST(csv(history) == "epoch,loss\n5.0,0.5\n");
  BOOST_TEST(csv(History()) == "epoch\n");
}

BOOST_AUTO_TEST_CASE(csv_fields_are_quoted_when_they_must_be) {
  BOOST_TEST(slope::io::csv_field("loss") == "loss");
  BOOST_TEST(slope::io::csv_field("a b") == "a b");
  BOOST_TEST(slope::io::csv_field("a,b") == "\"a,b\"");
  BOOST_TEST(slope::io::csv_field("say \"hi\"") == "\"say \"\"hi\"\"\"");
  BOOST_TEST(slope::io::csv_field("two\nlines") == "\"two\nlines\"");
  BOOST_TEST(slope::io::csv_field(" padded") == "\" padded\"");
  BOOST_TEST(slope::io::csv_field("") == "");
  History history;
  history.append({{"top 1, \"strict\"", 0.5}});
  BOOST_TEST(csv(history) == "epoch,\"top 1, \"\"strict\"\"\"\n1,0.5\n");
}

BOOST_AUTO_TEST_CASE(a_csv_file_is_written_with_its_folders_and_replaced_whole) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs/first/history.csv";
  History history = three_epochs();
  history.to_csv(path);
  history.append({{"loss", 0.1}});
  history.to_csv(path);
  BOOST_TEST(contents(path) == csv(history));
  const auto files = std::filesystem::directory_iterator(folder / "runs/first");
  BOOST_TEST(std::distance(begin(files), end(files)) == 1);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_written_is_an_error_that_names_it) {
  const TemporaryFolder folder;
  slope::io::write_text_file(folder / "plain", "x");
  const std::string below_a_file = folder / "plain/history.csv";
  const std::string message = error_of<slope::IoError>([&] { three_epochs().to_csv(below_a_file); });
  BOOST_TEST(holds(message, "cannot write " + below_a_file));
  BOOST_TEST(contents(folder / "plain") == "x");
}

BOOST_AUTO_TEST_CASE(a_folder_in_the_place_of_the_file_is_an_error_and_leaves_no_draft) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "history.csv/inside");
  BOOST_TEST(holds(error_of<slope::IoError>([&] { three_epochs().to_csv(folder / "history.csv"); }), "cannot write"));
  const auto files = std::filesystem::directory_iterator(folder.path());
  BOOST_TEST(std::distance(begin(files), end(files)) == 1);
}

BOOST_AUTO_TEST_CASE(a_history_prints_as_a_table) {
  BOOST_TEST(three_epochs().to_string() == R"(+-------+-------+----------+----------+
| epoch |  loss | accuracy | val_loss |
+-------+-------+----------+----------+
|   1   |  0.5  |   0.8    |   0.6    |
|   2   |  0.25 |   0.9    |   0.4    |
|   3   | 0.125 |   0.9    |   0.45   |
+-------+-------+----------+----------+)");
  std::ostringstream out;
  out << three_epochs();
  BOOST_TEST(out.str() == three_epochs().to_string());
}

BOOST_AUTO_TEST_CASE(a_table_wider_than_its_room_becomes_several_that_begin_with_the_epoch) {
  const History history = three_epochs();
  BOOST_TEST(history.to_string(39) == history.to_string());
  BOOST_TEST(history.to_string(38) == R"(+-------+-------+----------+
| epoch |  loss | accuracy |
+-------+-------+----------+
|   1   |  0.5  |   0.8    |
|   2   |  0.25 |   0.9    |
|   3   | 0.125 |   0.9    |
+-------+-------+----------+
+-------+----------+
| epoch | val_loss |
+-------+----------+
|   1   |   0.6    |
|   2   |   0.4    |
|   3   |   0.45   |
+-------+----------+)");
  for (int columns = 20; columns < 39; ++columns) {
    std::istringstream lines(history.to_string(columns));
    for (std::string line; std::getline(lines, line);) BOOST_TEST(display_width(line) <= columns);
  }
  BOOST_TEST(History().to_string(1) == "+-------+\n| epoch |\n+-------+\n+-------+");
  BOOST_TEST(History::from_rows({"loss", "epoch"}, {{0.5, 7}}).to_string() ==
             "+-------+------+\n| epoch | loss |\n+-------+------+\n|  7.0  | 0.5  |\n+-------+------+");
}

BOOST_AUTO_TEST_SUITE_END()
