#include "common/messages/transfer_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "common/base/assert.hpp"
#include "common/base/bytes.hpp"
#include "common/base/text.hpp"

namespace guild::messages {
namespace {

constexpr std::string_view batch_magic = "GTB1", outcomes_magic = "GTR1";
constexpr std::size_t record_size = 56, outcome_size = 24;
constexpr std::size_t name_size_max = 128, credential_size_max = 1'024;
constexpr std::uint8_t flag_linked = 1;

template <class Integer>
void put(std::string& out, Integer value) {
  std::array<char, sizeof value> bytes{};
  store_le(bytes.data(), value);
  out.append(bytes.data(), bytes.size());
}

void put(std::string& out, const Uuid& id) { out.append(as_text(id.bytes)); }

/// Reads from the front; past the end everything is zero and `ok` is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <class Integer>
  Integer integer() {
    const std::string_view bytes = take(sizeof(Integer));
    return bytes.empty() ? Integer{0} : load_le<Integer>(bytes.data());
  }
  Uuid uuid() {
    Uuid id;
    const std::string_view bytes = take(id.bytes.size());
    if (!bytes.empty()) std::ranges::copy(as_bytes(bytes), id.bytes.begin());
    return id;
  }
  void refuse() { ok_ = false; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

void put_texts(std::string& out, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    GUILD_ASSERT(text.size() <= name_size_max);
    put(out, static_cast<std::uint8_t>(text.size()));
    out += text;
  }
}

std::vector<std::string> read_texts(Reader& reader, std::size_t count) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    const auto size = reader.integer<std::uint8_t>();
    if (size > name_size_max) reader.refuse();
    const std::string_view text = reader.take(size);
    if (!is_utf8(text)) reader.refuse();
    texts.emplace_back(text);
  }
  return texts;
}

void put_transfer(std::string& out, const BatchTransfer& transfer) {
  put(out, transfer.id);
  put(out, transfer.hold);
  put(out, transfer.debit);
  put(out, transfer.credit);
  put(out, transfer.reference);
  put(out, static_cast<std::uint8_t>(transfer.kind));
  put(out, transfer.is_linked ? flag_linked : std::uint8_t{0});
  put(out, transfer.amount.units());
  put(out, transfer.lifetime_s);
  put(out, std::uint32_t{0});
}

/// Fields that its kind has no use for are zero, so that one transfer has one form.
bool is_in_form(const BatchTransfer& transfer, const TransferBatch& batch) {
  const bool has_accounts =
      transfer.debit < batch.accounts.size() && transfer.credit < batch.accounts.size();
  const bool ends_hold = !transfer.hold.is_nil() && transfer.debit == 0 && transfer.credit == 0;
  switch (transfer.kind) {
    case BatchKind::transfer:
      return has_accounts && transfer.hold.is_nil() && transfer.lifetime_s == 0;
    case BatchKind::hold:
      return has_accounts && transfer.hold.is_nil();
    case BatchKind::post:
      return ends_hold && transfer.lifetime_s == 0;
    case BatchKind::void_hold:
      return ends_hold && transfer.lifetime_s == 0 && transfer.amount.is_zero();
  }
  return false;
}

BatchTransfer read_transfer(Reader& reader, const TransferBatch& batch) {
  BatchTransfer transfer;
  transfer.id = reader.uuid();
  transfer.hold = reader.uuid();
  transfer.debit = reader.integer<std::uint16_t>();
  transfer.credit = reader.integer<std::uint16_t>();
  transfer.reference = reader.integer<std::uint16_t>();
  transfer.kind = static_cast<BatchKind>(reader.integer<std::uint8_t>());
  const auto flags = reader.integer<std::uint8_t>();
  transfer.is_linked = flags == flag_linked;
  transfer.amount = Money::of_units(reader.integer<std::int64_t>());
  transfer.lifetime_s = reader.integer<std::uint32_t>();
  const bool has_rest = reader.integer<std::uint32_t>() != 0 || flags > flag_linked ||
                        transfer.reference >= batch.references.size();
  if (has_rest || !is_in_form(transfer, batch)) reader.refuse();
  return transfer;
}

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorKind::invalid, "batch_malformed", fmt::format("this is no {}", what),
              "docs/protocol.md has its form");
}

}  // namespace

std::string encode(const TransferBatch& batch) {
  GUILD_ASSERT(batch.transfers.size() <= batch_transfers_max);
  GUILD_ASSERT(batch.accounts.size() <= std::numeric_limits<std::uint16_t>::max());
  GUILD_ASSERT(batch.references.size() <= std::numeric_limits<std::uint16_t>::max());
  GUILD_ASSERT(batch.credential.size() <= credential_size_max);
  std::string out(batch_magic);
  out.reserve(out.size() + 32 * batch.accounts.size() + record_size * batch.transfers.size());
  put(out, static_cast<std::uint16_t>(batch.transfers.size()));
  put(out, static_cast<std::uint16_t>(batch.accounts.size()));
  put(out, static_cast<std::uint16_t>(batch.references.size()));
  put(out, static_cast<std::uint16_t>(batch.credential.size()));
  out += batch.credential;
  put_texts(out, batch.accounts);
  put_texts(out, batch.references);
  for (const BatchTransfer& transfer : batch.transfers) put_transfer(out, transfer);
  return out;
}

Result<TransferBatch> decode_transfer_batch(std::string_view bytes) {
  Reader reader(bytes);
  TransferBatch batch;
  if (reader.take(batch_magic.size()) != batch_magic) return malformed("batch of transfers");
  const auto transfers = reader.integer<std::uint16_t>();
  const auto accounts = reader.integer<std::uint16_t>();
  const auto references = reader.integer<std::uint16_t>();
  const auto credential = reader.integer<std::uint16_t>();
  if (transfers > batch_transfers_max)
    return fail(ErrorKind::invalid, "batch_too_large",
                fmt::format("{} transfers are over {}", transfers, batch_transfers_max),
                "send them in several batches");
  if (credential > credential_size_max) return malformed("batch of transfers");
  batch.credential = reader.take(credential);
  batch.accounts = read_texts(reader, accounts);
  batch.references = read_texts(reader, references);
  batch.transfers.reserve(transfers);
  for (std::size_t i = 0; i < transfers && reader.ok(); ++i)
    batch.transfers.push_back(read_transfer(reader, batch));
  if (!reader.ok() || !reader.at_end() || batch.transfers.empty() ||
      batch.transfers.back().is_linked)
    return malformed("batch of transfers");
  return batch;
}

std::string encode(const std::vector<BatchOutcome>& outcomes) {
  std::string out(outcomes_magic);
  out.reserve(out.size() + 4 + outcome_size * outcomes.size());
  put(out, static_cast<std::uint32_t>(outcomes.size()));
  for (const BatchOutcome& outcome : outcomes) {
    put(out, outcome.seq);
    put(out, outcome.time.ns);
    put(out, outcome.code);
    put(out, std::uint16_t{0});
    put(out, std::uint32_t{0});
  }
  return out;
}

Result<std::vector<BatchOutcome>> decode_batch_outcomes(std::string_view bytes) {
  Reader reader(bytes);
  if (reader.take(outcomes_magic.size()) != outcomes_magic) return malformed("answer to a batch");
  const auto count = reader.integer<std::uint32_t>();
  std::vector<BatchOutcome> outcomes;
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    BatchOutcome outcome;
    outcome.seq = reader.integer<std::int64_t>();
    outcome.time = {reader.integer<std::int64_t>()};
    outcome.code = reader.integer<std::uint16_t>();
    if (reader.integer<std::uint16_t>() != 0 || reader.integer<std::uint32_t>() != 0)
      reader.refuse();
    outcomes.push_back(outcome);
  }
  if (!reader.ok() || !reader.at_end()) return malformed("answer to a batch");
  return outcomes;
}

}  // namespace guild::messages
