#include "ledgerd/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/assert.hpp"

namespace guild::ledgerd {

messages::Receipt Booked::receipt() const {
  return {.id = posting.id,
          .seq = posting.seq,
          .hash = to_hex(posting.hash),
          .committed_at = posting.time,
          .repeated = repeated};
}

Result<Booked> Transaction::book(const Draft& draft) {
  if (const std::int64_t seq = book_.seq_of(draft.id); seq != 0) {
    GUILD_TRY(auto earlier, store::find_posting(file_, seq));
    if (!earlier)
      return fail(ErrorKind::failed, "book_damaged",
                  fmt::format("posting {} is no longer in the file", seq),
                  "run `guild ledger verify`");
    if (auto same = book_.check_repeat(draft, *earlier); !same) return fail(error_of(same.error()));
    return Booked{.posting = std::move(*earlier), .repeated = true};
  }
  auto decision = book_.decide(draft, now_);
  if (!decision) return fail(error_of(decision.error()));
  AccountNumber number = static_cast<AccountNumber>(book_.accounts().size());
  for (const std::string& name : decision->opens)
    GUILD_CHECK(store::insert_account(file_, ++number, name));
  const Posting& posting = book_.apply(std::move(*decision));
  GUILD_CHECK(store::insert_posting(file_, posting));
  return Booked{.posting = posting, .repeated = false};
}

struct Journal::State {
  State(std::unique_ptr<storage::Connection> file, Book with, std::unique_ptr<Tails> its_tails,
        Options how)
      : book(std::move(with)),
        tails(std::move(its_tails)),
        options(std::move(how)),
        writer(std::move(file), options.writer, hooks()) {}

  storage::Writer::Hooks hooks() {
    return {.begin = [] {},
            .commit = [this] { commit(); },
            .rollback = [this] { rollback(); },
            .undo = [this] { undo(); },
            .lost =
                [this](const Error& error) {
                  if (options.on_lost) options.on_lost(error);
                }};
  }

  Result<void> run(storage::Connection& file, const Work& work) {
    job_start = book.mark();
    job_effects = effects.size();
    Transaction transaction(book, file, options.now(), effects);
    return work(transaction);
  }

  void undo() {
    book.undo_to(job_start);
    effects.resize(job_effects);
  }

  void rollback() {
    book.rollback();
    effects.clear();
  }

  void commit() {
    const Book::Group group = book.commit();
    tell(group);
    // Before the tails grow: one of the effects may clear what it wrote of them.
    for (const auto& effect : std::exchange(effects, {})) effect();
    for (const Posting& posting : group.postings) tails->append(posting);
    flush_if_due();
  }

  void tell(const Book::Group& group) {
    if (group.postings.empty() || !options.on_commit) return;
    Committed committed{
        .head = book.tree().head(), .balances = {}, .ids = static_cast<std::int64_t>(book.ids())};
    for (const AccountNumber number : touched(group)) {
      const Account& account = book.accounts().at(number);
      committed.balances.push_back({number, account.name, account.state.balance});
    }
    options.on_commit(std::move(committed));
  }

  static std::vector<AccountNumber> touched(const Book::Group& group) {
    std::vector<AccountNumber> numbers = group.opened;
    for (const Posting& posting : group.postings)
      for (const Leg& leg : posting.legs) numbers.push_back(leg.account);
    std::ranges::sort(numbers);
    const auto rest = std::ranges::unique(numbers);
    numbers.erase(rest.begin(), rest.end());
    return numbers;
  }

  void flush_if_due() {
    if (is_flushing || tails->postings() < options.lists_every) return;
    const Work flush = [this](Transaction& transaction) -> Result<void> {
      GUILD_CHECK(tails->write(transaction.file()));
      transaction.after_commit([this] { tails->clear(); });
      return {};
    };
    // When the writer is full or stopping, the next commit or the next start comes back to it.
    is_flushing = submit(flush, [this](const Result<void>&) { is_flushing = false; }).has_value();
  }

  Result<void> submit(Work work, Done done) {
    return writer.submit(
        [this, work = std::move(work)](storage::Connection& file) { return run(file, work); },
        std::move(done));
  }

  // The writer's thread's own, once the writer runs.
  Book book;
  std::unique_ptr<Tails> tails;
  const Options options;
  std::vector<std::function<void()>> effects;  // Of the group's jobs.
  Book::Mark job_start;                        // Where the job that runs, or ran last, began…
  std::size_t job_effects = 0;                 // …and how many effects there were then.
  bool is_flushing = false;

  storage::Writer writer;  // Last: its thread uses the rest until it is joined.
};

Journal::Journal(std::unique_ptr<storage::Connection> file, Book book, std::unique_ptr<Tails> tails,
                 Options options)
    : state_(std::make_unique<State>(std::move(file), std::move(book), std::move(tails),
                                     std::move(options))) {}

Journal::~Journal() = default;

Result<void> Journal::submit(Work work, Done done) {
  return state_->submit(std::move(work), std::move(done));
}

Result<void> Journal::run(Work work) {
  return state_->writer.run([this, work = std::move(work)](storage::Connection& file) {
    return state_->run(file, work);
  });
}

void Journal::drain() { state_->writer.drain(); }

const Tails& Journal::tails() const { return *state_->tails; }

storage::Writer::Counters Journal::counters() const { return state_->writer.counters(); }

}  // namespace guild::ledgerd
