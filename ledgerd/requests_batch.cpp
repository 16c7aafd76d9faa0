// The served verb that takes many transfers at once, as binary records.
#include "common/log/log.hpp"
#include "ledgerd/service.hpp"

namespace guild::ledgerd {
namespace {

/// A refused batch is answered like any request; a batch that was taken, by its outcomes.
Result<std::optional<messages::Credential>> credential_of(const messages::TransferBatch& batch) {
  if (batch.credential.empty()) return std::optional<messages::Credential>{};
  GUILD_TRY(auto credential, messages::decode<messages::Credential>(batch.credential));
  return std::optional(std::move(credential));
}

/// Every account that is debited must be the principal's to debit.
Result<void> may_debit_all(const Principal& principal, const messages::TransferBatch& batch) {
  std::vector<bool> is_seen(batch.accounts.size());
  for (const messages::BatchTransfer& transfer : batch.transfers) {
    const bool debits = transfer.hold.is_nil();
    if (!debits || is_seen[transfer.debit]) continue;
    is_seen[transfer.debit] = true;
    GUILD_CHECK(may_debit(principal, batch.accounts[transfer.debit]));
  }
  return {};
}

}  // namespace

void Service::transfers(std::string_view payload, bus::Responder responder) {
  const auto refuse_all = [&](const Error& error) {
    ++refused_;
    responder.reply_error(error);
  };
  auto batch = messages::decode_transfer_batch(payload);
  if (!batch) return refuse_all(batch.error());
  const auto credential = credential_of(*batch);
  if (!credential) return refuse_all(credential.error());
  const auto principal = identify(responder.sender(), *credential);
  if (!principal) return refuse_all(principal.error());
  if (const auto may = may_debit_all(*principal, *batch); !may) return refuse_all(may.error());
  submit_batch(std::move(*batch), *principal, std::move(responder));
}

void Service::submit_batch(messages::TransferBatch batch, const Principal& principal,
                           bus::Responder responder) {
  struct Pending {
    messages::TransferBatch batch;
    Principal principal;
    bus::Responder responder;
    std::vector<messages::BatchOutcome> outcomes = {};
  };
  auto pending = std::make_shared<Pending>(std::move(batch), principal, std::move(responder));
  const auto work = [pending](Transaction& transaction) -> Result<void> {
    const auto may_end = [&](std::string_view credit) {
      return may_end_hold(pending->principal, credit).has_value();
    };
    GUILD_TRY(pending->outcomes, transaction.book_batch(pending->batch, may_end));
    return {};
  };
  auto done = [this, pending](const Result<void>& outcome) {
    // On the writer's thread: the loop has enough to do. The responder is the loop's, and so must
    // be its end: it is handed on, not shared with what this thread still holds.
    host_.post([this, outcome, answer = messages::encode(pending->outcomes),
                responder = std::make_shared<bus::Responder>(std::move(pending->responder))] {
      if (outcome) return responder->reply(answer);
      ++refused_;
      responder->reply_error(outcome.error());
    });
  };
  if (auto submitted = journal_->submit(work, std::move(done)); !submitted) {
    ++refused_;
    pending->responder.reply_error(submitted.error());
  }
}

}  // namespace guild::ledgerd
