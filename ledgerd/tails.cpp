#include "ledgerd/tails.hpp"

#include <algorithm>
#include <span>

#include "ledgerd/store.hpp"

namespace guild::ledgerd {
namespace {

Result<void> write_lists(storage::Connection& file, AccountNumber account, const Tail& tail) {
  const std::span<const std::int64_t> seqs(tail.seqs);
  constexpr auto size_max = static_cast<std::size_t>(store::list_size_max);
  for (std::size_t done = 0; done < seqs.size(); done += size_max) {
    const std::size_t size = std::min(size_max, seqs.size() - done);
    GUILD_CHECK(store::insert_list(file, account, tail.first + static_cast<std::int64_t>(done),
                                   seqs.subspan(done, size)));
  }
  return {};
}

}  // namespace

void Tails::append(const Posting& posting) {
  const std::lock_guard lock(mutex_);
  for (const Leg& leg : posting.legs) {
    Tail& tail = tails_[leg.account];
    if (tail.seqs.empty()) tail.first = leg.account_seq;
    tail.seqs.push_back(posting.seq);
  }
  ++postings_;
  last_seq_ = posting.seq;
}

Tail Tails::copy(AccountNumber account, std::int64_t from, std::size_t count) const {
  const std::lock_guard lock(mutex_);
  const auto found = tails_.find(account);
  if (found == tails_.end()) return {};
  const Tail& tail = found->second;
  const auto size = static_cast<std::int64_t>(tail.seqs.size());
  const std::int64_t skipped = std::clamp<std::int64_t>(from - tail.first, 0, size);
  const auto begin = tail.seqs.begin() + skipped;
  const auto taken = std::min(static_cast<std::int64_t>(count), size - skipped);
  return {.first = tail.first + skipped, .seqs = {begin, begin + taken}};
}

std::int64_t Tails::postings() const {
  const std::lock_guard lock(mutex_);
  return postings_;
}

Result<void> Tails::write(storage::Connection& file) const {
  // No lock: whoever may change the tails is the thread that is here, and readers go on reading.
  for (const auto& [account, tail] : tails_) GUILD_CHECK(write_lists(file, account, tail));
  return store::set_mark(file, store::history_mark, last_seq_);
}

void Tails::clear() {
  const std::lock_guard lock(mutex_);
  tails_.clear();
  postings_ = 0;
}

}  // namespace guild::ledgerd
