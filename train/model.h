#pragma once

#include <memory>
#include <string>
#include <vector>

#include "slope/data/loader.h"
#include "slope/nn/module.h"
#include "slope/optim/optimizer.h"
#include "slope/train/console/logger.h"
#include "slope/train/history.h"
#include "slope/train/loop.h"
#include "slope/train/metrics/metrics.h"

namespace slope::train {

enum class Style {
  automatic,  ///< a live progress line on a terminal, one line per epoch elsewhere
  classic,    ///< the log and summary of torchkeras 2.x, byte for byte apart from times
  quiet,
};

struct FitOptions {
  /// Print running means every so many steps (classic style).
  std::int64_t log_step_freq = 1;
  Style style = Style::automatic;
  /// Where the log goes; null is std::cout.
  std::ostream* out = nullptr;
  Clock* clock = nullptr;
  /// Receives every event instead of the style's own logger.
  Logger* logger = nullptr;
  /// Called at every moment of the training, before the log and the history; borrowed.
  std::vector<Callback*> callbacks{};
};

/// Trains a module the Keras way. Batches are {x, y}; the module is called with x, the loss with (prediction, y).
///
///     train::Model model(net);
///     model.compile(nn::BCELoss(), optimizer, {{"accuracy", train::accuracy}, {"auc", train::AUC()}});
///     train::History history = model.fit(30, train_loader, valid_loader);
///     model.evaluate(valid_loader);     // {{"val_loss", ...}, {"val_accuracy", ...}, ...}
///     Tensor p = model.predict(valid_loader);
///
/// Values of an epoch are unweighted means over its batches, for the loss and for metrics that are functions; metric
/// objects see all batches. Ctrl-C ends training, or the validation of an epoch, after the batch at hand and returns
/// the history so far; the epoch cut short is its last row, with the means of the batches it had and NaN for a
/// validation that did not run to its end. A second Ctrl-C before that batch has ended ends the program. Modes and the
/// handler of SIGINT are as before afterwards, also when a batch throws.
class Model {
 public:
  /// Borrows the module, which must outlive the model.
  explicit Model(nn::Module& net) : net_(net) {}

  /// Borrows the optimizer. Throws ValueError when the name of a metric is empty, has a line break,
  /// or collides with another column of the history ("epoch", "loss", "val_loss", another metric's).
  void compile(LossFunction loss, optim::Optimizer& optimizer, std::vector<NamedMetric> metrics = {},
               SourceLoc loc = SourceLoc::here());
  /// Uses Adam with a learning rate of 1e-3 over the module's parameters.
  void compile(LossFunction loss, std::vector<NamedMetric> metrics = {}, SourceLoc loc = SourceLoc::here());

  /// Throws ValueError before compile(), for a negative number of epochs, a log_step_freq below 1, a loader without batches
  /// and a null callback.
  History fit(std::int64_t epochs, data::DataLoader& train, const FitOptions& options = {},
              SourceLoc loc = SourceLoc::here());
  History fit(std::int64_t epochs, data::DataLoader& train, data::DataLoader& valid, const FitOptions& options = {},
              SourceLoc loc = SourceLoc::here());

  /// Loss and metrics over a loader, in eval mode and without gradients: {{"val_loss", 0.0123...}, ...}. Throws
  /// ValueError before compile() and for a loader without batches.
  LogValues evaluate(data::DataLoader& loader, SourceLoc loc = SourceLoc::here());
  /// The predictions for the first tensor of every batch, one after the other, detached; in eval mode. Throws
  /// ValueError for a loader without batches.
  Tensor predict(data::DataLoader& loader, SourceLoc loc = SourceLoc::here());

  /// The layers that run for an input of this shape (without the batch), their output shapes and parameters.
  std::string summary(const Shape& input_shape, Style style = Style::automatic, SourceLoc loc = SourceLoc::here());

  /// The module.
  nn::Module& net() { return net_; }

 private:
  History run_fit(std::int64_t epochs, data::DataLoader& train, data::DataLoader* valid, const FitOptions& options,
                  SourceLoc loc);
  TrainLoop& compiled(const char* what, SourceLoc loc) const;

  nn::Module& net_;
  std::unique_ptr<optim::Optimizer> own_optimizer_;
  std::unique_ptr<TrainLoop> loop_;  // made by compile()
};

}  // namespace slope::train
