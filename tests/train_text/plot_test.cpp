#include "slope/train/plot/plot.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>

#include "slope/autograd/core/error.h"
#include "slope/io/internal/text_file.h"
#include "slope/train/history.h"
#include "slope/train/plot/internal/plot_script.h"
#include "slope/train/plot/internal/process.h"
#include "test_support.h"

using namespace slope::train;
using namespace train_text;
namespace fs = std::filesystem;

namespace {

Figure two_classes() {
  return {.panels = {
              {.title = "data",
               .series = {scatter("negative", {-1, 0, 1}, {1, 0, 1}, "green"), scatter("positive", {0.5}, {2}, "red")},
               .equal_axes = true}}};
}

Figure bowl() {
  Grid grid = Grid::over(-1, 1, 21, -1, 1, 21);
  for (const auto& [x, y] : grid.points()) grid.z.push_back((x * x + y * y) / 2);
  return {.panels = {{.title = "map", .heat_maps = {{.grid = grid, .levels = {0.25, 7}, .level_label = "z = 0.25"}}}}};
}

bool have_gnuplot() { return !find_program("gnuplot").empty(); }
boost::test_tools::assertion_result gnuplot_is_installed(boost::unit_test::test_unit_id) { return have_gnuplot(); }

std::string script_of(const Figure& figure) { return detail::plot_script(figure, "p", {}).commands; }
std::string data_of(const Figure& figure) { return detail::plot_script(figure, "p", {}).data; }

// Width and height of a PNG picture, from its header.
std::pair<int, int> png_size(const std::string& path) {
  const std::string bytes = contents(path);
  if (bytes.size() < 24 || bytes.substr(1, 3) != "PNG") return {0, 0};
  const auto number = [&](std::size_t at) {
    int value = 0;
    for (std::size_t i = at; i < at + 4; ++i) value = value * 256 + static_cast<unsigned char>(bytes[i]);
    return value;
  };
  return {number(16), number(20)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plot_script_text)

BOOST_AUTO_TEST_CASE(the_data_is_one_csv_with_a_block_for_every_series) {
  BOOST_TEST(data_of(two_classes()) ==
             "x,y,z,panel,series\n"
             "-1,1,,data,negative\n0,0,,data,negative\n1,1,,data,negative\n"
             "\n\n"
             "0.5,2,,data,positive\n");
}

BOOST_AUTO_TEST_CASE(data_keeps_every_digit_of_a_float32) {
  const float value = 0.1F;
  const std::string data = data_of({.panels = {{.series = {scatter("a", {value}, {1e-30})}}}});
  BOOST_TEST(holds(data, "0.100000001,1e-30,,,a\n"));
  BOOST_TEST(std::stof("0.100000001") == value);
}

BOOST_AUTO_TEST_CASE(a_heat_map_is_a_block_of_rows_and_its_contours_follow) {
  const std::string data = data_of(bowl());
  BOOST_TEST(holds(data, "x,y,z,panel,series\n-1,-1,1,map,map\n"));
  BOOST_TEST(holds(data, "1,-1,1,map,map\n\n-1,-0.9,"));
  BOOST_TEST(holds(data, ",0.25,map,contour 0.25\n"));
  BOOST_TEST(!holds(data, "contour 7"));
}

BOOST_AUTO_TEST_CASE(names_in_the_data_are_quoted_and_stay_on_one_line) {
  const std::string data = data_of({.panels = {{.title = "a, b", .series = {scatter("say \"hi\"\nthere", {1}, {2})}}}});
  BOOST_TEST(data == "x,y,z,panel,series\n1,2,,\"a, b\",\"say \"\"hi\"\" there\"\n");
}

BOOST_AUTO_TEST_CASE(text_is_quoted_so_that_nothing_in_it_is_special) {
  BOOST_TEST(detail::gnuplot_quoted("it's") == R"("it\047s")");
  BOOST_TEST(detail::gnuplot_quoted("a\nb\tc") == "\"a b c\"");
  BOOST_TEST(detail::gnuplot_quoted("`id` $x @x \\ {\"}") == R"("\140id\140 \044x \100x \134 \173\042\175")");
  BOOST_TEST(detail::gnuplot_quoted("val_loss, 训练 (%)") == "\"val_loss, 训练 (%)\"");
}

BOOST_AUTO_TEST_CASE(an_empty_class_keeps_its_place_in_the_legend) {
  const std::string script = script_of({.panels = {{.series = {scatter("none", {}, {}), scatter("nan", {NAN}, {1})}}}});
  BOOST_TEST(holds(script, "keyentry with points pt 7 ps 0.5 lc rgb '#1f77b4' title text_"));
  BOOST_TEST(holds(script, "keyentry with points pt 7 ps 0.5 lc rgb '#d62728' title text_"));
  BOOST_TEST(holds(script, "set xrange [0.0:1.0]"));
}

BOOST_AUTO_TEST_CASE(ranges_cover_the_finite_points) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::string script = script_of({.panels = {{.series = {scatter("a", {0, 100, inf, 5}, {0, 50, 1, NAN})}}}});
  BOOST_TEST(holds(script, "set xrange [-4.0:104.0]"));
  BOOST_TEST(holds(script, "set yrange [-2.0:52.0]"));
  BOOST_TEST(holds(script_of({.panels = {{.series = {scatter("one", {3}, {200})}}}}),
                   "set xrange [2.5:3.5]\n  set yrange [190.0:210.0]"));
}

BOOST_AUTO_TEST_CASE(counted_axes_have_ticks_at_whole_numbers) {
  const auto ticks = [](double last) {
    Panel panel = {.series = {curve("a", {1, last}, {0, 1})}, .whole_x = true};
    const std::string script = script_of({.panels = {panel}});
    const std::size_t at = script.find("set xtics ") + 10;
    return script.substr(at, script.find(' ', at) - at);
  };
  BOOST_TEST(ticks(2) == "1.0");
  BOOST_TEST(ticks(8) == "1.0");
  BOOST_TEST(ticks(15) == "2.0");
  BOOST_TEST(ticks(30) == "5.0");
  BOOST_TEST(ticks(60) == "10.0");
  BOOST_TEST(ticks(200) == "50.0");
  BOOST_TEST(ticks(1000) == "200.0");
}

BOOST_AUTO_TEST_CASE(metric_panels_look_as_the_tutorial_draws_them) {
  History history;
  history.append({{"loss", 0.5}, {"val_loss", 0.6}, {"lr", 0.01}});
  history.append({{"loss", 0.4}, {"val_loss", 0.5}, {"lr", 0.01}});
  const Panel panel = metric_panel(history, "loss");
  BOOST_TEST(panel.title == "Training and validation loss");
  BOOST_TEST(panel.x_label == "Epochs");
  BOOST_TEST(panel.y_label == "loss");
  BOOST_TEST_REQUIRE(panel.series.size() == 2U);
  BOOST_TEST(panel.series[0].label == "train_loss");
  BOOST_TEST(panel.series[1].label == "val_loss");
  BOOST_TEST((panel.series[1].x == std::vector<double>{1, 2}));
  BOOST_TEST((panel.series[1].y == std::vector<double>{0.6, 0.5}));
  const std::string script = script_of({.panels = {panel}});
  BOOST_TEST(holds(script, "with linespoints pt 7 ps 0.7 lc rgb '#1f77b4' lw 1.5 dt 2 title text_"));
  BOOST_TEST(holds(script, "with linespoints pt 7 ps 0.7 lc rgb '#d62728' lw 1.5 dt 1 title text_"));
  BOOST_TEST(metric_panel(history, "lr").series.size() == 1U);
  BOOST_TEST(error_of<slope::ValueError>([&] { metric_panel(history, "auc"); }) ==
             "History: no column 'auc'; available: loss, val_loss, lr");
}

BOOST_AUTO_TEST_CASE(a_histogram_counts_every_finite_value_once) {
  const Series bars = histogram("w", {0, 0.1, 0.5, 0.9, 1, NAN, std::numeric_limits<double>::infinity()}, 2);
  BOOST_TEST((bars.x == std::vector<double>{0.25, 0.75}));
  BOOST_TEST((bars.y == std::vector<double>{2, 3}));
  const Series equal = histogram("w", {3, 3, 3}, 10);
  BOOST_TEST((equal.x == std::vector<double>{3}));
  BOOST_TEST((equal.y == std::vector<double>{3}));
  BOOST_TEST(histogram("w", {NAN}, 10).x.empty());
  BOOST_TEST(error_of<slope::ValueError>([] { histogram("w", {1}, 0); }) ==
             "histogram: bins must be at least 1, got 0");
  BOOST_TEST(error_of<slope::ValueError>([] { histogram("w", {1}, std::numeric_limits<int>::max()); }) ==
             "histogram: bins must be at most 1000000, got 2147483647");
  // Values whose distance no double holds.
  const double end = std::numeric_limits<double>::max();
  const Series ends = histogram("w", {-end, 0, end}, 2);
  BOOST_TEST(ends.y == std::vector<double>({1, 2}), boost::test_tools::per_element());
  for (const double x : ends.x) BOOST_TEST(std::isfinite(x));
}

BOOST_AUTO_TEST_CASE(sizes_whose_products_an_int_does_not_hold_are_refused) {
  const int most = std::numeric_limits<int>::max();
  const TemporaryFolder folder;
  const auto refused = [&](const Figure& figure, const PlotOptions& options) {
    return error_of<slope::ValueError>([&] { save_figure(figure, folder / "figure", options); });
  };
  const std::vector<Panel> panels(2, Panel{.series = {scatter("a", {1}, {1})}});
  BOOST_TEST(refused({.panels = panels}, {.text_rows = most}) ==
             "save_figure: a text picture has at most 20000 rows and columns");
  BOOST_TEST(refused({.panels = panels}, {.text_columns = most}) ==
             "save_figure: a text picture has at most 20000 rows and columns");
  const std::string large = "save_figure: a figure has at most 1000 panels of 20000 x 20000 pixels";
  BOOST_TEST(refused({.panels = panels, .panel_width = most}, {}) == large);
  BOOST_TEST(refused({.panels = panels, .panel_height = most}, {}) == large);
  BOOST_TEST(refused({.panels = std::vector<Panel>(1001, panels[0])}, {}) == large);
}

BOOST_AUTO_TEST_CASE(opacity_goes_into_the_colour) {
  Series faint = scatter("a", {1}, {1}, "#102030");
  faint.opacity = 0.5;
  BOOST_TEST(holds(script_of({.panels = {{.series = {faint}}}}), "lc rgb '#80102030'"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(plot)

BOOST_AUTO_TEST_CASE(a_bad_figure_is_refused_before_anything_is_written) {
  const TemporaryFolder folder;
  const auto refused = [&](const Figure& figure, const std::string& name = "p", const PlotOptions& options = {}) {
    const std::string message = error_of<slope::ValueError>([&] { save_figure(figure, folder / name, options); });
    BOOST_TEST(fs::is_empty(folder.path()));
    return message;
  };
  const auto series = [](const Series& one) { return Figure{.panels = {{.series = {one}}}}; };
  BOOST_TEST(refused({}) == "save_figure: the figure has no panels");
  BOOST_TEST(refused(series(scatter("a", {1, 2}, {1}))) == "save_figure: series 'a' has 2 x and 1 y values");
  BOOST_TEST(refused(series(scatter("a", {1}, {1}, "reddish"))) ==
             "save_figure: unknown colour 'reddish'; use #rrggbb or a name as red");
  BOOST_TEST(holds(refused(series(scatter("a", {1}, {1}, "#12345'"))), "unknown colour"));
  BOOST_TEST(refused(series(curve("a", {1}, {1}, "", Stroke::none))) ==
             "save_figure: series 'a' has neither markers nor a line");
  Series bright = scatter("a", {1}, {1});
  bright.opacity = 2;
  BOOST_TEST(refused(series(bright)) == "save_figure: opacity must be in [0, 1], got 2");
  Figure holed = bowl();
  holed.panels[0].heat_maps[0].grid.z.pop_back();
  BOOST_TEST(refused(holed) == "save_figure: the heat map of panel 'map' has 440 values for 21 x 21 points");
  Figure flat = bowl();
  flat.panels[0].heat_maps[0].high = 0;
  BOOST_TEST(refused(flat) == "save_figure: the palette's ends must rise, got 0 to 0");
  BOOST_TEST(refused(two_classes(), "a\nb") == "save_figure: the file name holds a control character");
  BOOST_TEST(holds(refused(two_classes(), ""), "names no file"));
  BOOST_TEST(holds(refused(two_classes(), "p", {.png_scale = 0}), "png_scale must be in (0, 10], got 0"));
}

BOOST_AUTO_TEST_CASE(without_gnuplot_the_data_and_the_script_are_left_and_a_note_says_so) {
  const TemporaryFolder folder;
  const ScopedVariable path("PATH", "");
  slope::io::write_text_file(folder / "p.svg", "a picture of earlier data");
  std::ostringstream notes;
  const PlotResult result = save_figure(two_classes(), folder / "p", {.notes = &notes});
  BOOST_TEST(!result.drawn);
  BOOST_TEST((result.files == std::vector<std::string>{folder / "p.csv", folder / "p.gp"}));
  BOOST_TEST(fs::exists(folder / "p.csv"));
  BOOST_TEST(fs::exists(folder / "p.gp"));
  BOOST_TEST(!fs::exists(folder / "p.svg"));
  BOOST_TEST(result.note ==
             "plot " + (folder / "p") +
                 ": gnuplot was not found; install it (Debian: gnuplot-nox). Data and script are left: run "
                 "`gnuplot p.gp` in " +
                 folder.path());
  BOOST_TEST(notes.str() == result.note + "\n");
}

BOOST_AUTO_TEST_CASE(a_program_that_fails_is_reported_with_its_own_words) {
  const TemporaryFolder folder;
  slope::io::write_text_file(folder / "broken", "#!/bin/sh\necho 'out of ink' >&2\nexit 3\n");
  fs::permissions(folder / "broken", fs::perms::owner_all);
  std::ostringstream notes;
  const PlotResult result = save_figure(two_classes(), folder / "p", {.notes = &notes, .program = folder / "broken"});
  BOOST_TEST(!result.drawn);
  BOOST_TEST(holds(result.note, "gnuplot failed with exit code 3: out of ink"));
  slope::io::write_text_file(folder / "idle", "#!/bin/sh\n");
  fs::permissions(folder / "idle", fs::perms::owner_all);
  const PlotResult nothing = save_figure(two_classes(), folder / "p", {.notes = &notes, .program = folder / "idle"});
  BOOST_TEST(!nothing.drawn);
  BOOST_TEST(holds(nothing.note, "gnuplot wrote no " + (folder / "p.svg")));
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_made_is_an_error) {
  const TemporaryFolder folder;
  slope::io::write_text_file(folder / "file", "");
  BOOST_TEST(holds(error_of<slope::IoError>([&] { save_figure(two_classes(), folder / "file/p"); }), "cannot write"));
}

BOOST_AUTO_TEST_CASE(every_kind_of_picture_is_drawn, *boost::unit_test::precondition(gnuplot_is_installed)) {
  const TemporaryFolder folder;
  std::ostringstream notes;
  std::ostringstream text;
  PlotOptions options;
  options.notes = &notes;
  options.text = &text;
  Figure figure = two_classes();
  figure.panels.push_back(bowl().panels[0]);
  figure.panels.push_back(
      {.title = "bars", .series = {histogram("w", {0, 1, 1, 2}, 3), curve("line", {0, 2}, {0, 2})}});
  figure.panels.push_back({});
  figure.title = "all kinds";
  const PlotResult result = save_figure(figure, folder / "new folder/p", options);
  BOOST_TEST(result.note == "");
  BOOST_TEST(notes.str() == "");
  BOOST_TEST(result.drawn);
  BOOST_TEST(result.files.size() == 4U);
  for (const std::string& file : result.files) BOOST_TEST(fs::file_size(file) > 0U);
  BOOST_TEST((png_size(folder / "new folder/p.png") == std::pair{1440, 1485}));
  const std::string svg = contents(folder / "new folder/p.svg");
  for (const char* const words : {"all kinds", "negative", "z = 0.25", "bars"}) {
    BOOST_TEST(holds(svg, words));
    BOOST_TEST(holds(text.str(), words));
  }
  BOOST_TEST(holds(svg, "</svg>"));
}

BOOST_AUTO_TEST_CASE(only_the_formats_asked_for_are_drawn, *boost::unit_test::precondition(gnuplot_is_installed)) {
  const TemporaryFolder folder;
  BOOST_TEST(save_figure(two_classes(), folder / "p", {.svg = false, .png_scale = 1}).drawn);
  BOOST_TEST(!fs::exists(folder / "p.svg"));
  BOOST_TEST((png_size(folder / "p.png") == std::pair{480, 480}));
}

BOOST_AUTO_TEST_CASE(the_script_redraws_its_pictures_by_itself, *boost::unit_test::precondition(gnuplot_is_installed)) {
  const TemporaryFolder folder;
  save_figure(two_classes(), folder / "p");
  const std::string svg = contents(folder / "p.svg");
  fs::remove(folder / "p.svg");
  fs::remove(folder / "p.png");
  BOOST_TEST(run_process({find_program("gnuplot"), "p.gp"}, folder.path()).exit_code == 0);
  BOOST_TEST(contents(folder / "p.svg") == svg);
  BOOST_TEST(fs::exists(folder / "p.png"));
}

BOOST_AUTO_TEST_CASE(no_name_and_no_title_acts_as_a_command, *boost::unit_test::precondition(gnuplot_is_installed)) {
  const TemporaryFolder folder;
  const std::string attack = "'; !touch pwned #$(touch pwned)`touch pwned`\"; system('touch pwned') {{ %s \\";
  Figure figure = two_classes();
  figure.title = attack;
  figure.panels[0].title = attack;
  figure.panels[0].x_label = attack;
  figure.panels[0].y_label = "'.system('touch pwned').'";
  figure.panels[0].series[0].label = attack;
  figure.panels.push_back({.title = "}} @data \n!touch pwned\n", .series = {curve("\\", {1, 2}, {1, 2})}});
  for (const char* const name : {"-e", "< touch pwned", "|touch pwned", "~", "a'b", "$(touch pwned)", "`touch pwned`",
                                 "%p", "two words", "@x", "\"; !touch pwned", "exit", "#"}) {
    const PlotResult result = save_figure(figure, folder / name);
    BOOST_TEST(result.drawn, name << ": " << result.note);
    BOOST_TEST(fs::exists(folder / (std::string(name) + ".png")));
    BOOST_TEST(!fs::exists(folder / "pwned"));
    BOOST_TEST(!fs::exists("pwned"));
  }
  // Shown as it was written, with the marks XML wants.
  BOOST_TEST(holds(contents(folder / "a'b.svg"), "%s \\"));
}

BOOST_AUTO_TEST_SUITE_END()
