// Laws of the book: whatever is asked of it, in whatever order, money is neither made nor lost, and
// what it wrote is what it is. A failure prints the seed; rerun with RC_PARAMS="seed=N".
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>

#include "tests/unit/ledgerd/book_world.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

enum class Act { transfer, add_bot, repeat, commit, undo, rollback };

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
                                                  {2, Act::add_bot},
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

/// A book under a run of steps, with the drafts it took, to be sent again.
class Run {
 public:
  void take(const Step& step) {
    switch (step.act) {
      case Act::transfer:
        return ask(draft_transfer(next_id(), names[step.from % names.size()],
                                  names[step.to % names.size()], Money::of_units(step.units), "r"));
      case Act::add_bot:
        return ask(draft_grant(next_id(), names[2 + step.from % 3], Money::of_units(step.units),
                               genesis_reference));
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
    }
  }

  void commit() {
    auto group = book.commit();
    file.insert(file.end(), group.postings.begin(), group.postings.end());
    for (Draft& draft : waiting_) taken_.push_back(std::move(draft));
    waiting_.clear();
  }

  Book book;
  std::vector<Posting> file;  ///< What was committed.

 private:
  Uuid next_id() { return id_of(std::to_string(++ids_)); }

  void ask(const std::expected<Draft, Refusal>& draft) {
    if (!draft) return;
    if (auto decision = book.decide(*draft, Instant{++ids_})) {
      before_last_ = book.mark();
      book.apply(std::move(*decision));
      waiting_.push_back(*draft);
    }
  }

  void ask_again(std::size_t which) {
    if (taken_.empty()) return;
    const Draft& draft = taken_[which % taken_.size()];
    const std::int64_t seq = book.seq_of(draft.id);
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
  auto genesis = run.book.decide(*draft_genesis(id_of("genesis"), money("100.00")), Instant{1});
  run.book.apply(std::move(*genesis));
  run.commit();
  for (const Step& step : steps) run.take(step);
  return run;
}

const AccountState& state(const Book& book, std::size_t number) {
  return book.accounts().at(static_cast<AccountNumber>(number)).state;
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

TEST_CASE("no account but world goes below zero") {
  CHECK(rc::check("after every step", [] {
    const auto steps = many_steps();
    Run run = run_of({});
    for (const Step& step : steps) {
      run.take(step);
      for (std::size_t n = 1; n <= run.book.accounts().size(); ++n)
        RC_ASSERT(n == 1 || !state(run.book, n).balance.is_negative());
    }
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
        sum = {*sum.balance.plus(leg.amount), leg.account_seq, posting.seq, posting.hash};
      }
    for (const auto& [number, sum] : sums) RC_ASSERT(run.book.accounts().at(number).state == sum);
  }));
}

TEST_CASE("what was committed, read back, is the same book") {
  CHECK(rc::check("root, balances, ids", [] {
    Run run = run_of(many_steps());
    run.book.rollback();
    Book again;
    for (std::size_t n = 1; n <= run.book.accounts().size(); ++n)
      again.restore_account(run.book.accounts().at(static_cast<AccountNumber>(n)).name);
    for (const Posting& posting : run.file) RC_ASSERT(again.restore(posting).has_value());
    RC_ASSERT(again.tree().head() == run.book.tree().head());
    RC_ASSERT(again.head() == run.book.head());
    RC_ASSERT(again.ids() == run.book.ids());
    for (std::size_t n = 1; n <= run.book.accounts().size(); ++n)
      RC_ASSERT(state(again, n) == state(run.book, n));
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
    const TreeHead head = troubled.book.tree().head();
    for (const Step& step : undone)
      if (step.act != Act::commit) troubled.take(step);
    troubled.book.rollback();
    RC_ASSERT(troubled.book.tree().head() == head);
    RC_ASSERT(troubled.book.head() == plain.book.head());
    RC_ASSERT(troubled.book.ids() == plain.book.ids());
    RC_ASSERT(troubled.book.accounts().size() == plain.book.accounts().size());
    for (std::size_t n = 1; n <= plain.book.accounts().size(); ++n)
      RC_ASSERT(state(troubled.book, n) == state(plain.book, n));
  }));
}
