#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <regex>
#include <set>
#include <sstream>

#include "slope/slope.h"
#include "support/declarations.h"
#include "support/test_data.h"

// Every public function of train/, data/, io/ and nn/ that takes the caller's line (but for the losses, whose table has
// refusals of its own) fails here once, and must name this file. The headers say which functions there are.

using namespace slope;

namespace {

struct Row {
  std::string name;  // as it is declared: Class::function
  std::function<void()> call;
};

struct Net : nn::Module {
  nn::Linear fc = add("fc", nn::Linear(2, 1));
  Tensor forward(const Tensor& x) override { return fc(x); }
  void add_twice() { (void)add("fc", nn::Linear(2, 1)); }
  void link_itself() { link("self", *this); }
  void parameter_of_integers() { (void)parameter("p", arange(3)); }
  void buffer_of_nothing() { (void)buffer("b", Tensor()); }
};
struct Two : nn::Module {
  using Module::forward;
  Tensor operator()(In a, const Tensor& b) {
    return run(a, [&](const Tensor& x) { return matmul(x, b); });
  }
};

// A module that was moved from.
Net& gone() {
  static Net net;
  static const Net other = std::move(net);
  return net;
}

const Tensor undefined;
const Tensor p = tensor({0.5}), t = tensor({0.5, 1.0});

data::TensorDataset rows() { return {arange(4), arange(4)}; }
data::DataLoader& no_batches() {
  static data::DataLoader loader(rows(), {.batch_size = 5, .drop_last = true});
  return loader;
}
data::DataLoader& moved_loader() {
  static data::DataLoader loader(rows());
  static const data::DataLoader other = std::move(loader);
  return loader;
}
optim::SGD& sgd() {
  static Net net;
  static optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  return optimizer;
}
train::TrainLoop& loop() {
  static Net net;
  static train::TrainLoop made(net, nn::MSELoss(), sgd());
  return made;
}
train::Model& model() {
  static Net net;
  static train::Model made(net);
  return made;
}
nn::Sequential& pair() {
  static nn::Sequential made(nn::Linear(2, 2), nn::named("last", nn::ReLU()));
  return made;
}
data::Batch one() { return data::Batch({tensor({1.0})}); }

using train::History;
const History history = History::from_rows({"loss"}, {{0.5}});

const std::vector<Row>& table() {
  static const std::vector<Row> rows_ = {
      // ---- data
      {"Batch::operator[]", [] { (void)one()[1]; }},
      {"Batch::x", [] { (void)data::Batch().x(); }},
      {"Batch::y", [] { (void)one().y(); }},
      {"Batch::unpack", [] { (void)one().unpack<2>(); }},
      {"Batch::get", [] { (void)one().get<1>(); }},
      {"TensorDataset::TensorDataset", [] { data::TensorDataset(arange(2), arange(3)); }},
      {"Subset::Subset", [] { data::Subset(rows(), {4}); }},
      {"ConcatDataset::ConcatDataset", [] { data::ConcatDataset({nullptr}); }},
      {"FunctionDataset::FunctionDataset",
       [] { data::FunctionDataset(-1, [](std::int64_t) { return data::Sample(); }); }},
      {"random_split", [] { (void)data::random_split(rows(), {1, 2}); }},
      {"two_rings", [] { (void)data::two_rings(-1, 1); }},
      {"DataLoader::DataLoader", [] { data::DataLoader(rows(), {.batch_size = 0}); }},
      {"DataLoader::begin",
       [] {
         for (auto& batch : moved_loader()) (void)batch;
       }},
      {"DataLoader::size", [] { (void)moved_loader().size(); }},
      {"DataLoader::dataset", [] { (void)moved_loader().dataset(); }},
      {"default_collate", [] { (void)data::default_collate({{arange(2)}, {arange(3)}}); }},
      {"SequentialSampler::SequentialSampler", [] { data::SequentialSampler(-1); }},
      {"RandomSampler::RandomSampler", [] { data::RandomSampler(-1); }},
      {"WeightedRandomSampler::WeightedRandomSampler", [] { data::WeightedRandomSampler({-1.0}, 1); }},
      // ---- io
      {"StateDict::StateDict", [] { io::StateDict({{"a", p}, {"a", p}}); }},
      {"StateDict::at", [] { (void)io::StateDict().at("a"); }},
      {"StateDict::append", [] { io::StateDict({{"a", p}}).append("a", p); }},
      // ---- nn: containers
      {"named", [] { nn::Sequential(nn::named("a.b", nn::ReLU())); }},
      {"ModuleSequence::operator[]", [] { (void)pair()[2]; }},
      {"ModuleSequence::at", [] { (void)pair().at<nn::ReLU>(0); }},
      {"ModuleSequence::push_back", [] { pair().push_back("last", nn::ReLU()); }},
      {"ModuleSequence::insert", [] { pair().insert(7, nn::ReLU()); }},
      {"ModuleSequence::pop", [] { (void)pair().pop(2); }},
      {"Sequential::append", [] { pair().append(nn::named("last", nn::ReLU())); }},
      {"Sequential::extend", [] { pair().extend(nn::Sequential(nn::named("last", nn::ReLU()))); }},
      {"ModuleList::append", [] { nn::ModuleList().append(std::unique_ptr<nn::Module>()); }},
      {"ModuleList::extend",
       [] { nn::ModuleList(nn::named("a", nn::ReLU())).extend(nn::ModuleList(nn::named("a", nn::ReLU()))); }},
      {"ModuleDict::insert", [] { nn::ModuleDict().insert("a.b", nn::ReLU()); }},
      {"ModuleDict::at", [] { (void)nn::ModuleDict().at("a"); }},
      {"ModuleDict::operator[]", [] { (void)nn::ModuleDict()["a"]; }},
      {"ModuleDict::pop", [] { (void)nn::ModuleDict().pop("a"); }},
      {"ParameterList::ParameterList", [] { nn::ParameterList({arange(2)}); }},
      {"ParameterList::append", [] { nn::ParameterList().append(arange(2)); }},
      {"ParameterList::operator[]", [] { (void)nn::ParameterList()[0]; }},
      {"ParameterDict::insert", [] { nn::ParameterDict().insert("a", arange(2)); }},
      {"ParameterDict::at", [] { (void)nn::ParameterDict().at("a"); }},
      {"ParameterDict::operator[]", [] { (void)nn::ParameterDict()["a"]; }},
      // ---- nn: modules
      {"Parameter::tie", [] { nn::Linear(2, 1).weight.tie(zeros({3})); }},
      {"Module::operator()", [] { (void)Net()(zeros({3})); }},
      {"Module::named_parameters", [] { (void)gone().named_parameters(); }},
      {"Module::parameters", [] { (void)gone().parameters(); }},
      {"Module::each_parameter", [] { gone().each_parameter([](const std::string&, const Tensor&) {}); }},
      {"Module::named_buffers", [] { (void)gone().named_buffers(); }},
      {"Module::buffers", [] { (void)gone().buffers(); }},
      {"Module::named_children", [] { (void)gone().named_children(); }},
      {"Module::children", [] { (void)gone().children(); }},
      {"Module::named_modules", [] { (void)gone().named_modules(); }},
      {"Module::modules", [] { (void)gone().modules(); }},
      {"Module::apply", [] { gone().apply([](nn::Module&) {}); }},
      {"Module::train", [] { gone().train(); }},
      {"Module::eval", [] { gone().eval(); }},
      {"Module::is_training", [] { (void)gone().is_training(); }},
      {"Module::zero_grad", [] { gone().zero_grad(); }},
      {"Module::requires_grad_", [] { gone().requires_grad_(); }},
      {"Module::to", [] { Net().to(int64); }},
      {"Module::state_dict", [] { (void)gone().state_dict(); }},
      {"Module::load_state_dict", [] { Net().load_state_dict({}); }},
      {"Module::register_forward_pre_hook",
       [] { gone().register_forward_pre_hook([](nn::Module&, const Tensor&) {}); }},
      {"Module::register_forward_hook",
       [] { gone().register_forward_hook([](nn::Module&, const Tensor&, const Tensor&) {}); }},
      {"Module::to_string", [] { (void)gone().to_string(); }},
      {"Module::add", [] { Net().add_twice(); }},
      {"Module::link", [] { Net().link_itself(); }},
      {"Module::parameter", [] { Net().parameter_of_integers(); }},
      {"Module::buffer", [] { Net().buffer_of_nothing(); }},
      {"Module::run", [] { (void)Two()(zeros({2, 3}), zeros({2, 3})); }},
      {"clone_into",
       [] {
         Net net;
         nn::clone_into(net, nn::Linear(1, 1));
       }},
      // ---- nn: functions
      {"normalize", [] { (void)F::normalize(undefined); }},
      {"pad", [] { (void)F::pad(t, {1}); }},
      // ---- nn: pooling, padding, resampling
      {"max_pool1d", [] { (void)F::max_pool1d(t, 1); }},
      {"max_pool1d_with_indices", [] { (void)F::max_pool1d_with_indices(t, 1); }},
      {"avg_pool1d", [] { (void)F::avg_pool1d(t, 1); }},
      {"lp_pool1d", [] { (void)F::lp_pool1d(t, 2, 1); }},
      {"adaptive_avg_pool1d", [] { (void)F::adaptive_avg_pool1d(t, 1); }},
      {"adaptive_max_pool1d", [] { (void)F::adaptive_max_pool1d(t, 1); }},
      {"adaptive_max_pool1d_with_indices", [] { (void)F::adaptive_max_pool1d_with_indices(t, 1); }},
      {"max_unpool1d", [] { (void)F::max_unpool1d(t, t, 1); }},
      {"max_pool2d", [] { (void)F::max_pool2d(t, 1); }},
      {"max_pool2d_with_indices", [] { (void)F::max_pool2d_with_indices(t, 1); }},
      {"avg_pool2d", [] { (void)F::avg_pool2d(t, 1); }},
      {"lp_pool2d", [] { (void)F::lp_pool2d(t, 2, 1); }},
      {"adaptive_avg_pool2d", [] { (void)F::adaptive_avg_pool2d(t, 1); }},
      {"adaptive_max_pool2d", [] { (void)F::adaptive_max_pool2d(t, 1); }},
      {"adaptive_max_pool2d_with_indices", [] { (void)F::adaptive_max_pool2d_with_indices(t, 1); }},
      {"max_unpool2d", [] { (void)F::max_unpool2d(t, t, 1); }},
      {"max_pool3d", [] { (void)F::max_pool3d(t, 1); }},
      {"max_pool3d_with_indices", [] { (void)F::max_pool3d_with_indices(t, 1); }},
      {"avg_pool3d", [] { (void)F::avg_pool3d(t, 1); }},
      {"lp_pool3d", [] { (void)F::lp_pool3d(t, 2, 1); }},
      {"adaptive_avg_pool3d", [] { (void)F::adaptive_avg_pool3d(t, 1); }},
      {"adaptive_max_pool3d", [] { (void)F::adaptive_max_pool3d(t, 1); }},
      {"adaptive_max_pool3d_with_indices", [] { (void)F::adaptive_max_pool3d_with_indices(t, 1); }},
      {"max_unpool3d", [] { (void)F::max_unpool3d(t, t, 1); }},
      {"fractional_max_pool2d", [] { (void)F::fractional_max_pool2d(t, 1, {}); }},
      {"fractional_max_pool2d_with_indices", [] { (void)F::fractional_max_pool2d_with_indices(t, 1, {}); }},
      {"fractional_max_pool3d", [] { (void)F::fractional_max_pool3d(t, 1, {}); }},
      {"fractional_max_pool3d_with_indices", [] { (void)F::fractional_max_pool3d_with_indices(t, 1, {}); }},
      {"MaxPoolModule::forward_with_indices", [] { (void)nn::MaxPool2d(1).forward_with_indices(t); }},
      {"AdaptiveMaxPoolModule::forward_with_indices", [] { (void)nn::AdaptiveMaxPool2d(1).forward_with_indices(t); }},
      {"MaxUnpoolModule::operator()", [] { (void)nn::MaxUnpool2d(1)(t, t); }},
      {"FractionalMaxPoolModule::FractionalMaxPoolModule", [] { nn::FractionalMaxPool2d(1, {}); }},
      {"FractionalMaxPoolModule::operator()", [] { (void)nn::FractionalMaxPool2d(1, {.output_size = 1})(t, t); }},
      {"FractionalMaxPoolModule::forward_with_indices",
       [] { (void)nn::FractionalMaxPool2d(1, {.output_size = 1}).forward_with_indices(t); }},
      {"PadModule::PadModule", [] { nn::ReplicationPad1d({1, 2, 3}); }},
      {"ZeroPadModule::ZeroPadModule", [] { nn::ZeroPad1d({1, 2, 3}); }},
      {"ConstantPadModule::ConstantPadModule", [] { nn::ConstantPad1d({1, 2, 3}, 1); }},
      {"CopyPadModule::CopyPadModule", [] { nn::CircularPad1d({1, 2, 3}); }},
      {"interpolate", [] { (void)F::interpolate(t, {}); }},
      {"grid_sample", [] { (void)F::grid_sample(t, t); }},
      {"affine_grid", [] { (void)F::affine_grid(t, {1}); }},
      {"unfold", [] { (void)F::unfold(t, 1); }},
      {"fold", [] { (void)F::fold(t, 1, 1); }},
      // ---- nn: initialisers, layers, penalties
      {"fans", [] { (void)nn::init::fans(t); }},
      {"calculate_gain", [] { (void)nn::init::calculate_gain("swish"); }},
      {"uniform_", [] { nn::init::uniform_(zeros({2}), 1, 0); }},
      {"normal_", [] { nn::init::normal_(zeros({2}), 0, -1); }},
      {"trunc_normal_", [] { nn::init::trunc_normal_(zeros({2}), 0, -1); }},
      {"constant_", [] { nn::init::constant_(undefined, 1); }},
      {"zeros_", [] { nn::init::zeros_(undefined); }},
      {"ones_", [] { nn::init::ones_(undefined); }},
      {"eye_", [] { nn::init::eye_(zeros({2})); }},
      {"dirac_", [] { nn::init::dirac_(zeros({2})); }},
      {"xavier_uniform_", [] { nn::init::xavier_uniform_(zeros({2})); }},
      {"xavier_normal_", [] { nn::init::xavier_normal_(zeros({2})); }},
      {"kaiming_uniform_", [] { nn::init::kaiming_uniform_(zeros({2})); }},
      {"kaiming_normal_", [] { nn::init::kaiming_normal_(zeros({2})); }},
      {"orthogonal_", [] { nn::init::orthogonal_(zeros({2})); }},
      {"sparse_", [] { nn::init::sparse_(zeros({2}), 0.5); }},
      {"CELU::CELU", [] { nn::CELU({.alpha = 0}); }},
      {"Hardtanh::Hardtanh", [] { nn::Hardtanh(1, -1); }},
      {"GELU::GELU", [] { nn::GELU("erf"); }},
      {"Softplus::Softplus", [] { nn::Softplus(0.0); }},
      {"Softshrink::Softshrink", [] { nn::Softshrink({.lambda = -1}); }},
      {"PReLU::PReLU", [] { nn::PReLU(-1); }},
      {"RReLU::RReLU", [] { nn::RReLU({.lower = 1, .upper = 0}); }},
      {"rrelu", [] { (void)F::rrelu(t, 1, 0); }},
      {"dropout", [] { (void)F::dropout(t, 2); }},
      {"dropout1d", [] { (void)F::dropout1d(t, 2); }},
      {"dropout2d", [] { (void)F::dropout2d(t, 2); }},
      {"dropout3d", [] { (void)F::dropout3d(t, 2); }},
      {"alpha_dropout", [] { (void)F::alpha_dropout(t, 2); }},
      {"feature_alpha_dropout", [] { (void)F::feature_alpha_dropout(t, 2); }},
      {"batch_norm", [] { (void)F::batch_norm(t, {}, {}); }},
      {"instance_norm", [] { (void)F::instance_norm(t); }},
      {"group_norm", [] { (void)F::group_norm(t, 0); }},
      {"layer_norm", [] { (void)F::layer_norm(t, 77); }},
      {"rms_norm", [] { (void)F::rms_norm(t, 77); }},
      {"local_response_norm", [] { (void)F::local_response_norm(t, 0); }},
      {"BatchNormModule::BatchNormModule", [] { nn::BatchNorm1d(-1); }},
      {"InstanceNormModule::InstanceNormModule", [] { nn::InstanceNorm1d(-1); }},
      {"GroupNorm::GroupNorm", [] { nn::GroupNorm(0, 1); }},
      {"LayerNorm::LayerNorm", [] { nn::LayerNorm(-1); }},
      {"RMSNorm::RMSNorm", [] { nn::RMSNorm(-1); }},
      {"LocalResponseNorm::LocalResponseNorm", [] { nn::LocalResponseNorm(0); }},
      {"pixel_shuffle", [] { (void)F::pixel_shuffle(t, 0); }},
      {"pixel_unshuffle", [] { (void)F::pixel_unshuffle(t, 0); }},
      {"channel_shuffle", [] { (void)F::channel_shuffle(t, 0); }},
      {"PixelShuffle::PixelShuffle", [] { nn::PixelShuffle(0); }},
      {"PixelUnshuffle::PixelUnshuffle", [] { nn::PixelUnshuffle(0); }},
      {"ChannelShuffle::ChannelShuffle", [] { nn::ChannelShuffle(0); }},
      {"DropoutModule::DropoutModule", [] { nn::Dropout(2); }},
      {"embedding", [] { (void)F::embedding(arange(3), zeros({2, 2})); }},
      {"embedding_bag", [] { (void)F::embedding_bag(arange(3), zeros({2, 2})); }},
      {"one_hot", [] { (void)F::one_hot(t); }},
      {"Embedding::Embedding", [] { nn::Embedding(-1, 2); }},
      {"Embedding::from_pretrained", [] { (void)nn::Embedding::from_pretrained(zeros({2})); }},
      {"EmbeddingBag::EmbeddingBag", [] { nn::EmbeddingBag(-1, 2); }},
      {"EmbeddingBag::from_pretrained", [] { (void)nn::EmbeddingBag::from_pretrained(zeros({2})); }},
      {"EmbeddingBag::operator()", [] { (void)nn::EmbeddingBag(2, 2)(arange(3)); }},
      {"bilinear", [] { (void)F::bilinear(t, t, t); }},
      {"Linear::Linear", [] { nn::Linear(-1, 2); }},
      {"Bilinear::Bilinear", [] { nn::Bilinear(0, 1, 1); }},
      {"Bilinear::operator()", [] { (void)nn::Bilinear(2, 2, 1)(zeros({3}), zeros({2})); }},
      {"conv1d", [] { (void)F::conv1d(t, t); }},
      {"conv2d", [] { (void)F::conv2d(t, t); }},
      {"conv3d", [] { (void)F::conv3d(t, t); }},
      {"conv_transpose1d", [] { (void)F::conv_transpose1d(t, t); }},
      {"conv_transpose2d", [] { (void)F::conv_transpose2d(t, t); }},
      {"conv_transpose3d", [] { (void)F::conv_transpose3d(t, t); }},
      {"ConvModule::ConvModule", [] { nn::Conv2d(2, 2, {1, 2, 3}); }},
      {"ConvTransposeModule::ConvTransposeModule", [] { nn::ConvTranspose2d(2, 2, {1, 2, 3}); }},
      {"Conv1d::Conv1d", [] { nn::Conv1d(-1, 2, 3); }},
      {"Conv2d::Conv2d", [] { nn::Conv2d(-1, 2, 3); }},
      {"Conv3d::Conv3d", [] { nn::Conv3d(-1, 2, 3); }},
      {"ConvTranspose1d::ConvTranspose1d", [] { nn::ConvTranspose1d(-1, 2, 3); }},
      {"ConvTranspose2d::ConvTranspose2d", [] { nn::ConvTranspose2d(-1, 2, 3); }},
      {"ConvTranspose3d::ConvTranspose3d", [] { nn::ConvTranspose3d(-1, 2, 3); }},
      {"ConvTransposeModule::operator()", [] { (void)nn::ConvTranspose1d(2, 2, 1)(zeros({2, 3}), Shape{9}); }},
      {"rnn", [] { (void)F::rnn(t, {}, {}); }},
      {"lstm", [] { (void)F::lstm(t, {}, {}); }},
      {"gru", [] { (void)F::gru(t, {}, {}); }},
      {"rnn_cell", [] { (void)F::rnn_cell(t, {}, {}); }},
      {"lstm_cell", [] { (void)F::lstm_cell(t, {}, {}); }},
      {"gru_cell", [] { (void)F::gru_cell(t, {}, {}); }},
      {"RNN::RNN", [] { nn::RNN(2, 0); }},
      {"RNN::operator()", [] { (void)nn::RNN(2, 3)(t); }},
      {"LSTM::LSTM", [] { nn::LSTM(2, 0); }},
      {"LSTM::operator()", [] { (void)nn::LSTM(2, 3)(t); }},
      {"RecurrentModule::RecurrentModule", [] { nn::RNN(-1, 1); }},
      {"RecurrentCellModule::RecurrentCellModule", [] { nn::RNNCell(-1, 1); }},
      {"pdist", [] { (void)F::pdist(p); }},
      {"GRU::GRU", [] { nn::GRU(2, 0); }},
      {"GRU::operator()", [] { (void)nn::GRU(2, 3)(t); }},
      {"RNNCell::RNNCell", [] { nn::RNNCell(2, 0); }},
      {"RNNCell::operator()", [] { (void)nn::RNNCell(2, 3)(zeros({1})); }},
      {"LSTMCell::LSTMCell", [] { nn::LSTMCell(2, 0); }},
      {"LSTMCell::operator()", [] { (void)nn::LSTMCell(2, 3)(zeros({1})); }},
      {"GRUCell::GRUCell", [] { nn::GRUCell(2, 0); }},
      {"GRUCell::operator()", [] { (void)nn::GRUCell(2, 3)(zeros({1})); }},
      {"pack_padded_sequence", [] { (void)nn::utils::rnn::pack_padded_sequence(t, {1}); }},
      {"pad_packed_sequence", [] { (void)nn::utils::rnn::pad_packed_sequence({}); }},
      {"pad_sequence", [] { (void)nn::utils::rnn::pad_sequence({}); }},
      {"unpad_sequence", [] { (void)nn::utils::rnn::unpad_sequence(t, {1}); }},
      {"pack_sequence", [] { (void)nn::utils::rnn::pack_sequence({}); }},
      {"unpack_sequence", [] { (void)nn::utils::rnn::unpack_sequence({}); }},
      {"ParameterTensors::ParameterTensors", [] { nn::utils::ParameterTensors all(gone()); }},
      {"get_total_norm", [] { (void)nn::utils::get_total_norm({undefined}); }},
      {"clip_grad_norm_", [] { nn::utils::clip_grad_norm_({p}, -1); }},
      {"clip_grads_with_norm_", [] { nn::utils::clip_grads_with_norm_({p}, -1, p); }},
      {"clip_grad_value_", [] { nn::utils::clip_grad_value_({p}, -1); }},
      {"parameters_to_vector", [] { (void)nn::utils::parameters_to_vector({undefined}); }},
      {"vector_to_parameters", [] { nn::utils::vector_to_parameters(t, {p}); }},
      {"register_parametrization", [] { nn::utils::parametrize::register_parametrization(gone(), "a", nn::ReLU()); }},
      {"is_parametrized", [] { (void)nn::utils::parametrize::is_parametrized(gone()); }},
      {"remove_parametrizations", [] { nn::utils::parametrize::remove_parametrizations(pair(), "weight"); }},
      {"Cached::Cached", [] { nn::utils::parametrize::Cached cached(gone()); }},
      {"weight_norm", [] { nn::utils::parametrizations::weight_norm(pair()); }},
      {"spectral_norm", [] { nn::utils::parametrizations::spectral_norm(pair()); }},
      {"remove_weight_norm", [] { nn::utils::remove_weight_norm(pair()); }},
      {"remove_spectral_norm", [] { nn::utils::remove_spectral_norm(pair()); }},
      {"identity", [] { nn::utils::prune::identity(pair(), "weight"); }},
      {"l1_unstructured", [] { nn::utils::prune::l1_unstructured(pair()[0], "weight", 99); }},
      {"random_unstructured", [] { nn::utils::prune::random_unstructured(pair()[0], "weight", 99); }},
      {"ln_structured", [] { nn::utils::prune::ln_structured(pair()[0], "weight", 1, 2, 5); }},
      {"random_structured", [] { nn::utils::prune::random_structured(pair()[0], "weight", 1, 5); }},
      {"custom_from_mask", [] { nn::utils::prune::custom_from_mask(pair()[0], "weight", p); }},
      {"global_unstructured",
       [] { nn::utils::prune::global_unstructured({}, nn::utils::prune::Method::l1_unstructured, 1); }},
      {"remove", [] { nn::utils::prune::remove(pair(), "weight"); }},
      {"is_pruned", [] { (void)nn::utils::prune::is_pruned(gone()); }},
      {"fuse_conv_bn_eval", [] { (void)nn::utils::fuse_conv_bn_eval(nn::Conv1d(1, 2, 3), nn::BatchNorm1d(2)); }},
      {"fuse_linear_bn_eval", [] { (void)nn::utils::fuse_linear_bn_eval(nn::Linear(1, 2), nn::BatchNorm1d(2)); }},
      {"scaled_dot_product_attention", [] { (void)F::scaled_dot_product_attention(t, t, t); }},
      {"multi_head_attention_forward", [] { (void)F::multi_head_attention_forward(t, t, t, 1, {}); }},
      {"MultiheadAttention::MultiheadAttention", [] { nn::MultiheadAttention(4, 3); }},
      {"MultiheadAttention::operator()", [] { (void)nn::MultiheadAttention(2, 1)(t, t, t); }},
      {"TransformerActivation::require_known",
       [] { nn::TransformerActivation("elu").require_known("a layer", SourceLoc::here()); }},
      {"TransformerEncoderLayer::TransformerEncoderLayer", [] { nn::TransformerEncoderLayer(4, 3); }},
      {"TransformerEncoderLayer::operator()", [] { (void)nn::TransformerEncoderLayer(2, 1)(t); }},
      {"TransformerDecoderLayer::TransformerDecoderLayer", [] { nn::TransformerDecoderLayer(4, 3); }},
      {"TransformerDecoderLayer::operator()", [] { (void)nn::TransformerDecoderLayer(2, 1)(t, t); }},
      {"TransformerEncoder::TransformerEncoder",
       [] { nn::TransformerEncoder(nn::TransformerEncoderLayer(2, 1), -1, nn::LayerNorm(2)); }},
      {"TransformerEncoder::operator()", [] { (void)nn::TransformerEncoder(nn::TransformerEncoderLayer(2, 1), 1)(t); }},
      {"TransformerDecoder::TransformerDecoder", [] { nn::TransformerDecoder(nn::TransformerDecoderLayer(2, 1), -1); }},
      {"TransformerDecoder::operator()",
       [] { (void)nn::TransformerDecoder(nn::TransformerDecoderLayer(2, 1), 1)(t, t); }},
      {"Transformer::Transformer", [] { nn::Transformer(4, 3); }},
      {"Transformer::operator()",
       [] { (void)nn::Transformer(2, 1, {.num_encoder_layers = 0, .num_decoder_layers = 0})(t, t); }},
      {"Transformer::generate_square_subsequent_mask",
       [] { (void)nn::Transformer::generate_square_subsequent_mask(-1); }},
      {"generate_square_subsequent_mask", [] { (void)F::generate_square_subsequent_mask(-1); }},
      {"sinusoidal_positions", [] { (void)F::sinusoidal_positions(-1, 2); }},
      {"rotary_embedding", [] { (void)F::rotary_embedding(t); }},
      {"PositionalEncoding::PositionalEncoding", [] { nn::PositionalEncoding(-1); }},
      {"l1_penalty", [] { (void)nn::l1_penalty(gone(), 1); }},
      {"l2_penalty", [] { (void)nn::l2_penalty(gone(), 1); }},
      {"elastic_net_penalty", [] { (void)nn::elastic_net_penalty(gone(), 1, 1); }},
      {"group_lasso_penalty", [] { (void)nn::group_lasso_penalty(gone(), 1); }},
      {"orthogonality_penalty", [] { (void)nn::orthogonality_penalty(gone(), 1); }},
      // ---- train: text
      {"python_round", [] { (void)train::python_round(1, -1); }},
      {"rounded_repr", [] { (void)train::rounded_repr(1, -1); }},
      {"significant", [] { (void)train::significant(1, 0); }},
      {"items_per_line", [] { (void)train::items_per_line({"a"}, {}, 1, 0, 0); }},
      {"TextTable::TextTable", [] { train::TextTable({}); }},
      {"TextTable::add_row", [] { train::TextTable({"a"}).add_row({}); }},
      {"ClassicLogger::ClassicLogger", [] { train::ClassicLogger({.log_step_freq = 0}); }},
      {"classic_summary", [] { (void)train::classic_summary({.rows = {{.trainable_params = 1}}}); }},
      {"named_summary", [] { (void)train::named_summary({.rows = {{.trainable_params = 1}}}); }},
      {"Grid::over", [] { (void)train::Grid::over(0, 1, 1, 0, 1, 1); }},
      {"contour_lines", [] { (void)train::contour_lines({{0, 1}, {0, 1}, {}}, 0); }},
      {"histogram", [] { (void)train::histogram("", {}, 0); }},
      {"metric_panel", [] { (void)train::metric_panel(history, "auc"); }},
      {"save_figure", [] { train::save_figure({}, "figure"); }},
      // ---- train: history, metrics, model
      {"History::from_rows", [] { (void)History::from_rows({""}, {}); }},
      {"History::append", [] { History().append({{"", 1}}); }},
      {"History::operator[]", [] { (void)history["auc"]; }},
      {"History::row", [] { (void)history.row(2); }},
      {"History::best", [] { (void)history.best("auc", train::Mode::max); }},
      {"History::to_csv", [] { history.to_csv("/dev/null/history.csv"); }},
      {"accuracy", [] { (void)train::accuracy(p, t); }},
      {"precision", [] { (void)train::precision(p, t); }},
      {"recall", [] { (void)train::recall(p, t); }},
      {"f1", [] { (void)train::f1(p, t); }},
      {"auc", [] { (void)train::auc(p, t); }},
      {"confusion", [] { (void)train::confusion(p, t); }},
      {"Metric::update", [] { std::make_shared<train::Recall>()->update(p, t); }},
      {"Accuracy::Accuracy", [] { train::Accuracy(2.0); }},
      {"Accuracy::update", [] { train::Accuracy().update(p, t); }},
      {"ConfusionMetric::update", [] { train::F1().update(p, t); }},
      {"ConfusionMetric::ConfusionMetric", [] { train::F1(2.0); }},
      {"Precision::Precision", [] { train::Precision(2.0); }},
      {"Recall::Recall", [] { train::Recall(2.0); }},
      {"F1::F1", [] { train::F1({.one_hot = true}); }},
      {"AUC::update", [] { train::AUC().update(p, t); }},
      {"NamedMetric::NamedMetric", [] { train::NamedMetric("", train::accuracy); }},
      {"NamedMetric::update", [] { train::NamedMetric("a", train::accuracy).update(p, t); }},
      {"TrainLoop::TrainLoop",
       [] {
         Net net;
         train::TrainLoop(net, nn::MSELoss(), sgd(), {{"loss", train::accuracy}});
       }},
      {"TrainLoop::run_step", [] { loop().run_step(one()); }},
      {"TrainLoop::run_epoch", [] { loop().run_epoch(no_batches()); }},
      {"TrainLoop::run_validation", [] { loop().run_validation(no_batches()); }},
      {"TrainLoop::run", [] { loop().run(-1, no_batches()); }},
      {"TrainLoop::value", [] { (void)loop().value("auc"); }},
      {"Model::compile", [] { model().compile(nn::MSELoss(), {{"loss", train::accuracy}}); }},
      {"Model::fit", [] { model().fit(1, no_batches()); }},
      {"Model::evaluate", [] { model().evaluate(no_batches()); }},
      {"Model::predict", [] { model().predict(no_batches()); }},
      {"Model::summary", [] { (void)model().summary({3}); }},
      {"summarize",
       [] {
         Net net;
         (void)train::summarize(net, {3});
       }},
  };
  return rows_;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(caller_line)

BOOST_AUTO_TEST_CASE(every_error_outside_operations_names_the_line_of_the_call) {
  for (const Row& row : table()) {
    try {
      row.call();
      BOOST_ERROR(row.name << " threw nothing");
    } catch (const Error& e) {
      const SourceLoc where = e.where();
      BOOST_TEST((where.file && std::string(where.file).ends_with("nets/caller_line_test.cpp")),
                 row.name << ": " << e.what());
    } catch (const std::exception& e) {
      BOOST_ERROR(row.name << " threw no slope::Error: " << e.what());
    }
  }
}

BOOST_AUTO_TEST_CASE(the_table_has_a_row_for_every_function_that_takes_the_callers_line) {
  std::set<std::string> rows_, declared;
  for (const Row& row : table()) BOOST_TEST(rows_.insert(row.name).second, row.name << " stands twice");
  const std::filesystem::path root = source_root();
  for (const char* folder : {"data", "io", "nn", "train"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const std::string path = entry.path().string();
      if (!path.ends_with(".h") || path.find("/internal/") != std::string::npos ||
          path.find("/losses/") != std::string::npos)
        continue;
      std::ifstream file(path);
      std::ostringstream text;
      text << file.rdbuf();
      for (const Declaration& d : public_functions(text.str()))
        if (takes_callers_line(d)) declared.insert(d.name);
    }
  // For containers alone; their errors are in the rows of append and extend.
  for (const char* name : {"ModuleSequence::take", "ModuleSequence::take_all"}) BOOST_TEST(declared.erase(name) == 1u);
  BOOST_TEST(declared.size() > 120u);
  for (const std::string& name : declared) BOOST_TEST(rows_.contains(name), name << " has no row");
  for (const std::string& name : rows_) BOOST_TEST(declared.contains(name), name << " is not declared any more");
}

BOOST_AUTO_TEST_SUITE_END()
