// The served verbs of ledgerd. Each checks who asks, makes a job or a read of what is asked, and
// answers once that is done.
#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/log/log.hpp"
#include "ledgerd/bots.hpp"
#include "ledgerd/history.hpp"
#include "ledgerd/markets.hpp"
#include "ledgerd/service.hpp"
#include "ledgerd/verify.hpp"

namespace guild::ledgerd {
namespace {

std::expected<Draft, Refusal> draft_charge(const messages::ChargeTask& request) {
  return draft_transfer(
      request.id, bot_account(request.bot.view()), treasury_account, request.amount,
      fmt::format("TASK:{}:{}", request.task.text(), request.attempt), EntryType::CHARGE);
}

Result<void> check_charge_id(const messages::ChargeTask& request) {
  const std::string name = fmt::format("{}/{}", request.task.text(), request.attempt);
  if (request.id == Uuid::of_name(name)) return {};
  return fail(ErrorKind::invalid, "id_invalid",
              fmt::format("the id is not that of attempt {} of task {}", request.attempt,
                          request.task.text()),
              "make it of the name TASK/ATTEMPT");
}

}  // namespace

Result<Principal> Service::identify(const std::string& sender,
                                    const std::optional<messages::Credential>& credential) {
  auto principal = principal_of(sender, credential, credentials_, now());
  if (!principal)
    GUILD_LOG_WITH(warn, "authority", (log::Extra{{"sender", sender}}), "refused a request: {}",
                   principal.error().message);
  return principal;
}

void Service::book(const std::expected<Draft, Refusal>& draft,
                   const host::Answer<messages::Receipt>& answer) {
  if (!draft) return refuse(answer, error_of(draft.error()));
  const auto work = [draft = *draft](Transaction& transaction) { return transaction.book(draft); };
  book(work, answer);
}

void Service::book(std::function<Result<Booked>(Transaction&)> work,
                   const host::Answer<messages::Receipt>& answer) {
  auto booked = std::make_shared<Booked>();
  auto job = [work = std::move(work), booked](Transaction& transaction) -> Result<void> {
    GUILD_TRY(*booked, work(transaction));
    return {};
  };
  auto done = [this, answer = answer, booked](const Result<void>& outcome) mutable {
    host_.post([this, answer = std::move(answer), booked, outcome] {
      if (!outcome) return refuse(answer, outcome.error());
      answer(booked->receipt());
    });
  };
  if (auto submitted = journal_->submit(std::move(job), std::move(done)); !submitted)
    refuse(answer, submitted.error());
}

void Service::transfer(const messages::CreateTransfer& request,
                       const host::Answer<messages::Receipt>& answer) {
  const auto principal = identify(answer.sender(), request.credential);
  if (!principal) return refuse(answer, principal.error());
  if (const auto may = may_debit(*principal, request.debit.view()); !may)
    return refuse(answer, may.error());
  book(draft_transfer(request.id, request.debit.view(), request.credit.view(), request.amount,
                      request.reference.view()),
       answer);
}

void Service::hold(const messages::CreateHold& request,
                   const host::Answer<messages::Receipt>& answer) {
  const auto principal = identify(answer.sender(), request.credential);
  if (!principal) return refuse(answer, principal.error());
  if (const auto may = may_debit(*principal, request.debit.view()); !may)
    return refuse(answer, may.error());
  book(draft_hold(request.id, request.debit.view(), request.credit.view(), request.amount,
                  request.lifetime, request.reference.view()),
       answer);
}

template <class Request>
void Service::end_hold(const Request& request, const host::Answer<messages::Receipt>& answer,
                       EndHold end) {
  const auto principal = identify(answer.sender(), request.credential);
  if (!principal) return refuse(answer, principal.error());
  book(
      [request, who = *principal,
       end = std::move(end)](Transaction& transaction) -> Result<Booked> {
        GUILD_TRY(const HoldToEnd hold, transaction.hold_made_with(request.hold));
        GUILD_CHECK(may_end_hold(who, hold.credit));
        return end(transaction);
      },
      answer);
}

void Service::post_hold(const messages::PostHold& request,
                        const host::Answer<messages::Receipt>& answer) {
  end_hold(request, answer, [request](Transaction& transaction) {
    return transaction.post_hold(request.id, request.hold, request.amount,
                                 request.reference.view());
  });
}

void Service::void_hold(const messages::VoidHold& request,
                        const host::Answer<messages::Receipt>& answer) {
  end_hold(request, answer, [request](Transaction& transaction) {
    return transaction.void_hold(request.id, request.hold, request.reference.view());
  });
}

void Service::manage(const std::optional<messages::Credential>& credential, Draft draft,
                     const host::Answer<messages::Receipt>& answer) {
  const auto principal = identify(answer.sender(), credential);
  if (!principal) return refuse(answer, principal.error());
  const std::string& account = draft.legs.front().account;
  if (const auto may = may_manage(*principal, account); !may) return refuse(answer, may.error());
  if (!view_.find(account)) return refuse(answer, account_unknown(account).error());
  book(std::move(draft), answer);
}

void Service::set_floor(const messages::SetFloor& request,
                        const host::Answer<messages::Receipt>& answer) {
  manage(request.credential,
         draft_floor(request.id, request.account.view(), request.floor, request.reference.view()),
         answer);
}

void Service::close_account(const messages::CloseAccount& request,
                            const host::Answer<messages::Receipt>& answer) {
  manage(
      request.credential,
      draft_record(request.id, request.account.view(), EntryType::CLOSED, request.reference.view()),
      answer);
}

void Service::reopen_account(const messages::CloseAccount& request,
                             const host::Answer<messages::Receipt>& answer) {
  manage(request.credential,
         draft_record(request.id, request.account.view(), EntryType::REOPENED,
                      request.reference.view()),
         answer);
}

void Service::charge(const messages::ChargeTask& request,
                     const host::Answer<messages::Receipt>& answer) {
  if (const auto may = may_charge(answer.sender()); !may) return refuse(answer, may.error());
  if (const auto is_right = check_charge_id(request); !is_right)
    return refuse(answer, is_right.error());
  book(draft_charge(request), answer);
}

void Service::balance(const messages::GetBalance& request,
                      const host::Answer<messages::Balance>& answer) {
  const auto account = view_.find(request.account.view());
  if (!account) return answer(account_unknown(request.account.view()));
  answer(messages::Balance{.account = request.account,
                           .balance = account->balance,
                           .held = account->held,
                           .available = account->available(),
                           .floor = account->floor,
                           .is_closed = account->is_closed});
}

void Service::entries(const messages::ListEntries& request,
                      const host::Answer<messages::EntriesPage>& answer) {
  const auto account = view_.find(request.account.view());
  if (!account) return answer(account_unknown(request.account.view()));
  const std::int64_t after = std::max<std::int64_t>(request.after, 0);
  const std::int64_t limit = request.limit;
  // Before the reader's snapshot, so that nothing is missed that is written to the lists meanwhile.
  Tail tail = journal_->tails().copy(account->number, std::max<std::int64_t>(after, 1),
                                     static_cast<std::size_t>(limit) + 2);
  read<messages::EntriesPage>(
      reader_,
      [number = account->number, after, limit, tail = std::move(tail)](storage::Connection& file,
                                                                       const std::stop_token&) {
        return read_entries(file, number, after, limit, &tail);
      },
      answer);
}

void Service::events(const messages::ListEvents& request,
                     const host::Answer<messages::EventsPage>& answer) {
  read<messages::EventsPage>(
      resuming_,
      [after = request.after.value, limit = request.limit.value](storage::Connection& file,
                                                                 const std::stop_token&) {
        return read_events(file, after, limit);
      },
      answer);
}

void Service::verify(const messages::Nothing& /*request*/,
                     const host::Answer<messages::VerifyReport>& answer) {
  ++verifications_;
  read<messages::VerifyReport>(
      verifier_,
      [known = view_.head(), key = signer_ ? std::optional(signer_->key()) : std::nullopt](
          storage::Connection& file,
          const std::stop_token& stop) -> Result<messages::VerifyReport> {
        auto report = verify_file(file, known, stop, key);
        if (report && !report->ok)
          GUILD_LOG(critical, "verify", "the book is damaged at posting {}: {}",
                    report->first_bad_seq, report->problem);
        return report;
      },
      answer);
}

void Service::create_bot(const messages::CreateBot& request,
                         const host::Answer<messages::BotCreated>& answer) {
  const auto principal = identify(answer.sender(), request.credential);
  if (!principal) return refuse(answer, principal.error());
  if (const auto may = may_create_bots(*principal); !may) return refuse(answer, may.error());
  if (const auto is_right = check_handle(request.handle.view()); !is_right)
    return refuse(answer, is_right.error());

  const auto creation = std::make_shared<const BotCreation>(
      BotCreation{.handle = request.handle,
                  .grant = economy_.genesis_grant,
                  .credential = credentials_.make(request.handle.view(), now()),
                  .sender = answer.sender(),
                  .principal = name_of(*principal)});
  const auto work = [this, creation](Transaction& transaction) -> Result<void> {
    GUILD_TRY(BotRecord bot, ledgerd::create_bot(transaction, *creation));
    transaction.after_commit([this, creation, bot] {
      host_.post([this, creation, bot] {
        credentials_.add(creation->credential.record);
        view_.add_bot(bot);
      });
    });
    return {};
  };
  auto done = [this, answer = answer, creation](const Result<void>& outcome) mutable {
    host_.post([this, answer = std::move(answer), creation, outcome] {
      if (!outcome) return refuse(answer, outcome.error());
      GUILD_LOG(info, "bots", "created {} with {}", creation->handle, creation->grant.text());
      answer(messages::BotCreated{.handle = creation->handle,
                                  .balance = creation->grant,
                                  .api_key = creation->credential.api_key,
                                  .api_secret = creation->credential.api_secret});
    });
  };
  if (auto submitted = journal_->submit(work, std::move(done)); !submitted)
    refuse(answer, submitted.error());
}

void Service::list_bots(const messages::ListBots& request,
                        const host::Answer<messages::BotsPage>& answer) {
  messages::BotsPage page;
  auto bot = view_.bots().upper_bound(request.after.view());
  for (; bot != view_.bots().end() && std::cmp_less(page.bots.size(), request.limit.value); ++bot)
    page.bots.push_back(view_.describe(bot->second));
  page.more = bot != view_.bots().end();
  answer(page);
}

void Service::show_bot(const messages::GetBot& request, const host::Answer<messages::Bot>& answer) {
  const BotRecord* bot = view_.find_bot(request.handle.view());
  if (bot == nullptr) return answer(bot_unknown(request.handle.view()));
  answer(view_.describe(*bot));
}

void Service::authenticate(const messages::Authenticate& request,
                           const host::Answer<messages::Authenticated>& answer) {
  const auto principal = identify(answer.sender(), request.credential);
  if (!principal) return refuse(answer, principal.error());
  messages::Authenticated authenticated{.is_operator = principal->is_operator, .bot = {}};
  if (!principal->is_operator) authenticated.bot = principal->bot;
  answer(authenticated);
}

void Service::token(const messages::GetToken& request,
                    const host::Answer<messages::Token>& answer) {
  const auto principal = identify(answer.sender(), request.credential);
  if (!principal) return refuse(answer, principal.error());
  if (!request.credential.api_key)
    return refuse(answer, Error{ErrorKind::denied, "not_permitted",
                                "a token stands for a bot's key and secret, and for nothing else",
                                "send those"});
  const Instant expires_at = now() + host_.settings().ledgerd.token_lifetime;
  const auto made = credentials_.make_token(request.credential, expires_at);
  if (!made) return refuse(answer, made.error());
  answer(messages::Token{.token = *made, .bot = principal->bot, .expires_at = expires_at});
}

}  // namespace guild::ledgerd
