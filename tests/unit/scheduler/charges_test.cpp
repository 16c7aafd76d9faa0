#include "scheduler/charges.hpp"

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <deque>
#include <set>

#include "tests/unit/scheduler/world.hpp"

using namespace guild::scheduler;
using namespace guild::scheduler::testing;
using guild::Error;
using guild::ErrorKind;
using guild::Money;
using guild::Result;
using guild::Uuid;
using guild::messages::ChargeTask;
using guild::messages::Receipt;
using guild::messages::SubmitTask;

namespace {

/// A ledger that answers as it is told, and books an id once.
struct Ledger {
  void ask(const ChargeTask& charge, const Charges::OnReceipt& answer) {
    ++asked;
    if (!refusals.empty()) {
      const Error refusal = refusals.front();
      refusals.pop_front();
      return answer(std::unexpected(refusal));
    }
    booked.insert(charge.id);
    last = charge;
    if (loses_answer) {
      loses_answer = false;
      return answer(guild::fail(ErrorKind::timeout, "timeout", "no answer"));
    }
    Receipt receipt;
    receipt.id = charge.id;
    answer(receipt);
  }
  std::deque<Error> refusals;
  bool loses_answer = false;
  int asked = 0;
  std::set<Uuid> booked;
  ChargeTask last;
};

struct Till {
  Till() { open(); }
  void open() {
    charges = std::make_unique<Charges>(
        world.field->loop, *world.store,
        [this](const ChargeTask& charge, Charges::OnReceipt answer) {
          boost::asio::post(world.field->loop,
                            [this, charge, answer] { ledger.ask(charge, answer); });
        },
        [this](const Lease& lease) { settled.push_back(lease); });
  }
  /// A task that has ended and is to be paid for.
  Uuid submit_paid_task() {
    SubmitTask task = some_task();
    task.bot = "ada";
    task.cost = Money::of_units(250);
    return world.submit(task);
  }
  Uuid run_paid_task() { return world.run_to_end(submit_paid_task()).shown.id; }
  void run_until_settled(std::size_t count) {
    world.field->run_until([&] { return settled.size() >= count; });
  }

  World world;
  Ledger ledger;
  std::vector<Lease> settled;
  std::unique_ptr<Charges> charges;
};

Error away() {
  return {ErrorKind::unavailable, "no_responder", "nobody serves ledgerd/charge", ""};
}

}  // namespace

TEST_CASE("an ended attempt's cost is booked under the attempt's own id") {
  Till till;
  const Uuid id = till.run_paid_task();
  till.charges->wake();
  till.run_until_settled(1);
  CHECK(till.ledger.last.id == Uuid::of_name(id.text() + "/1"));
  CHECK(till.ledger.last.bot == "ada");
  CHECK(till.ledger.last.amount == Money::of_units(250));
  CHECK(till.ledger.last.task == id);
  CHECK(till.ledger.last.attempt == 1);
  CHECK(till.world.find(id).shown.charged);
}

TEST_CASE("while ledgerd is away a charge is asked again until it is booked") {
  Till till;
  till.ledger.refusals = {away(), away()};
  const Uuid id = till.run_paid_task();
  till.charges->wake();
  till.run_until_settled(1);
  CHECK(till.ledger.asked == 3);
  CHECK(till.world.find(id).shown.charged);
}

TEST_CASE("an answer that was lost is asked for again under the same id") {
  Till till;
  till.ledger.loses_answer = true;
  till.run_paid_task();
  till.charges->wake();
  till.run_until_settled(1);
  CHECK(till.ledger.asked == 2);
  CHECK(till.ledger.booked.size() == 1);
}

TEST_CASE("what the ledger refuses for good is kept as the task's problem, and not asked again") {
  Till till;
  till.ledger.refusals = {{ErrorKind::funds, "funds_short", "not enough", ""}};
  const Uuid id = till.run_paid_task();
  till.charges->wake();
  till.run_until_settled(1);
  till.charges->wake();
  CHECK(till.world.find(id).shown.charge_problem == "funds_short");
  CHECK_FALSE(till.world.find(id).shown.charged);
  CHECK(till.ledger.asked == 1);
}

TEST_CASE("a pending charge outlives the scheduler") {
  Till till;
  const Uuid id = till.run_paid_task();
  till.charges.reset();
  till.world.crash();
  till.world.start();
  till.open();
  till.charges->wake();
  till.run_until_settled(1);
  CHECK(till.world.find(id).shown.charged);
}

TEST_CASE("many charges are all booked, each once") {
  Till till;
  till.ledger.refusals = {away()};
  constexpr int count = 100;  // More than are asked for at a time.
  std::vector<Uuid> ids;
  for (int i = 0; i < count; ++i) ids.push_back(till.submit_paid_task());
  for (const Uuid& id : ids) till.world.run_to_end(id);
  till.charges->wake();
  till.run_until_settled(count);
  CHECK(till.ledger.booked.size() == count);
  CHECK(till.world.store->pending_charges_count() == 0);
}

TEST_CASE("which refusals pass and which are for good") {
  for (const ErrorKind passing : {ErrorKind::failed, ErrorKind::timeout, ErrorKind::exhausted,
                                  ErrorKind::unavailable, ErrorKind::denied})
    CHECK(is_passing({passing, "", "", ""}));
  for (const ErrorKind lasting :
       {ErrorKind::invalid, ErrorKind::not_found, ErrorKind::funds, ErrorKind::conflict})
    CHECK_FALSE(is_passing({lasting, "", "", ""}));
}
