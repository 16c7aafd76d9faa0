// AuthorityWorld: a running journal with bots, and a clock that a test moves: what the verbs on
// bots, grants and permits do, without a bus.
#pragma once

#include "common/messages/enum_name.hpp"
#include "ledgerd/bots.hpp"
#include "ledgerd/permits.hpp"
#include "ledgerd/store_authority.hpp"
#include "ledgerd/verify.hpp"
#include "tests/unit/ledgerd/ledger_file.hpp"

namespace guild::ledgerd {

class AuthorityWorld {
 public:
  AuthorityWorld() { open(); }

  LedgerFile& file() { return file_; }
  RunningJournal& journal() { return *journal_; }
  const Credentials& credentials() const { return credentials_; }
  void pass(Duration time) { now_.ns += time.count(); }
  /// As after a crash and a start.
  void restart() {
    journal_.reset();
    open();
  }

  template <class Reply>
  Result<Reply> run(const std::function<Result<Reply>(Transaction&)>& work) {
    Result<Reply> answer = fail(ErrorKind::failed, "not_run", "");
    const auto outcome = journal_->journal().run([&](Transaction& transaction) -> Result<void> {
      answer = work(transaction);
      if (!answer) return fail(answer.error());
      return {};
    });
    if (!outcome) return fail(outcome.error());
    return answer;
  }
  Result<void> change(const std::function<Result<void>(Transaction&)>& work) {
    return journal_->journal().run(work);
  }

  NewCredential add_bot(std::string_view handle, std::string_view grant = "1000.00") {
    const BotCreation creation{.handle = std::string(handle),
                               .grant = money(grant),
                               .credential = credentials_.make(handle, now_),
                               .sender = "test",
                               .principal = "operator"};
    must(change([&](Transaction& transaction) -> Result<void> {
      GUILD_CHECK(create_bot(transaction, creation));
      return {};
    }));
    return creation.credential;
  }

  Result<messages::Grant> grant(const messages::AddGrant& request) {
    return run<messages::Grant>(
        [&](Transaction& transaction) { return add_grant(transaction, request, operator_); });
  }
  Result<void> revoke(std::string_view bot, std::string_view pattern) {
    return change([&](Transaction& transaction) {
      return revoke_grant(transaction, {std::string(bot), std::string(pattern), {}}, operator_);
    });
  }
  Result<messages::Permit> request(std::string_view id, std::string_view bot,
                                   std::string_view action, std::string_view max = "0",
                                   Duration lifetime = std::chrono::hours(1)) {
    return run<messages::Permit>([&](Transaction& transaction) {
      return request_permit(
          transaction, {id_of(id), std::string(bot), std::string(action), money(max), lifetime, {}},
          operator_);
    });
  }
  /// "allowed", or why not.
  std::string ask(std::string_view id, std::string_view bot, std::string_view action,
                  std::string_view max = "0", Duration lifetime = std::chrono::hours(1)) {
    return told(request(id, bot, action, max, lifetime));
  }
  std::string settle(std::string_view id, std::string_view cost,
                     PermitOutcome outcome = PermitOutcome::ok) {
    const auto settled = run<messages::Settled>([&](Transaction& transaction) {
      return settle_permit(transaction, {id_of(id), money(cost), outcome, {}}, operator_);
    });
    if (!settled) return settled.error().code;
    return settled->repeated ? "repeated" : "settled";
  }
  std::string allow(std::string_view id) {
    return told(run<messages::Permit>([&](Transaction& transaction) {
      return allow_approval(transaction, id_of(id), operator_);
    }));
  }
  std::string deny(std::string_view id) {
    return told(run<messages::Permit>([&](Transaction& transaction) {
      return deny_approval(transaction, id_of(id), operator_);
    }));
  }
  Result<void> retire(std::string_view bot) {
    return change(
        [&](Transaction& transaction) { return retire_bot(transaction, bot, operator_); });
  }
  Result<void> liquidate(std::string_view bot) {
    return change(
        [&](Transaction& transaction) { return liquidate_bot(transaction, bot, operator_); });
  }
  Result<NewCredential> revive(std::string_view bot, std::string_view amount) {
    NewCredential made = credentials_.make(bot, now_);
    GUILD_CHECK(change([&](Transaction& transaction) {
      return revive_bot(transaction, made, money(amount), operator_);
    }));
    return made;
  }

  Result<void> set_zone(std::string_view bot, std::string_view zone) {
    return change(
        [&](Transaction& transaction) { return set_time_zone(transaction, bot, zone, operator_); });
  }

  std::vector<messages::Grant> grants(std::string_view bot) {
    const auto connection = file_.connect(storage::Mode::read_only);
    const auto page = must(read_grants(*connection, {std::string(bot), "", 1'000}, now_));
    return {page.grants.begin(), page.grants.end()};
  }
  messages::Grant grant_named(std::string_view bot, std::string_view pattern) {
    for (const messages::Grant& grant : grants(bot))
      if (grant.pattern.view() == pattern) return grant;
    FAIL("no such grant");
    return {};
  }
  AccountState account(std::string_view name) {
    AccountState state;
    must(change([&](Transaction& transaction) -> Result<void> {
      const Accounts& accounts = transaction.state().accounts();
      state = accounts.at(accounts.find(name)).state;
      return {};
    }));
    return state;
  }
  std::int64_t count(std::string_view sql) {
    return must(file_.connect(storage::Mode::read_only)->query_integer(sql)).value();
  }
  bool is_sound() {
    return must(verify_file(*file_.connect(storage::Mode::read_only), journal_->head())).ok;
  }
  Instant now() const { return now_; }

 private:
  void open() {
    journal_ = std::make_unique<RunningJournal>(file_, money("1000000.00"), 65'536,
                                                [this] { return now_; });
  }
  static std::string told(const Result<messages::Permit>& permit) {
    if (!permit) return permit.error().code;
    if (!permit->reason) return "allowed";
    return std::string(messages::enum_name(*permit->reason));
  }

  const Asker operator_{.sender = "test", .principal = "operator"};
  Instant now_{1'700'000'000'000'000'000};
  LedgerFile file_;
  Credentials credentials_{Secret32::random(), Digest{}};
  std::unique_ptr<RunningJournal> journal_;
};

}  // namespace guild::ledgerd
