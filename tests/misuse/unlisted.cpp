#include "misuse/unlisted.h"

namespace misuse {

const std::map<std::string, std::string>& lines_that_cannot_be_named() {
  const char* const overridden =
      "users override it: its signature has no room for a line; a loader or a training that calls it names its own";
  static const std::map<std::string, std::string> list = {
      {"module_rows operator<<", "a stream operator has two arguments"},
      {"data_rows TensorDataset::get", overridden},
      {"data_rows TensorDataset::gather", overridden},
      {"data_rows Subset::get", overridden},
      {"data_rows Subset::gather", overridden},
      {"data_rows ConcatDataset::get", overridden},
      {"data_rows Dataset::get", overridden},
      {"data_rows Dataset::gather", overridden},
      {"data_rows SequentialSampler::order", overridden},
      {"data_rows RandomSampler::order", overridden},
      {"train_rows ClassicLogger::end_epoch", overridden},
      {"layers_utils_rows Parametrization::compute", overridden},
      {"train_rows LossFunction::operator()", "calls what it was made of; a training names the line"},
  };
  return list;
}

const std::map<std::string, std::string>& headers_without_rows() {
  static const std::map<std::string, std::string> list = {
      {"autograd/core/function.h", "a callable of the library"},
      {"autograd/core/philox.h", "arithmetic of generators, total"},
      {"autograd/core/pool.h", "the library's allocator"},
      {"autograd/core/ref.h", "the library's reference counts"},
      {"autograd/core/source_loc.h", "lines themselves"},
      {"autograd/core/stable_vector.h", "a container of the library"},
      {"autograd/engine/node.h", "the graph, which operations make"},
      {"autograd/engine/saved_fields.h", "reads the members of operations at compile time"},
      {"autograd/tensor/storage.h", "memory behind tensors"},
      {"autograd/tensor/tensor_impl.h", "what is behind a tensor"},
  };
  return list;
}

const std::map<std::string, std::string>& functions_without_rows() {
  static const std::map<std::string, std::string> list = {
      // ---- what headers need of the library's own
      {"in_place", "writes operations in place"},
      {"call_on_tensors", "a reading of formulas"},
      {"RecurrentModule::RecurrentModule", "for RNN, LSTM and GRU, which have rows"},
      {"RecurrentModule::weights", "for RNN, LSTM and GRU"},
      {"RecurrentCellModule::RecurrentCellModule", "for the three cells, which have rows"},
      {"RecurrentCellModule::weights", "for the three cells"},
      {"make_empty", "a tensor of a shape that was checked"},
      {"make_number", "a number of a dtype that was checked"},
      {"chunk_size", "total for all integers"},
      {"chunk_count", "total for all integers"},
      {"parallel_chunks", "total for all integers; what the body throws passes through"},
      {"parallel_for", "total for all integers; what the body throws passes through"},
      {"decltype", "visits dtypes for kernels"},
      {"GroupedOptimizer::check_options", "for the optimizer itself"},
      {"Optimizer::check_options", "for the optimizer itself"},
      {"GroupedOptimizer::group_options", "for the optimizer itself"},
      {"Optimizer::group_options", "for the optimizer itself"},
      {"GroupedOptimizer::number_names", "for the optimizer itself"},
      {"Optimizer::number_names", "for the optimizer itself"},
      {"GroupedOptimizer::set_group_options", "for the optimizer itself"},
      {"Optimizer::set_group_options", "for the optimizer itself"},
      {"GroupedOptimizer::slot_shape", "for the optimizer itself"},
      {"Optimizer::slot_shape", "for the optimizer itself"},
      {"GroupedOptimizer::slot_infos", "for the optimizer itself"},
      {"Optimizer::slot_infos", "for the optimizer itself"},
      {"GroupedOptimizer::update", "for the optimizer itself"},
      {"Optimizer::update", "for the optimizer itself"},
      {"Optimizer::Optimizer", "for the optimizer itself"},
      {"Optimizer::adopt", "for the optimizer itself"},
      {"Optimizer::check_not_moved_from", "for the optimizer itself"},
      {"Optimizer::check_params", "for the optimizer itself"},
      {"Optimizer::prepare_to_adopt", "for the optimizer itself"},
      {"Optimizer::state_of", "for the optimizer itself"},
      {"Callback::on_batch_end", "does nothing; users override it"},
      {"Callback::on_epoch_begin", "does nothing; users override it"},
      {"Callback::on_epoch_end", "does nothing; users override it"},
      {"Callback::on_fit_begin", "does nothing; users override it"},
      {"Callback::on_fit_end", "does nothing; users override it"},
      {"Callback::on_validation_batch_end", "does nothing; users override it"},
      {"Callback::on_validation_begin", "does nothing; users override it"},
      {"Logger::begin_epoch", "pure; the loggers have rows"},
      {"Logger::begin_fit", "pure; the loggers have rows"},
      {"Logger::begin_validation", "pure; the loggers have rows"},
      {"Logger::end_epoch", "pure; the loggers have rows"},
      {"Logger::end_fit", "pure; the loggers have rows"},
      {"Logger::note", "pure; the loggers have rows"},
      {"Logger::show_step", "pure; the loggers have rows"},
      {"Logger::step_done", "pure; the loggers have rows"},
      {"Logger::validation_step_done", "pure; the loggers have rows"},
      {"ModuleSequence::take", "for the containers"},
      {"ModuleSequence::take_all", "for the containers"},
      {"ModuleSequence::Iterator::Iterator", "an iterator, as those of the standard library"},
      {"ModuleSequence::Iterator::operator*", "an iterator, as those of the standard library"},
      {"ModuleSequence::Iterator::operator++", "an iterator, as those of the standard library"},
      {"Tensor::impl", "for the library"},
      {"Tensor::ref", "for the library"},
      {"Tensor::sole_owner", "for the library"},
  };
  return list;
}

std::string why_without_row(const std::string& name) {
  const auto found = functions_without_rows().find(name);
  if (found != functions_without_rows().end()) return found->second;
  return "";
}

}  // namespace misuse
