#include <filesystem>
#include <iostream>

#include "misuse/row.h"

namespace misuse {

using namespace slope;
using namespace slope::train;

namespace {

using Size = std::int64_t;
using Loc = SourceLoc;
using Texts = std::vector<std::string>;
using data::DataLoader;

/// A training: the network, the optimizer and what drives them.
struct Training {
  explicit Training(LossFunction loss = nn::functional::mse_loss)
      : optimizer(net.parameters(), {.lr = 0.1}), loop(net, std::move(loss), optimizer), model(net) {
    model.compile(nn::functional::mse_loss, optimizer);
  }
  nn::Linear net{3, 3};
  optim::SGD optimizer;
  TrainLoop loop;
  Model model;
};
Cases<std::shared_ptr<Training>> make_cases(Type<std::shared_ptr<Training>>) {
  return {{{"a training", [] { return std::make_shared<Training>(); }}}, {}};
}
using T = std::shared_ptr<Training>;

/// Tells a logger of an epoch, and then what the row is about.
template <class L>
void tell(L& logger, const std::string& method, Size n, Size steps, const LogValues& values, const std::string& note) {
  logger.begin_fit(method == "begin_fit" ? n : 2);
  logger.begin_epoch(method == "begin_epoch" ? n : 1, steps);
  if (method == "step_done") (void)logger.step_done(n);
  if (method == "show_step") logger.show_step(n, values);
  if (method == "begin_validation") logger.begin_validation(n);
  if (method == "validation_step_done") logger.validation_step_done();
  if (method == "end_epoch") logger.end_epoch(n, values);
  if (method == "note") logger.note(note);
  if (method == "end_fit") logger.end_fit();
}
ClassicLogger classic(Loc loc) {
  static std::ostringstream out;
  out.str("");
  return ClassicLogger({.out = &out}, loc);
}
ProgressOptions quiet(std::ostream& out) { return {.out = &out, .columns = 60, .live = 1}; }

std::string stem() { return (std::filesystem::temp_directory_path() / "misuse_figure").string(); }

}  // namespace

std::vector<Row> train_rows() {
  std::vector<Row> rows = {
      // ---- text
      row<std::string(double)>("python_repr", python_repr),
      row<std::string(std::string_view)>("python_repr", python_repr),
      row("python_round", python_round),
      row("rounded_repr", rounded_repr),
      row("python_dict_repr", python_dict_repr),
      row("python_step_repr", python_step_repr),
      row("significant", significant),
      row("with_commas", with_commas),
      row("display_width", display_width),
      row("clip_to_width", [](std::string_view text, int width) { return std::string(clip_to_width(text, width)); }),
      row("items_per_line", items_per_line),
      made<TextTable(Texts)>("TextTable::TextTable"),
      row("TextTable::add_row", &TextTable::add_row),
      row("TextTable::to_string", &TextTable::to_string),
      row("epoch_line", epoch_line),
      row("progress_line", progress_line),
      row("duration_text", duration_text),
      row("rate_text", rate_text),
      row("classic_summary", classic_summary),
      row("named_summary", named_summary),
      row("Terminal::of", [] { return Terminal::of(std::cout).live; }),
      row("terminal_columns", [] { return terminal_columns(std::cout); }),
      row("Clock::seconds", [] { return Clock::system().seconds(); }),
      row("Clock::timestamp", [] { return Clock::system().timestamp(); }),
      row("Clock::system", [] { return &Clock::system(); }),
      // ---- loggers and progress
      row("ClassicLogger::ClassicLogger", [](const LoggerOptions& o, Loc loc) { ClassicLogger logger(o, loc); }),
      row("ProgressLogger::ProgressLogger", [](const LoggerOptions& o) { ProgressLogger logger(o); }),
      row("Progress::Progress",
          [](Size total, ProgressOptions o) {
            Progress progress(total, std::move(o));
            progress.advance(1);
          }),
      row("Progress::advance",
          [](Size total, Size n, Size again) {
            std::ostringstream out;
            Progress progress(total, quiet(out));
            progress.advance(n);
            progress.advance(again);
          }),
      row("Progress::draw",
          [](Size total, LogValues values) {
            std::ostringstream out;
            Progress(total, quiet(out)).draw(std::move(values));
          }),
      row("Progress::draw",
          [](Size total) {
            std::ostringstream out;
            Progress(total, quiet(out)).draw();
          }),
      row("Progress::close",
          [](Size total) {
            std::ostringstream out;
            Progress progress(total, quiet(out));
            progress.close();
            progress.close();
            progress.advance(1);
          }),
      row("Progress::state",
          [](Size total) {
            std::ostringstream out;
            return Progress(total, quiet(out)).state().done;
          }),
      row("InterruptGuard::InterruptGuard", [] { InterruptGuard guard; }),
      row("InterruptGuard::requested", [] { return InterruptGuard().requested(); }),
      // ---- histories
      row("History::from_rows", &History::from_rows),
      row("History::append", &History::append),
      row("History::size", &History::size),
      row("History::empty", &History::empty),
      row("History::columns", &History::columns),
      row("History::contains", &History::contains),
      row("History::operator[]", [](const History& h, slope::detail::Key name) { return h[name].size(); }),
      row("History::row", &History::row),
      row("History::best", [](const History& h, std::string_view name, bool max,
                              Loc loc) { return h.best(name, max ? Mode::max : Mode::min, loc).epoch; }),
      row("History::write_csv", &History::write_csv),
      row("History::to_csv", [](const History& h, bool nowhere,
                                Loc loc) { h.to_csv(nowhere ? "/dev/null/history.csv" : stem() + ".csv", loc); }),
      row("History::to_string", &History::to_string),
      row<std::ostream&(std::ostream&, const History&)>("operator<<", train::operator<<),
      // ---- metrics
      row("accuracy", accuracy),
      row("precision", precision),
      row("recall", recall),
      row("f1", f1),
      row("auc", auc),
      row("confusion", confusion),
      row("Confusion::precision", [](const Confusion& c) { return c.precision(); }),
      row("Confusion::recall", [](const Confusion& c) { return c.recall(); }),
      row("Confusion::f1", [](const Confusion& c) { return c.f1(); }),
      row("Metric::update", &Metric::update),
      row("Metric::compute", &Metric::compute),
      row("Metric::reset", &Metric::reset),
      made<Accuracy(const MetricOptions&)>("Accuracy::Accuracy"),
      made<Accuracy(double)>("Accuracy::Accuracy"),
      row("Accuracy::update",
          [](const MetricOptions& o, In p, const Tensor& t) {
            Accuracy m(o, p.loc);
            m.update(p, t);
            return m.compute();
          }),
      row("Accuracy::compute", [] { return Accuracy().compute(); }),
      row("Accuracy::reset", [] { Accuracy().reset(); }),
      row("ConfusionMetric::ConfusionMetric", [](const MetricOptions& o, Loc loc) { return F1(o, loc).compute(); }),
      row("ConfusionMetric::update",
          [](const MetricOptions& o, In p, const Tensor& t) {
            Precision m(o, p.loc);
            m.update(p, t);
            return m.compute();
          }),
      row("ConfusionMetric::compute", [] { return Recall().compute(); }),
      row("ConfusionMetric::reset", [] { Recall().reset(); }),
      row("ConfusionMetric::counts", [] { return Recall().counts().true_positive; }),
      made<Precision(const MetricOptions&)>("Precision::Precision"),
      made<Precision(double)>("Precision::Precision"),
      made<Recall(const MetricOptions&)>("Recall::Recall"),
      made<Recall(double)>("Recall::Recall"),
      made<F1(const MetricOptions&)>("F1::F1"),
      made<F1(double)>("F1::F1"),
      row("AUC::update",
          [](In p, const Tensor& t) {
            AUC m;
            m.update(p, t);
            return m.compute();
          }),
      row("AUC::compute", [] { return AUC().compute(); }),
      row("AUC::reset", [] { AUC().reset(); }),
      made<NamedMetric(std::string, MetricFunction)>("NamedMetric::NamedMetric"),
      row("NamedMetric::NamedMetric",
          [](std::string name, Loc loc) { return NamedMetric(std::move(name), accuracy, loc); }),
      row("NamedMetric::NamedMetric",
          [](std::string name, Loc loc) { return NamedMetric(std::move(name), AUC(), loc); }),
      made<NamedMetric(std::string, std::shared_ptr<Metric>)>("NamedMetric::NamedMetric"),
      row("NamedMetric::name", &NamedMetric::name),
      row("NamedMetric::reset", &NamedMetric::reset),
      row("NamedMetric::update", &NamedMetric::update),
      row("NamedMetric::value",
          [](NamedMetric& m, In p, const Tensor& t) {
            m.update(p, t);
            return m.value();
          }),
      // ---- the loop
      row("LossFunction::LossFunction", [] { return LossFunction(nn::MSELoss()); }),
      row("LossFunction::operator()", &LossFunction::operator()),
      row("TrainLoop::TrainLoop",
          [](nn::Module& net, LossFunction loss, optim::Optimizer& o, std::vector<NamedMetric> metrics, Loc loc) {
            TrainLoop loop(net, std::move(loss), o, std::move(metrics), loc);
          }),
      row("TrainLoop::run_step", [](LossFunction loss, const data::Batch& batch,
                                    Loc loc) { return Training(std::move(loss)).loop.run_step(batch, loc); }),
      row("TrainLoop::run_epoch", [](T t, DataLoader& l, Loc loc) { return t->loop.run_epoch(l, loc); }),
      row("TrainLoop::run_validation", [](T t, DataLoader& l, Loc loc) { return t->loop.run_validation(l, loc); }),
      // As many epochs as are asked for are run: large numbers would only take long.
      row("TrainLoop::run",
          [](T t, Size epochs, DataLoader& l, bool null, Loc loc) {
            Callback callback;
            t->loop.run(std::min<Size>(epochs, 2), l, nullptr, {null ? nullptr : &callback}, loc);
          }),
      row("TrainLoop::net", [](T t) { return &t->loop.net(); }),
      row("TrainLoop::optimizer", [](T t) { return &t->loop.optimizer(); }),
      row("TrainLoop::epochs", [](T t) { return t->loop.epochs(); }),
      row("TrainLoop::epoch", [](T t) { return t->loop.epoch(); }),
      row("TrainLoop::steps", [](T t) { return t->loop.steps(); }),
      row("TrainLoop::step", [](T t) { return t->loop.step(); }),
      row("TrainLoop::running", [](T t) { return t->loop.running(); }),
      row("TrainLoop::values", [](T t) { return t->loop.values(); }),
      row("TrainLoop::row", [](T t) { return t->loop.row(); }),
      row("TrainLoop::value",
          [](T t, DataLoader& l, std::string_view name, Loc loc) {
            t->loop.run(1, l, nullptr, {}, loc);
            return t->loop.value(name, loc);
          }),
      row("TrainLoop::active", [](T t) { return t->loop.active(); }),
      row("TrainLoop::stop", [](T t, std::string reason) { t->loop.stop(std::move(reason)); }),
      row("TrainLoop::stopped", [](T t) { return t->loop.stopped(); }),
      row("TrainLoop::stop_reason", [](T t) { return t->loop.stop_reason(); }),
      // ---- the model
      row("Model::Model", [](nn::Module& net, DataLoader& l, Loc loc) { return Model(net).predict(l, loc); }),
      row("Model::compile",
          [](nn::Module& net, LossFunction loss, optim::Optimizer& o, std::vector<NamedMetric> metrics, Loc loc) {
            Model(net).compile(std::move(loss), o, std::move(metrics), loc);
          }),
      row("Model::compile", [](nn::Module& net, LossFunction loss, std::vector<NamedMetric> metrics,
                               Loc loc) { Model(net).compile(std::move(loss), std::move(metrics), loc); }),
      row("Model::fit", [](T t, Size epochs, DataLoader& l, FitOptions o,
                           Loc loc) { (void)t->model.fit(std::min<Size>(epochs, 2), l, o, loc); }),
      row("Model::fit", [](T t, DataLoader& l, DataLoader& valid, FitOptions o,
                           Loc loc) { (void)t->model.fit(1, l, valid, o, loc); }),
      row("Model::evaluate", [](T t, DataLoader& l, Loc loc) { return t->model.evaluate(l, loc); }),
      row("Model::predict", [](T t, DataLoader& l, Loc loc) { return t->model.predict(l, loc); }),
      row("Model::summary",
          [](nn::Module& net, const Shape& shape, bool classic, Loc loc) {
            return Model(net).summary(shape, classic ? Style::classic : Style::automatic, loc);
          }),
      row("Model::net", [](T t) { return &t->model.net(); }),
      row("summarize", [](nn::Module& net, const Tensor& x, Loc loc) { return summarize(net, x, loc).rows.size(); }),
      row("summarize",
          [](nn::Module& net, const Shape& shape, Loc loc) { return summarize(net, shape, loc).rows.size(); }),
      // ---- plots
      row("Grid::over", [](double x0, double x1, int nx, double y0, double y1, int ny,
                           Loc loc) { return Grid::over(x0, x1, nx, y0, y1, ny, loc).x.size(); }),
      row("Grid::points", [](const Grid& g) { return g.points().size(); }),
      row("contour_lines",
          [](const Grid& g, bool own, double level, Loc loc) {
            return contour_lines(own ? Grid{{0, 1}, {0, 1}, {0, 1, 1, 0}} : g, level, loc).size();
          }),
      row("scatter",
          [](std::string label, std::vector<double> x, std::vector<double> y) {
            return scatter(std::move(label), std::move(x), std::move(y)).x.size();
          }),
      row("curve", [](std::string label, std::vector<double> x,
                      std::vector<double> y) { return curve(std::move(label), std::move(x), std::move(y)).x.size(); }),
      row("histogram", [](std::string label, const std::vector<double>& values, int bins,
                          Loc loc) { return histogram(std::move(label), values, bins, "", loc).x.size(); }),
      row("metric_panel", [](const History& h, const std::string& metric,
                             Loc loc) { return metric_panel(h, metric, loc).series.size(); }),
      // No program is started: that of plots has tests of its own.
      row("save_figure",
          [](const Series& series, int per_row, int width, Loc loc) {
            std::ostringstream notes;
            const Figure figure = {.panels = {{.series = {series}}}, .panels_per_row = per_row, .panel_width = width};
            return save_figure(figure, stem(),
                               {.svg = false, .png = false, .notes = &notes, .program = "no-such-program"}, loc)
                .drawn;
          }),
  };
  for (const std::string method : {"begin_fit", "begin_epoch", "step_done", "show_step", "begin_validation",
                                   "validation_step_done", "end_epoch", "end_fit", "note"}) {
    rows.push_back(row("ClassicLogger::" + method,
                       [method](Size n, Size steps, const LogValues& values, const std::string& note, Loc loc) {
                         ClassicLogger logger = classic(loc);
                         tell(logger, method, n, steps, values, note);
                       }));
    rows.push_back(row("ProgressLogger::" + method,
                       [method](Size n, Size steps, const LogValues& values, const std::string& note) {
                         std::ostringstream out;
                         ProgressLogger logger({.out = &out, .progress = quiet(out)});
                         tell(logger, method, n, steps, values, note);
                       }));
    rows.push_back(
        row("QuietLogger::" + method, [method](Size n, Size steps, const LogValues& values, const std::string& note) {
          QuietLogger logger;
          tell(logger, method, n, steps, values, note);
        }));
  }
  return rows;
}

}  // namespace misuse
