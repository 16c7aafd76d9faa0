// Batches: each transfer with its own outcome, those that are linked all or none.
#include "ledgerd/verify.hpp"
#include "tests/unit/ledgerd/ledger_file.hpp"

using namespace guild;
using namespace guild::ledgerd;
using messages::BatchKind;
using messages::BatchOutcome;
using messages::BatchTransfer;
using messages::TransferBatch;

namespace {

constexpr std::uint16_t booked = messages::outcome_booked, repeated = messages::outcome_repeated;

/// A batch written transfer by transfer, by names.
class Orders {
 public:
  Orders& transfer(std::string_view id, std::string_view debit, std::string_view credit,
                   std::string_view amount) {
    return add(id, BatchKind::transfer, index(debit), index(credit), amount);
  }
  Orders& hold(std::string_view id, std::string_view debit, std::string_view credit,
               std::string_view amount, std::uint32_t lifetime_s = 3'600) {
    add(id, BatchKind::hold, index(debit), index(credit), amount);
    batch.transfers.back().lifetime_s = lifetime_s;
    return *this;
  }
  Orders& post(std::string_view id, std::string_view hold, std::string_view amount) {
    add(id, BatchKind::post, 0, 0, amount);
    batch.transfers.back().hold = id_of(hold);
    return *this;
  }
  Orders& void_hold(std::string_view id, std::string_view hold) {
    add(id, BatchKind::void_hold, 0, 0, "0");
    batch.transfers.back().hold = id_of(hold);
    return *this;
  }
  Orders& linked() {
    batch.transfers.back().is_linked = true;
    return *this;
  }

  TransferBatch batch{.credential = "", .accounts = {}, .references = {"r"}, .transfers = {}};

 private:
  std::uint16_t index(std::string_view account) {
    const auto found = std::ranges::find(batch.accounts, account);
    const auto at = static_cast<std::uint16_t>(found - batch.accounts.begin());
    if (found == batch.accounts.end()) batch.accounts.emplace_back(account);
    return at;
  }
  Orders& add(std::string_view id, BatchKind kind, std::uint16_t debit, std::uint16_t credit,
              std::string_view amount) {
    batch.transfers.push_back({.id = id_of(id),
                               .hold = {},
                               .debit = debit,
                               .credit = credit,
                               .reference = 0,
                               .kind = kind,
                               .is_linked = false,
                               .amount = money(amount),
                               .lifetime_s = 0});
    return *this;
  }
};

std::uint16_t code(TransferError error) { return number_of(error); }

struct World {
  World() { it.add_bot("a", "10"); }

  std::vector<BatchOutcome> book(const Orders& orders, bool may_end = true) {
    std::vector<BatchOutcome> outcomes;
    must(it.journal().run([&](Transaction& transaction) -> Result<void> {
      GUILD_TRY(outcomes,
                transaction.book_batch(orders.batch, [&](std::string_view) { return may_end; }));
      return {};
    }));
    CHECK(must(verify_file(*file.connect(storage::Mode::read_only))).ok);
    return outcomes;
  }
  std::vector<std::uint16_t> codes(const Orders& orders, bool may_end = true) {
    std::vector<std::uint16_t> all;
    for (const BatchOutcome& outcome : book(orders, may_end)) {
      CHECK((outcome.seq != 0) == (outcome.code <= repeated));
      all.push_back(outcome.code);
    }
    return all;
  }
  Money balance(const std::string& account) { return it.balances().at(account); }

  LedgerFile file;
  RunningJournal it{file, money("1000")};
};

using Codes = std::vector<std::uint16_t>;

}  // namespace

TEST_CASE("each transfer of a batch has its own outcome") {
  World world;
  CHECK(world.codes(Orders()
                        .transfer("1", "bot/a", "treasury", "4")
                        .transfer("2", "bot/a", "treasury", "7")
                        .transfer("3", "bot/a", "user/eve", "6")
                        .transfer("4", "user/eve", "bot/a", "0")
                        .transfer("5", "user/eve", "user/eve", "1")
                        .transfer("6", "bot/nobody", "treasury", "1")
                        .transfer("7", "treasury", "bot/nobody", "1")
                        .transfer("8", "user/eve", "user/bob", "2")
                        .transfer("9", "user/bob", "user/eve", "2")) ==
        Codes{booked, code(TransferError::funds_short), booked,
              code(TransferError::amount_not_positive), code(TransferError::same_account),
              code(TransferError::debit_account_unknown),
              code(TransferError::credit_account_unknown), booked, booked});
  CHECK(world.balance("bot/a").is_zero());
  CHECK(world.balance("user/eve") == money("6"));
}

TEST_CASE(
    "an id twice in a batch, or again, gets the first receipt; with other content it is refused") {
  World world;
  const auto first = world.book(Orders()
                                    .transfer("1", "bot/a", "treasury", "1")
                                    .transfer("1", "bot/a", "treasury", "1")
                                    .transfer("1", "bot/a", "treasury", "2"));
  CHECK(first[0].code == booked);
  CHECK(first[1].code == repeated);
  CHECK(first[1].seq == first[0].seq);
  CHECK(first[2].code == code(TransferError::id_reused));
  const auto again = world.book(Orders().transfer("1", "bot/a", "treasury", "1"));
  CHECK(again[0].code == repeated);
  CHECK(again[0].seq == first[0].seq);
  CHECK(again[0].time == first[0].time);
  CHECK(world.balance("bot/a") == money("9"));
}

TEST_CASE("holds are made, posted and voided in batches") {
  World world;
  CHECK(world.codes(Orders()
                        .hold("h1", "bot/a", "treasury", "6")
                        .hold("h2", "bot/a", "treasury", "3")
                        .hold("h3", "bot/a", "treasury", "2")
                        .post("p1", "h1", "4")
                        .void_hold("v2", "h2")
                        .post("p2", "h2", "1")
                        .post("p3", "none", "1")
                        .hold("h4", "bot/a", "treasury", "1", 0)) ==
        Codes{booked, booked, code(TransferError::funds_short), booked, booked,
              code(TransferError::hold_ended), code(TransferError::hold_unknown),
              code(TransferError::expiry_not_ahead)});
  CHECK(world.balance("bot/a") == money("6"));
  CHECK(world.codes(Orders()
                        .hold("h1", "bot/a", "treasury", "6")
                        .post("p1", "h1", "4")
                        .post("p1", "h1", "5")
                        .void_hold("v2", "h2")) ==
        Codes{repeated, repeated, code(TransferError::id_reused), repeated});
}

TEST_CASE("an amount of zero posts all that is held") {
  World world;
  CHECK(world.codes(Orders().hold("h", "bot/a", "treasury", "6").post("p", "h", "0")) ==
        Codes{booked, booked});
  CHECK(world.balance("bot/a") == money("4"));
}

TEST_CASE("a hold is ended in a batch by whom it may be") {
  World world;
  CHECK(world.codes(Orders().hold("h", "bot/a", "treasury", "6").post("p", "h", "1"), false) ==
        Codes{booked, code(TransferError::not_permitted)});
}

TEST_CASE("linked transfers are booked all or none, and say which was refused") {
  World world;
  CHECK(world.codes(Orders()
                        .transfer("0", "bot/a", "treasury", "1")
                        .transfer("1", "bot/a", "user/eve", "4")
                        .linked()
                        .transfer("2", "user/eve", "treasury", "5")
                        .linked()
                        .transfer("3", "bot/a", "treasury", "1")
                        .transfer("4", "bot/a", "user/bob", "2")
                        .linked()
                        .transfer("5", "user/bob", "treasury", "2")) ==
        Codes{booked, code(TransferError::linked_failed), code(TransferError::funds_short),
              code(TransferError::linked_failed), booked, booked});
  CHECK(world.balance("bot/a") == money("7"));
  CHECK_FALSE(world.it.balances().contains("user/eve"));
  // What was refused may be sent again.
  CHECK(world.codes(Orders()
                        .transfer("1", "bot/a", "user/eve", "5")
                        .linked()
                        .transfer("2", "user/eve", "treasury", "5")) == Codes{booked, booked});
}

TEST_CASE("numbers of refusals are of one each, and known back") {
  for (std::uint16_t number = 16; number <= 42; ++number) {
    const auto error = transfer_error_of(number);
    REQUIRE(error);
    CHECK(number_of(*error) == number);
    CHECK_FALSE(error_of(Refusal{.error = *error}).code.empty());
    CHECK_FALSE(error_of(Refusal{.error = *error}).next_step.empty());
  }
  CHECK_FALSE(transfer_error_of(0));
  CHECK_FALSE(transfer_error_of(15));
  CHECK_FALSE(transfer_error_of(43));
}
