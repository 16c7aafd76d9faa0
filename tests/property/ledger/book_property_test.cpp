// Laws of the book: whatever is asked of it, in whatever order, money is neither made nor lost, and
// what it wrote is what it is. A failure prints the seed; rerun with RC_PARAMS="seed=N".
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>

#include "tests/unit/ledgerd/book_world.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

enum class Act {
  transfer,
  add_bot,
  hold,
  post,
  void_hold,
  expire,
  set_floor,
  close,
  retire,
  reopen,
  liquidate,
  revive,
  repeat,
  commit,
  undo,
  rollback
};

/// One thing done to a book; the numbers are taken modulo what there is.
struct Step {
  Act act{};
  std::size_t from = 0, to = 0;
  std::int64_t units = 0;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << static_cast<int>(step.act) << ':' << step.from << '>' << step.to << ' '
             << step.units;
}

rc::Gen<Step> any_step() {
  const auto act = rc::gen::weightedElement<Act>({{20, Act::transfer},
                                                  {3, Act::add_bot},
                                                  {8, Act::hold},
                                                  {4, Act::post},
                                                  {2, Act::void_hold},
                                                  {1, Act::expire},
                                                  {2, Act::set_floor},
                                                  {1, Act::close},
                                                  {1, Act::retire},
                                                  {1, Act::reopen},
                                                  {1, Act::liquidate},
                                                  {1, Act::revive},
                                                  {3, Act::repeat},
                                                  {6, Act::commit},
                                                  {2, Act::undo},
                                                  {1, Act::rollback}});
  const auto units = rc::gen::oneOf(
      rc::gen::inRange<std::int64_t>(-5, 2'000'000'000),
      rc::gen::element<std::int64_t>(std::numeric_limits<std::int64_t>::max(),
                                     std::numeric_limits<std::int64_t>::min(), 100'000'000'000));
  return rc::gen::build<Step>(rc::gen::set(&Step::act, act),
                              rc::gen::set(&Step::from, rc::gen::inRange<std::size_t>(0, 9)),
                              rc::gen::set(&Step::to, rc::gen::inRange<std::size_t>(0, 9)),
                              rc::gen::set(&Step::units, units));
}

constexpr std::array<std::string_view, 9> names = {
    "world", "treasury", "bot/b0", "bot/b1", "bot/b2", "user/u0", "user/u1", "escrow/e", "nobody"};

using Drafted = std::expected<Draft, Refusal>;

/// A book under a run of steps, with the drafts it took, to be sent again.
class Run {
 public:
  void take(const Step& step) {
    switch (step.act) {
      case Act::repeat:
        return ask_again(step.from);
      case Act::commit:
        return commit();
      case Act::undo:
        return undo_one();
      case Act::rollback:
        book.rollback();
        waiting_.clear();
        return;
      case Act::expire:
        return expire();
      default:
        if (auto draft = draft_of(step)) ask(*draft);
    }
  }

  void commit() {
    auto group = book.commit();
    file.insert(file.end(), group.postings.begin(), group.postings.end());
    for (Draft& draft : waiting_) taken_.push_back(std::move(draft));
    waiting_.clear();
  }

  std::int64_t find(const Uuid& id) const {
    return book.ids().find(
        id, [&](std::int64_t seq) { return file.at(static_cast<std::size_t>(seq - 1)).id == id; });
  }

  Book book;
  std::vector<Posting> file;  ///< What was committed.

 private:
  Uuid next_id() { return id_of(std::to_string(++ids_)); }

  Drafted draft_of(const Step& step) {
    const std::string_view from = names[step.from % names.size()];
    const std::string_view to = names[step.to % names.size()];
    const std::string_view bot = names[2 + step.from % 3];
    const Money amount = Money::of_units(step.units);
    switch (step.act) {
      case Act::transfer:
        return draft_transfer(next_id(), from, to, amount, "r");
      case Act::add_bot:
        return draft_grant(next_id(), bot, amount, genesis_reference);
      case Act::hold:
        return draft_hold(next_id(), from, to, amount,
                          Duration{1 + static_cast<std::int64_t>(step.to) * 40}, "h");
      case Act::post:
        if (const auto hold = some_hold(step.from))
          return draft_hold_post(next_id(), *hold, amount, "p");
        break;
      case Act::void_hold:
        if (const auto hold = some_hold(step.from)) return draft_hold_void(next_id(), *hold, "v");
        break;
      case Act::set_floor:
        return draft_floor(next_id(), from, amount, "f");
      case Act::close:
        return draft_record(next_id(), from, EntryType::CLOSED, "");
      case Act::retire:
        return draft_record(next_id(), bot, EntryType::RETIRED, "");
      case Act::reopen:
        return draft_record(next_id(), from, EntryType::REOPENED, "");
      case Act::liquidate:
        if (const AccountNumber number = book.accounts().find(bot); number != 0)
          return draft_transfer(next_id(), bot, treasury_account,
                                book.accounts().at(number).state.balance, "l",
                                EntryType::LIQUIDATION);
        break;
      case Act::revive:
        return draft_transfer(next_id(), treasury_account, bot, amount, "", EntryType::REVIVE);
      default:
        break;
    }
    return std::unexpected(Refusal{.error = TransferError::hold_unknown});
  }

  /// Open, or one that never was.
  std::optional<HoldToEnd> some_hold(std::size_t which) {
    if (book.holds().size() == 0)
      return HoldToEnd{.seq = 1, .debit = "bot/b0", .credit = "treasury"};
    auto hold = book.holds().all().begin();
    std::advance(hold, static_cast<std::ptrdiff_t>(which % book.holds().size()));
    return *book.hold_to_end(hold->first);
  }

  void ask(const Draft& draft) {
    const Book::Mark before = book.mark();
    if (!book.book(draft, Instant{++ids_})) {
      RC_ASSERT(book.head() == before.head);
      return;
    }
    before_last_ = before;
    waiting_.push_back(draft);
  }

  void expire() {
    while (const std::int64_t seq = book.holds().expired(Instant{ids_}))
      ask(draft_hold_expiry(Uuid::of_name("expiry/" + std::to_string(seq)),
                            *book.hold_to_end(seq)));
  }

  void ask_again(std::size_t which) {
    if (taken_.empty()) return;
    const Draft& draft = taken_[which % taken_.size()];
    const std::int64_t seq = find(draft.id);
    RC_ASSERT(seq > 0);
    const Posting& earlier = file.at(static_cast<std::size_t>(seq - 1));
    RC_ASSERT(book.check_repeat(draft, earlier).has_value());
    Draft other = draft;
    other.legs.back().reference += "!";
    RC_ASSERT(!book.check_repeat(other, earlier).has_value());
  }

  void undo_one() {
    if (waiting_.empty()) return;
    if (before_last_.postings + 1 != waiting_.size()) return;
    book.undo_to(before_last_);
    waiting_.pop_back();
  }

  std::vector<Draft> taken_, waiting_;
  Book::Mark before_last_;
  std::int64_t ids_ = 0;
};

Run run_of(const std::vector<Step>& steps) {
  Run run;
  RC_ASSERT(
      run.book.book(*draft_genesis(id_of("genesis"), money("100.00")), Instant{1}).has_value());
  run.commit();
  for (const Step& step : steps) run.take(step);
  return run;
}

const AccountState& state(const Book& book, std::size_t number) {
  return book.accounts().at(static_cast<AccountNumber>(number)).state;
}

void require_same(const Book& a, const Book& b) {
  RC_ASSERT(a.tree().head() == b.tree().head());
  RC_ASSERT(a.head() == b.head());
  RC_ASSERT(a.ids().size() == b.ids().size());
  RC_ASSERT(a.holds().all() == b.holds().all());
  RC_ASSERT(a.accounts().size() == b.accounts().size());
  for (std::size_t n = 1; n <= a.accounts().size(); ++n) RC_ASSERT(state(a, n) == state(b, n));
}

std::vector<Step> many_steps() {
  return *rc::gen::resize(300, rc::gen::container<std::vector<Step>>(any_step()));
}

}  // namespace

TEST_CASE("no sequence of operations makes or loses money") {
  CHECK(rc::check("the sum over all accounts is zero after every step", [] {
    const auto steps = many_steps();
    Run run = run_of({});
    for (const Step& step : steps) {
      run.take(step);
      RC_ASSERT(run.book.total() == 0);
    }
  }));
}

TEST_CASE("nothing is spent or held that would take an account below its floor") {
  CHECK(rc::check("for every posting of the file", [] {
    Run run = run_of(many_steps());
    run.commit();
    Standing standing;
    for (std::size_t n = 1; n <= run.book.accounts().size(); ++n)
      standing.accounts.open(run.book.accounts().at(static_cast<AccountNumber>(n)).name);
    for (const Posting& posting : run.file) {
      std::map<AccountNumber, Money> before;
      for (const Leg& leg : posting.legs)
        before[leg.account] = standing.accounts.at(leg.account).state.available();
      link(posting, standing);
      for (const auto& [number, available] : before) {
        const Account& account = standing.accounts.at(number);
        RC_ASSERT(account.state.available() >= available || account.kind == AccountKind::world ||
                  account.state.available() >= account.state.floor ||
                  posting.type() == EntryType::LIQUIDATION);
        RC_ASSERT(account.kind == AccountKind::world || !account.state.available().is_negative());
      }
    }
  }));
}

TEST_CASE("what an account has held is the sum of its open holds") {
  CHECK(rc::check("after every step", [] {
    const auto steps = many_steps();
    Run run = run_of({});
    for (const Step& step : steps) {
      run.take(step);
      std::map<AccountNumber, std::pair<Money, std::uint32_t>> held;
      for (const auto& [seq, hold] : run.book.holds().all()) {
        auto& [sum, count] = held[hold.debit];
        sum = *sum.plus(hold.terms.amount);
        ++count;
      }
      for (std::size_t n = 1; n <= run.book.accounts().size(); ++n) {
        const auto& [sum, count] = held[static_cast<AccountNumber>(n)];
        RC_ASSERT(state(run.book, n).held == sum);
        RC_ASSERT(state(run.book, n).open_holds == count);
      }
    }
  }));
}

TEST_CASE("a hold is ended once, and never by more than it holds") {
  CHECK(rc::check("for every hold of the file", [] {
    Run run = run_of(many_steps());
    run.commit();
    std::map<std::int64_t, Money> open;
    for (const Posting& posting : run.file) {
      if (const auto* const terms = std::get_if<HoldTerms>(&posting.facts))
        open[posting.seq] = terms->amount;
      if (const auto* const end = std::get_if<HoldEnd>(&posting.facts)) {
        RC_ASSERT(open.contains(end->hold));
        RC_ASSERT(posting.legs.back().amount <= open[end->hold]);
        open.erase(end->hold);
      }
    }
    RC_ASSERT(open.size() == run.book.holds().size());
  }));
}

TEST_CASE("a balance is the sum of its entries, and its entries have no gap") {
  CHECK(rc::check("for every account", [] {
    Run run = run_of(many_steps());
    run.commit();
    std::map<AccountNumber, AccountState> sums;
    for (const Posting& posting : run.file)
      for (const Leg& leg : posting.legs) {
        AccountState& sum = sums[leg.account];
        RC_ASSERT(leg.account_seq == sum.entries + 1);
        RC_ASSERT(leg.previous_seq == sum.last_seq);
        sum.balance = *sum.balance.plus(leg.amount);
        sum.entries = leg.account_seq;
        sum.last_seq = posting.seq;
      }
    for (const auto& [number, sum] : sums) {
      RC_ASSERT(run.book.accounts().at(number).state.balance == sum.balance);
      RC_ASSERT(run.book.accounts().at(number).state.entries == sum.entries);
    }
  }));
}

TEST_CASE("a closed account takes nothing but what opens it") {
  CHECK(rc::check("for every posting of the file", [] {
    Run run = run_of(many_steps());
    run.commit();
    std::map<AccountNumber, bool> closed;
    for (const Posting& posting : run.file) {
      const EntryType type = posting.type();
      const bool may_open = type == EntryType::REVIVE || type == EntryType::REOPENED;
      for (const Leg& leg : posting.legs) RC_ASSERT(may_open || !closed[leg.account]);
      if (may_open) closed[posting.legs.back().account] = false;
      if (type == EntryType::CLOSED || type == EntryType::RETIRED || type == EntryType::LIQUIDATION)
        closed[posting.legs.front().account] = true;
    }
  }));
}

TEST_CASE("what was committed, read back, is the same book") {
  CHECK(rc::check("root, balances, holds, ids", [] {
    Run run = run_of(many_steps());
    run.book.rollback();
    Book again;
    for (std::size_t n = 1; n <= run.book.accounts().size(); ++n)
      again.restore_account(run.book.accounts().at(static_cast<AccountNumber>(n)).name);
    for (const Posting& posting : run.file)
      RC_ASSERT(again
                    .restore(posting,
                             [&](std::int64_t seq) {
                               return run.file.at(static_cast<std::size_t>(seq - 1)).id ==
                                      posting.id;
                             })
                    .has_value());
    require_same(again, run.book);
  }));
}

TEST_CASE("a group that is rolled back leaves no trace") {
  CHECK(rc::check("the book goes on as if it had not been asked", [] {
    const auto before = many_steps();
    const auto undone = many_steps();
    Run plain = run_of(before);
    plain.commit();
    Run troubled = run_of(before);
    troubled.commit();
    for (const Step& step : undone)
      if (step.act != Act::commit && step.act != Act::repeat) troubled.take(step);
    troubled.book.rollback();
    require_same(troubled.book, plain.book);
  }));
}
