// Numbered: things that have a `name` and a number, from 1 in the order in which they came, found
// by either. The names are in the things alone: the table holds numbers and hashes what they stand
// for, so that it costs 6 to 12 bytes for each. They never move. One thread at a time; bounded by
// its owner.
#pragma once

#include <boost/container/deque.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "common/base/assert.hpp"
#include "ledgerd/keyed_hasher.hpp"

namespace guild::ledgerd {

template <class Named>
class Numbered {
 public:
  using Number = std::uint32_t;

  std::size_t size() const { return parts_->all.size(); }
  const Named& at(Number number) const {
    GUILD_ASSERT(number >= 1 && number <= size());
    return parts_->all[number - 1];
  }
  Named& at(Number number) {
    GUILD_ASSERT(number >= 1 && number <= size());
    return parts_->all[number - 1];
  }
  /// 0 when there is none.
  Number find(std::string_view name) const {
    const auto found = parts_->by_name.find(name);
    return found == parts_->by_name.end() ? 0 : *found;
  }
  /// Its name is new.
  Number add(Named named) {
    parts_->all.push_back(std::move(named));
    const bool is_new = parts_->by_name.insert(static_cast<Number>(size())).second;
    GUILD_ASSERT(is_new);
    return static_cast<Number>(size());
  }
  void take_back_last() {
    GUILD_ASSERT(size() > 0);
    parts_->by_name.erase(static_cast<Number>(size()));
    parts_->all.pop_back();
  }

 private:
  // Large blocks: with those of std::deque a thing of 120 bytes takes 128, and more.
  using All = boost::container::deque<
      Named, void,
      typename boost::container::deque_options<boost::container::block_bytes<4'096>>::type>;

  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(std::string_view name) const noexcept { return KeyedHasher()(name); }
    std::size_t operator()(Number number) const noexcept {
      return (*this)(std::string_view((*all)[number - 1].name));
    }
    const All* all;
  };
  struct Equal {
    using is_transparent = void;
    std::string_view name_of(std::string_view name) const { return name; }
    std::string_view name_of(Number number) const { return (*all)[number - 1].name; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
      return name_of(a) == name_of(b);
    }
    const All* all;
  };
  struct Parts {
    All all;
    boost::unordered_flat_set<Number, Hash, Equal> by_name{0, Hash{&all}, Equal{&all}};
  };

  std::unique_ptr<Parts> parts_ = std::make_unique<Parts>();
};

}  // namespace guild::ledgerd
