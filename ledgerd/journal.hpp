// Journal: the book and its file, kept the same. Jobs run one after another on the writer's thread;
// those that wait are one transaction (group commit). A job sees what the jobs before it did;
// memory outside (`Committed`) hears of it only after the commit, and answers go out after that. A
// job that answers an error is undone alone, in the file and in the book; a group that fails,
// whole.
//
// Limits: those of storage::Writer (writer_full). Errors: what the job answered, or the file's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/messages/ledgerd.hpp"
#include "common/messages/transfer_batch.hpp"
#include "common/storage/writer.hpp"
#include "ledgerd/book.hpp"
#include "ledgerd/recent.hpp"
#include "ledgerd/store.hpp"
#include "ledgerd/tails.hpp"
#include "ledgerd/unsaved.hpp"

namespace guild::ledgerd {

/// What a group changed, told on the writer's thread right after its commit, before its answers.
struct Committed {
  struct Balance {
    AccountNumber account;
    std::string_view name;  ///< Lives as long as the journal.
    Money balance, held, floor;
    bool is_closed = false;
  };
  TreeHead head;
  std::vector<Balance> balances;       ///< Of every account that it touched.
  std::int64_t ids = 0;                ///< Remembered in all.
  std::int64_t open_holds = 0;         ///< In all.
  std::optional<Instant> next_expiry;  ///< Of an open hold.
};

/// A posting with this draft's content: just booked, or once before.
struct Booked {
  Posting posting;
  bool repeated = false;

  messages::Receipt receipt() const;
};

/// What a job works with. Only inside the job.
class Transaction {
 public:
  Transaction(Book& book, storage::Connection& file, Instant now,
              const std::function<Uuid()>& new_id, std::vector<std::function<void()>>& effects)
      : book_(book), file_(file), now_(now), new_id_(new_id), effects_(effects) {}

  /// Decides and books; an id that is known answers the posting that it had. A refusal is the error
  /// that the caller should see.
  Result<Booked> book(const Draft& draft);
  /// Books all or none, in order; the refusal is of the draft at `*refused`.
  Result<std::vector<Booked>> book_linked(std::span<const Draft> drafts, std::size_t* refused);
  /// What became of each transfer of the batch, in order; those that are linked are booked all or
  /// none. An Error is the file's. `may_end` refuses a hold by whom its money is kept for.
  using MayEnd = std::function<bool(std::string_view credit)>;
  Result<std::vector<messages::BatchOutcome>> book_batch(const messages::TransferBatch& batch,
                                                         const MayEnd& may_end);
  /// Does `work` as a part of the job that is undone alone when it is refused: its error; nothing
  /// when it was done. An Error in place of that is the file's, and the job's.
  Result<std::optional<Error>> attempt(const std::function<Result<void>()>& work);
  /// The posting with this id; 0 when there is none.
  Result<std::int64_t> seq_of(const Uuid& id);
  /// The hold that was made with this id, open or not. Code hold_unknown.
  Result<HoldToEnd> hold_made_with(const Uuid& id);
  /// Ends the hold that was made with the id `hold`: posts `amount` (all of it when there is none).
  Result<Booked> post_hold(const Uuid& id, const Uuid& hold, std::optional<Money> amount,
                           std::string_view reference);
  Result<Booked> void_hold(const Uuid& id, const Uuid& hold, std::string_view reference);
  /// Voids the holds that have expired by now; done before each job.
  Result<void> void_expired();
  const Book& state() const { return book_; }
  storage::Connection& file() { return file_; }
  Instant now() const { return now_; }
  /// For a posting that nobody asked for by an id of his own.
  Uuid new_id() const { return new_id_(); }
  /// Done on the writer's thread once the group is committed; forgotten when the job is undone.
  void after_commit(std::function<void()> effect) { effects_.push_back(std::move(effect)); }

 private:
  friend class BatchBooking;
  Result<Booked> booked_before(const Draft& draft, std::int64_t seq);
  /// Into memory alone.
  Result<void> decide(const Draft& draft);
  /// Into the file, what was decided since.
  Result<void> write_since(std::size_t opened, std::size_t postings);
  /// Of the group or of the file; it was booked.
  Result<Posting> posting_at(std::int64_t seq);
  /// A hold that is to be ended, and what the id that ends it was used for before.
  struct Ending {
    HoldToEnd hold;
    Money amount;
    std::int64_t earlier = 0;
  };
  Result<Ending> ending_of(const Uuid& id, const Uuid& hold);
  Result<Booked> end_hold(const Ending& ending, const Draft& draft);

  Book& book_;
  storage::Connection& file_;
  const Instant now_;
  const std::function<Uuid()>& new_id_;
  std::vector<std::function<void()>>& effects_;
};

class Journal {
 public:
  using Work = std::function<Result<void>(Transaction&)>;
  using Done = storage::Writer::Done;
  struct Options {
    storage::WriterOptions writer;
    /// Postings after which the lists of them, and where the book stands, are written.
    std::int64_t save_every = 65'536;
    std::function<Instant()> now = guild::now;
    std::function<Uuid()> new_id = Uuid::make;
    std::function<void(Committed)> on_commit;  ///< On the writer's thread.
    /// The file may differ from memory (outcome_unknown): the process must end and recover.
    std::function<void(const Error&)> on_lost;
  };

  Journal(std::unique_ptr<storage::Connection> file, Book book, std::unique_ptr<Tails> tails,
          Unsaved unsaved, Options options);
  /// Finishes what was submitted.
  ~Journal();

  /// `work` may run more than once, and then must overwrite what it captured. Both are called on
  /// the writer's thread.
  Result<void> submit(Work work, Done done);
  /// Submits and waits; not from the writer's thread.
  Result<void> run(Work work);
  /// Writes where the book stands, so that the next start reads no posting.
  Result<void> save();
  /// Returns when everything submitted before was answered.
  void drain();

  /// For readers; safe from any thread.
  const Tails& tails() const;
  Recent& recent();
  storage::Writer::Counters counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace guild::ledgerd
