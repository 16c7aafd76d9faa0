#include "ledgerd/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "common/base/text.hpp"
#include "ledgerd/store.hpp"

namespace guild::ledgerd {
namespace {

using messages::EntriesPage;
using messages::Entry;
using storage::Connection;

std::unexpected<Error> damaged(std::int64_t account) {
  return fail(ErrorKind::failed, "history_damaged",
              fmt::format("the history of account number {} cannot be read", account),
              "run `guild ledger verify`");
}

/// Seqs of an account's postings from its own sequence `from` to `to`, as many as there are.
class SeqsOf {
 public:
  SeqsOf(AccountNumber account, std::int64_t from, std::int64_t to)
      : account_(account), from_(from), to_(to) {}

  Result<void> read(Connection& file, const Tail* tail) {
    bool is_readable = true;
    GUILD_CHECK(store::each_list_of(file, account_, from_, to_,
                                    [&](AccountNumber, std::int64_t first,
                                        const std::optional<std::vector<std::int64_t>>& seqs) {
                                      is_readable = is_readable && seqs &&
                                                    take({.first = first, .seqs = *seqs});
                                    }));
    if (!is_readable) return damaged(account_);
    if (next() > to_) return {};
    return tail == nullptr ? read_rest(file) : take_rest(*tail);
  }

  const std::vector<std::int64_t>& seqs() const { return seqs_; }

 private:
  std::int64_t next() const { return from_ + static_cast<std::int64_t>(seqs_.size()); }

  /// Whether the run goes on where what was taken ends.
  bool take(const Tail& run) {
    const std::int64_t skipped = next() - run.first;
    if (skipped < 0) return false;
    for (auto i = static_cast<std::size_t>(skipped); i < run.seqs.size() && next() <= to_; ++i)
      seqs_.push_back(run.seqs[i]);
    return true;
  }

  Result<void> take_rest(const Tail& tail) {
    if (!tail.seqs.empty() && !take(tail)) return damaged(account_);
    return {};
  }

  Result<void> read_rest(Connection& file) {
    GUILD_TRY(const std::int64_t listed, store::mark(file, store::history_mark));
    return store::each_posting_after(file, listed, [this](const Posting& posting) {
      const auto leg = std::ranges::find(posting.legs, account_, &Leg::account);
      if (leg != posting.legs.end()) take({.first = leg->account_seq, .seqs = {posting.seq}});
      return next() <= to_;
    });
  }

  const AccountNumber account_;
  const std::int64_t from_, to_;
  std::vector<std::int64_t> seqs_;
};

/// The page, from the postings of the account from its own sequence max(after, 1) on.
Result<EntriesPage> read_page(Connection& file, AccountNumber account, std::string_view name,
                              std::int64_t after, std::int64_t limit,
                              const std::vector<std::int64_t>& seqs) {
  EntriesPage page;
  Digest previous{};
  bool is_whole = true;
  GUILD_CHECK(store::each_posting_of(file, seqs, [&](const Posting& posting) {
    const auto leg = std::ranges::find(posting.legs, account, &Leg::account);
    is_whole = leg != posting.legs.end();
    if (!is_whole) return false;
    page.more = std::cmp_equal(page.entries.size(), limit);
    if (page.more) return false;
    if (leg->account_seq > after) page.entries.push_back(entry_of(posting, *leg, name, previous));
    previous = posting.hash;
    return true;
  }));
  if (!is_whole) return damaged(account);
  return page;
}

Result<std::string> name_of_account(Connection& file, AccountNumber account) {
  std::string name;
  const std::int64_t number = account;
  GUILD_CHECK(store::each_name(file, {&number, 1},
                               [&](AccountNumber, std::string_view found) { name = found; }));
  if (name.empty()) return damaged(account);
  return name;
}

Result<EntriesPage> read_entries_now(Connection& file, AccountNumber account, std::int64_t after,
                                     std::int64_t limit, const Tail* tail) {
  GUILD_TRY(const std::string name, name_of_account(file, account));
  // One before, whose hash the first entry links to, and one behind, to know of more.
  SeqsOf seqs(account, std::max<std::int64_t>(after, 1), after + limit + 1);
  GUILD_CHECK(seqs.read(file, tail));
  return read_page(file, account, name, after, limit, seqs.seqs());
}

template <class T, class Read>
Result<T> in_snapshot(Connection& file, Read read) {
  T value{};
  GUILD_CHECK(file.snapshot([&](Connection& snapshot) -> Result<void> {
    GUILD_TRY(value, read(snapshot));
    return {};
  }));
  return value;
}

/// Fills in what legs of many accounts refer to, once it is known what they are.
class GatheredLegs {
 public:
  void take(Posting posting) {
    for (const Leg& leg : posting.legs) {
      accounts_.push_back(leg.account);
      if (leg.previous_seq != 0) previous_seqs_.push_back(leg.previous_seq);
    }
    count_ += posting.legs.size();
    postings_.push_back(std::move(posting));
  }
  std::size_t count() const { return count_; }

  Result<std::vector<Entry>> entries(Connection& file) {
    GUILD_CHECK(store::each_name(
        file, accounts_,
        [this](AccountNumber number, std::string_view name) { names_.emplace(number, name); }));
    GUILD_CHECK(store::each_hash_of(
        file, previous_seqs_,
        [this](std::int64_t seq, const Digest& hash) { hashes_.emplace(seq, hash); }));
    std::vector<Entry> entries;
    for (const Posting& posting : postings_)
      for (const Leg& leg : posting.legs) {
        const auto name = names_.find(leg.account);
        const auto previous = hashes_.find(leg.previous_seq);
        const bool is_linked = leg.previous_seq == 0 || previous != hashes_.end();
        if (name == names_.end() || !is_linked) return damaged(leg.account);
        entries.push_back(entry_of(posting, leg, name->second,
                                   leg.previous_seq == 0 ? Digest{} : previous->second));
      }
    return entries;
  }

 private:
  std::vector<Posting> postings_;
  std::vector<std::int64_t> accounts_, previous_seqs_;
  std::unordered_map<AccountNumber, std::string> names_;
  std::unordered_map<std::int64_t, Digest> hashes_;
  std::size_t count_ = 0;
};

Result<std::vector<Entry>> legs_after(Connection& file, std::int64_t seq, std::size_t legs_wanted) {
  GatheredLegs legs;
  GUILD_CHECK(store::each_posting_after(file, seq, [&](Posting posting) {
    legs.take(std::move(posting));
    return legs.count() < legs_wanted;
  }));
  return legs.entries(file);
}

std::unexpected<Error> seq_unknown(std::int64_t after, std::int64_t head) {
  return fail(ErrorKind::conflict, "seq_unknown",
              fmt::format("the book ends at posting {}, before {}", head, after),
              "it is not the book that was read up to there: a backup was restored, or the home is "
              "another one");
}

}  // namespace

Result<EntriesPage> read_entries(Connection& file, AccountNumber account, std::int64_t after,
                                 std::int64_t limit, const Tail* tail) {
  return in_snapshot<EntriesPage>(file, [&](Connection& snapshot) {
    return read_entries_now(snapshot, account, after, limit, tail);
  });
}

Result<EntriesPage> read_entries(Connection& file, std::string_view account, std::int64_t after,
                                 std::int64_t limit) {
  return in_snapshot<EntriesPage>(file, [&](Connection& snapshot) -> Result<EntriesPage> {
    GUILD_TRY(const auto number, store::find_account(snapshot, account));
    if (!number) return account_unknown(account);
    return read_entries_now(snapshot, *number, after, limit, nullptr);
  });
}

Result<std::vector<Entry>> read_legs_after(Connection& file, std::int64_t seq,
                                           std::size_t legs_wanted) {
  return in_snapshot<std::vector<Entry>>(
      file, [&](Connection& snapshot) { return legs_after(snapshot, seq, legs_wanted); });
}

Result<messages::EventsPage> read_events(Connection& file, std::int64_t after, std::int64_t limit) {
  return in_snapshot<messages::EventsPage>(
      file, [&](Connection& snapshot) -> Result<messages::EventsPage> {
        messages::EventsPage page;
        GUILD_TRY(page.head, store::last_seq(snapshot));
        if (after > page.head) return seq_unknown(after, page.head);
        GUILD_TRY(auto legs, legs_after(snapshot, after, static_cast<std::size_t>(limit)));
        page.more = (legs.empty() ? after : legs.back().seq) < page.head;
        page.events.assign(std::make_move_iterator(legs.begin()),
                           std::make_move_iterator(legs.end()));
        return page;
      });
}

std::unexpected<Error> account_unknown(std::string_view account) {
  return fail(ErrorKind::not_found, "account_unknown",
              fmt::format("there is no account {}", guild::quoted(account)),
              "bots: `guild bot list`; a user's account opens with its first credit");
}

namespace {

/// Names of accounts, by number.
Result<std::unordered_map<AccountNumber, std::string>> names_of(Connection& file,
                                                                const Posting& posting) {
  std::vector<std::int64_t> numbers;
  for (const Leg& leg : posting.legs) numbers.push_back(leg.account);
  if (const auto* const hold = std::get_if<HoldTerms>(&posting.facts))
    numbers.push_back(hold->credit);
  std::unordered_map<AccountNumber, std::string> names;
  GUILD_CHECK(store::each_name(file, numbers, [&](AccountNumber number, std::string_view name) {
    names.emplace(number, name);
  }));
  return names;
}

}  // namespace

Result<messages::PostingView> read_posting(Connection& file, std::int64_t seq) {
  messages::PostingView view;
  GUILD_CHECK(file.snapshot([&](Connection& snapshot) -> Result<void> {
    GUILD_TRY(const auto posting, store::find_posting(snapshot, seq));
    if (!posting || posting->legs.empty())
      return fail(ErrorKind::not_found, "posting_unknown",
                  fmt::format("there is no posting {}", seq),
                  "guild ledger verify tells how many there are");
    GUILD_TRY(auto names, names_of(snapshot, *posting));
    view = {.seq = seq,
            .id = posting->id,
            .time = posting->time,
            .type = posting->type(),
            .legs = {},
            .held_for = {},
            .held = {},
            .expires_at = {},
            .hold_seq = {},
            .floor = {},
            .hash = to_hex(posting->hash)};
    for (const Leg& leg : posting->legs)
      view.legs.push_back({.account = names[leg.account],
                           .amount = leg.amount,
                           .reference = leg.reference,
                           .account_seq = leg.account_seq});
    if (const auto* const hold = std::get_if<HoldTerms>(&posting->facts)) {
      view.held_for = names[hold->credit];
      view.held = hold->amount;
      view.expires_at = hold->expires_at;
    }
    if (const auto* const end = std::get_if<HoldEnd>(&posting->facts)) view.hold_seq = end->hold;
    if (const auto* const terms = std::get_if<FloorTerms>(&posting->facts))
      view.floor = terms->floor;
    return {};
  }));
  return view;
}

Result<messages::AuditPage> read_audit(Connection& file, std::int64_t after, std::int64_t limit) {
  messages::AuditPage page;
  // One more, to know whether there is one.
  GUILD_CHECK(
      store::each_audit_after(file, after, limit + 1, [&](std::int64_t number, store::Audit audit) {
        page.more = std::ssize(page.records) == limit;
        if (page.more) return;
        page.records.push_back({.number = number,
                                .time = audit.time,
                                .sender = std::move(audit.sender),
                                .principal = std::move(audit.principal),
                                .action = std::move(audit.action),
                                .subject = std::move(audit.subject),
                                .detail = {std::move(audit.detail)}});
      }));
  return page;
}

Entry entry_of(const Posting& posting, const Leg& leg, std::string_view account,
               const Digest& previous_hash) {
  return {.seq = posting.seq,
          .account_seq = leg.account_seq,
          .leg = &leg - posting.legs.data(),
          .legs = std::ssize(posting.legs),
          .id = posting.id,
          .account = std::string(account),
          .type = leg.type,
          .amount = leg.amount,
          .reference = leg.reference,
          .time = posting.time,
          .previous_hash = to_hex(previous_hash),
          .hash = to_hex(posting.hash)};
}

}  // namespace guild::ledgerd
