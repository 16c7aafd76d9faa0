// What the book costs in memory, counted and not estimated: every allocation of this program is
// counted as what malloc keeps for it. Bounds: account_bytes_max for each account, id_bytes_max for
// each id that is remembered, at their worst on the way (tables grow by doubling).
#include <fmt/format.h>
#include <malloc.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "ledgerd/view.hpp"

namespace {

std::atomic<std::int64_t> bytes_in_use = 0, most_in_use = 0;

/// glibc keeps a word before each block.
constexpr std::size_t block_header = sizeof(void*);

void* counted(void* block) {
  if (block == nullptr) throw std::bad_alloc();
  bytes_in_use += static_cast<std::int64_t>(malloc_usable_size(block) + block_header);
  most_in_use = std::max(most_in_use.load(), bytes_in_use.load());  // Of one thread.
  return block;
}
void uncount(void* block) {
  if (block == nullptr) return;
  bytes_in_use -= static_cast<std::int64_t>(malloc_usable_size(block) + block_header);
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) { return counted(std::malloc(size)); }
void* operator new[](std::size_t size) { return counted(std::malloc(size)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(std::aligned_alloc(static_cast<std::size_t>(alignment), size));
}
void operator delete(void* block) noexcept { uncount(block); }
void operator delete[](void* block) noexcept { uncount(block); }
void operator delete(void* block, std::size_t) noexcept { uncount(block); }
void operator delete[](void* block, std::size_t) noexcept { uncount(block); }
void operator delete(void* block, std::align_val_t) noexcept { uncount(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { uncount(block); }

using namespace guild;
using namespace guild::ledgerd;

namespace {

constexpr double account_bytes_max = 200, id_bytes_max = 100;

/// What grows, by the number that it has: how many bytes one costs at the end, and at the worst.
class Cost {
 public:
  explicit Cost(std::int64_t count) : count_(count), from_(bytes_in_use) {}

  /// There are `now` of them. Not of the first ones, whose table is mostly air.
  void note(std::int64_t now) {
    if (now >= count_ / 2) worst_ = std::max(worst_, each(now, most_in_use));
    most_in_use = bytes_in_use.load();
  }
  double at_end() const { return each(count_, bytes_in_use); }
  double worst() const { return worst_; }

 private:
  double each(std::int64_t now, std::int64_t bytes) const {
    return static_cast<double>(bytes - from_) / static_cast<double>(now);
  }

  std::int64_t count_, from_;
  double worst_ = 0;
};

void tell(const char* what, std::int64_t count, const Cost& cost) {
  fmt::print("{:<40} {:>9}: {:6.1f} bytes each, {:6.1f} at the worst\n", what, count, cost.at_end(),
             cost.worst());
}

Draft grant_to(std::int64_t number, const std::string& account) {
  return draft_grant(Uuid::of_name(std::to_string(number)), account, Money::of_units(1), "")
      .value();
}

/// A book of so many accounts, each with one posting of its own, in groups as the journal makes
/// them.
void fill(Book& book, std::int64_t count, const std::function<std::string(std::int64_t)>& name,
          Cost& cost) {
  for (std::int64_t i = 1; i <= count; ++i) {
    REQUIRE(book.book(grant_to(i, name(i)), Instant{i}));
    if (i % 1'000 == 0) {
      static_cast<void>(book.commit());
      static_cast<void>(book.take_blocks());
      cost.note(i);
    }
  }
}

}  // namespace

TEST_CASE("what is counted is what is kept") {
  const std::int64_t before = bytes_in_use;
  {
    const std::vector<std::byte> block(1'000'000);
    CHECK(bytes_in_use - before >= 1'000'000);
    CHECK(bytes_in_use - before < 1'010'000);
  }
  CHECK(bytes_in_use == before);
}

TEST_CASE("an id that is remembered costs no more than its bound") {
  for (const std::int64_t count : {100'000, 1'000'000, 1'800'000}) {
    Cost cost(count);
    IdIndex ids({});
    for (std::int64_t seq = 1; seq <= count; ++seq) {
      ids.insert(ids.hash_of(Uuid::of_name(std::to_string(seq))), seq);
      if (seq % 1'000 == 0) cost.note(seq);
    }
    tell("ids", count, cost);
    CHECK(cost.worst() <= id_bytes_max);
  }
}

TEST_CASE("an account costs no more than its bound, in the book and in the view of it") {
  const auto short_name = [](std::int64_t i) { return fmt::format("user/b{}", i); };
  const auto long_name = [](std::int64_t i) { return fmt::format("user/b{:0>39}", i); };
  for (const std::int64_t count : {100'000, 130'000, 200'000}) {
    Accounts accounts;
    Cost cost(count);
    for (std::int64_t i = 1; i <= count; ++i) {
      static_cast<void>(accounts.open(short_name(i)));
      if (i % 1'000 == 0) cost.note(i);
    }
    tell("accounts", count, cost);
    CHECK(cost.worst() <= account_bytes_max);
  }
  {
    constexpr std::int64_t count = 100'000;
    Accounts accounts;
    Cost cost(count);
    for (std::int64_t i = 1; i <= count; ++i) {
      static_cast<void>(accounts.open(long_name(i)));
      if (i % 1'000 == 0) cost.note(i);
    }
    tell("accounts with names of 45 bytes", count, cost);
    CHECK(cost.worst() <= account_bytes_max + 60);
  }
  {
    constexpr std::int64_t count = 100'000;
    Book book;
    REQUIRE(
        book.book(draft_genesis(Uuid::of_name("genesis"), Money::of_units(1)).value(), Instant{1}));
    Cost cost(count);
    fill(book, count, short_name, cost);
    tell("a book's accounts, with an id each", count, cost);
    CHECK(cost.worst() <= account_bytes_max + id_bytes_max);
    Cost of_view(count);
    const View view(book);
    of_view.note(count);
    tell("the view's accounts, besides", count, of_view);
    REQUIRE(view.accounts() == count + 2);
    CHECK(cost.at_end() + of_view.at_end() <= account_bytes_max + id_bytes_max);
  }
}
