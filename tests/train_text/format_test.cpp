#include "slope/train/console/format.h"

#include <boost/test/unit_test.hpp>
#include <clocale>
#include <cmath>
#include <limits>

#include "python_cases.h"
#include "slope/autograd/core/error.h"
#include "test_support.h"

using namespace slope::train;
using train_text::error_of;

BOOST_AUTO_TEST_SUITE(lines_of_items)

BOOST_AUTO_TEST_CASE(a_line_takes_items_up_to_its_last_column) {
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  const auto counts = [&](int columns) { return items_per_line(names, {5, 5, 5, 5}, columns, 3, 1); };
  BOOST_TEST((counts(23) == std::vector<std::size_t>{4}));
  BOOST_TEST((counts(22) == std::vector<std::size_t>{3, 1}));
  BOOST_TEST((counts(13) == std::vector<std::size_t>{2, 2}));
  BOOST_TEST((counts(12) == std::vector<std::size_t>{1, 2, 1}));
  BOOST_TEST((counts(11) == std::vector<std::size_t>{1, 2, 1}));
  BOOST_TEST((counts(10) == std::vector<std::size_t>{1, 1, 1, 1}));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(number_text)

BOOST_AUTO_TEST_CASE(repr_and_rounding_are_those_of_python) {
  for (const auto& number : python_cases::numbers) {
    BOOST_TEST(python_repr(number.value) == number.repr);
    BOOST_TEST(rounded_repr(number.value) == number.round3);
    BOOST_TEST(rounded_repr(number.value, 1) == number.round1);
  }
}

BOOST_AUTO_TEST_CASE(rounding_takes_the_exact_binary_value) {
  BOOST_TEST(rounded_repr(2.675, 2) == "2.67");
  BOOST_TEST(rounded_repr(2.5, 0) == "2.0");
  BOOST_TEST(rounded_repr(3.5, 0) == "4.0");
  BOOST_TEST(rounded_repr(0.0625, 3) == "0.062");
  BOOST_TEST(rounded_repr(0.1875, 3) == "0.188");
  BOOST_TEST(python_round(1.0 / 3, 400) == 1.0 / 3);
  BOOST_TEST(std::signbit(python_round(-0.0001, 3)));
  BOOST_TEST(std::isnan(python_round(std::nan(""), 3)));
}

BOOST_AUTO_TEST_CASE(rounding_to_a_negative_number_of_digits_is_refused) {
  BOOST_TEST(error_of<slope::ValueError>([] { python_round(1.0, -1); }) ==
             "python_round: digits must not be negative, got -1");
}

BOOST_AUTO_TEST_CASE(a_decimal_comma_locale_changes_nothing) {
  const std::string before = std::setlocale(LC_NUMERIC, nullptr);
  // Not installed everywhere; without it the test still checks the plain locale.
  std::setlocale(LC_NUMERIC, "de_DE.UTF-8");
  BOOST_TEST(rounded_repr(0.0215) == "0.021");
  BOOST_TEST(significant(12.3456) == "12.35");
  std::setlocale(LC_NUMERIC, before.c_str());
}

BOOST_AUTO_TEST_CASE(significant_digits_keep_their_zeros_and_stay_plain_for_everyday_sizes) {
  BOOST_TEST(significant(0.022134) == "0.02213");
  BOOST_TEST(significant(0.97) == "0.9700");
  BOOST_TEST(significant(1.0) == "1.000");
  BOOST_TEST(significant(12.3456) == "12.35");
  BOOST_TEST(significant(1.2e-7) == "1.200e-07");
  BOOST_TEST(significant(0.0) == "0.000");
  BOOST_TEST(significant(1234.0) == "1234");
  BOOST_TEST(significant(5.0, 1) == "5");
  BOOST_TEST(significant(5.0, 2) == "5.0");
  BOOST_TEST(significant(-0.5, 2) == "-0.50");
  BOOST_TEST(significant(123456.0) == "1.235e+05");
  BOOST_TEST(significant(std::nan("")) == "nan");
  BOOST_TEST(error_of<slope::ValueError>([] { significant(1.0, 0); }) == "significant: digits must be 1 to 17, got 0");
}

BOOST_AUTO_TEST_CASE(thousands_are_parted_by_commas) {
  BOOST_TEST(with_commas(0) == "0");
  BOOST_TEST(with_commas(999) == "999");
  BOOST_TEST(with_commas(1000) == "1,000");
  BOOST_TEST(with_commas(4183) == "4,183");
  BOOST_TEST(with_commas(123456) == "123,456");
  BOOST_TEST(with_commas(61100840) == "61,100,840");
  BOOST_TEST(with_commas(-1) == "-1");
  BOOST_TEST(with_commas(-123456) == "-123,456");
  BOOST_TEST(with_commas(std::numeric_limits<std::int64_t>::min()) == "-9,223,372,036,854,775,808");
}

BOOST_AUTO_TEST_CASE(a_dict_keeps_its_order_and_every_digit) {
  BOOST_TEST(python_dict_repr({{"val_loss", 0.13576620258390903}, {"val_accuracy", 0.9441666702429453}}) ==
             "{'val_loss': 0.13576620258390903, 'val_accuracy': 0.9441666702429453}");
  BOOST_TEST(python_dict_repr({}) == "{}");
}

BOOST_AUTO_TEST_CASE(a_step_line_rounds_to_three_decimals) {
  BOOST_TEST(python_step_repr(30, {{"loss", 0.02139}, {"accuracy", 0.97166}}) ==
             "{'step': 30, 'loss': 0.021, 'accuracy': 0.972}");
  BOOST_TEST(python_step_repr(1, {{"loss", std::nan("")}, {"accuracy", 1}}) ==
             "{'step': 1, 'loss': nan, 'accuracy': 1.0}");
}

BOOST_AUTO_TEST_CASE(strings_are_quoted_as_python_does) {
  BOOST_TEST(python_repr("loss") == "'loss'");
  BOOST_TEST(python_repr("it's") == "\"it's\"");
  BOOST_TEST(python_repr("it's \"it\"") == "'it\\'s \"it\"'");
  BOOST_TEST(python_repr("a\\b\n\t\r\x01\x7f") == "'a\\\\b\\n\\t\\r\\x01\\x7f'");
  BOOST_TEST(python_repr("精度") == "'精度'");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(text_width)

BOOST_AUTO_TEST_CASE(width_counts_terminal_columns_not_bytes) {
  BOOST_TEST(display_width("") == 0);
  BOOST_TEST(display_width("loss") == 4);
  BOOST_TEST(display_width("é") == 1);
  BOOST_TEST(display_width("e\u0301") == 1);
  BOOST_TEST(display_width("精度") == 4);
  BOOST_TEST(display_width("🐌") == 2);
  BOOST_TEST(display_width("█▌") == 2);
}

BOOST_AUTO_TEST_CASE(broken_utf8_counts_byte_by_byte) {
  BOOST_TEST(display_width("\xff\xfe") == 2);
  BOOST_TEST(display_width("\xe7\xb2") == 2);
  BOOST_TEST(display_width("a\xe7z") == 3);
}

BOOST_AUTO_TEST_CASE(clipping_never_cuts_a_character) {
  BOOST_TEST(clip_to_width("loss", 2) == "lo");
  BOOST_TEST(clip_to_width("精度", 3) == "精");
  BOOST_TEST(clip_to_width("精度", 1) == "");
  BOOST_TEST(clip_to_width("loss", 0) == "");
  BOOST_TEST(clip_to_width("loss", 9) == "loss");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(text_table)

BOOST_AUTO_TEST_CASE(tables_are_those_of_prettytable) {
  for (const auto& expected : python_cases::tables) {
    TextTable table(expected.titles);
    for (const auto& row : expected.rows) table.add_row(row);
    BOOST_TEST(table.to_string() == expected.text);
  }
}

BOOST_AUTO_TEST_CASE(a_row_of_the_wrong_length_is_refused_and_leaves_the_table_alone) {
  TextTable table({"epoch", "loss"});
  table.add_row({"1", "0.5"});
  const std::string before = table.to_string();
  BOOST_TEST(error_of<slope::ValueError>([&] { table.add_row({"2"}); }) ==
             "TextTable: a row of 1 cells does not fit 2 columns");
  BOOST_TEST(error_of<slope::ValueError>([&] { table.add_row({"2", "0.5\n"}); }) ==
             "TextTable: the cell \"0.5\n\" holds a line break");
  BOOST_TEST(table.to_string() == before);
}

BOOST_AUTO_TEST_CASE(titles_must_be_distinct_single_lines) {
  BOOST_TEST(error_of<slope::ValueError>([] { TextTable({"loss", "loss"}); }) ==
             "TextTable: two columns are called \"loss\"");
  BOOST_TEST(error_of<slope::ValueError>([] { TextTable({"a\nb"}); }) ==
             "TextTable: the column title \"a\nb\" holds a line break");
  BOOST_TEST(error_of<slope::ValueError>([] { TextTable(std::vector<std::string>{}); }) ==
             "TextTable: a table needs at least one column");
}

BOOST_AUTO_TEST_SUITE_END()
