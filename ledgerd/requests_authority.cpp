// The verbs on grants, permits and approvals: who asks is decided here, the rest in permits.cpp.
#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/log/log.hpp"
#include "ledgerd/history.hpp"
#include "ledgerd/permits.hpp"
#include "ledgerd/service.hpp"

namespace guild::ledgerd {
namespace {

Asker asker_of(const std::string& sender, const Principal& principal) {
  return {.sender = sender, .principal = name_of(principal), .bot = principal.bot};
}

std::unexpected<Error> action_guarded(std::string_view pattern) {
  return fail(ErrorKind::denied, "action_guarded",
              fmt::format("{} can never be granted", guild::quoted(pattern)),
              "changing auth, deleting data, changing secrets and dropping a migration are for "
              "people; this was noted in the audit");
}

}  // namespace

void Service::audit(const messages::ListAudit& request,
                    const host::Answer<messages::AuditPage>& answer) {
  read<messages::AuditPage>(
      resuming_,
      [after = request.after.value, limit = request.limit.value](storage::Connection& file,
                                                                 const std::stop_token&) {
        return read_audit(file, after, limit);
      },
      answer);
}

void Service::add_grant(const messages::AddGrant& request,
                        const host::Answer<messages::Grant>& answer) {
  const auto asker = identify_operator(answer.sender(), request.credential, "grant");
  if (!asker) return refuse(answer, asker.error());
  if (const auto is_right = check_pattern(request.pattern.view()); !is_right)
    return refuse(answer, is_right.error());
  if (request.effect != GrantEffect::deny && is_guarded(request.pattern.view()))
    return refuse_guarded(request, *asker, answer);
  run<messages::Grant>(
      [request, asker = *asker](Transaction& transaction) {
        return ledgerd::add_grant(transaction, request, asker);
      },
      answer);
}

void Service::refuse_guarded(const messages::AddGrant& request, const Asker& asker,
                             const host::Answer<messages::Grant>& answer) {
  // The audit of a refusal is committed, so the refusal is not that of the job.
  auto work = [request, asker](Transaction& transaction) {
    return note_guarded(transaction, request.bot.view(), request.pattern.view(), asker);
  };
  auto done = [this, answer = answer, request](const Result<void>& outcome) mutable {
    host_.post([this, answer = std::move(answer), request, outcome] {
      refuse(answer, outcome ? action_guarded(request.pattern.view()).error() : outcome.error());
    });
  };
  if (auto submitted = journal_->submit(std::move(work), std::move(done)); !submitted)
    refuse(answer, submitted.error());
}

void Service::revoke_grant(const messages::RevokeGrant& request,
                           const host::Answer<messages::Nothing>& answer) {
  const auto asker = identify_operator(answer.sender(), request.credential, "revoke grants");
  if (!asker) return refuse(answer, asker.error());
  run<messages::Nothing>(
      [request, asker = *asker](Transaction& transaction) -> Result<messages::Nothing> {
        GUILD_CHECK(ledgerd::revoke_grant(transaction, request, asker));
        return messages::Nothing{};
      },
      answer);
}

void Service::list_grants(const messages::ListGrants& request,
                          const host::Answer<messages::GrantsPage>& answer) {
  if (view_.find_bot(request.bot.view()) == nullptr)
    return answer(fail(ErrorKind::not_found, "bot_unknown",
                       fmt::format("there is no bot {}", guild::quoted(request.bot.view())),
                       "see which there are: `guild bot list`"));
  read<messages::GrantsPage>(
      reader_,
      [request, at = now()](storage::Connection& file, const std::stop_token&) {
        return read_grants(file, request, at);
      },
      answer);
}

void Service::request_permit(const messages::RequestPermit& request,
                             const host::Answer<messages::Permit>& answer) {
  const auto principal = identify(answer.sender(), request.credential);
  if (!principal) return refuse(answer, principal.error());
  if (const auto may = may_ask_permit(*principal, request.bot.view()); !may)
    return refuse(answer, may.error());
  run<messages::Permit>(
      [request, asker = asker_of(answer.sender(), *principal)](Transaction& transaction) {
        return ledgerd::request_permit(transaction, request, asker);
      },
      answer);
}

void Service::settle_permit(const messages::SettlePermit& request,
                            const host::Answer<messages::Settled>& answer) {
  const auto principal = identify(answer.sender(), request.credential);
  if (!principal) return refuse(answer, principal.error());
  run<messages::Settled>(
      [request, asker = asker_of(answer.sender(), *principal)](Transaction& transaction) {
        return ledgerd::settle_permit(transaction, request, asker);
      },
      answer);
}

void Service::list_approvals(const messages::ListApprovals& request,
                             const host::Answer<messages::ApprovalsPage>& answer) {
  read<messages::ApprovalsPage>(
      reader_,
      [request](storage::Connection& file, const std::stop_token&) {
        return read_approvals(file, request);
      },
      answer);
}

void Service::decide(const messages::DecideApproval& request,
                     Result<messages::Permit> (*decision)(Transaction&, const Uuid&, const Asker&),
                     const host::Answer<messages::Permit>& answer) {
  const auto asker = identify_operator(answer.sender(), request.credential, "decide approvals");
  if (!asker) return refuse(answer, asker.error());
  run<messages::Permit>(
      [permit = request.permit, decision, asker = *asker](Transaction& transaction) {
        return decision(transaction, permit, asker);
      },
      answer);
}

void Service::allow_approval(const messages::DecideApproval& request,
                             const host::Answer<messages::Permit>& answer) {
  decide(request, &ledgerd::allow_approval, answer);
}

void Service::deny_approval(const messages::DecideApproval& request,
                            const host::Answer<messages::Permit>& answer) {
  decide(request, &ledgerd::deny_approval, answer);
}

}  // namespace guild::ledgerd
