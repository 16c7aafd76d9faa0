#include "tests/support/book_writer.hpp"

#include <sodium.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace guild::test {
namespace {

void put_field(Bytes& into, const void* bytes, std::size_t size) {
  into.push_back(static_cast<std::uint8_t>(size & 0xFF));
  into.push_back(static_cast<std::uint8_t>(size >> 8));
  const auto* first = static_cast<const std::uint8_t*>(bytes);
  into.insert(into.end(), first, first + size);
}

void put_number(Bytes& into, std::int64_t number) {
  std::array<std::uint8_t, 8> bytes;
  for (std::size_t i = 0; i < 8; ++i)
    bytes[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(number) >> (8 * i));
  put_field(into, bytes.data(), bytes.size());
}

void put_text(Bytes& into, std::string_view text) { put_field(into, text.data(), text.size()); }

void put_fact(Bytes& into, const WrittenFact& fact) {
  put_text(into, fact.name);
  if (const auto* number = std::get_if<std::int64_t>(&fact.value)) put_number(into, *number);
  if (const auto* text = std::get_if<std::string>(&fact.value)) put_text(into, *text);
}

Hash sha256(const Bytes& bytes) {
  Hash hash;
  crypto_hash_sha256(hash.data(), bytes.data(), bytes.size());
  return hash;
}

Hash node_of(const Hash& left, const Hash& right) {
  Bytes bytes{0x01};
  bytes.insert(bytes.end(), left.begin(), left.end());
  bytes.insert(bytes.end(), right.begin(), right.end());
  return sha256(bytes);
}

std::size_t split_of(std::size_t count) {
  std::size_t split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/// RFC 9162, 2.1.3.1.
std::vector<Hash> path(std::size_t index, const Hash* hashes, std::size_t count) {
  if (count <= 1) return {};
  const std::size_t split = split_of(count);
  const bool is_left = index < split;
  auto hashes_up =
      is_left ? path(index, hashes, split) : path(index - split, hashes + split, count - split);
  hashes_up.push_back(is_left ? root_of(hashes + split, count - split) : root_of(hashes, split));
  return hashes_up;
}

/// RFC 9162, 2.1.4.1.
std::vector<Hash> subproof(std::size_t old, const Hash* hashes, std::size_t count, bool is_known) {
  if (old == count)
    return is_known ? std::vector<Hash>{} : std::vector<Hash>{root_of(hashes, count)};
  const std::size_t split = split_of(count);
  const bool is_left = old <= split;
  auto proof = is_left ? subproof(old, hashes, split, is_known)
                       : subproof(old - split, hashes + split, count - split, false);
  proof.push_back(is_left ? root_of(hashes + split, count - split) : root_of(hashes, split));
  return proof;
}

std::string lines_of(const std::vector<Hash>& hashes) {
  std::string lines;
  for (const Hash& hash : hashes) lines += base64_of(hash.data(), hash.size()) + "\n";
  return lines;
}

struct KeyPair {
  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> open;
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret;
  explicit KeyPair(const std::array<std::uint8_t, 32>& seed) {
    crypto_sign_seed_keypair(open.data(), secret.data(), seed.data());
  }
  Bytes typed() const {
    Bytes bytes{0x01};
    bytes.insert(bytes.end(), open.begin(), open.end());
    return bytes;
  }
  Bytes id(const std::string& origin) const {
    Bytes bytes(origin.begin(), origin.end());
    bytes.push_back('\n');
    const Bytes key = typed();
    bytes.insert(bytes.end(), key.begin(), key.end());
    const Hash hash = sha256(bytes);
    return {hash.begin(), hash.begin() + 4};
  }
};

std::string hex_of(const std::uint8_t* bytes, std::size_t count) {
  std::string hex(count * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), bytes, count);
  hex.pop_back();
  return hex;
}

void write_file(const std::filesystem::path& file, const auto& bytes) {
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

std::string base64_of(const std::uint8_t* bytes, std::size_t count) {
  std::string text(sodium_base64_encoded_len(count, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, count, sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();
  return text;
}

void WrittenExport::write(const std::filesystem::path& folder) const {
  std::filesystem::create_directories(folder);
  write_file(folder / "leaves", leaves);
  write_file(folder / "checkpoints", checkpoints);
  write_file(folder / "key", key);
}

Bytes leaf_of(const WrittenPosting& posting) {
  Bytes leaf{posting.version};
  put_number(leaf, posting.seq);
  put_field(leaf, posting.id.data(), posting.id.size());
  put_number(leaf, posting.time);
  put_field(leaf, posting.previous_hash.data(), posting.previous_hash.size());
  put_number(leaf, static_cast<std::int64_t>(posting.legs.size()));
  for (const WrittenLeg& leg : posting.legs) {
    put_text(leaf, leg.account);
    put_number(leaf, leg.amount);
    put_text(leaf, leg.type);
    put_text(leaf, leg.reference);
    put_number(leaf, leg.account_seq);
    put_field(leaf, leg.previous_hash.data(), leg.previous_hash.size());
  }
  if (posting.version == 2) put_number(leaf, static_cast<std::int64_t>(posting.facts.size()));
  for (const WrittenFact& fact : posting.facts) put_fact(leaf, fact);
  return leaf;
}

Bytes framed(const Bytes& leaf) {
  constexpr std::size_t length_size = 4;
  Bytes bytes(length_size + leaf.size());
  for (std::size_t i = 0; i < length_size; ++i)
    bytes[i] = static_cast<std::uint8_t>(leaf.size() >> (8 * i));
  std::copy(leaf.begin(), leaf.end(), bytes.begin() + length_size);
  return bytes;
}

Hash hash_of(const Bytes& leaf) {
  Bytes bytes{0x00};
  bytes.insert(bytes.end(), leaf.begin(), leaf.end());
  return sha256(bytes);
}

Hash root_of(const Hash* hashes, std::size_t count) {
  if (count == 0) return sha256({});
  if (count == 1) return *hashes;
  const std::size_t split = split_of(count);
  return node_of(root_of(hashes, split), root_of(hashes + split, count - split));
}

WrittenPosting BookWriter::draft(const std::string& type, std::vector<WrittenLeg> legs,
                                 std::vector<WrittenFact> facts) const {
  WrittenPosting posting{.version = static_cast<std::uint8_t>(facts.empty() ? 1 : 2),
                         .seq = size() + 1,
                         .time = time_of(size() + 1),
                         .legs = std::move(legs),
                         .facts = std::move(facts)};
  for (std::size_t i = 0; i < 8; ++i)
    posting.id[15 - i] =
        static_cast<std::uint8_t>(static_cast<std::uint64_t>(posting.seq) >> (8 * i));
  if (!hashes_.empty()) posting.previous_hash = hashes_.back();
  for (WrittenLeg& leg : posting.legs) {
    leg.type = type;
    const auto last = accounts_.find(leg.account);
    leg.account_seq = last == accounts_.end() ? 1 : last->second.entries + 1;
    if (last != accounts_.end()) leg.previous_hash = last->second.hash;
  }
  return posting;
}

void BookWriter::add(WrittenPosting posting) {
  add_leaf(leaf_of(posting));
  for (const WrittenLeg& leg : posting.legs)
    accounts_[leg.account] = {.entries = leg.account_seq, .hash = hashes_.back()};
  if (!sink) postings_.push_back(std::move(posting));
}

void BookWriter::add_leaf(Bytes leaf) {
  hashes_.push_back(hash_of(leaf));
  sink ? sink(leaf) : leaves_.push_back(std::move(leaf));
}

std::string BookWriter::origin() const { return "guildhall/" + hex_of(hashes_.at(0).data(), 8); }

std::string BookWriter::key() const {
  const KeyPair pair(key_seed);
  const Bytes id = pair.id(origin()), typed = pair.typed();
  return origin() + "+" + hex_of(id.data(), id.size()) + "+" +
         base64_of(typed.data(), typed.size());
}

Hash BookWriter::root(std::int64_t size) const {
  return root_of(hashes_.data(), static_cast<std::size_t>(size));
}

std::string BookWriter::checkpoint(const std::string& origin, std::int64_t size,
                                   const Hash& root) const {
  const KeyPair pair(key_seed);
  const std::string text =
      origin + "\n" + std::to_string(size) + "\n" + base64_of(root.data(), root.size()) + "\n";
  const Bytes id = pair.id(origin);
  Bytes signature(4 + crypto_sign_BYTES);
  std::copy(id.begin(), id.end(), signature.begin());
  crypto_sign_detached(signature.data() + 4, nullptr,
                       reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                       pair.secret.data());
  return text + "\n\xE2\x80\x94 " + origin + " " + base64_of(signature.data(), signature.size()) +
         "\n";
}

std::string BookWriter::consistency(std::int64_t old_size, std::int64_t size) const {
  const auto proof = old_size == 0 ? std::vector<Hash>{}
                                   : subproof(static_cast<std::size_t>(old_size), hashes_.data(),
                                              static_cast<std::size_t>(size), true);
  return "old " + std::to_string(old_size) + "\n" + lines_of(proof) + "\n" + checkpoint(size);
}

std::string BookWriter::inclusion(std::int64_t index, std::int64_t size) const {
  const auto proof =
      path(static_cast<std::size_t>(index), hashes_.data(), static_cast<std::size_t>(size));
  return "c2sp.org/tlog-proof@v1\nindex " + std::to_string(index) + "\n" + lines_of(proof) + "\n" +
         checkpoint(size);
}

std::string BookWriter::checkpoints(std::vector<std::int64_t> sizes) const {
  if (sizes.empty() || sizes.back() < size()) sizes.push_back(size());
  std::string texts;
  for (const std::int64_t size : sizes) texts += checkpoint(size) + "\n";
  return texts;
}

WrittenExport BookWriter::written(std::vector<std::int64_t> sizes) const {
  WrittenExport made{
      .leaves = {}, .checkpoints = checkpoints(std::move(sizes)), .key = key() + "\n"};
  for (const Bytes& leaf : leaves_) {
    const Bytes bytes = framed(leaf);
    made.leaves.insert(made.leaves.end(), bytes.begin(), bytes.end());
  }
  return made;
}

// ---- RandomBook --------------------------------------------------------------------------------

RandomBook::RandomBook(std::uint64_t seed, std::size_t bots) : random_(seed) {
  move("GRANT", "world", "treasury", 1'000'000'000);
  names_ = {"treasury", "user/ada", "user/bob", "escrow/7"};
  for (std::size_t i = 0; i < bots; ++i) {
    names_.push_back("bot/b" + std::to_string(i));
    move("GRANT", "world", names_.back(), 1'000'000);
  }
}

std::int64_t RandomBook::number(std::int64_t low, std::int64_t high) {
  const auto range = static_cast<std::uint64_t>(high - low) + 1;
  return low + static_cast<std::int64_t>(random_() % range);
}

std::string RandomBook::account() {
  return names_[static_cast<std::size_t>(number(0, static_cast<std::int64_t>(names_.size()) - 1))];
}
std::string RandomBook::bot() {
  return names_[static_cast<std::size_t>(number(4, static_cast<std::int64_t>(names_.size()) - 1))];
}

void RandomBook::move(const std::string& type, const std::string& debit, const std::string& credit,
                      std::int64_t amount, std::vector<WrittenFact> facts) {
  book.post(type, {leg(debit, -amount, "r"), leg(credit, amount, "r")}, std::move(facts));
  states_[debit].balance -= amount;
  states_[credit].balance += amount;
}

void RandomBook::record(const std::string& type, const std::string& account,
                        std::vector<WrittenFact> facts, const std::string& reference) {
  book.post(type, {leg(account, 0, reference)}, std::move(facts));
}

void RandomBook::step() {
  while (!try_step()) {
  }
}

bool RandomBook::try_step() {
  switch (number(0, 15)) {
    case 0:
    case 1:
      return hold();
    case 2:
    case 3:
      return end_hold();
    case 4:
      return set_floor();
    case 5:
    case 6:
      return close_or_open();
    case 7:
      return wager();
    case 8:
      record("HEARTBEAT", "treasury", {}, "caf\xC3\xA9");
      return true;
    default:
      return transfer();
  }
}

bool RandomBook::transfer() {
  const std::string debit = account(), credit = account();
  const State& from = states_[debit];
  if (debit == credit || from.is_closed || states_[credit].is_closed || from.free() < 1)
    return false;
  move("TRANSFER", debit, credit, number(1, std::min<std::int64_t>(from.free(), 100'000)));
  return true;
}

bool RandomBook::wager() {
  const std::string debit = bot();
  State& from = states_[debit];
  if (from.is_closed || from.free() < 2 || states_["escrow/7"].is_closed ||
      states_["treasury"].is_closed)
    return false;
  const std::int64_t stake = number(1, from.free() / 2);
  book.post("WAGER", {leg(debit, -2 * stake), leg("escrow/7", stake), leg("treasury", stake)});
  from.balance -= 2 * stake;
  states_["escrow/7"].balance += stake;
  states_["treasury"].balance += stake;
  return true;
}

bool RandomBook::hold() {
  const std::string debit = account(), credit = account();
  State& state = states_[debit];
  if (debit == credit || state.is_closed || state.free() < 1 || holds_.size() > 50) return false;
  const Hold made{.debit = debit,
                  .credit = credit,
                  .held = number(1, state.free()),
                  .expires_at = now() + number(1, 40'000)};
  holds_[book.size() + 1] = made;
  record("HOLD", debit,
         {{"credit", made.credit}, {"held", made.held}, {"expires_at", made.expires_at}});
  state.held += made.held;
  return true;
}

bool RandomBook::end_hold() {
  if (holds_.empty()) return false;
  const auto place =
      std::next(holds_.begin(), number(0, static_cast<std::int64_t>(holds_.size()) - 1));
  const auto [seq, hold] = *place;
  const bool is_late = now() >= hold.expires_at;
  const bool may_post = !is_late && !states_[hold.credit].is_closed;
  states_[hold.debit].held -= hold.held;
  holds_.erase(place);
  if (may_post && number(0, 1) == 0) {
    move("HOLD_POST", hold.debit, hold.credit, number(1, hold.held), {{"hold", seq}});
  } else {
    record("HOLD_VOID", hold.debit, {{"hold", seq}},
           is_late && number(0, 1) == 0 ? "EXPIRED" : "no");
  }
  return true;
}

bool RandomBook::set_floor() {
  const std::string name = account();
  State& state = states_[name];
  const std::int64_t available = state.balance - state.held;
  if (state.is_closed || available < 0) return false;
  state.floor = number(0, available / 4);
  record("FLOOR", name, {{"floor", state.floor}});
  return true;
}

bool RandomBook::close_or_open() {
  const std::string name = number(0, 3) == 0 ? account() : bot();
  const bool is_bot = name.starts_with("bot/");
  State& state = states_[name];
  if (state.held != 0 || name == "treasury") return false;
  const bool was_closed = std::exchange(state.is_closed, !state.is_closed);
  if (was_closed && is_bot && number(0, 1) == 0 && states_["treasury"].free() > 1000) {
    move("REVIVE", "treasury", name, 1000);
  } else if (was_closed) {
    record(is_bot && number(0, 1) == 0 ? "REVIVE" : "REOPENED", name);
  } else if (is_bot && state.balance > 0 && number(0, 1) == 0) {
    move("LIQUIDATION", name, "treasury", state.balance);
  } else if (is_bot) {
    record(state.balance == 0 && number(0, 1) == 0 ? "LIQUIDATION" : "RETIRED", name);
  } else if (state.balance == 0) {
    record("CLOSED", name);
  } else {
    state.is_closed = false;
    return false;
  }
  return true;
}

}  // namespace guild::test
