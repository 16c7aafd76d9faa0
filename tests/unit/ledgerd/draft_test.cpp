#include "ledgerd/draft.hpp"

#include "tests/unit/ledgerd/book_world.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {
TransferError error_of_transfer(std::string_view debit, std::string_view credit,
                                std::string_view amount) {
  return draft_transfer(id_of("t"), debit, credit, money(amount), "").error().error;
}
}  // namespace

TEST_CASE("a transfer has two legs that sum to zero") {
  const auto draft = draft_transfer(id_of("t"), "bot/a", "treasury", money("1.25"), "why");
  REQUIRE(draft);
  CHECK(draft->legs ==
        std::vector<DraftLeg>{{"bot/a", money("-1.25"), EntryType::TRANSFER, "why"},
                              {"treasury", money("1.25"), EntryType::TRANSFER, "why"}});
}

TEST_CASE("a transfer of nothing, or of less, is refused") {
  CHECK(error_of_transfer("bot/a", "treasury", "0") == TransferError::amount_not_positive);
  CHECK(error_of_transfer("bot/a", "treasury", "-1") == TransferError::amount_not_positive);
}

TEST_CASE("a transfer from an account to itself is refused") {
  CHECK(error_of_transfer("bot/a", "bot/a", "1") == TransferError::same_account);
}

TEST_CASE("a grant of zero is a lone zero leg, so that no bot is without its GRANT") {
  const auto draft = draft_grant(id_of("g"), "bot/a", Money{}, genesis_reference);
  REQUIRE(draft);
  CHECK(draft->legs ==
        std::vector<DraftLeg>{{"bot/a", Money{}, EntryType::GRANT, "GENESIS_GRANT"}});
}

TEST_CASE("a negative grant is refused") {
  CHECK(draft_grant(id_of("g"), "bot/a", money("-1"), "").error().error ==
        TransferError::amount_not_positive);
}

TEST_CASE("the smallest amount cannot be negated into an overflow") {
  const Money smallest = Money::of_units(std::numeric_limits<std::int64_t>::min());
  CHECK(draft_transfer(id_of("t"), "bot/a", "treasury", smallest, "").error().error ==
        TransferError::amount_not_positive);
}
