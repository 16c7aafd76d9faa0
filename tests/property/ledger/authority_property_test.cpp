// Laws of grants and permits: whatever is granted, asked for, settled, left to expire and killed,
// in whatever order, no use exceeds its limit, nothing is spent that is not there, and what a bot
// has lost is exactly what was settled.
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "tests/unit/ledgerd/authority_world.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

enum class Kind { grant, request, settle, approve, pass, restart, die };

struct Step {
  Kind kind{};
  unsigned id = 0;  ///< Few, so that they repeat.
  std::int64_t cost = 0, limit = 0;
  bool flag = false;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << static_cast<int>(step.kind) << ':' << step.id << ' ' << step.cost << '/'
             << step.limit << (step.flag ? '+' : '-');
}

rc::Gen<std::vector<Step>> any_steps() {
  const auto step = rc::gen::build<Step>(
      rc::gen::set(&Step::kind, rc::gen::weightedElement<Kind>({{2, Kind::grant},
                                                                {9, Kind::request},
                                                                {7, Kind::settle},
                                                                {2, Kind::approve},
                                                                {2, Kind::pass},
                                                                {1, Kind::restart},
                                                                {1, Kind::die}})),
      rc::gen::set(&Step::id, rc::gen::inRange(0U, 25U)),
      rc::gen::set(&Step::cost, rc::gen::inRange<std::int64_t>(0, 400)),
      rc::gen::set(&Step::limit, rc::gen::inRange<std::int64_t>(0, 9)),
      rc::gen::set(&Step::flag, rc::gen::arbitrary<bool>()));
  return rc::gen::resize(60, rc::gen::container<std::vector<Step>>(step));
}

class Run {
 public:
  Run() { it_.add_bot("a", "0.00001000"); }

  void take(const Step& step) {
    const std::string id = std::to_string(step.id);
    const std::string cost = Money::of_units(step.cost).text();
    switch (step.kind) {
      case Kind::grant:
        grant(step);
        break;
      case Kind::request:
        note_allowed(it_.ask(id, "a", "work:x", cost, std::chrono::minutes(30)));
        break;
      case Kind::settle:
        if (it_.settle(id, cost, step.flag ? PermitOutcome::ok : PermitOutcome::error) == "settled")
          lose(step.cost);
        break;
      case Kind::approve:
        note_allowed(step.flag ? it_.allow(id) : it_.deny(id));
        break;
      case Kind::pass:
        it_.pass(std::chrono::minutes(10 * (1 + step.limit)));
        break;
      case Kind::restart:
        it_.restart();
        break;
      case Kind::die:
        die(step.flag);
    }
    check_money();
  }

  void check_end() { RC_ASSERT(it_.is_sound()); }

 private:
  void grant(const Step& step) {
    must(it_.grant({.bot = "a",
                    .pattern = step.id % 2 == 0 ? "work:*" : "work:x",
                    .effect = step.id % 5 == 0 ? GrantEffect::ask : GrantEffect::allow,
                    .daily_limit = step.limit,
                    .spending_limit = Money::of_units(2 * step.cost),
                    .expires_at = {},
                    .credential = {}}));
  }

  void lose(std::int64_t units) {
    balance_ -= units;
    treasury_ += units;
  }

  /// And lives again: what it had open is gone for good.
  void die(bool gives_all) {
    must(gives_all ? it_.liquidate("a") : it_.retire("a"));
    if (gives_all) lose(balance_);
    RC_ASSERT(it_.account("bot/a").held.is_zero());
    RC_ASSERT(it_.ask("dead", "a", "work:x") == "bot_dead");
    must(it_.revive("a", "0.00000500"));
    lose(-500);
    RC_ASSERT(it_.count("SELECT count(*) FROM permits WHERE state IN ('allowed', 'waiting')") == 0);
  }

  /// Just now something was allowed or was not: of no grant that could have carried it is more
  /// used than before, unless that is within its limits.
  void note_allowed(const std::string& answer) {
    std::map<std::string, std::int64_t> uses;
    for (const messages::Grant& grant : it_.grants("a")) {
      uses[grant.pattern.value] = grant.used_today;
      const auto before = uses_.find(grant.pattern.value);
      if (before == uses_.end() || grant.used_today <= before->second) continue;
      RC_ASSERT(answer == "allowed");
      RC_ASSERT(grant.used_today == before->second + 1);
      if (grant.daily_limit) RC_ASSERT(grant.used_today <= *grant.daily_limit);
      if (grant.spending_limit) RC_ASSERT(grant.spent_today <= *grant.spending_limit);
    }
    uses_ = std::move(uses);
  }

  void check_money() {
    const AccountState bot = it_.account("bot/a");
    RC_ASSERT(!bot.available().is_negative());
    RC_ASSERT(bot.balance.units() == balance_);
    RC_ASSERT(it_.account("treasury").balance.units() == treasury_);
  }

  AuthorityWorld it_;
  std::int64_t balance_ = 1'000, treasury_ = money("1000000").units();
  std::map<std::string, std::int64_t> uses_;
};

}  // namespace

TEST_CASE("no order of grants, permits, settlements, time and restarts exceeds what is allowed") {
  CHECK(rc::check("within limits and funds", [] {
    const auto steps = *any_steps();
    Run run;
    for (const Step& step : steps) run.take(step);
    run.check_end();
  }));
}
