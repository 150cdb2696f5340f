#include "misuse/row.h"

namespace misuse {

using namespace slope;
using namespace slope::data;

namespace {

using Size = std::int64_t;
using Sizes = std::vector<Size>;
using Loc = SourceLoc;
using Shared = std::shared_ptr<const Dataset>;

TensorDataset three() { return TensorDataset({arange(3), arange(3)}); }
DataLoader loader() { return DataLoader(three(), {.batch_size = 2}); }

/// A whole pass, as far as it goes.
std::size_t pass(DataLoader& loader, Loc loc) {
  std::size_t batches = 0;
  for (auto it = loader.begin(loc); it != loader.end() && batches < 5; ++it) ++batches;
  return batches;
}

}  // namespace

std::vector<Row> data_rows() {
  return {
      // ---- batches
      made<Batch(std::vector<Tensor>)>("Batch::Batch"),
      row("Batch::size", &Batch::size),
      row<const Tensor&(At) const, Batch>("Batch::operator[]", &Batch::operator[]),
      row<Tensor&(At), Batch>("Batch::operator[]", &Batch::operator[]),
      row("Batch::x", &Batch::x),
      row("Batch::y", &Batch::y),
      row("Batch::tensors", &Batch::tensors),
      row("Batch::unpack", [](const Batch& b, Loc loc) { return b.unpack<2>(loc)[1]; }),
      row("Batch::get", [](Batch& b, Loc loc) { return b.get<1>(loc); }),
      row("Batch::get", [](const Batch& b, Loc loc) { return b.get<1>(loc); }),
      // ---- data sets
      row("Dataset::size", &Dataset::size),
      row("Dataset::get", [](const Dataset& d) { return d.get(0); }),
      row("Dataset::gather", [](const Dataset& d) { return d.gather(Sizes{0}); }),
      row("share", [] { return share(three()); }),
      row<Shared(Shared)>("share", share),
      made<TensorDataset(std::vector<Tensor>)>("TensorDataset::TensorDataset"),
      row("TensorDataset::TensorDataset",
          [](const Tensor& x, const Tensor& y, Loc loc) { return TensorDataset({x, y}, loc).size(); }),
      row("TensorDataset::TensorDataset", [](In x, const Tensor& y) { return TensorDataset(x, y, y).size(); }),
      row("TensorDataset::size", [] { return three().size(); }),
      row("TensorDataset::get", [](Size i) { return three().get(i); }),
      row("TensorDataset::gather", [](const Sizes& indices) { return three().gather(indices); }),
      row("TensorDataset::tensors", [] { return three().tensors(); }),
      made<Subset(Shared, Sizes)>("Subset::Subset"),
      row("Subset::Subset", [](Sizes indices, Loc loc) { return Subset(three(), std::move(indices), loc).size(); }),
      row("Subset::size", [] { return Subset(three(), {0}).size(); }),
      row("Subset::get", [](Size i) { return Subset(three(), {2, 0, 1, 1}).get(i); }),
      row("Subset::gather", [](const Sizes& indices) { return Subset(three(), {2, 0, 1, 1}).gather(indices); }),
      row("Subset::indices", [] { return Subset(three(), {2, 0}).indices(); }),
      made<ConcatDataset(std::vector<Shared>)>("ConcatDataset::ConcatDataset"),
      row("ConcatDataset::size", [] { return ConcatDataset({share(three()), share(three())}).size(); }),
      row("ConcatDataset::get", [](Size i) { return ConcatDataset({share(three()), share(three())}).get(i); }),
      made<FunctionDataset(Size, Function<Sample(Size)>)>("FunctionDataset::FunctionDataset"),
      row("FunctionDataset::size", [] { return FunctionDataset(3, [](Size) { return Sample(); }).size(); }),
      row("FunctionDataset::get", [](Size i) { return FunctionDataset(3, [](Size) { return Sample(); }).get(i); }),
      row<std::vector<Subset>(Shared, const Sizes&, Generator&, Loc)>("random_split", random_split),
      row("random_split",
          [](const Sizes& lengths, Generator& g, Loc loc) { return random_split(three(), lengths, g, loc).size(); }),
      row("random_split",
          [](double fraction, Generator& g, Loc loc) { return random_split(three(), fraction, g, loc).first.size(); }),
      row("random_split",
          [](double a, double b, Generator& g, Loc loc) { return random_split(three(), {a, b}, g, loc).size(); }),
      row("sample_generator", sample_generator),
      row("two_rings", two_rings),
      // ---- samplers
      row("Sampler::order",
          [](bool shuffled) {
            const std::shared_ptr<const Sampler> s = shuffled ? std::shared_ptr<const Sampler>(new RandomSampler(3))
                                                              : std::make_shared<SequentialSampler>(3);
            return s->order(1, 2);
          }),
      row("Sampler::size", [] { return std::make_shared<RandomSampler>(3)->size(); }),
      made<SequentialSampler(Size)>("SequentialSampler::SequentialSampler"),
      row("SequentialSampler::order", [](Size n, Loc loc) { return SequentialSampler(n, loc).order(0, 0).size(); }),
      row("SequentialSampler::size", [](Size n, Loc loc) { return SequentialSampler(n, loc).size(); }),
      made<RandomSampler(Size)>("RandomSampler::RandomSampler"),
      made<RandomSampler(Size, bool, Size)>("RandomSampler::RandomSampler"),
      row("RandomSampler::order",
          [](Size n, bool replacement, Size samples, Loc loc) {
            return RandomSampler(n, replacement, samples, loc).order(0, 0).size();
          }),
      row("RandomSampler::size", [] { return RandomSampler(3).size(); }),
      made<SubsetRandomSampler(Sizes)>("SubsetRandomSampler::SubsetRandomSampler"),
      row("SubsetRandomSampler::order",
          [](Sizes indices) { return SubsetRandomSampler(std::move(indices)).order(0, 0); }),
      row("SubsetRandomSampler::size", [](Sizes indices) { return SubsetRandomSampler(std::move(indices)).size(); }),
      made<WeightedRandomSampler(std::vector<double>, Size, bool)>("WeightedRandomSampler::WeightedRandomSampler"),
      row("WeightedRandomSampler::order",
          [](std::vector<double> weights, Size n, bool replacement, Loc loc) {
            return WeightedRandomSampler(std::move(weights), n, replacement, loc).order(0, 0).size();
          }),
      row("WeightedRandomSampler::size", [] { return WeightedRandomSampler({1.0}, 2).size(); }),
      // ---- loaders
      row("DataLoaderOptions::Batch",
          [](const Function<Batch(std::vector<Sample>)>& collate, Loc loc) {
            DataLoader l(three(), {.collate = collate}, loc);
            return pass(l, loc);
          }),
      row("DataLoader::DataLoader",
          [](Shared d, DataLoaderOptions o, Loc loc) {
            o.num_workers = 0;
            DataLoader l(std::move(d), std::move(o), loc);
            return pass(l, loc);
          }),
      row("DataLoader::DataLoader",
          [](int workers, int prefetch, double timeout, Loc loc) {
            DataLoader l(three(),
                         {.num_workers = workers > 3 ? -workers : workers, .prefetch = prefetch, .timeout = timeout},
                         loc);
            return l.size(loc);
          }),
      row("DataLoader::begin", [](DataLoader& l, Loc loc) { return pass(l, loc); }),
      row("DataLoader::end", [](const DataLoader& l) { (void)l.end(); }),
      row("DataLoader::size", &DataLoader::size),
      row("DataLoader::dataset", [](const DataLoader& l, Loc loc) { return l.dataset(loc).size(); }),
      row("DataLoader::set_epoch", &DataLoader::set_epoch),
      row("DataLoader::Iterator::operator*",
          [](Loc loc) {
            DataLoader l = loader();
            return (*l.begin(loc)).size();
          }),
      row("DataLoader::Iterator::operator->",
          [](Loc loc) {
            DataLoader l = loader();
            return l.begin(loc)->size();
          }),
      row("DataLoader::Iterator::operator++",
          [](DataLoader& l, Loc loc) {
            auto it = l.begin(loc);
            for (int i = 0; i < 5; ++i) ++it;
          }),
      row("DataLoader::Iterator::operator++",
          [](DataLoader& l, Loc loc) {
            auto it = l.begin(loc);
            for (int i = 0; i < 5; ++i) it++;
          }),
      row("default_collate", default_collate),
      // ---- files
      row("StateDict::StateDict", [](const std::string& a, const std::string& b, const Tensor& t,
                                     Loc loc) { return io::StateDict({{a, t}, {b, t}}, loc).size(); }),
      row("StateDict::StateDict",
          [](const std::vector<io::StateDict::Entry>& entries, Loc loc) { return io::StateDict(entries, loc).size(); }),
      row("StateDict::size", &io::StateDict::size),
      row("StateDict::empty", &io::StateDict::empty),
      row("StateDict::begin", &io::StateDict::begin),
      row("StateDict::end", &io::StateDict::end),
      row("StateDict::contains", &io::StateDict::contains),
      row("StateDict::find", &io::StateDict::find),
      row("StateDict::at", &io::StateDict::at),
      row("StateDict::operator[]", &io::StateDict::operator[]),
      row("StateDict::append", &io::StateDict::append),
      row("StateDict::erase", &io::StateDict::erase),
      row("StateDict::keys", &io::StateDict::keys),
  };
}

}  // namespace misuse
