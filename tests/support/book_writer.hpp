// BookWriter: writes exports of a ledger for tests, from docs/ledger.md alone: it shares no code
// with what keeps a book or checks one. It writes whatever it is told, also what no ledger would
// book. RandomBook drives one through valid postings of every kind, by a seed.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace guild::test {

using Hash = std::array<std::uint8_t, 32>;
using Bytes = std::vector<std::uint8_t>;

struct WrittenLeg {
  std::string account;
  std::int64_t amount = 0;
  std::string type;
  std::string reference{};
  std::int64_t account_seq = 0;
  Hash previous_hash{};
};

struct WrittenFact {
  std::string name;
  std::variant<std::int64_t, std::string> value;
};

struct WrittenPosting {
  std::uint8_t version = 1;
  std::int64_t seq = 0;
  std::array<std::uint8_t, 16> id{};
  std::int64_t time = 0;
  Hash previous_hash{};
  std::vector<WrittenLeg> legs;
  std::vector<WrittenFact> facts;
};

/// A leaf as the file `leaves` has it.
Bytes framed(const Bytes& leaf);

/// The three files of an export.
struct WrittenExport {
  Bytes leaves;
  std::string checkpoints;
  std::string key;
  void write(const std::filesystem::path& folder) const;
};

Bytes leaf_of(const WrittenPosting& posting);
Hash hash_of(const Bytes& leaf);
Hash root_of(const Hash* hashes, std::size_t count);
std::string base64_of(const std::uint8_t* bytes, std::size_t count);

class BookWriter {
 public:
  /// The next posting, with the sequences and hashes that it must have.
  WrittenPosting draft(const std::string& type, std::vector<WrittenLeg> legs,
                       std::vector<WrittenFact> facts = {}) const;
  /// As it is.
  void add(WrittenPosting posting);
  void add_leaf(Bytes leaf);
  void post(const std::string& type, std::vector<WrittenLeg> legs,
            std::vector<WrittenFact> facts = {}) {
    add(draft(type, std::move(legs), std::move(facts)));
  }

  std::int64_t size() const { return static_cast<std::int64_t>(hashes_.size()); }
  static std::int64_t time_of(std::int64_t seq) { return 1'700'000'000'000'000'000 + seq * 1000; }
  const std::vector<Bytes>& leaves() const { return leaves_; }
  const std::vector<Hash>& hashes() const { return hashes_; }
  const std::vector<WrittenPosting>& postings() const { return postings_; }

  std::string origin() const;
  std::string key() const;  ///< Without \n.
  Hash root(std::int64_t size) const;
  std::string checkpoint(std::int64_t size) const { return checkpoint(origin(), size, root(size)); }
  std::string checkpoint(const std::string& origin, std::int64_t size, const Hash& root) const;
  /// `old N`, the proof, the checkpoint.
  std::string consistency(std::int64_t old_size, std::int64_t size) const;
  std::string inclusion(std::int64_t index, std::int64_t size) const;
  /// With checkpoints of these sizes, and of all.
  WrittenExport written(std::vector<std::int64_t> sizes = {}) const;

  /// With checkpoints of these sizes, and of all, as `written` has them.
  std::string checkpoints(std::vector<std::int64_t> sizes) const;

  /// When set, it gets each leaf, and only the hashes are kept: for books that are too large to
  /// keep.
  std::function<void(const Bytes& leaf)> sink;
  /// The seed of its Ed25519 key.
  std::array<std::uint8_t, 32> key_seed{7};

 private:
  struct Last {
    std::int64_t entries = 0;
    Hash hash{};
  };
  std::vector<Bytes> leaves_;
  std::vector<Hash> hashes_;
  std::vector<WrittenPosting> postings_;
  std::map<std::string, Last> accounts_;
};

/// A leg without its sequence, which the book knows.
inline WrittenLeg leg(std::string account, std::int64_t amount, std::string reference = {}) {
  return {.account = std::move(account),
          .amount = amount,
          .type = {},
          .reference = std::move(reference)};
}

class RandomBook {
 public:
  explicit RandomBook(std::uint64_t seed, std::size_t bots = 6);
  void reseed(std::uint64_t seed) { random_.seed(seed); }
  /// One valid posting.
  void step();
  BookWriter book;

 private:
  struct State {
    std::int64_t balance = 0, held = 0, floor = 0;
    bool is_closed = false;
    std::int64_t free() const { return balance - held - floor; }
  };
  struct Hold {
    std::string debit, credit;
    std::int64_t held = 0, expires_at = 0;
  };

  std::int64_t number(std::int64_t low, std::int64_t high);
  std::string account();
  std::string bot();
  std::int64_t now() const { return BookWriter::time_of(book.size() + 1); }
  void move(const std::string& type, const std::string& debit, const std::string& credit,
            std::int64_t amount, std::vector<WrittenFact> facts = {});
  void record(const std::string& type, const std::string& account,
              std::vector<WrittenFact> facts = {}, const std::string& reference = {});
  bool try_step();
  bool transfer();
  bool wager();
  bool hold();
  bool end_hold();
  bool set_floor();
  bool close_or_open();

  std::mt19937_64 random_;
  std::vector<std::string> names_;
  std::map<std::string, State> states_;
  std::map<std::int64_t, Hold> holds_;
};

}  // namespace guild::test
