// Charges: books what ended attempts cost, each exactly once. A charge is written with the end of
// its attempt and stays pending in the file until ledgerd has answered; it is asked again, under
// the same id, through restarts and outages. What ledgerd refuses for good (funds_short) is kept as
// the task's charge_problem. On the loop's thread alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <set>

#include "common/messages/ledgerd.hpp"
#include "scheduler/store.hpp"

namespace guild::scheduler {

class Charges {
 public:
  using OnReceipt = std::function<void(Result<messages::Receipt>)>;
  /// Asks ledgerd; the answer always comes, once.
  using Ask = std::function<void(const messages::ChargeTask&, OnReceipt)>;
  /// The task's charge is booked or refused, on disk.
  using Settled = std::function<void(const Lease&)>;

  Charges(boost::asio::io_context& loop, Store& store, Ask ask, Settled settled)
      : store_(store), ask_(std::move(ask)), settled_(std::move(settled)), timer_(loop) {}

  /// Asks for everything pending: at the start, after an end, and when ledgerd may be back.
  void wake();
  /// From now on nothing more is asked.
  void close() { is_closed_ = true; }
  /// The last answer was that ledgerd cannot be reached.
  bool is_held_up() const { return failures_ > 0; }

 private:
  void book(const PendingCharge& charge);
  void answered(const Lease& lease, const Result<messages::Receipt>& receipt);
  void settle(const Lease& lease, std::string problem);
  void retry_later();

  Store& store_;
  Ask ask_;
  Settled settled_;
  boost::asio::steady_timer timer_;
  std::set<Lease> asked_;
  int failures_ = 0;
  bool is_waiting_ = false, is_closed_ = false;
};

/// The message that books `charge`; its id is the attempt's own.
messages::ChargeTask charge_message(const PendingCharge& charge);
/// Whether asking again can help: ledgerd is away, or too busy, or the broker's list is being
/// mended.
bool is_passing(const Error& error);

}  // namespace guild::scheduler
