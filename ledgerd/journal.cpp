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

namespace {

std::unexpected<Error> posting_lost(std::int64_t seq) {
  return fail(ErrorKind::failed, "book_damaged",
              fmt::format("posting {} is no longer in the file", seq), "run `guild ledger verify`");
}

}  // namespace

Result<Posting> Transaction::posting_at(std::int64_t seq) {
  const std::int64_t committed = book_.committed_head().seq;
  if (seq > committed) return book_.group().postings[static_cast<std::size_t>(seq - committed - 1)];
  GUILD_TRY(auto posting, store::find_posting(file_, seq));
  if (!posting) return posting_lost(seq);
  return std::move(*posting);
}

Result<std::int64_t> Transaction::seq_of(const Uuid& id) {
  Result<void> asked;
  const std::int64_t seq = book_.ids().find(id, [&](std::int64_t candidate) {
    const auto posting = posting_at(candidate);
    if (posting) return posting->id == id;
    asked = fail(posting.error());
    return true;
  });
  if (!asked) return fail(asked.error());
  return seq;
}

Result<Booked> Transaction::booked_before(const Draft& draft, std::int64_t seq) {
  GUILD_TRY(Posting earlier, posting_at(seq));
  if (auto same = book_.check_repeat(draft, earlier); !same) return fail(error_of(same.error()));
  return Booked{.posting = std::move(earlier), .repeated = true};
}

Result<void> Transaction::decide(const Draft& draft) {
  if (auto booked = book_.book(draft, now_); !booked) return fail(error_of(booked.error()));
  return {};
}

Result<void> Transaction::write_since(std::size_t opened, std::size_t postings) {
  const Book::Group& group = book_.group();
  for (; opened < group.opened.size(); ++opened)
    GUILD_CHECK(store::insert_account(file_, group.opened[opened],
                                      book_.accounts().at(group.opened[opened]).name));
  for (; postings < group.postings.size(); ++postings)
    GUILD_CHECK(store::insert_posting(file_, group.postings[postings]));
  return {};
}

Result<Booked> Transaction::book(const Draft& draft) {
  GUILD_TRY(const std::int64_t seq, seq_of(draft.id));
  if (seq != 0) return booked_before(draft, seq);
  const Book::Mark before = book_.mark();
  GUILD_CHECK(decide(draft));
  GUILD_CHECK(write_since(before.opened, before.postings));
  return Booked{.posting = book_.group().postings.back(), .repeated = false};
}

Result<std::optional<Error>> Transaction::attempt(const std::function<Result<void>()>& work) {
  const Book::Mark before = book_.mark();
  const std::size_t effects = effects_.size();
  GUILD_TRY(auto refused, file_.attempt([&work](storage::Connection&) { return work(); }));
  if (refused) {
    book_.undo_to(before);
    effects_.resize(effects);
  }
  return refused;
}

Result<std::vector<Booked>> Transaction::book_linked(std::span<const Draft> drafts,
                                                     std::size_t* refused) {
  const Book::Mark before = book_.mark();
  std::vector<Booked> all;
  const auto book_all = [&]() -> Result<void> {
    for (*refused = 0; *refused < drafts.size(); ++*refused) {
      const Draft& draft = drafts[*refused];
      GUILD_TRY(const std::int64_t seq, seq_of(draft.id));
      if (seq != 0) {
        GUILD_TRY(all.emplace_back(), booked_before(draft, seq));
        continue;
      }
      GUILD_CHECK(decide(draft));
      all.push_back({.posting = book_.group().postings.back(), .repeated = false});
    }
    return {};
  };
  if (auto booked = book_all(); !booked) {
    book_.undo_to(before);
    return fail(booked.error());
  }
  GUILD_CHECK(write_since(before.opened, before.postings));
  return all;
}

Result<Booked> Transaction::post_hold(const Uuid& id, const Uuid& hold, std::optional<Money> amount,
                                      std::string_view reference) {
  GUILD_TRY(const Ending ending, ending_of(id, hold));
  const auto draft = draft_hold_post(id, ending.hold, amount.value_or(ending.amount), reference);
  if (!draft) return fail(error_of(draft.error()));
  return end_hold(ending, *draft);
}

Result<Booked> Transaction::void_hold(const Uuid& id, const Uuid& hold,
                                      std::string_view reference) {
  GUILD_TRY(const Ending ending, ending_of(id, hold));
  return end_hold(ending, draft_hold_void(id, ending.hold, reference));
}

Result<Transaction::Ending> Transaction::ending_of(const Uuid& id, const Uuid& hold) {
  const auto unknown = [] { return fail(error_of(Refusal{.error = TransferError::hold_unknown})); };
  GUILD_TRY(const std::int64_t seq, seq_of(hold));
  if (seq == 0) return unknown();
  GUILD_TRY(const Posting made, posting_at(seq));
  const auto* const terms = std::get_if<HoldTerms>(&made.facts);
  if (terms == nullptr) return unknown();
  GUILD_TRY(const std::int64_t earlier, seq_of(id));
  return Ending{.hold = {.seq = seq,
                         .debit = book_.accounts().at(made.legs.front().account).name,
                         .credit = book_.accounts().at(terms->credit).name},
                .amount = terms->amount,
                .earlier = earlier};
}

Result<HoldToEnd> Transaction::hold_made_with(const Uuid& id) {
  GUILD_TRY(Ending ending, ending_of(id, id));
  return std::move(ending.hold);
}

Result<Booked> Transaction::end_hold(const Ending& ending, const Draft& draft) {
  if (ending.earlier != 0) return booked_before(draft, ending.earlier);
  return book(draft);
}

Result<void> Transaction::void_expired() {
  for (std::int64_t seq = book_.holds().expired(now_); seq != 0;
       seq = book_.holds().expired(now_)) {
    const auto hold = book_.hold_to_end(seq);
    GUILD_ASSERT(hold.has_value());
    GUILD_CHECK(book(draft_hold_expiry(new_id(), *hold)));
  }
  return {};
}

struct Journal::State {
  State(std::unique_ptr<storage::Connection> file, Book with, std::unique_ptr<Tails> its_tails,
        Unsaved what_is_not_saved, Options how)
      : book(std::move(with)),
        tails(std::move(its_tails)),
        unsaved(std::move(what_is_not_saved)),
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
    Transaction transaction(book, file, options.now(), options.new_id, effects);
    GUILD_CHECK(transaction.void_expired());
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
    Book::Group group = book.commit();
    tell(group);
    // Before the tails grow: one of the effects may clear what it wrote of them.
    for (const auto& effect : std::exchange(effects, {})) effect();
    for (const Posting& posting : group.postings) {
      tails->append(posting);
      unsaved.append(posting, book.ids().hash_of(posting.id));
    }
    unsaved.append_blocks(book.take_blocks());
    recent.append(book.accounts(), std::move(group));
    save_if_due();
  }

  void tell(const Book::Group& group) {
    if (group.postings.empty() || !options.on_commit) return;
    Committed committed{.head = book.tree().head(),
                        .balances = {},
                        .ids = static_cast<std::int64_t>(book.ids().size()),
                        .open_holds = static_cast<std::int64_t>(book.holds().size()),
                        .next_expiry = book.holds().next_expiry()};
    for (const AccountNumber number : touched(group)) {
      const Account& account = book.accounts().at(number);
      const AccountState& state = account.state;
      committed.balances.push_back(
          {number, account.name, state.balance, state.held, state.floor, state.is_closed});
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

  /// A job that writes what the file's lists and saved standing do not say yet.
  Work saving() {
    return [this](Transaction& transaction) -> Result<void> {
      GUILD_CHECK(tails->write(transaction.file()));
      GUILD_CHECK(unsaved.write(transaction.file(), book));
      transaction.after_commit([this] {
        tails->clear();
        unsaved.clear();
      });
      return {};
    };
  }

  void save_if_due() {
    if (is_saving || unsaved.postings() < options.save_every) return;
    // When the writer is full or stopping, the next commit or the next start comes back to it.
    is_saving = submit(saving(), [this](const Result<void>&) { is_saving = false; }).has_value();
  }

  Result<void> submit(Work work, Done done) {
    return writer.submit(
        [this, work = std::move(work)](storage::Connection& file) { return run(file, work); },
        std::move(done));
  }

  // The writer's thread's own, once the writer runs.
  Book book;
  std::unique_ptr<Tails> tails;
  Unsaved unsaved;
  Recent recent;
  const Options options;
  std::vector<std::function<void()>> effects;  // Of the group's jobs.
  Book::Mark job_start;                        // Where the job that runs, or ran last, began…
  std::size_t job_effects = 0;                 // …and how many effects there were then.
  bool is_saving = false;

  storage::Writer writer;  // Last: its thread uses the rest until it is joined.
};

Journal::Journal(std::unique_ptr<storage::Connection> file, Book book, std::unique_ptr<Tails> tails,
                 Unsaved unsaved, Options options)
    : state_(std::make_unique<State>(std::move(file), std::move(book), std::move(tails),
                                     std::move(unsaved), std::move(options))) {}

Journal::~Journal() = default;

Result<void> Journal::submit(Work work, Done done) {
  return state_->submit(std::move(work), std::move(done));
}

Result<void> Journal::run(Work work) {
  return state_->writer.run([this, work = std::move(work)](storage::Connection& file) {
    return state_->run(file, work);
  });
}

Result<void> Journal::save() {
  return run([this](Transaction& transaction) -> Result<void> {
    if (state_->unsaved.postings() == 0) return {};
    return state_->saving()(transaction);
  });
}

void Journal::drain() { state_->writer.drain(); }

const Tails& Journal::tails() const { return *state_->tails; }

Recent& Journal::recent() { return state_->recent; }

storage::Writer::Counters Journal::counters() const { return state_->writer.counters(); }

}  // namespace guild::ledgerd
