#include "ledgerd/recent.hpp"

#include <algorithm>
#include <utility>

#include "ledgerd/history.hpp"

namespace guild::ledgerd {

void Recent::append(const Accounts& accounts, Book::Group group) {
  if (group.postings.empty()) return;
  std::vector<Kept> fresh;
  if (group.postings.size() <= postings_max) {
    fresh.reserve(group.postings.size());
    std::size_t leg_of_group = 0;
    for (Posting& posting : group.postings) {
      Kept& kept = fresh.emplace_back();
      for (const Leg& leg : posting.legs)
        kept.links.push_back(
            {accounts.at(leg.account).name, group.previous_hashes[leg_of_group++]});
      kept.posting = std::move(posting);
    }
  }
  const std::lock_guard lock(mutex_);
  if (fresh.empty() || (!kept_.empty() && kept_.back().posting.seq + 1 != fresh[0].posting.seq))
    kept_.clear();
  std::ranges::move(fresh, std::back_inserter(kept_));
  while (kept_.size() > postings_max) kept_.pop_front();
}

std::optional<std::vector<messages::Entry>> Recent::take_legs_after(std::int64_t seq,
                                                                    std::size_t legs_wanted) {
  std::vector<Kept> taken;
  {
    const std::lock_guard lock(mutex_);
    while (!kept_.empty() && kept_.front().posting.seq <= seq) kept_.pop_front();
    if (kept_.empty() || kept_.front().posting.seq != seq + 1) return std::nullopt;
    std::size_t legs = 0;
    for (auto next = kept_.begin(); next != kept_.end() && legs < legs_wanted; ++next) {
      legs += next->posting.legs.size();
      taken.push_back(*next);  // It stays: what could not be published is asked for again.
    }
  }
  std::vector<messages::Entry> entries;
  entries.reserve(legs_wanted);
  for (const Kept& kept : taken)
    for (std::size_t i = 0; i < kept.posting.legs.size(); ++i)
      entries.push_back(entry_of(kept.posting, kept.posting.legs[i], kept.links[i].account,
                                 kept.links[i].previous_hash));
  return entries;
}

}  // namespace guild::ledgerd
