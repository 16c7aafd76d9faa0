// Laws of the checker, over seeded books and seeded damage: no damage passes unseen that does not
// rewrite and sign everything anew, and that rewrite is refused by a witness. A failure prints its
// seed.
#include <catch2/catch.hpp>
#include <functional>
#include <random>

#include "tests/support/book_writer.hpp"
#include "tests/support/scale.hpp"
#include "verifier/export.hpp"
#include "verifier/witness.hpp"

using namespace guild::verifier;
using guild::test::BookWriter;
using guild::test::RandomBook;
using guild::test::WrittenExport;
using guild::test::WrittenPosting;

namespace {

constexpr std::int64_t postings_max = 70;
constexpr std::uint64_t seeds_a_book = 50;

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t end) { return random() % end; }

/// An export, and what damage needs to know of it.
struct Subject {
  explicit Subject(std::uint64_t seed) : random_book(seed, 3) {
    Random random(seed);
    while (book().size() < postings_max) random_book.step();
    for (std::int64_t size = 1 + static_cast<std::int64_t>(below(random, 30)); size < postings_max;
         size += 1 + static_cast<std::int64_t>(below(random, 30)))
      sizes.push_back(size);
    written = book().written(sizes);
    key = parse_public_key(written.key).value();
  }
  const BookWriter& book() const { return random_book.book; }

  RandomBook random_book;
  std::vector<std::int64_t> sizes;
  WrittenExport written;
  PublicKey key;
};

std::string joined_fault(const std::optional<Fault>& fault) {
  return fault ? joined(fault->seq, ": ", fault->problem) : std::string("ok");
}

std::optional<Fault> fault_in(const PublicKey& key, const WrittenExport& written) {
  ExportCheck check(key, Input::of(written.leaves),
                    Input::of({written.checkpoints.begin(), written.checkpoints.end()}));
  auto fault = check.run();
  REQUIRE(fault);
  return *fault;
}

// ---- Damage to the leaves, which answers the first seq it touches
// --------------------------------

struct Damaged {
  std::vector<guild::test::Bytes> leaves;
  std::int64_t first = 0;
};

guild::test::Bytes flat(const std::vector<guild::test::Bytes>& leaves) {
  guild::test::Bytes bytes;
  for (const auto& leaf : leaves) {
    const auto one = guild::test::framed(leaf);
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  return bytes;
}

std::ptrdiff_t at(std::size_t place) { return static_cast<std::ptrdiff_t>(place); }

Damaged flip_bit(const Subject& subject, Random& random) {
  Damaged damaged{.leaves = subject.book().leaves()};
  const std::size_t place = below(random, damaged.leaves.size());
  auto& leaf = damaged.leaves[place];
  leaf[below(random, leaf.size())] ^= static_cast<std::uint8_t>(1U << below(random, 8));
  damaged.first = at(place) + 1;
  return damaged;
}

Damaged remove(const Subject& subject, Random& random) {
  Damaged damaged{.leaves = subject.book().leaves()};
  const std::size_t place = below(random, damaged.leaves.size());
  damaged.leaves.erase(damaged.leaves.begin() + at(place));
  damaged.first = at(place) + 1;
  return damaged;
}

Damaged duplicate(const Subject& subject, Random& random) {
  Damaged damaged{.leaves = subject.book().leaves()};
  const std::size_t place = below(random, damaged.leaves.size());
  const auto copy = damaged.leaves[place];
  damaged.leaves.insert(damaged.leaves.begin() + at(place), copy);
  damaged.first = at(place) + 2;
  return damaged;
}

Damaged swap(const Subject& subject, Random& random) {
  Damaged damaged{.leaves = subject.book().leaves()};
  const std::size_t one = below(random, damaged.leaves.size() - 1);
  const std::size_t other = one + 1 + below(random, damaged.leaves.size() - one - 1);
  std::swap(damaged.leaves[one], damaged.leaves[other]);
  damaged.first = at(one) + 1;
  return damaged;
}

/// Changes an amount, and its counterpart so that the legs still sum to zero.
bool change_amount(WrittenPosting& posting, Random& random) {
  if (posting.legs.size() != 2) return false;
  const auto by = 1 + static_cast<std::int64_t>(below(random, 1000));
  posting.legs[0].amount += by;
  posting.legs[1].amount -= by;
  return posting.legs[0].amount != 0;
}

Damaged change_only(const Subject& subject, Random& random) {
  while (true) {
    const std::size_t place = below(random, subject.book().postings().size());
    WrittenPosting posting = subject.book().postings()[place];
    if (!change_amount(posting, random)) continue;
    Damaged damaged{.leaves = subject.book().leaves(), .first = at(place) + 1};
    damaged.leaves[place] = leaf_of(posting);
    return damaged;
  }
}

/// The book with one posting changed and every hash after it made anew; nothing is signed.
BookWriter rechained(const BookWriter& book, std::size_t place,
                     const std::function<void(WrittenPosting&)>& change) {
  BookWriter made;
  for (std::size_t i = 0; i < book.postings().size(); ++i) {
    const WrittenPosting& old = book.postings()[i];
    WrittenPosting posting = made.draft(old.legs[0].type, old.legs, old.facts);
    if (i == place) change(posting);
    made.add(std::move(posting));
  }
  return made;
}

Damaged change_and_rechain(const Subject& subject, Random& random) {
  while (true) {
    const std::size_t place = below(random, subject.book().postings().size());
    bool is_changed = false;
    const BookWriter made = rechained(subject.book(), place, [&](WrittenPosting& posting) {
      is_changed = change_amount(posting, random);
    });
    if (is_changed) return {.leaves = made.leaves(), .first = at(place) + 1};
  }
}

/// What no rule forbids: only the roots know.
Damaged reword_and_rechain(const Subject& subject, Random& random) {
  const std::size_t place = below(random, subject.book().postings().size());
  const BookWriter made = rechained(subject.book(), place, [](WrittenPosting& posting) {
    posting.id[3] ^= 1;
    posting.time -= 1;
  });
  return {.leaves = made.leaves(), .first = at(place) + 1};
}

using Damage = Damaged (*)(const Subject&, Random&);
constexpr std::array damages = {
    flip_bit, remove, duplicate, swap, change_only, change_and_rechain, reword_and_rechain};

// ---- Damage to the files as bytes ---------------------------------------------------------------

void damage_file(WrittenExport& written, Random& random) {
  const auto flip = [&](auto& bytes) {
    auto& byte = bytes[below(random, bytes.size())];
    byte = static_cast<std::remove_reference_t<decltype(byte)>>(byte ^ (1 << below(random, 8)));
  };
  switch (below(random, 5)) {
    case 0:
      return written.leaves.resize(below(random, written.leaves.size()));
    case 1:
      return written.checkpoints.resize(below(random, written.checkpoints.size()));
    case 2:
      return flip(written.leaves);
    case 3:
      return flip(written.checkpoints);
    default:
      return flip(written.key);
  }
}

/// The last checkpoint before `seq` ends before it: what it signs is not in doubt.
std::int64_t proven_before(const Subject& subject, std::int64_t seq) {
  std::int64_t proven = 0;
  for (const std::int64_t size : subject.sizes)
    if (size < seq) proven = size;
  return proven;
}

class Subjects {
 public:
  const Subject& of(std::uint64_t seed) {
    const std::uint64_t number = seed / seeds_a_book + 1;
    if (!subject_ || number_ != number) subject_.emplace(number);
    number_ = number;
    return *subject_;
  }

 private:
  std::uint64_t number_ = 0;
  std::optional<Subject> subject_;
};

std::uint64_t seeds() { return guild::test::scaled<std::uint64_t>(2'000, 100'000); }

}  // namespace

TEST_CASE("random books of every kind of posting are sound") {
  for (std::uint64_t seed = 1; seed <= guild::test::scaled<std::uint64_t>(30, 1'000); ++seed) {
    INFO("seed " << seed);
    const Subject subject(seed);
    const auto fault = fault_in(subject.key, subject.written);
    INFO(joined_fault(fault));
    REQUIRE_FALSE(fault);
  }
}

TEST_CASE(
    "no damage to a posting passes, and the seq that is named is the first touched or the next") {
  Subjects subjects;
  for (std::uint64_t seed = 0; seed < seeds(); ++seed) {
    INFO("seed " << seed);
    const Subject& subject = subjects.of(seed);
    Random random(seed);
    const Damaged damaged = damages[below(random, damages.size())](subject, random);
    WrittenExport written = subject.written;
    written.leaves = flat(damaged.leaves);
    const auto fault = fault_in(subject.key, written);
    INFO(joined_fault(fault) << ", damaged from " << damaged.first);
    REQUIRE(fault);
    // A change that its own leaf does not betray is found by the next link, or by the next root.
    REQUIRE(fault->seq >= proven_before(subject, damaged.first) + 1);
    const bool is_rechained = fault->problem.find("its root is") != std::string::npos;
    if (!is_rechained) REQUIRE(fault->seq >= damaged.first);
    if (is_rechained) REQUIRE(fault->seq <= damaged.first);
  }
}

TEST_CASE("no damage to the files' bytes passes") {
  Subjects subjects;
  for (std::uint64_t seed = 0; seed < seeds(); ++seed) {
    INFO("seed " << seed);
    const Subject& subject = subjects.of(seed);
    Random random(seed);
    WrittenExport written = subject.written;
    damage_file(written, random);
    const auto key = parse_public_key(written.key);
    // A key that is damaged is no key, or ends its line elsewhere.
    if (!key || !written.key.ends_with('\n')) continue;
    const auto fault = fault_in(*key, written);
    REQUIRE(fault);
  }
}

TEST_CASE("a complete rewrite passes the file check, and is refused by whoever remembers") {
  Subjects subjects;
  for (std::uint64_t seed = 0; seed < seeds() / 4; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const std::uint64_t book_seed = seed / seeds_a_book + 1;
    RandomBook rewritten(book_seed, 3);
    const std::int64_t start = rewritten.book.size();
    const auto kept = start + static_cast<std::int64_t>(
                                  below(random, static_cast<std::size_t>(postings_max - start)));
    while (rewritten.book.size() < kept) rewritten.step();
    rewritten.reseed(seed + 1'000'000);
    const auto grown = postings_max + static_cast<std::int64_t>(below(random, 20)) - 10;
    while (rewritten.book.size() < grown) rewritten.step();

    const Subject& subject = subjects.of(seed);
    const BookWriter& book = rewritten.book;
    REQUIRE(book.origin() == subject.book().origin());
    const std::int64_t remembered = 1 + static_cast<std::int64_t>(below(random, postings_max));
    const bool is_kept =
        remembered <= book.size() && book.root(remembered) == subject.book().root(remembered);
    // The rewriter has the ledger's key.
    const auto fault = fault_in(subject.key, book.written());
    INFO(joined_fault(fault));
    REQUIRE_FALSE(fault);

    const auto last = parse_checkpoint(subject.book().checkpoint(remembered)).value();
    const std::int64_t old = std::min(remembered, book.size());
    auto next = parse_consistency_proof(book.consistency(old, book.size())).value();
    const auto taken = check_next(last, next, subject.key);
    INFO("remembered " << remembered << ", kept " << kept << ", now " << book.size());
    REQUIRE(taken.has_value() == is_kept);
    if (taken) continue;
    const bool is_shorter = book.size() < remembered;
    REQUIRE(taken.error().code == (is_shorter ? "rollback" : "fork"));
    // Nor does any other hash in the proof help.
    if (is_shorter || next.hashes.empty()) continue;
    next.hashes[below(random, next.hashes.size())][below(random, 32)] ^= 1;
    REQUIRE_FALSE(check_next(last, next, subject.key));
  }
}
