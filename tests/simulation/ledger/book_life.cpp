#include "tests/simulation/ledger/book_life.hpp"

#include <future>

#include "ledgerd/genesis.hpp"
#include "ledgerd/schema.hpp"
#include "tests/simulation/law.hpp"
#include "tests/simulation/ledger/dump.hpp"

namespace guild::simulation {

using ledgerd::Transaction;

namespace {

/// Between two jobs.
constexpr std::int64_t step_ns = 1'000;

template <class T>
T must(Result<T> result, std::string_view what) {
  demand(result.has_value(), "{}: {}", what, result ? "" : result.error().text());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace

std::unique_ptr<storage::Connection> open_book(const Place& place) {
  storage::OpenOptions options;
  options.path = place.path;
  options.key = place.key;
  options.wal_autocheckpoint_pages = BookLife::wal_pages_max;
  options.retry.sleep = [](Duration) {};
  return must(storage::Connection::open(std::move(options)), "the file does not open");
}

BookLife::BookLife(const test::Disk& disk, const Place& place, Clock& clock,
                   const std::string& dump)
    : disk_(disk), clock_(clock) {
  disk.plug_in();
  boundaries_.push_back({.operations = 0, .dump = dump, .head = {}});
  auto file = open_book(place);
  file_ = file.get();
  const std::string found = dump_of(*file, Dump::whole);
  demand(dump.empty() || dump == found, "between two lives the file has changed\n{}",
         first_difference(dump, found));
  must(storage::migrate(*file, ledgerd::schema()), "the file does not migrate");
  auto recovered = must(ledgerd::recover(*file), "the book is not recovered");
  head_ = recovered.book.tree().head();
  boundaries_.front().head = head_;
  note();
  ledgerd::Journal::Options options;
  options.save_every = save_every;
  options.now = [this] { return Instant{clock_.ns += step_ns}; };
  options.new_id = [this] { return Uuid::of_name(fmt::format("id {}", ++clock_.ids)); };
  options.on_commit = [this](const ledgerd::Committed& committed) { head_ = committed.head; };
  journal_ = std::make_unique<ledgerd::Journal>(std::move(file), std::move(recovered.book),
                                                std::move(recovered.tails),
                                                std::move(recovered.unsaved), std::move(options));
  must(
      ledgerd::keep_economy(*journal_, recovered.economy,
                            {Money::of_units(100'000'000'000), Money::of_units(1'000'000'000'000)}),
      "the genesis");
  drain();
}

BookLife::~BookLife() = default;

void BookLife::note() {
  const std::size_t operations = disk_.operations();
  if (operations == boundaries_.back().operations) return;
  std::string dump = dump_of(*file_, Dump::whole);
  boundaries_.push_back({.operations = operations, .dump = std::move(dump), .head = head_});
}

/// The journal's own job, which follows a commit, too.
void BookLife::drain() {
  journal_->drain();
  journal_->drain();
  note();
}

std::vector<Asked> BookLife::ask(const std::vector<Deed>& deeds) {
  std::promise<void> entered, gate;
  const auto passed = gate.get_future().share();
  must(journal_->submit(
           [&, passed](Transaction&) -> Result<void> {
             entered.set_value();
             passed.wait();
             return {};
           },
           [this](const Result<void>&) { note(); }),
       "submit");
  entered.get_future().wait();
  std::vector<Asked> all;
  for (const Deed& deed : deeds) all.push_back({.deed = deed, .reply = Reply{}, .boundary = 0});
  for (Asked& one : all) {
    must(journal_->submit(
             [&one](Transaction& transaction) -> Result<void> {
               one.reply = one.deed.work(transaction);
               if (!one.reply) return fail(one.reply.error());
               return {};
             },
             [this, &one](const Result<void>& outcome) {
               note();
               if (!outcome) one.reply = fail(outcome.error());
               one.boundary = boundaries_.size() - 1;
             }),
         "submit");
  }
  gate.set_value();
  drain();
  asked_.insert(asked_.end(), all.begin(), all.end());
  return all;
}

void BookLife::save() {
  must(journal_->save(), "save");
  drain();
}

void BookLife::end() {
  drain();
  file_ = nullptr;
  journal_.reset();
}

}  // namespace guild::simulation
