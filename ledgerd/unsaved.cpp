#include "ledgerd/unsaved.hpp"

#include <span>

#include "common/base/assert.hpp"
#include "ledgerd/store.hpp"

namespace guild::ledgerd {
namespace {

/// Does `write(first, part)` for parts of `all` that fit a row; `first` counts from `from`.
template <class T, class Write>
Result<void> write_in_rows(const std::vector<T>& all, std::int64_t from, Write write) {
  const std::span<const T> span(all);
  for (std::size_t done = 0; done < span.size(); done += store::hashes_in_row_max) {
    const std::size_t size = std::min(store::hashes_in_row_max, span.size() - done);
    GUILD_CHECK(write(from + static_cast<std::int64_t>(done), span.subspan(done, size)));
  }
  return {};
}

}  // namespace

void Unsaved::append(const Posting& posting, std::uint64_t id_hash) {
  GUILD_ASSERT(posting.seq == saved_ + postings() + 1);
  for (const Leg& leg : posting.legs) touched_.insert(leg.account);
  if (const auto* const terms = std::get_if<HoldTerms>(&posting.facts))
    opened_.emplace(posting.seq, Hold{.debit = posting.legs.front().account, .terms = *terms});
  if (const auto* const end = std::get_if<HoldEnd>(&posting.facts))
    if (opened_.erase(end->hold) == 0) ended_.push_back(end->hold);
  id_hashes_.push_back(id_hash);
}

void Unsaved::append_blocks(const std::vector<Digest>& roots) {
  blocks_.insert(blocks_.end(), roots.begin(), roots.end());
}

Result<void> Unsaved::write(storage::Connection& file, const Book& book) const {
  GUILD_CHECK(write_states(file, book));
  GUILD_CHECK(write_holds(file));
  GUILD_CHECK(write_hashes(file));
  const ChainHead head = book.committed_head();
  GUILD_ASSERT(head.seq == saved_ + postings());
  return store::save_standing(
      file, {.seq = head.seq, .hash = head.hash, .peaks = book.tree().peaks(), .id_key = id_key_});
}

Result<void> Unsaved::write_states(storage::Connection& file, const Book& book) const {
  const auto before_group = book.states_before_group();
  for (const AccountNumber account : touched_) {
    const auto before = before_group.find(account);
    GUILD_CHECK(store::save_state(
        file, account,
        before == before_group.end() ? book.accounts().at(account).state : before->second));
  }
  return {};
}

Result<void> Unsaved::write_holds(storage::Connection& file) const {
  for (const std::int64_t seq : ended_) GUILD_CHECK(store::delete_open_hold(file, seq));
  for (const auto& [seq, hold] : opened_) GUILD_CHECK(store::insert_open_hold(file, seq, hold));
  return {};
}

Result<void> Unsaved::write_hashes(storage::Connection& file) const {
  GUILD_CHECK(write_in_rows(id_hashes_, saved_ + 1, [&](std::int64_t first, auto part) {
    return store::insert_id_hashes(file, first, part);
  }));
  return write_in_rows(blocks_, saved_ / block_leaves, [&](std::int64_t first, auto part) {
    return store::insert_blocks(file, first, part);
  });
}

void Unsaved::clear() {
  saved_ += postings();
  touched_.clear();
  opened_.clear();
  ended_.clear();
  id_hashes_.clear();
  blocks_.clear();
}

}  // namespace guild::ledgerd
