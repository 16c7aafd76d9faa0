#include "ledgerd/packed.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace guild;
using namespace guild::ledgerd;

namespace {

Legs some_legs() {
  return {{.account = 1,
           .amount = Money::of_units(-300),
           .type = EntryType::TRANSFER,
           .reference = "why",
           .account_seq = 7,
           .previous_seq = 900},
          {.account = 300,
           .amount = Money::of_units(300),
           .type = EntryType::TRANSFER,
           .reference = "why",
           .account_seq = 1,
           .previous_seq = 0}};
}

}  // namespace

TEST_CASE("legs are packed to the byte as documented") {
  // 2 legs; account 1, zigzag(-300) = 599, type 15, 3 bytes, account_seq 7, 1000 - 900;
  // account 300, zigzag(300) = 600, type 15 with the reference before, account_seq 1, none.
  CHECK(to_hex(pack_content(1000, some_legs(), {})) ==
        "0201d7040f0377687907"
        "64"
        "ac02d8048f0100");
}

TEST_CASE("legs come back as they were") {
  CHECK(unpack_content(1000, pack_content(1000, some_legs(), {})) ==
        Content{.legs = some_legs(), .facts = {}});
}

TEST_CASE("the ends of every range come back") {
  for (const std::int64_t units : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                                   std::int64_t{0}, std::numeric_limits<std::int64_t>::max()}) {
    Legs legs = some_legs();
    legs[0].amount = Money::of_units(units);
    legs[0].account = std::numeric_limits<AccountNumber>::max();
    legs[0].account_seq = std::numeric_limits<std::int64_t>::max();
    legs[0].previous_seq = 1;
    legs[1].reference = "";
    const std::int64_t seq = std::numeric_limits<std::int64_t>::max();
    CHECK(unpack_content(seq, pack_content(seq, legs, {})) == Content{.legs = legs, .facts = {}});
  }
}

TEST_CASE("bytes that packing never gives are refused") {
  const auto refused = [](std::string_view hex) {
    INFO(hex);
    CHECK_FALSE(unpack_content(1000, from_hex(hex).value()));
  };
  refused("");
  refused("01");    // A leg is missing.
  refused("8102");  // More legs than a posting may have.
  refused(
      "0201d7040f0377687907"
      "64"
      "ac02d8048f01");  // Cut.
  refused(
      "0201d7040f0377687907"
      "64"
      "ac02d8048f010000");  // Something behind.
  refused(
      "0201d7040f0377687907"
      "64"
      "ac02d8040f03776879"
      "0100");  // The same reference, twice.
  refused(
      "0101d704"
      "8f"
      "0764");  // The reference before the first.
  refused(
      "0101d704"
      "15"
      "00"
      "0764");  // No such type.
  refused(
      "0101d704"
      "0f"
      "ff01"
      "00");  // A reference longer than what is left.
  refused(
      "0181"
      "00"
      "d704"
      "0f"
      "00"
      "07"
      "64");  // A number not in its shortest form.
  refused(
      "0101d704"
      "0f"
      "00"
      "07"
      "e907");  // A posting after itself.
  refused(
      "01ffffffffffffffffffff01"
      "00");  // A number over 64 bits.
  refused(
      "01ffffffff1f"
      "02"
      "0f"
      "00"
      "01"
      "00");  // An account number over 32 bits.
}

TEST_CASE("facts come back, and those of another type are refused") {
  const auto lone = [](EntryType type) {
    return Legs{{.account = 4,
                 .amount = {},
                 .type = type,
                 .reference = "",
                 .account_seq = 2,
                 .previous_seq = 9}};
  };
  const auto content = GENERATE_COPY(
      Content{lone(EntryType::HOLD),
              HoldTerms{.credit = 300, .amount = Money::of_units(5), .expires_at = {77}}},
      Content{lone(EntryType::HOLD_VOID), HoldEnd{8}},
      Content{lone(EntryType::HOLD_POST), HoldEnd{-8}},
      Content{lone(EntryType::HOLD_POST), HoldEnd{std::numeric_limits<std::int64_t>::min()}},
      Content{lone(EntryType::FLOOR), FloorTerms{Money::of_units(-7)}});
  const Bytes packed = pack_content(10, content.legs, content.facts);
  CHECK(unpack_content(10, packed) == content);
  for (std::size_t size = 0; size < packed.size(); ++size)
    CHECK_FALSE(unpack_content(10, BytesView(packed).first(size)));
  CHECK_FALSE(unpack_content(10, pack_content(10, content.legs, {})));
}

TEST_CASE("lists of seqs come back, and are small") {
  const std::vector<std::int64_t> seqs = {
      1, 2, 3, 1000, 1'000'000, std::numeric_limits<std::int64_t>::max()};
  CHECK(unpack_seqs(pack_seqs(seqs)) == seqs);
  CHECK(to_hex(pack_seqs(std::vector<std::int64_t>{5, 6, 300})) == "0501a602");
  CHECK(unpack_seqs({}) == std::vector<std::int64_t>{});
}

TEST_CASE("lists that do not rise, or run over, are refused") {
  CHECK_FALSE(unpack_seqs(from_hex("0500").value()));
  CHECK_FALSE(unpack_seqs(from_hex("0580").value()));
  CHECK_FALSE(unpack_seqs(from_hex("ffffffffffffffff7f01").value()));
  CHECK_FALSE(unpack_seqs(from_hex("ffffffffffffffffff01").value()));
}
