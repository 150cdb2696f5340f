#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "slope/autograd/core/error.h"

namespace slope {

/// A sequence whose elements keep their addresses when more are added at its end.
///
///     StableVector<Group> groups;
///     Group& first = groups.push_back({});
///     groups.push_back({});  // `first` stays valid
template <class T>
class StableVector {
  template <class Element>
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = Element*;
    using reference = Element&;

    Iterator() = default;
    explicit Iterator(const std::unique_ptr<T>* at) : at_(at) {}
    Element& operator*() const { return **at_; }
    Element* operator->() const { return at_->get(); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(at_++); }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const std::unique_ptr<T>* at_ = nullptr;
  };

 public:
  using value_type = T;
  using iterator = Iterator<T>;
  using const_iterator = Iterator<const T>;

  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  T& push_back(T value) { return *items_.emplace_back(std::make_unique<T>(std::move(value))); }

  T& operator[](std::size_t i) { return *items_[i]; }
  const T& operator[](std::size_t i) const { return *items_[i]; }
  /// Throws IndexError unless i < size().
  T& at(std::size_t i, SourceLoc loc = SourceLoc::here()) { return *items_[checked(i, loc)]; }
  const T& at(std::size_t i, SourceLoc loc = SourceLoc::here()) const { return *items_[checked(i, loc)]; }
  T& front() { return *items_.front(); }
  const T& front() const { return *items_.front(); }
  T& back() { return *items_.back(); }
  const T& back() const { return *items_.back(); }

  iterator begin() { return iterator(items_.data()); }
  iterator end() { return iterator(items_.data() + items_.size()); }
  const_iterator begin() const { return const_iterator(items_.data()); }
  const_iterator end() const { return const_iterator(items_.data() + items_.size()); }

 private:
  std::size_t checked(std::size_t i, SourceLoc loc) const {
    if (i >= items_.size())
      throw IndexError(concat("at: index ", i, " is out of range for ", items_.size(), " elements"), loc);
    return i;
  }
  std::vector<std::unique_ptr<T>> items_;
};

}  // namespace slope
