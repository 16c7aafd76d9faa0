// Booking a batch: each transfer on its own, or all or none of those that are linked.
#include <algorithm>

#include "ledgerd/journal.hpp"

namespace guild::ledgerd {

using messages::BatchKind;
using messages::BatchOutcome;
using messages::BatchTransfer;
using messages::TransferBatch;

/// One batch inside a job. What it decides is in memory until all is decided, then in the file.
class BatchBooking {
 public:
  BatchBooking(Transaction& transaction, const TransferBatch& batch,
               const Transaction::MayEnd& may_end)
      : transaction_(transaction), book_(transaction.book_), batch_(batch), may_end_(may_end) {
    for (const std::string& name : batch.accounts) numbers_.push_back(book_.accounts().find(name));
  }

  Result<std::vector<BatchOutcome>> run() {
    const Book::Mark start = book_.mark();
    outcomes_.reserve(batch_.transfers.size());
    for (std::size_t first = 0; first < batch_.transfers.size();) {
      const std::size_t end = end_of_links(first);
      GUILD_CHECK(end - first == 1 ? book_one(first) : book_linked(first, end));
      first = end;
    }
    GUILD_CHECK(transaction_.write_since(start.opened, start.postings));
    return std::move(outcomes_);
  }

 private:
  using Decided = std::expected<const Posting*, Refusal>;

  std::size_t end_of_links(std::size_t first) const {
    while (batch_.transfers[first].is_linked) ++first;
    return first + 1;
  }

  Result<void> book_one(std::size_t at) {
    GUILD_TRY(const BatchOutcome outcome, outcome_of(batch_.transfers[at]));
    outcomes_.push_back(outcome);
    return {};
  }

  /// All of a chain, or none: then each says that, and the one that was refused says why.
  Result<void> book_linked(std::size_t first, std::size_t end) {
    const Book::Mark before = book_.mark();
    for (std::size_t at = first; at < end; ++at) {
      GUILD_TRY(const BatchOutcome outcome, outcome_of(batch_.transfers[at]));
      outcomes_.push_back(outcome);
      if (outcome.seq != 0) continue;
      book_.undo_to(before);
      outcomes_.resize(first);
      outcomes_.resize(end, refused(TransferError::linked_failed));
      outcomes_[at] = outcome;
      forget_accounts();
      return {};
    }
    return {};
  }

  /// After an undo, accounts that were opened are none.
  void forget_accounts() {
    for (AccountNumber& number : numbers_)
      if (number > book_.accounts().size()) number = 0;
  }

  static BatchOutcome refused(TransferError error) {
    return {.seq = 0, .time = {}, .code = number_of(error)};
  }
  static BatchOutcome booked(const Posting& posting, bool repeated) {
    return {.seq = posting.seq,
            .time = posting.time,
            .code = repeated ? messages::outcome_repeated : messages::outcome_booked};
  }

  Result<BatchOutcome> outcome_of(const BatchTransfer& transfer) {
    GUILD_TRY(const std::int64_t seq, transaction_.seq_of(transfer.id));
    if (seq != 0) return outcome_of_repeat(transfer, seq);
    if (transfer.kind == BatchKind::transfer) return outcome_of(decide(transfer));
    GUILD_TRY(const auto draft, draft_of(transfer));
    if (!draft) return refused(draft.error().error);
    return outcome_of(book_.book(*draft, transaction_.now_));
  }

  static BatchOutcome outcome_of(const Decided& decided) {
    return decided ? booked(**decided, false) : refused(decided.error().error);
  }

  Decided decide(const BatchTransfer& transfer) {
    const AccountNumber debit = number_at(transfer.debit), credit = number_at(transfer.credit);
    if (debit != 0 && credit != 0)
      return book_.book(Book::Move{.id = transfer.id,
                                   .debit = debit,
                                   .credit = credit,
                                   .amount = transfer.amount,
                                   .reference = reference(transfer)},
                        transaction_.now_);
    const auto draft = draft_of_transfer(transfer);
    if (!draft) return std::unexpected(draft.error());
    return book_.book(*draft, transaction_.now_);
  }

  /// 0 when it is not open; one that a transfer of this batch opened is.
  AccountNumber number_at(std::uint16_t index) {
    if (numbers_[index] == 0) numbers_[index] = book_.accounts().find(batch_.accounts[index]);
    return numbers_[index];
  }
  std::string_view reference(const BatchTransfer& transfer) const {
    return batch_.references[transfer.reference];
  }

  std::expected<Draft, Refusal> draft_of_transfer(const BatchTransfer& transfer) const {
    return draft_transfer(transfer.id, batch_.accounts[transfer.debit],
                          batch_.accounts[transfer.credit], transfer.amount, reference(transfer));
  }

  Result<std::expected<Draft, Refusal>> draft_of(const BatchTransfer& transfer) {
    using Drafted = std::expected<Draft, Refusal>;
    if (transfer.kind == BatchKind::transfer) return draft_of_transfer(transfer);
    if (transfer.kind == BatchKind::hold)
      return draft_hold(transfer.id, batch_.accounts[transfer.debit],
                        batch_.accounts[transfer.credit], transfer.amount,
                        std::chrono::seconds(transfer.lifetime_s), reference(transfer));
    const auto ending = transaction_.ending_of(transfer.id, transfer.hold);
    if (!ending && ending.error().code == "hold_unknown")
      return Drafted(std::unexpected(Refusal{.error = TransferError::hold_unknown}));
    if (!ending) return fail(ending.error());
    if (!may_end_(ending->hold.credit))
      return Drafted(std::unexpected(Refusal{.error = TransferError::not_permitted}));
    if (transfer.kind == BatchKind::void_hold)
      return Drafted(draft_hold_void(transfer.id, ending->hold, reference(transfer)));
    return draft_hold_post(transfer.id, ending->hold,
                           transfer.amount.is_zero() ? ending->amount : transfer.amount,
                           reference(transfer));
  }

  Result<BatchOutcome> outcome_of_repeat(const BatchTransfer& transfer, std::int64_t seq) {
    GUILD_TRY(const auto draft, draft_of(transfer));
    if (!draft) return refused(TransferError::id_reused);
    GUILD_TRY(const Posting earlier, transaction_.posting_at(seq));
    if (!book_.check_repeat(*draft, earlier)) return refused(TransferError::id_reused);
    return booked(earlier, true);
  }

  Transaction& transaction_;
  Book& book_;
  const TransferBatch& batch_;
  const Transaction::MayEnd& may_end_;
  std::vector<AccountNumber> numbers_;
  std::vector<BatchOutcome> outcomes_;
};

Result<std::vector<BatchOutcome>> Transaction::book_batch(const TransferBatch& batch,
                                                          const MayEnd& may_end) {
  return BatchBooking(*this, batch, may_end).run();
}

}  // namespace guild::ledgerd
