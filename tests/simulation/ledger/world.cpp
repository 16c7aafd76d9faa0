#include "tests/simulation/ledger/world.hpp"

#include <unistd.h>

#include <filesystem>

#include "ledgerd/recovery.hpp"
#include "ledgerd/schema.hpp"
#include "ledgerd/verify.hpp"
#include "tests/simulation/law.hpp"
#include "tests/simulation/ledger/dump.hpp"

namespace guild::simulation {

using test::Disk;

namespace {

/// The storage library makes the file itself, on the real disk, where it stays empty.
class RealFolder {
 public:
  RealFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "guild-disk-XXXXXX").string();
    demand(::mkdtemp(pattern.data()) != nullptr, "no folder can be made");
    path_ = pattern;
  }
  RealFolder(const RealFolder&) = delete;
  RealFolder& operator=(const RealFolder&) = delete;
  ~RealFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file() const { return (path_ / "ledger.db").string(); }

 private:
  std::filesystem::path path_;
};

const Place& place() {
  static const RealFolder folder;
  static const Place the_one{.path = folder.file(), .key = Secret32(sha256(as_bytes("key")))};
  return the_one;
}

bool is_receipt_of(const Receipt& first, const std::optional<Receipt>& again) {
  return again && again->repeated && again->seq == first.seq && again->hash == first.hash;
}

std::string text_of(const Asked& asked) {
  if (!asked.reply) return asked.reply.error().code;
  std::string text = asked.reply->text;
  for (const auto& receipt : asked.reply->receipts)
    text += receipt ? fmt::format(" {}:{}:{}", receipt->seq, to_hex(receipt->hash),
                                  receipt->repeated ? "again" : "new")
                    : " refused";
  return text;
}

std::string_view name_of(Disk::Fate fate) {
  if (fate == Disk::Fate::lost) return "lost";
  return fate == Disk::Fate::kept ? "kept" : "torn";
}

}  // namespace

World::World(std::uint64_t seed, Sabotage sabotage)
    : random_(seed), seed_(seed), sabotage_(sabotage) {}

// ---- Lives -------------------------------------------------------------------------------------

World::Life World::live(const Disk& disk, std::size_t steps) {
  BookLife life(disk, place(), clock_, dump_);
  if (sabotage_ == Sabotage::syncs_lie) disk.lie();
  for (std::size_t step = 0; step < steps; ++step) {
    std::vector<Deed> deeds;
    if (step == 0) deeds = deeds_.first();
    for (std::size_t i = random_.between(1, 4); i > 0; --i) deeds.push_back(deeds_.any());
    for (const Asked& asked : life.ask(deeds)) {
      ++(asked.reply ? outcome_.booked : outcome_.refused)[asked.deed.name];
      add_to_digest(text_of(asked));
    }
    if (random_.chance(5)) life.save();
    if (random_.chance(30))
      clock_.ns += random_.between(Duration{0}, std::chrono::seconds(60)).count();
  }
  life.end();
  ++outcome_.lives;
  outcome_.transactions += life.boundaries().size();
  return {.boundaries = life.boundaries(), .asked = life.asked(), .operations = disk.operations()};
}

Outcome World::run() {
  Disk::Files files;
  for (std::size_t lives = random_.between(2, 5); lives > 0; --lives) {
    sabotage(files);
    const Disk disk(files);
    const Life life = live(disk, random_.between(2, 14));
    // The last of them is what the next life finds.
    for (int crashes = 6; crashes > 0; --crashes) {
      const std::size_t at = random_.below(life.operations + 1);
      const auto fate = static_cast<Disk::Fate>(random_.below(3));
      const std::uint64_t seed = random_.below(1'000'000);
      look_after(disk, life, at, fate, seed);
      std::mt19937_64 random(seed);
      if (crashes == 1) files = disk.after_crash(at, fate, random);
    }
  }
  return outcome_;
}

Outcome World::run_exhaustively() {
  const Disk disk;
  const Life life = live(disk, 8);
  for (std::size_t at = 0; at <= life.operations; ++at)
    for (const auto fate : {Disk::Fate::lost, Disk::Fate::kept, Disk::Fate::torn})
      look_after(disk, life, at, fate, at);
  return outcome_;
}

void World::sabotage(Disk::Files& files) {
  if (sabotage_ != Sabotage::seq_goes_back || files.empty()) return;
  const Disk disk(files);
  disk.plug_in();
  auto file = open_book(place());
  if (!storage::migrate(*file, ledgerd::schema())) return;
  const auto done =
      file->execute_script("DELETE FROM postings WHERE seq = (SELECT max(seq) FROM postings)");
  const bool is_less = done && file->changes() == 1;
  file.reset();
  if (!is_less) return;
  files = disk.files();
  is_sabotaged_ = true;
}

void World::add_to_digest(std::string_view text) {
  outcome_.digest = to_hex(sha256(as_bytes(outcome_.digest.append(text))));
}

// ---- Laws --------------------------------------------------------------------------------------

void World::look_after(const Disk& disk, const Life& life, std::size_t at, Disk::Fate fate,
                       std::uint64_t seed) {
  ++outcome_.crashes;
  std::mt19937_64 random(seed);
  const Disk image(disk.after_crash(at, fate, random));
  image.plug_in();
  try {
    auto file = open_book(place());
    const std::string dump = dump_of(*file, Dump::whole);
    const Boundary& boundary = demand_boundary(life, at, dump);
    add_to_digest(dump_of(*file, Dump::repeatable));
    file.reset();
    dump_ = dump;
    demand_sound(boundary);
    demand_answers(image, life, at, dump);
    add_to_digest(boundary.head.size == 0 ? "" : to_hex(boundary.head.root));
  } catch (const LawBroken& broken) {
    throw LawBroken(fmt::format("life {}, crash during operation {} of {}, unsettled writes {}: {}",
                                outcome_.lives, at, life.operations, name_of(fate), broken.what()));
  }
}

/// What is acknowledged is there, and nothing is there by half: the file says what it said between
/// two transactions, after the last one that was told or the one that was under way.
const Boundary& World::demand_boundary(const Life& life, std::size_t at,
                                       const std::string& dump) const {
  std::size_t last = 0;
  while (last + 1 < life.boundaries.size() && life.boundaries[last + 1].operations <= at) ++last;
  const Boundary& told = life.boundaries[last];
  if (told.dump == dump) return told;
  if (last + 1 < life.boundaries.size() && life.boundaries[last + 1].dump == dump)
    return life.boundaries[last + 1];
  demand(false, "the file is between two transactions, or behind\n{}",
         first_difference(told.dump, dump));
  return told;
}

void World::demand_sound(const Boundary& boundary) const {
  auto file = open_book(place());
  demand(storage::migrate(*file, ledgerd::schema()).has_value(), "it does not migrate");
  const auto recovered = ledgerd::recover(*file);
  demand(recovered.has_value(), "{}", recovered ? "" : recovered.error().text());
  const ledgerd::Book& book = recovered->book;
  demand(book.tree().head() == boundary.head, "the root is not the one that was acknowledged");
  demand(book.total() == 0, "money was made or lost");
  for (ledgerd::AccountNumber n = 1; n <= book.accounts().size(); ++n) {
    const ledgerd::Account& account = book.accounts().at(n);
    if (account.kind == ledgerd::AccountKind::world) continue;
    demand(!account.state.available().is_negative(), "{} is below zero", account.name);
    // A liquidation takes all there is, floor or not.
    if (account.kind != ledgerd::AccountKind::bot)
      demand(account.state.available() >= account.state.floor, "{} is below its floor",
             account.name);
  }
  const auto report = ledgerd::verify_file(*file, boundary.head);
  demand(report && report->ok, "verify: {}", report ? report->problem : report.error().text());
}

/// An acknowledged id answers its first receipt; one whose answer was lost is booked once.
void World::demand_answers(const Disk& image, const Life& life, std::size_t at,
                           const std::string& dump) {
  Clock clock = clock_;
  clock.ids += 1'000'000;
  BookLife after(image, place(), clock, dump);
  std::vector<Deed> known, lost;
  std::vector<const Reply*> answers;
  for (const Asked& asked : life.asked) {
    if (!asked.reply || asked.reply->receipts.empty() || asked.boundary == 0) continue;
    const bool was_told = life.boundaries[asked.boundary].operations <= at;
    const bool is_under_way = !was_told && life.boundaries[asked.boundary - 1].operations <= at;
    if (was_told) {
      known.push_back(asked.deed);
      answers.push_back(&*asked.reply);
    } else if (is_under_way) {
      lost.push_back(asked.deed);
    }
  }
  outcome_.asked_again += known.size();
  const auto again = known.empty() ? std::vector<Asked>() : after.ask(known);
  for (std::size_t i = 0; i < again.size(); ++i) {
    if (again[i].deed.name == "empty and close") continue;  // Not one posting.
    for (std::size_t leg = 0; leg < answers[i]->receipts.size(); ++leg) {
      const auto& first = answers[i]->receipts[leg];
      if (!first) continue;
      demand(again[i].reply && is_receipt_of(*first, again[i].reply->receipts.at(leg)),
             "{} got the receipt {} and now {}", again[i].deed.name, first->seq, text_of(again[i]));
    }
  }
  if (lost.empty()) return;
  const auto first = after.ask(lost), second = after.ask(lost);
  for (std::size_t i = 0; i < lost.size(); ++i) {
    if (!first[i].reply || lost[i].name == "empty and close") continue;
    for (std::size_t leg = 0; leg < first[i].reply->receipts.size(); ++leg) {
      const auto& receipt = first[i].reply->receipts[leg];
      if (!receipt) continue;
      ++(receipt->repeated ? outcome_.in_flight_kept : outcome_.in_flight_lost);
      demand(second[i].reply && is_receipt_of(*receipt, second[i].reply->receipts.at(leg)),
             "{} was booked twice", lost[i].name);
    }
  }
  after.end();
  auto file = open_book(place());
  const auto report = ledgerd::verify_file(*file);
  demand(report && report->ok, "verify, after the repeats: {}",
         report ? report->problem : report.error().text());
  outcome_.postings += static_cast<std::uint64_t>(report->entries);
}

Outcome& Outcome::operator+=(const Outcome& other) {
  for (const auto& [name, count] : other.booked) booked[name] += count;
  for (const auto& [name, count] : other.refused) refused[name] += count;
  lives += other.lives;
  transactions += other.transactions;
  crashes += other.crashes;
  asked_again += other.asked_again;
  in_flight_kept += other.in_flight_kept;
  in_flight_lost += other.in_flight_lost;
  postings += other.postings;
  return *this;
}

}  // namespace guild::simulation
