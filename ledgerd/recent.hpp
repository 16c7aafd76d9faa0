// Recent: the legs of the last committed postings, in memory, so that the outbox need not read back
// and decrypt what was written a moment ago. Only a shortcut: what is not here is in the file. The
// writer's thread puts in, any thread takes out. Limit: the last `postings_max`; a group larger
// than that is not kept at all, since copying it would cost its clients more than the shortcut
// saves.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "common/messages/ledgerd.hpp"
#include "ledgerd/book.hpp"

namespace guild::ledgerd {

class Recent {
 public:
  static constexpr std::size_t postings_max = 4'096;

  /// What a commit booked, next after what was put in before. Names in `accounts` must live as long
  /// as this.
  void append(const Accounts& accounts, Book::Group group);

  /// The legs of whole postings after `seq`, in order, until there are `legs_wanted`. Nothing when
  /// the first of them is not here. What is up to `seq` is forgotten: its asker has it.
  std::optional<std::vector<messages::Entry>> take_legs_after(std::int64_t seq,
                                                              std::size_t legs_wanted);

 private:
  struct Link {
    std::string_view account;
    Digest previous_hash;
  };
  struct Kept {
    Posting posting;
    boost::container::small_vector<Link, 2> links;  // One a leg.
  };

  std::mutex mutex_;
  std::deque<Kept> kept_;  // Without gaps.
};

}  // namespace guild::ledgerd
