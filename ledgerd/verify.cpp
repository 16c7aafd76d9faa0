#include "ledgerd/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "ledgerd/chain.hpp"
#include "ledgerd/checkpoint.hpp"
#include "ledgerd/draft.hpp"
#include "ledgerd/list_check.hpp"
#include "ledgerd/posting_queue.hpp"
#include "ledgerd/store.hpp"

namespace guild::ledgerd {
namespace {

using storage::Connection;

/// Two ids meet by chance once in 2^64: more than one is a file that somebody made.
constexpr std::size_t suspects_max = 1'024;
/// A file that says it has more grows the table as it goes.
constexpr std::int64_t ids_reserved_max = 100'000'000;

/// Also those that no tree has.
constexpr std::int64_t every_block =
    std::numeric_limits<std::int64_t>::min() + static_cast<std::int64_t>(store::hashes_in_row_max);

/// The first entry of a bot's account.
struct FirstEntry {
  std::int64_t seq = 0;
  Instant time;
  bool is_genesis_grant = false;
};

/// One reading of the file. Each step answers whether the book is sound so far.
class Verification {
 public:
  Verification(Connection& file, std::optional<TreeHead> known, const std::stop_token& stop,
               const std::optional<SigningKey>& signing_key)
      : file_(file), known_(known), stop_(stop), signing_key_(signing_key) {}

  Result<void> run() {
    using Step = Result<void> (Verification::*)();
    for (const Step step :
         {&Verification::read_accounts, &Verification::read_marks, &Verification::read_postings,
          &Verification::check_end, &Verification::check_bots, &Verification::check_lists,
          &Verification::check_ids, &Verification::check_blocks}) {
      GUILD_CHECK((this->*step)());
      if (fault_) return {};
    }
    return {};
  }

  messages::VerifyReport report() const {
    messages::VerifyReport report{.ok = !fault_,
                                  .entries = standing_.head.seq,
                                  .root = to_hex(tree_.root()),
                                  .first_bad_seq = 0,
                                  .problem = {}};
    if (fault_) {
      report.first_bad_seq = fault_->seq;
      report.problem = fault_->problem;
    }
    return report;
  }

  /// The file could not be read past the last posting that was good.
  void note_unreadable(const Error& error) {
    blame(standing_.head.seq + 1, fmt::format("it cannot be read: {}", error.message));
  }

 private:
  void blame(std::int64_t seq, std::string problem) {
    if (!fault_) fault_ = Fault{.seq = seq, .problem = std::move(problem)};
  }
  /// What is gone is after the last posting that is there.
  void blame_missing(std::string problem) { blame(standing_.head.seq + 1, std::move(problem)); }

  Result<void> read_accounts() {
    return store::each_account(file_, [this](std::int64_t number, std::string_view name) {
      if (fault_) return;
      if (number != static_cast<std::int64_t>(standing_.accounts.size()) + 1)
        return blame(0, fmt::format("account number {} is missing", standing_.accounts.size() + 1));
      if (!account_kind(name) || standing_.accounts.find(name) != 0)
        return blame(0, fmt::format("account number {} has a name that no account has", number));
      standing_.accounts.open(name);
    });
  }

  Result<void> read_marks() {
    GUILD_TRY(history_mark_, store::mark(file_, store::history_mark));
    GUILD_TRY(outbox_mark_, store::mark(file_, store::outbox_mark));
    GUILD_TRY(saved_, store::saved_standing(file_));
    GUILD_CHECK(store::each_checkpoint(file_, [this](const store::SavedCheckpoint& checkpoint) {
      checkpoints_.emplace(checkpoint.size, checkpoint.note);
    }));
    ids_ = IdIndex(saved_ ? saved_->id_key : IdKey{});
    return {};
  }

  Result<void> read_postings() {
    GUILD_TRY(const std::int64_t last, store::last_seq(file_));
    ids_.reserve(static_cast<std::size_t>(std::clamp<std::int64_t>(last, 0, ids_reserved_max)));
    // This thread reads and unpacks, the queue's checks and hashes.
    PostingQueue queue([this](const Posting& posting) { return take(posting); });
    const Result<void> read = store::each_posting_after(
        file_, std::numeric_limits<std::int64_t>::min(), [&](Posting posting) {
          const bool is_saved = saved_ && saved_->seq == posting.seq;
          if (stop_.stop_requested() || !queue.push(std::move(posting))) return false;
          if (!is_saved) return true;
          queue.drain();
          if (!fault_) asked_ = check_saved(*saved_);
          return !fault_ && asked_.has_value();
        });
    queue.drain();
    GUILD_CHECK(read);
    GUILD_CHECK(asked_);
    GUILD_CHECK(check_suspects());
    if (!stop_.stop_requested()) return {};
    return fail(ErrorKind::unavailable, "stopped", "the verification was stopped", "ask again");
  }

  bool take(const Posting& posting) {
    if (auto fault = find_fault(posting, standing_))
      return blame(fault->seq, std::move(fault->problem)), false;
    take_id(posting);
    if (posting.seq == 1) origin_ = origin_of(posting.hash);
    for (const Leg& leg : posting.legs) note(posting, leg);
    link(posting, standing_);
    tree_.append(posting.hash);
    if (known_ && known_->size == standing_.head.seq && known_->root != tree_.root())
      blame(standing_.head.seq, "the root up to here is not the one that the daemon has in memory");
    check_checkpoint();
    return !fault_;
  }

  /// A signed head of the book up to here says what it says itself.
  void check_checkpoint() {
    const auto checkpoint = checkpoints_.find(standing_.head.seq);
    if (checkpoint == checkpoints_.end()) return;
    const auto read = parse_checkpoint(checkpoint->second);
    if (!read || read->head != tree_.head())
      blame(standing_.head.seq, "a checkpoint of the book up to here has another root");
    else if (read->origin != origin_ || !is_signed(checkpoint->second))
      blame(standing_.head.seq, "a checkpoint of the book up to here is not one that was signed");
    checkpoints_.erase(checkpoint);
  }

  /// As the daemon signs: three lines, an empty one, one signature.
  bool is_signed(std::string_view note) const {
    constexpr std::ptrdiff_t lines = 5;
    if (std::ranges::count(note, '\n') != lines || !note.ends_with('\n')) return false;
    return !signing_key_ || is_signed_by(note, public_text_of(origin_, *signing_key_));
  }

  /// Whether a posting whose id has the same hash has the same id, the file tells when all is read.
  void take_id(const Posting& posting) {
    static_cast<void>(ids_.find(posting.id, [&](std::int64_t earlier) {
      if (suspects_.size() < suspects_max) suspects_.emplace_back(earlier, posting.seq);
      return false;
    }));
    const std::uint64_t hash = ids_.hash_of(posting.id);
    ids_.insert(hash, posting.seq);
    if (saved_ && posting.seq <= saved_->seq) id_hashes_.push_back(hash);
  }

  Result<void> check_suspects() {
    for (const auto& [earlier, later] : suspects_) {
      GUILD_TRY(const auto first, store::find_posting(file_, earlier));
      GUILD_TRY(const auto second, store::find_posting(file_, later));
      if (!first || !second || first->id != second->id) continue;
      if (!fault_ || later < fault_->seq)
        fault_ = Fault{.seq = later, .problem = "its id was used before"};
      return {};
    }
    return {};
  }

  /// Where the file says that the book stood, here.
  Result<void> check_saved(const store::SavedStanding& saved) {
    if (saved.hash != standing_.head.hash || saved.peaks != tree_.peaks())
      blame(saved.seq, "the saved head is not that of the postings");
    GUILD_CHECK(check_saved_states());
    auto holds = standing_.holds.all();
    GUILD_CHECK(store::each_open_hold(file_, [&](std::int64_t seq, const Hold& hold) {
      const auto found = holds.find(seq);
      if (found == holds.end() || found->second != hold)
        return blame(seq, "the saved hold is not that of the postings");
      holds.erase(found);
    }));
    if (!holds.empty()) blame(holds.begin()->first, "it is an open hold that was not saved");
    return {};
  }

  Result<void> check_saved_states() {
    std::size_t states = 0, with_entries = 0;
    GUILD_CHECK(store::each_state(file_, [&](AccountNumber number, const AccountState& state) {
      ++states;
      if (number < 1 || number > standing_.accounts.size() ||
          standing_.accounts.at(number).state != state)
        blame(0, fmt::format("the saved state of account number {} is not that of its postings",
                             number));
    }));
    for (AccountNumber number = 1; number <= standing_.accounts.size(); ++number)
      with_entries += standing_.accounts.at(number).state.entries > 0 ? 1U : 0U;
    if (states != with_entries) blame(0, "the saved states are not those of all accounts");
    return {};
  }

  void note(const Posting& posting, const Leg& leg) {
    if (leg.account_seq == 1)
      first_entries_[leg.account] = {
          .seq = posting.seq,
          .time = posting.time,
          .is_genesis_grant = leg.type == EntryType::GRANT && leg.reference == genesis_reference};
    if (posting.seq <= history_mark_) lists_.booked(leg.account, posting.seq);
  }

  Result<void> check_end() {
    if (known_ && standing_.head.seq < known_->size)
      blame_missing(fmt::format("the daemon has {} postings in memory", known_->size));
    const std::int64_t marked =
        std::max({outbox_mark_, history_mark_, saved_ ? saved_->seq : std::int64_t{0}});
    if (marked > standing_.head.seq)
      blame_missing(fmt::format("the file was marked at posting {}", marked));
    if (saved_ && saved_->seq < 1) blame(0, "the saved standing is of no posting");
    if (!checkpoints_.empty())
      blame_missing(
          fmt::format("a checkpoint was signed for {} postings", checkpoints_.rbegin()->first));
    GUILD_TRY(const auto economy, store::last_economy(file_));
    if (economy && standing_.head.seq == 0) blame_missing("the genesis was written");
    if (!economy && standing_.head.seq > 0) blame(0, "the record of economic constants is missing");
    for (AccountNumber number = 1; number <= standing_.accounts.size(); ++number)
      check_used(number);
    return {};
  }

  void check_used(AccountNumber number) {
    const Account& account = standing_.accounts.at(number);
    // World has no entry before the first grant that is not zero.
    if (account.state.entries == 0 && account.kind != AccountKind::world)
      blame_missing(fmt::format("{} is open and has no entry", account.name));
  }

  Result<void> check_bots() {
    std::size_t bots = 0;
    GUILD_CHECK(store::each_bot(file_, [&](const BotRecord& bot) {
      ++bots;
      check_bot(bot);
    }));
    std::size_t accounts_of_bots = 0;
    for (AccountNumber number = 1; number <= standing_.accounts.size(); ++number)
      if (standing_.accounts.at(number).kind == AccountKind::bot) ++accounts_of_bots;
    if (bots != accounts_of_bots)
      blame(0, fmt::format("there are {} bots and {} bots' accounts", bots, accounts_of_bots));
    return {};
  }

  void check_bot(const BotRecord& bot) {
    const bool is_known = bot.account >= 1 && bot.account <= standing_.accounts.size();
    if (!is_known || standing_.accounts.at(bot.account).name != bot_account(bot.handle))
      return blame(0, fmt::format("bot {} is not linked to its account", bot.handle));
    const FirstEntry& first = first_entries_[bot.account];
    if (!first.is_genesis_grant || first.seq != bot.grant_seq)
      blame(first.seq, fmt::format("bot {} does not begin with its GRANT", bot.handle));
    if (first.time != bot.created_at)
      blame(first.seq, fmt::format("bot {} was not made with its GRANT", bot.handle));
    const AccountState& state = standing_.accounts.at(bot.account).state;
    if (state.is_closed != (bot.status == BotStatus::DEAD))
      blame(state.last_seq, fmt::format("bot {} is {} and its account is not", bot.handle,
                                        bot.status == BotStatus::DEAD ? "DEAD" : "ALIVE"));
  }

  Result<void> check_lists() {
    GUILD_CHECK(
        store::each_list(file_, [this](AccountNumber account, std::int64_t first,
                                       const std::optional<std::vector<std::int64_t>>& seqs) {
          lists_.listed(account, first, seqs);
        }));
    if (const auto account = lists_.first_difference())
      blame(0, fmt::format("the list of the postings of account number {} is not right", *account));
    return {};
  }

  Result<void> check_ids() {
    std::size_t next = 0;
    bool is_same = true;
    GUILD_CHECK(store::each_id_hash(file_, [&](std::int64_t seq, std::uint64_t hash) {
      is_same = is_same && std::cmp_equal(seq, next + 1) && next < id_hashes_.size() &&
                id_hashes_[next] == hash;
      ++next;
    }));
    if (!is_same || next != id_hashes_.size())
      blame(0, "the saved hashes of ids are not those of the postings");
    return {};
  }

  Result<void> check_blocks() {
    const std::vector<Digest> blocks = tree_.take_blocks();
    std::int64_t next = 0;
    bool is_same = true;
    const std::int64_t saved = saved_ ? saved_->seq / block_leaves : 0;
    GUILD_CHECK(store::each_block(file_, every_block, std::numeric_limits<std::int64_t>::max(),
                                  [&](std::int64_t block, const Digest& root) {
                                    is_same = is_same && block == next && next < saved &&
                                              blocks[static_cast<std::size_t>(next)] == root;
                                    ++next;
                                  }));
    if (!is_same || next != saved)
      blame(0, "the saved blocks of the tree are not those of the postings");
    return {};
  }

  Connection& file_;
  const std::optional<TreeHead> known_;
  const std::stop_token& stop_;
  const std::optional<SigningKey>& signing_key_;
  std::string origin_;  // Once there is a posting.
  Standing standing_;
  Tree tree_;
  IdIndex ids_{IdKey{}};
  std::vector<std::pair<std::int64_t, std::int64_t>> suspects_;  // The first are enough.
  std::vector<std::uint64_t> id_hashes_;  // Of the postings up to the saved standing.
  std::optional<store::SavedStanding> saved_;
  std::map<std::int64_t, std::string> checkpoints_;  // That were not met yet, by size.
  Result<void> asked_;
  std::int64_t history_mark_ = 0, outbox_mark_ = 0;
  std::map<AccountNumber, FirstEntry> first_entries_;
  ListCheck lists_;
  std::optional<Fault> fault_;
};

bool is_damage(const Error& error) {
  return error.code == "corrupt" || error.code == "not_a_database";
}

}  // namespace

Result<messages::VerifyReport> verify_file(Connection& file, std::optional<TreeHead> known,
                                           const std::stop_token& stop,
                                           const std::optional<SigningKey>& signing_key) {
  std::optional<messages::VerifyReport> report;
  const Result<void> read = file.snapshot([&](Connection& snapshot) {
    report.reset();  // A reopened file is read from the start.
    Verification verification(snapshot, known, stop, signing_key);
    const Result<void> ran = verification.run();
    if (!ran && is_damage(ran.error())) verification.note_unreadable(ran.error());
    if (ran || is_damage(ran.error())) report = verification.report();
    return ran;
  });
  if (report) return *std::move(report);
  return fail(Error(read.error()).while_doing("verify the book"));
}

}  // namespace guild::ledgerd
