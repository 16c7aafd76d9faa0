// Laws of the book with its file: whatever is asked, refused, grouped and interrupted by restarts,
// the file holds what a book in memory alone would hold, and reads back as it was packed.
#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "ledgerd/history.hpp"
#include "ledgerd/packed.hpp"
#include "ledgerd/verify.hpp"
#include "tests/unit/ledgerd/ledger_file.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

/// A transfer that is asked for; a restart before it now and then; a few under one id.
struct Order {
  unsigned id = 0;
  std::size_t from = 0, to = 0;
  std::int64_t units = 0;
  bool fails_later = false;  ///< The job answers an error after it booked.
  bool restart_before = false;
};

std::ostream& operator<<(std::ostream& out, const Order& order) {
  return out << order.id << ':' << order.from << '>' << order.to << ' ' << order.units
             << (order.fails_later ? " fails" : "") << (order.restart_before ? " restart" : "");
}

constexpr std::array<std::string_view, 6> names = {"world",  "treasury", "user/a",
                                                   "user/b", "user/c",   "bot/none"};

rc::Gen<std::vector<Order>> any_orders() {
  const auto order = rc::gen::build<Order>(
      rc::gen::set(&Order::id, rc::gen::inRange(0U, 60U)),
      rc::gen::set(&Order::from, rc::gen::inRange<std::size_t>(0, names.size())),
      rc::gen::set(&Order::to, rc::gen::inRange<std::size_t>(0, names.size())),
      rc::gen::set(&Order::units, rc::gen::inRange<std::int64_t>(-1, 400)),
      rc::gen::set(&Order::fails_later, rc::gen::weightedElement<bool>({{9, false}, {1, true}})),
      rc::gen::set(&Order::restart_before,
                   rc::gen::weightedElement<bool>({{14, false}, {1, true}})));
  return rc::gen::resize(60, rc::gen::container<std::vector<Order>>(order));
}

Uuid id_of_order(const Order& order) { return id_of(std::to_string(order.id)); }

std::expected<Draft, Refusal> draft_of(const Order& order) {
  return draft_transfer(id_of_order(order), names[order.from], names[order.to],
                        Money::of_units(order.units), "r");
}

/// What the same orders leave in a book without a file.
class Model {
 public:
  Model() : world_(Money::of_units(1'000)) {}

  std::string ask(const Order& order) {
    const auto draft = draft_of(order);
    if (!draft) return error_of(draft.error()).code;
    const bool is_new = world_.seq_of(draft->id) == 0;
    const Book::Mark mark = world_.book().mark();
    const auto posting = world_.book_now(*draft);
    if (!posting) return error_of(posting.error()).code;
    if (order.fails_later) {
      if (is_new) world_.book().undo_to(mark);
      return "later";
    }
    world_.commit();
    return "ok";
  }

  BookWorld& world() { return world_; }

 private:
  BookWorld world_;
};

std::string ask(RunningJournal& journal, const Order& order) {
  const auto draft = draft_of(order);
  if (!draft) return error_of(draft.error()).code;
  const auto outcome = journal.journal().run([&](Transaction& transaction) -> Result<void> {
    GUILD_CHECK(transaction.book(*draft));
    if (order.fails_later) return fail(ErrorKind::failed, "later", "later");
    return {};
  });
  return outcome ? "ok" : outcome.error().code;
}

void check_same(const LedgerFile& file, BookWorld& model) {
  const auto reader = file.connect(storage::Mode::read_only);
  const Recovered recovered = must(recover(*reader));
  const Accounts& accounts = model.book().accounts();
  RC_ASSERT(recovered.book.head().seq == model.book().head().seq);
  RC_ASSERT(recovered.book.accounts().size() == accounts.size());
  RC_ASSERT(recovered.book.total() == 0);
  for (AccountNumber number = 1; number <= accounts.size(); ++number) {
    const Account& account = accounts.at(number);
    RC_ASSERT(recovered.book.accounts().at(number).name == account.name);
    RC_ASSERT(recovered.book.accounts().at(number).state.balance == account.state.balance);
    const auto page = must(read_entries(*reader, account.name, 0, 1'000));
    Money sum;
    for (const auto& entry : page.entries) sum = *sum.plus(entry.amount);
    RC_ASSERT(std::cmp_equal(page.entries.size(), account.state.entries));
    RC_ASSERT(sum == account.state.balance);
  }
  RC_ASSERT(must(verify_file(*reader, recovered.book.tree().head())).ok);
}

/// Any that fit the type of the first leg.
Facts facts_of(const Legs& legs) {
  const auto money = [] { return Money::of_units(*rc::gen::arbitrary<std::int64_t>()); };
  if (legs.empty()) return {};
  switch (legs.front().type) {
    case EntryType::HOLD:
      return HoldTerms{.credit = *rc::gen::arbitrary<AccountNumber>(),
                       .amount = money(),
                       .expires_at = {*rc::gen::arbitrary<std::int64_t>()}};
    case EntryType::HOLD_POST:
    case EntryType::HOLD_VOID:
      return HoldEnd{*rc::gen::arbitrary<std::int64_t>()};
    case EntryType::FLOOR:
      return FloorTerms{money()};
    default:
      return {};
  }
}

}  // namespace

TEST_CASE("the file holds what a book in memory would, across restarts") {
  CHECK(rc::check("answers, balances, histories, and a sound chain", [] {
    const auto orders = *any_orders();
    const LedgerFile file;
    Model model;
    auto journal = std::make_unique<RunningJournal>(file, Money::of_units(1'000), 7);
    for (const Order& order : orders) {
      if (order.restart_before) {
        journal.reset();
        journal = std::make_unique<RunningJournal>(file, Money::of_units(1'000), 7);
      }
      RC_ASSERT(ask(*journal, order) == model.ask(order));
    }
    journal.reset();
    check_same(file, model.world());
  }));
}

TEST_CASE("legs come back from their packed form, and nothing else unpacks") {
  CHECK(rc::check("any legs", [] {
    const auto seq = *rc::gen::inRange<std::int64_t>(1, std::numeric_limits<std::int64_t>::max());
    Legs legs(*rc::gen::inRange<std::size_t>(0, 5));
    for (Leg& leg : legs)
      leg = {.account = *rc::gen::arbitrary<AccountNumber>(),
             .amount = Money::of_units(*rc::gen::arbitrary<std::int64_t>()),
             .type = *entry_type_of(*rc::gen::inRange<std::uint8_t>(1, 21)),
             .reference = *rc::gen::element<std::string>("", "r", "TICK:1", std::string(128, 'x')),
             .account_seq = *rc::gen::inRange<std::int64_t>(0, 1'000'000),
             .previous_seq = *rc::gen::inRange<std::int64_t>(0, seq)};
    const Facts facts = facts_of(legs);
    const Content content{.legs = legs, .facts = facts};
    RC_ASSERT(unpack_content(seq, pack_content(seq, legs, facts)) == content);
  }));
  CHECK(rc::check("any bytes", [] {
    const auto bytes = *rc::gen::arbitrary<Bytes>();
    if (const auto found = unpack_content(77, bytes))
      RC_ASSERT(pack_content(77, found->legs, found->facts) == bytes);
    if (const auto seqs = unpack_seqs(bytes)) RC_ASSERT(pack_seqs(*seqs) == bytes);
  }));
  CHECK(rc::check("packed bytes with one changed", [] {
    const Legs legs = {{1, Money::of_units(-3), EntryType::CHARGE, "why", 7, 60},
                       {2, Money::of_units(3), EntryType::CHARGE, "why", 9, 0}};
    Bytes bytes = pack_content(77, legs, {});
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ *rc::gen::inRange<std::uint8_t>(1, 255));
    const auto other = unpack_content(77, bytes);
    RC_ASSERT(!other || other->legs != legs);
  }));
}
