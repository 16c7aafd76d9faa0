// Holds the daemon's leaves, hashes and roots against postings.json, which make_postings.py made
// from docs/ledger.md without any code of ours.
#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ledgerd/book.hpp"
#include "ledgerd/leaf.hpp"

using namespace guild;
using namespace guild::ledgerd;
using Json = nlohmann::json;

namespace {

const Json& postings() {
  static const Json golden = Json::parse(std::ifstream(GUILD_GOLDEN_LEDGER "/postings.json"));
  return golden.at("postings");
}

EntryType type_named(const std::string& name) {
  for (int code = 1; code < 256; ++code)
    if (const auto type = entry_type_of(static_cast<std::uint8_t>(code)))
      if (name_of(*type) == name) return *type;
  FAIL(name);
  return {};
}

Digest digest_of(const Json& hex) {
  return from_hex_exactly<32>(hex.get_ref<const std::string&>()).value();
}

LeafHead head_of(const Json& posting) {
  return {.seq = posting.at("seq"),
          .id = Uuid::parse(posting.at("id").get<std::string>()).value(),
          .time = Instant{posting.at("time_ns")},
          .previous_hash = digest_of(posting.at("previous_hash"))};
}

Draft draft_of(const Json& posting, const Accounts& accounts) {
  Draft draft{.id = head_of(posting).id, .legs = {}};
  for (const Json& leg : posting.at("legs")) {
    draft.legs.push_back({leg.at("account"), Money::of_units(leg.at("amount_units")),
                          type_named(leg.at("type")), leg.at("reference")});
    if (accounts.find(draft.legs.back().account) == 0)
      draft.opens.push_back(draft.legs.back().account);
  }
  return draft;
}

}  // namespace

TEST_CASE("leaves and hashes are those of the document") {
  REQUIRE(postings().size() == 15);
  for (const Json& posting : postings()) {
    std::vector<Digest> previous;
    std::vector<LeafLeg> legs;
    previous.reserve(posting.at("legs").size());
    for (const Json& leg : posting.at("legs")) {
      previous.push_back(digest_of(leg.at("previous_hash")));
      legs.push_back({.account = leg.at("account").get_ref<const std::string&>(),
                      .amount = Money::of_units(leg.at("amount_units")),
                      .type = type_named(leg.at("type")),
                      .reference = leg.at("reference").get_ref<const std::string&>(),
                      .account_seq = leg.at("account_seq"),
                      .previous_hash = &previous.back()});
    }
    INFO(posting.at("seq"));
    CHECK(to_hex(leaf_of(head_of(posting), legs)) == posting.at("leaf").get<std::string>());
    CHECK(to_hex(leaf_hash(head_of(posting), legs)) == posting.at("hash").get<std::string>());
  }
}

TEST_CASE("a book that is asked for these postings books them to the same hashes and roots") {
  Book book;
  for (const Json& posting : postings()) {
    INFO(posting.at("seq"));
    const LeafHead head = head_of(posting);
    const auto booked = book.book(draft_of(posting, book.accounts()), head.time);
    REQUIRE(booked);
    CHECK(to_hex((*booked)->hash) == posting.at("hash").get<std::string>());
    book.commit();
    CHECK(to_hex(book.tree().root()) == posting.at("root").get<std::string>());
  }
}
