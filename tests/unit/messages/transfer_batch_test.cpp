#include "common/messages/transfer_batch.hpp"

#include <catch2/catch.hpp>

#include "common/base/bytes.hpp"

using namespace guild;
using namespace guild::messages;

namespace {

BatchTransfer some_transfer(BatchKind kind) {
  const bool has_accounts = kind == BatchKind::transfer || kind == BatchKind::hold;
  return {.id = Uuid::of_name("id"),
          .hold = has_accounts ? Uuid{} : Uuid::of_name("hold"),
          .debit = 0,
          .credit = static_cast<std::uint16_t>(has_accounts ? 1 : 0),
          .reference = 0,
          .kind = kind,
          .is_linked = false,
          .amount = kind == BatchKind::void_hold ? Money{} : Money::of_units(-5),
          .lifetime_s = kind == BatchKind::hold ? 60U : 0U};
}

TransferBatch some_batch() {
  TransferBatch batch{.credential = "{}",
                      .accounts = {"bot/a", "user/b"},
                      .references = {"", "why"},
                      .transfers = {}};
  for (const BatchKind kind :
       {BatchKind::transfer, BatchKind::hold, BatchKind::post, BatchKind::void_hold})
    batch.transfers.push_back(some_transfer(kind));
  batch.transfers[0].is_linked = true;
  batch.transfers[1].reference = 1;
  return batch;
}

std::string code_of(const std::string& bytes) {
  const auto decoded = decode_transfer_batch(bytes);
  return decoded ? "ok" : decoded.error().code;
}

std::string code_of(const TransferBatch& batch) { return code_of(encode(batch)); }

}  // namespace

TEST_CASE("a batch comes back as it was") {
  CHECK(decode_transfer_batch(encode(some_batch())) == some_batch());
}

TEST_CASE("a batch has the bytes that the protocol says") {
  TransferBatch batch{.credential = "",
                      .accounts = {"a", "b"},
                      .references = {""},
                      .transfers = {some_transfer(BatchKind::transfer)}};
  batch.transfers[0].id = {};
  batch.transfers[0].amount = Money::of_units(0x0102030405060708);
  CHECK(to_hex(as_bytes(encode(batch))) ==
        "47544231"          // GTB1
        "0100020001000000"  // 1 transfer, 2 accounts, 1 reference, no credential
        "0161"
        "0162"
        "00"  // a, b, the empty reference
        "00000000000000000000000000000000"
        "00000000000000000000000000000000"
        "0000"
        "0100"
        "0000"  // debit, credit, reference
        "01"
        "00"  // kind, flags
        "0807060504030201"
        "00000000"
        "00000000");
}

TEST_CASE("a batch that is cut anywhere is refused") {
  const std::string whole = encode(some_batch());
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(code_of(whole.substr(0, size)) == "batch_malformed");
  CHECK(code_of(whole + '\0') == "batch_malformed");
}

TEST_CASE("what a batch may not say is refused") {
  const auto changed = [](auto change) {
    TransferBatch batch = some_batch();
    change(batch);
    return code_of(batch);
  };
  CHECK(changed([](auto& batch) { batch.transfers.clear(); }) == "batch_malformed");
  CHECK(changed([](auto& batch) { batch.transfers[0].debit = 2; }) == "batch_malformed");
  CHECK(changed([](auto& batch) { batch.transfers[0].credit = 2; }) == "batch_malformed");
  CHECK(changed([](auto& batch) { batch.transfers[0].reference = 2; }) == "batch_malformed");
  CHECK(changed([](auto& batch) { batch.transfers[0].lifetime_s = 1; }) == "batch_malformed");
  CHECK(changed([](auto& batch) { batch.transfers[0].hold = Uuid::make(); }) == "batch_malformed");
  CHECK(changed([](auto& batch) { batch.transfers[1].hold = Uuid::make(); }) == "batch_malformed");
  CHECK(changed([](auto& batch) { batch.transfers[2].hold = {}; }) == "batch_malformed");
  CHECK(changed([](auto& batch) { batch.transfers[2].credit = 1; }) == "batch_malformed");
  CHECK(changed([](auto& batch) { batch.transfers[3].amount = Money::of_units(1); }) ==
        "batch_malformed");
  CHECK(changed([](auto& batch) { batch.transfers[0].kind = BatchKind{9}; }) == "batch_malformed");
  CHECK(changed([](auto& batch) { batch.transfers[3].is_linked = true; }) == "batch_malformed");
  CHECK(changed([](auto& batch) { batch.accounts[0] = "\xff"; }) == "batch_malformed");
  std::string too_many = encode(some_batch());
  store_le(too_many.data() + 4, std::uint16_t{8'001});
  CHECK(code_of(too_many) == "batch_too_large");
}

TEST_CASE("outcomes come back as they were, and nothing else is one") {
  const std::vector<BatchOutcome> outcomes = {{.seq = 7, .time = {99}, .code = outcome_booked},
                                              {.seq = 0, .time = {}, .code = 28}};
  CHECK(decode_batch_outcomes(encode(outcomes)) == outcomes);
  const std::string whole = encode(outcomes);
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(decode_batch_outcomes(whole.substr(0, size)));
  CHECK_FALSE(decode_batch_outcomes(whole + "x"));
}
