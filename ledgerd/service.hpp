// Service: ledgerd's served verbs (common/messages/ledgerd.hpp), its start and its drain.
// Everything here is on the loop thread; the journal writes and the readers read on threads of
// their own and post what they found. service.cpp wires, requests*.cpp answer.
// Limits:
// reads_waiting_max reads, resumptions_waiting_max pages of events, verifications_waiting_max
// verifications may wait; the rest is refused.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "common/host/host.hpp"
#include "common/messages/arena.hpp"
#include "common/messages/authority.hpp"
#include "common/messages/economy.hpp"
#include "ledgerd/authority.hpp"
#include "ledgerd/checkpoint.hpp"
#include "ledgerd/credentials.hpp"
#include "ledgerd/economy/constants.hpp"
#include "ledgerd/economy/observations.hpp"
#include "ledgerd/journal.hpp"
#include "ledgerd/market_maker.hpp"
#include "ledgerd/outbox.hpp"
#include "ledgerd/permits.hpp"
#include "ledgerd/reader.hpp"
#include "ledgerd/recovery.hpp"
#include "ledgerd/settling.hpp"
#include "ledgerd/view.hpp"

namespace guild::ledgerd {

inline constexpr std::string_view database_name = "ledger.db";

class Service : public host::Service {
 public:
  static constexpr std::size_t reads_waiting_max = 4'096;
  static constexpr std::size_t verifications_waiting_max = 4;
  static constexpr std::size_t resumptions_waiting_max = 256;

  /// Recovers the book, or refuses to start.
  static Result<std::unique_ptr<host::Service>> start(host::Host& host);

  void drain(std::function<void()> done) override;
  std::map<std::string, std::int64_t> counters() const override;

 private:
  /// What `start` has opened.
  struct Parts;
  Service(host::Host& host, Parts parts);

  Result<void> open_book(const std::optional<store::Economy>& recorded);
  /// Each second: holds that have expired, markets that are due, and a checkpoint when something
  /// was booked.
  void tick();
  void settle_markets();
  /// For a job: after its commit, what it could not settle is counted, and told the first time.
  void note_refused(Transaction& transaction, const std::vector<Settled::Refused>& refused);
  void sign_checkpoint();
  void publish_soon();
  void serve();
  template <class Request, class Reply>
  void serve(std::string_view verb,
             void (Service::*handle)(const Request&, const host::Answer<Reply>&));
  Outbox::Ports outbox_ports();
  Journal::Options journal_options();

  // Requests.
  void transfer(const messages::CreateTransfer& request,
                const host::Answer<messages::Receipt>& answer);
  void transfers(std::string_view payload, bus::Responder responder);
  void submit_batch(messages::TransferBatch batch, const Principal& principal,
                    bus::Responder responder);
  void hold(const messages::CreateHold& request, const host::Answer<messages::Receipt>& answer);
  using EndHold = std::function<Result<Booked>(Transaction&)>;
  template <class Request>
  void end_hold(const Request& request, const host::Answer<messages::Receipt>& answer, EndHold end);
  void post_hold(const messages::PostHold& request, const host::Answer<messages::Receipt>& answer);
  void void_hold(const messages::VoidHold& request, const host::Answer<messages::Receipt>& answer);
  void set_floor(const messages::SetFloor& request, const host::Answer<messages::Receipt>& answer);
  void close_account(const messages::CloseAccount& request,
                     const host::Answer<messages::Receipt>& answer);
  void reopen_account(const messages::CloseAccount& request,
                      const host::Answer<messages::Receipt>& answer);
  void posting(const messages::GetPosting& request,
               const host::Answer<messages::PostingView>& answer);
  void checkpoint(const messages::GetCheckpoint& request,
                  const host::Answer<messages::Checkpoint>& answer);
  void proof(const messages::GetProof& request,
             const host::Answer<messages::InclusionProof>& answer);
  void charge(const messages::ChargeTask& request, const host::Answer<messages::Receipt>& answer);
  void balance(const messages::GetBalance& request, const host::Answer<messages::Balance>& answer);
  void entries(const messages::ListEntries& request,
               const host::Answer<messages::EntriesPage>& answer);
  void audit(const messages::ListAudit& request, const host::Answer<messages::AuditPage>& answer);
  void events(const messages::ListEvents& request,
              const host::Answer<messages::EventsPage>& answer);
  void verify(const messages::Nothing& request, const host::Answer<messages::VerifyReport>& answer);
  void create_bot(const messages::CreateBot& request,
                  const host::Answer<messages::BotCreated>& answer);
  void list_bots(const messages::ListBots& request, const host::Answer<messages::BotsPage>& answer);
  void show_bot(const messages::GetBot& request, const host::Answer<messages::Bot>& answer);
  void authenticate(const messages::Authenticate& request,
                    const host::Answer<messages::Authenticated>& answer);
  void token(const messages::GetToken& request, const host::Answer<messages::Token>& answer);
  // Of bots' lives (requests_bots.cpp).
  void rotate_bot(const messages::ChangeBot& request,
                  const host::Answer<messages::BotCreated>& answer);
  void retire_bot(const messages::ChangeBot& request, const host::Answer<messages::Bot>& answer);
  void liquidate_bot(const messages::ChangeBot& request, const host::Answer<messages::Bot>& answer);
  void revive_bot(const messages::ReviveBot& request,
                  const host::Answer<messages::BotCreated>& answer);
  void set_bot(const messages::SetBot& request, const host::Answer<messages::Bot>& answer);
  void sync_keys(const messages::SyncKeys& request,
                 const host::Answer<messages::KeysSynced>& answer);
  // Of what bots may do (requests_authority.cpp).
  void add_grant(const messages::AddGrant& request, const host::Answer<messages::Grant>& answer);
  void refuse_guarded(const messages::AddGrant& request, const Asker& asker,
                      const host::Answer<messages::Grant>& answer);
  void revoke_grant(const messages::RevokeGrant& request,
                    const host::Answer<messages::Nothing>& answer);
  void list_grants(const messages::ListGrants& request,
                   const host::Answer<messages::GrantsPage>& answer);
  void request_permit(const messages::RequestPermit& request,
                      const host::Answer<messages::Permit>& answer);
  void settle_permit(const messages::SettlePermit& request,
                     const host::Answer<messages::Settled>& answer);
  void list_approvals(const messages::ListApprovals& request,
                      const host::Answer<messages::ApprovalsPage>& answer);
  void allow_approval(const messages::DecideApproval& request,
                      const host::Answer<messages::Permit>& answer);
  void deny_approval(const messages::DecideApproval& request,
                     const host::Answer<messages::Permit>& answer);

  // The economy's (requests_economy.cpp).
  void serve_economy();
  void run_tick(const messages::RunTick& request, const host::Answer<messages::TickReport>& answer);
  void open_market(const messages::OpenMarket& request,
                   const host::Answer<messages::MarketOpened>& answer);
  void list_markets(const messages::ListMarkets& request,
                    const host::Answer<messages::MarketsPage>& answer);
  void show_market(const messages::GetMarket& request,
                   const host::Answer<messages::Market>& answer);
  void resolve_market(const messages::ResolveMarket& request,
                      const host::Answer<messages::Market>& answer);
  void answer_market(const messages::AnswerMarket& request,
                     const host::Answer<messages::AnswerReport>& answer);
  void post_price(const messages::PostPrice& request,
                  const host::Answer<messages::PricePosted>& answer);
  void feed(const messages::ListFeed& request, const host::Answer<messages::FeedPage>& answer);
  void insights(const messages::GetBot& request, const host::Answer<messages::Insights>& answer);
  void viability(const messages::Nothing& request, const host::Answer<messages::Viability>& answer);
  // The arena's (requests_arena.cpp).
  void observe(const messages::Observe& request, const host::Answer<messages::Observation>& answer);
  void show(messages::Observation observation, const host::Answer<messages::Observation>& answer);
  void act_in_arena(const messages::TakeAction& request,
                    const host::Answer<messages::ActionTaken>& answer);
  /// For which bot somebody asks in the arena; codes as in common/messages/arena.hpp.
  Result<std::string> identify_player(const std::string& sender,
                                      const std::optional<messages::Credential>& credential,
                                      const std::optional<messages::Handle>& bot);
  void meter(const messages::MeterCall& request, const host::Answer<messages::Metered>& answer);
  /// Whether the sender drives the economy; if not, it is answered.
  template <class Reply>
  bool may_drive(const std::optional<messages::Credential>& credential,
                 const host::Answer<Reply>& answer);
  /// Does `work` as a job of the journal and answers what it made; learns what is due next.
  template <class Reply, class Work>
  void act(Work work, const host::Answer<Reply>& answer);
  /// For a job: after its commit, when a market is due next is known.
  Result<void> note_due(Transaction& transaction);
  Result<void> start_maker();
  /// A research market may have ended.
  void look_for_questions();
  /// The bot has died: it is shown so, and its keys open nothing.
  void bury(const std::string& handle);

  /// The principal; what is wrong with its credential is logged.
  Result<Principal> identify(const std::string& sender,
                             const std::optional<messages::Credential>& credential);
  void book(const std::expected<Draft, Refusal>& draft,
            const host::Answer<messages::Receipt>& answer);
  /// Does `work` as a job of the journal and answers what it booked.
  void book(std::function<Result<Booked>(Transaction&)> work,
            const host::Answer<messages::Receipt>& answer);
  /// The operator that asks, or why it may not; `what` as in may_govern.
  Result<Asker> identify_operator(const std::string& sender,
                                  const std::optional<messages::Credential>& credential,
                                  std::string_view what);
  /// Does `work` as a job of the journal and answers what it answers.
  template <class Reply>
  void run(std::function<Result<Reply>(Transaction&)> work, const host::Answer<Reply>& answer);
  /// Ends a bot by `end`.
  using EndBot = Result<void> (*)(Transaction&, std::string_view handle, const Asker&);
  void end_bot(const messages::ChangeBot& request, EndBot end,
               const host::Answer<messages::Bot>& answer);
  using GiveCredential = std::function<Result<void>(Transaction&, const NewCredential&)>;
  /// Gives a bot a new credential by `give`, and shows it.
  void renew(std::string_view handle, BotStatus status, const GiveCredential& give,
             const host::Answer<messages::BotCreated>& answer);
  /// What a committed job did to a bot, for the loop thread; `record` is its only credential now.
  void take_change(std::string_view handle, BotStatus status,
                   const std::optional<CredentialRecord>& record);
  /// The one bot whose handle is `name` as a variable's name has it; empty when none or several
  /// are.
  std::string handle_named(std::string_view name) const;
  void decide(const messages::DecideApproval& request,
              Result<messages::Permit> (*decision)(Transaction&, const Uuid&, const Asker&),
              const host::Answer<messages::Permit>& answer);
  /// A record on an account that only operators make.
  void manage(const std::optional<messages::Credential>& credential, Draft draft,
              const host::Answer<messages::Receipt>& answer);
  /// Does `read` on a reader's thread and answers what it found.
  template <class Reply>
  void read(Reader& reader,
            std::function<Result<Reply>(storage::Connection&, const std::stop_token&)> read,
            const host::Answer<Reply>& answer);
  template <class Reply>
  void refuse(const host::Answer<Reply>& answer, const Error& error);

  host::Host& host_;
  const economy::Constants constants_;
  const store::Economy economy_;            // As it is recorded.
  std::optional<CheckpointSigner> signer_;  // Once the book has its first posting.
  std::int64_t signed_size_ = 0;            // Of the last checkpoint that was written.
  std::optional<Instant> next_expiry_;
  std::optional<Instant> market_due_ = Instant{};  // The first look comes with the first second.
  boost::asio::steady_timer ticker_;
  Credentials credentials_;
  economy::Observations observations_;
  std::unique_ptr<Journal> journal_;  // Before the view, whose names are the journal's.
  View view_;
  Reader reader_;     // History and proofs.
  Reader publisher_;  // Events: they wait for nobody and nobody for them.
  Reader resuming_;   // Events once more; who catches up delays neither writes nor live events.
  Reader verifier_;   // Its own, since a verification takes long.
  Outbox outbox_;
  std::unique_ptr<MarketMaker> maker_;  // None when it is off.
  bool is_publishing_planned_ = false;
  std::int64_t refused_ = 0, verifications_ = 0, ticks_ = 0, settled_ = 0, settlings_refused_ = 0;
};

template <class Request, class Reply>
void Service::serve(std::string_view verb,
                    void (Service::*handle)(const Request&, const host::Answer<Reply>&)) {
  host_.serve<Request, Reply>(
      verb, [this, handle](const Request& request, const host::Answer<Reply>& answer) {
        (this->*handle)(request, answer);
      });
}

template <class Reply>
void Service::refuse(const host::Answer<Reply>& answer, const Error& error) {
  ++refused_;
  answer(fail(error));
}

template <class Reply>
void Service::run(std::function<Result<Reply>(Transaction&)> work,
                  const host::Answer<Reply>& answer) {
  auto reply = std::make_shared<Reply>();
  auto job = [work = std::move(work), reply](Transaction& transaction) -> Result<void> {
    GUILD_TRY(*reply, work(transaction));
    return {};
  };
  auto done = [this, answer = answer, reply](const Result<void>& outcome) mutable {
    host_.post([this, answer = std::move(answer), reply, outcome] {
      if (!outcome) return refuse(answer, outcome.error());
      answer(*reply);
    });
  };
  if (auto submitted = journal_->submit(std::move(job), std::move(done)); !submitted)
    refuse(answer, submitted.error());
}

template <class Reply, class Work>
void Service::act(Work work, const host::Answer<Reply>& answer) {
  auto made = std::make_shared<Reply>();
  auto job = [this, work = std::move(work), made](Transaction& transaction) -> Result<void> {
    GUILD_TRY(*made, work(transaction));
    return note_due(transaction);
  };
  auto done = [this, answer = answer, made](const Result<void>& outcome) mutable {
    host_.post([this, answer = std::move(answer), made, outcome] {
      if (!outcome) return refuse(answer, outcome.error());
      answer(*made);
    });
  };
  if (auto submitted = journal_->submit(std::move(job), std::move(done)); !submitted)
    refuse(answer, submitted.error());
}

template <class Reply>
void Service::read(Reader& reader,
                   std::function<Result<Reply>(storage::Connection&, const std::stop_token&)> read,
                   const host::Answer<Reply>& answer) {
  // Handed on and not copied, so that its last copy ends on the loop thread.
  const auto mine = std::make_shared<host::Answer<Reply>>(answer);
  const auto submitted = reader.submit(
      [this, read = std::move(read), mine](storage::Connection& file, const std::stop_token& stop) {
        auto found = read(file, stop);
        host_.post([answer = std::move(*mine), found = std::move(found)] { answer(found); });
      });
  if (!submitted) refuse(answer, submitted.error());
}

}  // namespace guild::ledgerd
