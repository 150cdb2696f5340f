#include "misuse/cases.h"

#include <cmath>

#include "misuse/row.h"

namespace misuse {

using namespace slope;

namespace {

constexpr std::int64_t least = INT64_MIN, most = INT64_MAX;
constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

Tensor numbers(const Shape& shape) {
  return ((arange(checked_numel(shape, "numbers")) * 0.37).remainder(0.9) + 0.05).reshape(shape);
}

/// A small network, whose parameters have names.
struct Net : nn::Module {
  nn::Linear fc = add("fc", nn::Linear(3, 3));
  nn::ReLU act = add("act", nn::ReLU());
  Tensor forward(const Tensor& x) override { return act(fc(x)); }
};

struct SteadyClock : train::Clock {
  double seconds() override { return now += 0.25; }
  std::string timestamp() override { return "2026-01-01 00:00:00"; }
  double now = 0;
};

}  // namespace

Cases<Tensor> make_cases(Type<Tensor>) {
  Cases<Tensor> all;
  all.plain = {
      {"float32 [3, 3]", [] { return numbers({3, 3}); }},
      {"int64 [3]", [] { return arange(3); }},
      {"int64 [3, 3]", [] { return arange(9).remainder(3).reshape({3, 3}); }},
      {"float32 [3]", [] { return numbers({3}); }},
      {"bool [3, 3]", [] { return (arange(9).remainder(2) == 0).reshape({3, 3}); }},
      {"float32 [] ", [] { return tensor(0.5); }},
      {"float32 [2, 3, 3]", [] { return numbers({2, 3, 3}); }},
      {"0 and 1 [3, 3]", [] { return arange(9).remainder(2).reshape({3, 3}).to(float32); }},
      {"float32 [3, 1]", [] { return numbers({3, 1}); }},
      {"a leaf [3, 3]", [] { return numbers({3, 3}).requires_grad_(); }},
      {"1 and -1 [3]", [] { return tensor({1.0, -1.0, 1.0}); }},
      {"boxes [2, 4]", [] { return tensor({{0.0, 0.0, 1.0, 1.0}, {0.5, 0.5, 2.0, 1.5}}); }},
      {"0 and 1 [3]", [] { return tensor({1.0, 0.0, 1.0}); }},
      {"int64 [2]", [] { return tensor({1, 2}); }},
      {"float32 [2, 2, 3, 3]", [] { return numbers({2, 2, 3, 3}); }},
      {"float32 [9]", [] { return numbers({9}); }},
      {"float64 leaf [2]", [] { return tensor({0.5, -0.25}, {.dtype = float64, .requires_grad = true}); }},
      {"float32 [3, 3, 3]", [] { return numbers({3, 3, 3}); }},
      {"labels [3, 1]", [] { return tensor({{1}, {2}, {1}}); }},
      {"int64 [2, 3]", [] { return tensor({{0, 1, 2}, {2, 1, 0}}); }},
  };
  all.bad = {
      {"undefined", [] { return Tensor(); }},
      {"float32 [0]", [] { return zeros({0}); }},
      {"float32 [0, 3]", [] { return zeros({0, 3}); }},
      {"float32 [3, 0]", [] { return zeros({3, 0}); }},
      {"int64 [0]", [] { return zeros({0}, {.dtype = int64}); }},
      {"int64 [0, 3]", [] { return zeros({0, 3}, {.dtype = int64}); }},
      {"float64 [3, 3]", [] { return numbers({3, 3}).to(float64); }},
      {"float64 [3]", [] { return numbers({3}).to(float64); }},
      {"bool [3]", [] { return tensor({true, false, true}); }},
      {"bool []", [] { return tensor(true); }},
      {"int64 []", [] { return tensor(1); }},
      {"int64 extremes [3, 3]", [] { return tensor({{least, most, -1}, {0, 3, -4}, {100, 1, 2}}); }},
      {"int64 extremes [3]", [] { return tensor({least, most, std::int64_t{-1}}); }},
      {"int64 [3], one too large", [] { return tensor({0, 1, 3}); }},
      {"int64 least []", [] { return scalar_tensor(least); }},
      {"NaN [3, 3]", [] { return full({3, 3}, nan); }},
      {"NaN [3]", [] { return full({3}, nan); }},
      {"NaN []", [] { return tensor(nan); }},
      {"infinities [3, 3]", [] { return tensor({{inf, -inf, 0.0}, {1.0, -1.0, inf}, {-0.0, 3e38, -3e38}}); }},
      {"infinities [3]", [] { return tensor({inf, -inf, 1e-42}); }},
      {"float64 1e308 [3, 3]", [] { return full({3, 3}, 1e308, {.dtype = float64}); }},
      {"transposed [3, 3]", [] { return numbers({3, 3}).t(); }},
      {"strided [3, 3]", [] { return numbers({6, 6}).slice(0, {}, {}, 2).slice(1, 1, {}, 2); }},
      {"expanded [3, 3]", [] { return numbers({3, 1}).expand({3, 3}); }},
      {"expanded int64 [3]", [] { return tensor(1).expand({3}); }},
      {"eight dimensions", [] { return numbers({1, 1, 1, 3, 1, 1, 1, 3}); }},
      {"eight dimensions of int64", [] { return arange(3).reshape({1, 1, 1, 3, 1, 1, 1, 1}); }},
      {"four elements", [] { return numbers({4}); }},
      {"float32 [5, 2]", [] { return numbers({5, 2}); }},
      {"a result [3, 3]", [] { return numbers({3, 3}).requires_grad_() * 2; }},
      {"a view of a leaf [3]", [] { return numbers({3, 3}).requires_grad_()[1]; }},
      {"a large size of nothing", [] { return zeros({most, 0}); }},
  };
  return all;
}
Cases<Scalar> make_cases(Type<Scalar>) {
  Cases<Scalar> all;
  for (double v : {1.0, 0.5, 2.0}) all.plain.push_back({to_text(v), [v] { return Scalar(v); }});
  all.plain.push_back({"int64 3", [] { return Scalar(3); }});
  for (double v : {nan, inf, -inf, 0.0, -1.0, 1e308, 1e-320})
    all.bad.push_back({to_text(v), [v] { return Scalar(v); }});
  for (std::int64_t v : {least, most, std::int64_t{0}, std::int64_t{-1}})
    all.bad.push_back({"int64 " + std::to_string(v), [v] { return Scalar(v); }});
  all.bad.push_back({"true", [] { return Scalar(true); }});
  return all;
}
Cases<double> make_cases(Type<double>) {
  return listed<double>({0.5, 1, 0, 2}, {nan, inf, -inf, -1, 1e308, -1e308, 1e-320, 1.5});
}
Cases<bool> make_cases(Type<bool>) { return listed<bool>({false, true}); }
Cases<Shape> make_cases(Type<Shape>) {
  return listed<Shape>({{3, 3}, {9}, {3}, {}, {0}, {1}, {0, 1}, {1, 0}, {3, 1, 3}, {-1}, {3, 1}, {1, 3}},
                       {{-2},
                        {0, 3},
                        {most},
                        {most, most},
                        {least},
                        {least, 2},
                        {std::int64_t{1} << 40, std::int64_t{1} << 40},
                        {std::int64_t{1} << 31},
                        {-1, -1},
                        {3, -1, 0},
                        {7},
                        {0, 0},
                        {0, 9},
                        {0, most, most},
                        {1, 1, 1, 1, 1, 1, 1, 1},
                        {2, 2, 2, 2, 2, 2, 2, 2}});
}
Cases<Dims> make_cases(Type<Dims>) {
  return listed<Dims>({Dims{}, Dims{0}, Dims{1}, Dims{0, 1}, Dims{-1}},
                      {Dims{0, 0}, Dims{0, -2}, Dims{7}, Dims{-4}, Dims{most}, Dims{least},
                       Dims{0, 1, 2, 3, 4, 5, 6, 7}, Dims{most, least}});
}
Cases<IntArray> make_cases(Type<IntArray>) {
  return listed<IntArray>(
      {IntArray(1), IntArray(2), IntArray(3), IntArray{1, 2}, IntArray{2, 1, 1}},
      {IntArray(), IntArray(0), IntArray(-1), IntArray(most), IntArray(least), IntArray(std::int64_t{1} << 40),
       IntArray{1, most}, IntArray{least, 1}, IntArray{1, 2, 3, 4}});
}
Cases<nn::ConvPadding> make_cases(Type<nn::ConvPadding>) {
  Cases<nn::ConvPadding> all =
      listed<nn::ConvPadding>({"same", "valid"}, {"", "full", nn::ConvPadding(std::string(1000, 'x'))});
  const auto add = [](auto& to, const auto& from) {
    for (const auto& c : from) to.push_back({c.text, [c] { return nn::ConvPadding(Shape(c.make())); }});
  };
  add(all.plain, cases<IntArray>().plain);
  add(all.bad, cases<IntArray>().bad);
  return all;
}
Cases<DType> make_cases(Type<DType>) { return listed<DType>({float32, int64, float64, boolean}); }
Cases<Slice> make_cases(Type<Slice>) {
  Cases<Slice> all;
  const auto add = [](auto& to, std::optional<std::int64_t> start, std::optional<std::int64_t> stop,
                      std::int64_t step) {
    to.push_back({"slice " + std::to_string(to.size()), [=] {
                    Slice s;
                    s.start = start, s.stop = stop, s.step = step;
                    return s;
                  }});
  };
  add(all.plain, {}, {}, 1);
  add(all.plain, 1, {}, 1);
  add(all.bad, {}, {}, 0);
  add(all.bad, {}, {}, -1);
  add(all.bad, least, most, most);
  add(all.bad, most, least, 1);
  add(all.bad, -1, {}, least);
  return all;
}
Cases<Index> make_cases(Type<Index>) {
  Cases<Index> all;
  const auto number = [](auto& to, std::int64_t i) {
    to.push_back({"position " + std::to_string(i), [i] { return Index(i); }});
  };
  for (std::int64_t i : {0, 1, -1}) number(all.plain, i);
  all.plain.push_back({"none", [] { return Index(std::nullopt); }});
  for (const Case<Slice>& c : cases<Slice>().plain) all.plain.push_back({c.text, [c] { return Index(c.make()); }});
  for (std::int64_t i : {std::int64_t{3}, least, most}) number(all.bad, i);
  for (const Case<Slice>& c : cases<Slice>().bad) all.bad.push_back({c.text, [c] { return Index(c.make()); }});
  for (const Case<Tensor>& c : cases<Tensor>().bad) all.bad.push_back({c.text, [c] { return Index(c.make()); }});
  all.bad.push_back({"true", [] { return Index(true); }});
  all.bad.push_back({"...", [] { return Index(Ellipsis); }});
  return all;
}
Cases<Generator> make_cases(Type<Generator>) {
  return {{{"a generator", [] { return Generator(7); }}}, {}};
}
Cases<std::string> make_cases(Type<std::string>) {
  return listed<std::string>({"a", "b", "relu", "fc", "fc.weight", "loss", "none", "tanh", "lr", "train_loss"},
                             {"", "a.b", ".", "summ", std::string(300, 'x'), "\xff\xfe", "a b\n",
                              std::string("a\0b", 3), "_", "%s%n", "->", "ii->ij", "weight"});
}
Cases<std::string_view> make_cases(Type<std::string_view>) {
  Cases<std::string_view> all;
  const Cases<std::string>& texts = cases<std::string>();
  for (std::size_t i = 0; i < texts.size(); ++i)
    (i < texts.plain.size() ? all.plain : all.bad).push_back({texts[i].text, [&texts, i] {
                                                                static std::vector<std::string> kept;
                                                                if (kept.empty())
                                                                  for (std::size_t k = 0; k < texts.size(); ++k)
                                                                    kept.push_back(texts[k].make());
                                                                return std::string_view(kept[i]);
                                                              }});
  return all;
}
Cases<nn::ReductionOption> make_cases(Type<nn::ReductionOption>) {
  Cases<nn::ReductionOption> all;
  for (const char* name : {"mean", "none", "sum"})
    all.plain.push_back({name, [name] { return nn::ReductionOption(std::string(name)); }});
  for (const char* name : {"batchmean", "summ", ""})
    all.bad.push_back({name, [name] { return nn::ReductionOption(std::string(name)); }});
  return all;
}
Cases<nn::Lengths> make_cases(Type<nn::Lengths>) {
  Cases<nn::Lengths> all;
  const auto add = [](auto& to, std::vector<std::int64_t> values) {
    to.push_back({std::to_string(values.size()) + " lengths", [values] { return nn::Lengths(values); }});
  };
  add(all.plain, {1, 1, 1});
  add(all.plain, {2, 2, 2});
  for (std::int64_t bad : {least, most, std::int64_t{-1}, std::int64_t{100}}) add(all.bad, {bad, bad, bad});
  add(all.bad, {});
  add(all.bad, {0, 0, 0});
  for (const Case<Tensor>& c : cases<Tensor>().bad) all.bad.push_back({c.text, [c] { return nn::Lengths(c.make()); }});
  return all;
}
Cases<optim::ParamList> make_cases(Type<optim::ParamList>) {
  Cases<optim::ParamList> all;
  all.plain = {{"a parameter", [] { return optim::ParamList({numbers({3, 3}).requires_grad_()}); }},
               {"a named parameter", [] { return optim::ParamList({{"a", numbers({3}).requires_grad_()}}); }}};
  all.bad.push_back({"no parameter", [] { return optim::ParamList(); }});
  for (const Case<Tensor>& c : cases<Tensor>().bad)
    all.bad.push_back({c.text, [c] { return optim::ParamList({c.make()}); }});
  all.bad.push_back({"one twice", [] {
                       const Tensor p = numbers({3}).requires_grad_();
                       return optim::ParamList({p, p});
                     }});
  all.bad.push_back({"more names than tensors", [] {
                       optim::ParamList list({numbers({3}).requires_grad_()});
                       list.names = {"a", "b"};
                       return list;
                     }});
  return all;
}
Cases<io::StateDict> make_cases(Type<io::StateDict>) {
  Cases<io::StateDict> all;
  all.plain = {{"of a net", [] { return Net().state_dict(); }}, {"empty", [] { return io::StateDict(); }}};
  for (const Case<Tensor>& c : cases<Tensor>().bad)
    all.bad.push_back({c.text, [c] {
                         io::StateDict d = Net().state_dict();
                         d["fc.weight"] = c.make();
                         return d;
                       }});
  all.bad.push_back({"a name too many", [] {
                       io::StateDict d = Net().state_dict();
                       d["fc.more"] = tensor(1.0);
                       return d;
                     }});
  return all;
}
Cases<data::Batch> make_cases(Type<data::Batch>) {
  Cases<data::Batch> all;
  all.plain = {{"x and y", [] { return data::Batch({numbers({3, 3}), numbers({3, 3})}); }}};
  all.bad.push_back({"nothing", [] { return data::Batch(); }});
  for (const Case<Tensor>& c : cases<Tensor>().bad) {
    all.bad.push_back({"x " + c.text, [c] { return data::Batch({c.make(), numbers({3, 3})}); }});
    all.bad.push_back({"y " + c.text, [c] { return data::Batch({numbers({3, 3}), c.make()}); }});
  }
  return all;
}
Cases<train::History> make_cases(Type<train::History>) {
  return {{{"two epochs", [] { return train::History::from_rows({"loss", "a"}, {{0.5, 1.0}, {0.25, nan}}); }}},
          {{"empty", [] { return train::History(); }},
           {"no finite value", [] { return train::History::from_rows({"loss"}, {{nan}, {inf}}); }}}};
}
Cases<train::LossFunction> make_cases(Type<train::LossFunction>) {
  return {
      {{"mse", [] { return train::LossFunction(nn::functional::mse_loss); }}},
      {{"an undefined result",
        [] { return train::LossFunction([](const Tensor&, const Tensor&) { return Tensor(); }); }},
       {"no gradient", [] { return train::LossFunction([](const Tensor&, const Tensor&) { return tensor(1.0); }); }},
       {"not a number", [] { return train::LossFunction([](const Tensor& p, const Tensor&) { return p * nan; }); }}}};
}
Cases<train::NamedMetric> make_cases(Type<train::NamedMetric>) {
  return {
      {{"recall", [] { return train::NamedMetric("recall", train::Recall()); }},
       {"a function",
        [] {
          return train::NamedMetric("error", [](const Tensor& p, const Tensor& t) { return (p - t).abs().mean(); });
        }}},
      {{"an undefined result",
        [] { return train::NamedMetric("nothing", [](const Tensor&, const Tensor&) { return Tensor(); }); }},
       {"several numbers", [] { return train::NamedMetric("many", [](const Tensor& p, const Tensor&) { return p; }); }},
       {"named loss", [] { return train::NamedMetric("loss", train::accuracy); }}}};
}
Cases<train::TextTable> make_cases(Type<train::TextTable>) {
  return {{{"one column", [] { return train::TextTable({"a"}); }}}, {}};
}
Cases<autograd::CheckedFunction> make_cases(Type<autograd::CheckedFunction>) {
  using Inputs = std::vector<Tensor>;
  return {
      {{"squares",
        [] {
          return autograd::CheckedFunction([](const Inputs& in) { return in.empty() ? tensor(1.0) : in[0] * in[0]; });
        }}},
      {{"an undefined result", [] { return autograd::CheckedFunction([](const Inputs&) { return Tensor(); }); }},
       {"no result", [] { return autograd::CheckedFunction([](const Inputs&) { return Inputs(); }); }},
       {"a constant", [] { return autograd::CheckedFunction([](const Inputs&) { return tensor(1.0); }); }},
       {"integers", [] { return autograd::CheckedFunction([](const Inputs&) { return arange(3); }); }}}};
}
Cases<std::shared_ptr<nn::Module>> make_cases(Type<std::shared_ptr<nn::Module>>) {
  const auto gone = [] {
    auto net = std::make_shared<Net>();
    const Net other = std::move(*net);
    return std::shared_ptr<nn::Module>(net);
  };
  return {{{"a net", [] { return std::shared_ptr<nn::Module>(new Net()); }},
           {"ReLU", [] { return std::shared_ptr<nn::Module>(new nn::ReLU()); }}},
          {{"moved from", gone},
           {"no layers", [] { return std::shared_ptr<nn::Module>(new nn::Sequential()); }},
           {"of integers", [] { return std::shared_ptr<nn::Module>(new nn::Embedding(3, 3)); }}}};
}
Cases<std::unique_ptr<nn::Module>> make_cases(Type<std::unique_ptr<nn::Module>>) {
  return {{{"ReLU", [] { return std::unique_ptr<nn::Module>(new nn::ReLU()); }}},
          {{"null", [] { return std::unique_ptr<nn::Module>(); }}}};
}
Cases<std::shared_ptr<optim::Optimizer>> make_cases(Type<std::shared_ptr<optim::Optimizer>>) {
  const auto with_gradient = [](const Shape& shape) {
    const Tensor p = numbers(shape).requires_grad_();
    p.set_grad(numbers(shape));
    return p;
  };
  using Made = std::shared_ptr<optim::Optimizer>;
  return {{{"SGD", [=] { return Made(new optim::SGD({with_gradient({3, 3})}, {.lr = 0.1, .momentum = 0.9})); }},
           {"Adam", [=] { return Made(new optim::Adam({with_gradient({3, 3})}, {.lr = 0.1})); }}},
          {{"no gradient", [] { return Made(new optim::SGD({numbers({3}).requires_grad_()}, {.lr = 0.1})); }},
           {"another dtype",
            [=] {
              const Tensor p = with_gradient({3});
              auto made = std::make_shared<optim::Adam>(optim::ParamList{p}, optim::AdamOptions{.lr = 0.1});
              made->step();
              return Made(made);
            }},
           {"moved from", [=] {
              auto made =
                  std::make_shared<optim::SGD>(optim::ParamList{with_gradient({3})}, optim::SGDOptions{.lr = 0.1});
              const optim::SGD other = std::move(*made);
              return Made(made);
            }}}};
}
Cases<std::shared_ptr<const data::Dataset>> make_cases(Type<std::shared_ptr<const data::Dataset>>) {
  using Made = std::shared_ptr<const data::Dataset>;
  return {
      {{"x and y", [] { return Made(new data::TensorDataset({numbers({3, 3}), numbers({3, 3})})); }}},
      {{"null", [] { return Made(); }},
       {"empty", [] { return Made(new data::TensorDataset({zeros({0, 3})})); }},
       {"of one tensor", [] { return Made(new data::TensorDataset({arange(4)})); }},
       {"of nothing", [] { return Made(new data::FunctionDataset(2, [](std::int64_t) { return data::Sample(); })); }},
       {"of undefined tensors",
        [] { return Made(new data::FunctionDataset(2, [](std::int64_t) { return data::Sample{Tensor()}; })); }},
       {"of many samples",
        [] { return Made(new data::FunctionDataset(most, [](std::int64_t) { return data::Sample{tensor(1.0)}; })); }}}};
}
Cases<std::shared_ptr<const data::Sampler>> make_cases(Type<std::shared_ptr<const data::Sampler>>) {
  using Made = std::shared_ptr<const data::Sampler>;
  return {{{"none", [] { return Made(); }}, {"in order", [] { return Made(new data::SequentialSampler(3)); }}},
          {{"past the end", [] { return Made(new data::SubsetRandomSampler({0, 3, most, -1})); }},
           {"empty", [] { return Made(new data::SequentialSampler(0)); }}}};
}
Cases<std::shared_ptr<data::DataLoader>> make_cases(Type<std::shared_ptr<data::DataLoader>>) {
  using Made = std::shared_ptr<data::DataLoader>;
  Cases<Made> all;
  all.plain = {{"batches of 2", [] {
                  return Made(
                      new data::DataLoader(data::TensorDataset({numbers({3, 3}), numbers({3, 3})}), {.batch_size = 2}));
                }}};
  all.bad = {
      {"no batches", [] { return Made(new data::DataLoader(data::TensorDataset({zeros({0, 3}), zeros({0, 3})}))); }},
      {"one tensor", [] { return Made(new data::DataLoader(data::TensorDataset({numbers({3, 3})}))); }},
      {"samples of nothing",
       [] {
         return Made(new data::DataLoader(data::FunctionDataset(2, [](std::int64_t) { return data::Sample(); })));
       }},
      {"other shapes", [] { return Made(new data::DataLoader(data::TensorDataset({numbers({2, 5}), numbers({2})}))); }},
      {"integers", [] { return Made(new data::DataLoader(data::TensorDataset({arange(3), arange(3)}))); }},
      {"moved from", [] {
         auto made = std::make_shared<data::DataLoader>(data::TensorDataset({arange(3), arange(3)}));
         const data::DataLoader other = std::move(*made);
         return made;
       }}};
  return all;
}
Cases<std::shared_ptr<train::Metric>> make_cases(Type<std::shared_ptr<train::Metric>>) {
  using Made = std::shared_ptr<train::Metric>;
  return {{{"Recall", [] { return Made(new train::Recall()); }}, {"AUC", [] { return Made(new train::AUC()); }}},
          {{"null", [] { return Made(); }}}};
}
Cases<std::ostream*> make_cases(Type<std::ostream*>) {
  static std::ostringstream text;
  return {{{"a stream",
            [] {
              text.str("");
              return static_cast<std::ostream*>(&text);
            }}},
          {{"null", [] { return static_cast<std::ostream*>(nullptr); }}}};
}
Cases<train::Clock*> make_cases(Type<train::Clock*>) {
  static SteadyClock clock;
  return {{{"a clock", [] { return static_cast<train::Clock*>(&clock); }}}, {}};
}

// ---- looks
void look(const Shape& s, std::string& out) { out += to_text(s) + " "; }
void look(const Tensor& t, std::string& out) {
  if (!t.defined()) {
    out += "undefined ";
    return;
  }
  look(t.shape(), out);
  look(t.strides(), out);
  out += std::string(dtype_name(t.dtype())) + (t.requires_grad() ? " grad " : " ") + t.grad_fn() + " " +
         std::to_string(t.version()) + " ";
  if (t.numel() <= 100) {
    const Tensor dense = t.detach().contiguous();
    if (dense.numel() > 0)
      out.append(static_cast<const char*>(dense.raw_data()),
                 static_cast<std::size_t>(dense.numel()) * itemsize(dense.dtype()));
  }
  if (t.is_leaf() && t.requires_grad()) look(t.grad(), out);
}
void look(const nn::Module& m, std::string& out) {
  try {
    for (const auto& [name, p] : m.named_parameters()) out += name + " ", look(p, out);
    for (const auto& [name, b] : m.named_buffers()) out += name + " ", look(b, out);
    out += m.to_string();
  } catch (const Error&) {
    out += "moved from ";
  }
}
void look(const io::StateDict& d, std::string& out) {
  for (const auto& entry : d) out += entry.first + " ", look(entry.second, out);
}
void look(const optim::Optimizer& o, std::string& out) {
  try {
    for (std::size_t g = 0; g < o.group_count(); ++g)
      for (const Tensor& p : o.group_params(g)) {
        look(p, out);
        if (const optim::ParamState* s = o.state(p)) out += std::to_string(s->step) + " ", look(s->tensors, out);
      }
    for (const auto& group : o.state_dict().param_groups)
      for (const auto& [name, value] : group.options) out += name + "=" + to_text(value) + " ";
  } catch (const Error&) {
    out += "moved from ";
  }
}
void look(const train::History& h, std::string& out) {
  std::ostringstream text;
  h.write_csv(text);
  out += text.str();
}

}  // namespace misuse
