// Outlet: everything on its way to one session. Frames in the making, the client's credit, what is
// in flight (sent, credit not yet returned) and what waits. DELIVER and GAP take credit and keep
// their order, and so do REQUEST and REPLY; the last quarter of the credit is kept for these, so
// that a session that is behind with deliveries gets its answers. All other records are free and go
// at once. A frame leaves when it reaches its target size or at `flush`, at the end of a round.
// "Delivered" is exact by topic although CREDIT names none: what is in flight is a queue of (row,
// messages), and credit returned takes from its front.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/call_queue.hpp"
#include "broker/outgoing_queue.hpp"
#include "broker/overflow.hpp"
#include "broker/wire.hpp"
#include "common/base/assert.hpp"
#include "common/bus/frame.hpp"
#include "common/bus/ring.hpp"

namespace guild::broker {

class Outlet;

/// What the outlets of one broker share.
struct OutletRoom {
  Wire& wire;
  const Limits& limits;
  std::uint64_t frames_out = 0;
  std::vector<Outlet*> unflushed;
  /// Buffers of sessions that have nothing to send: ten thousand idle ones hold none.
  std::vector<std::unique_ptr<bus::FrameWriter>> spare;
};

class Outlet {
 public:
  Outlet(SessionId session, OutletRoom& room)
      : session_(session), room_(&room), queue_(room.limits), calls_(room.limits) {}
  ~Outlet() { GUILD_ASSERT(ended_); }
  Outlet(const Outlet&) = delete;
  Outlet& operator=(const Outlet&) = delete;

  /// The credit of HELLO.
  void open(std::uint32_t credit_messages, std::uint64_t credit_bytes);

  // Free records.
  bus::FrameWriter& control(std::size_t record_bytes = 512) { return writer_for(record_bytes); }
  /// ACKs of consecutive items become one; those before a DENIED go before it.
  void ack(std::uint64_t first, std::uint32_t count);
  void denied(std::uint64_t number, std::string_view topic, bus::Code code, std::uint32_t count,
              std::string_view reason);
  /// The last that the client hears: after the acks of what was accepted before.
  void refused(bus::Code code, std::string_view reason);

  // Records that take credit.
  /// Whether a run may go now: credit, and nothing waits before it.
  bool ready_for_runs() const { return queue_.empty() && has_credit_for_runs(); }
  /// The same of a request or a reply.
  bool ready_for_calls() const { return calls_.empty() && has_credit(); }
  void send_run(const Run& run, Row& row);
  /// The same, written once into `frame` for several outlets and sent by the caller: this flushes
  /// what must go first, and keeps the books.
  void account_shared(Row& row, std::uint32_t count, std::size_t record_bytes);
  enum class Kept { fits, crowded, hopeless };
  /// `hopeless`: the policy says that the session ends.
  Kept queue_run(const SharedRun& kept, Row& row, Overflow overflow);
  /// Whether a request or a reply may still be queued.
  bool takes_calls() const { return !calls_.full(); }
  void send_request(std::uint64_t number, std::string_view name, std::string_view sender,
                    std::uint32_t deadline_ms, std::uint32_t epoch, std::string_view payload);
  void send_reply(std::uint64_t correlation, std::string_view name, std::string_view responder,
                  bool is_error, std::string_view payload);
  void queue_call(WaitingCall call) { calls_.keep(std::move(call)); }

  /// CREDIT from the client. False: it returns more than is in flight.
  bool credit_returned(std::uint64_t bytes, std::uint32_t messages);
  /// Sends what waits, while credit lasts. Requests are handed to `send_request(WaitingCall)`,
  /// since their deadline may have passed.
  template <class SendRequest>
  void send_waiting(SendRequest&& send_request) {
    while (has_credit() && !calls_.empty()) {
      const WaitingCall call = calls_.take();
      if (call.is_request)
        send_request(call);
      else
        send_reply(call.number, call.name, call.peer, call.is_error, call.payload);
    }
    while (has_credit_for_runs()) {
      const auto waiting = queue_.take();
      if (!waiting) return;
      send_taken(*waiting);
    }
  }

  void flush();
  /// Nothing more is sent; what was in flight or waited is counted as lost.
  void end(Loss in_flight, Loss queued);

  const OutgoingQueue& queue() const { return queue_; }
  const CallQueue& calls() const { return calls_; }
  bool nothing_waits() const { return queue_.empty() && calls_.empty(); }

 private:
  struct InFlight {
    Row* row = nullptr;  ///< Of runs; requests, replies and gaps have none.
    std::uint64_t messages = 0;
  };

  bool has_credit() const { return credit_messages_ > 0 && credit_bytes_ > 0; }
  bool has_credit_for_runs() const {
    return credit_messages_ > kept_messages_ && credit_bytes_ > kept_bytes_;
  }
  bus::FrameWriter& writer_for(std::size_t record_bytes);
  void send_frame();
  void write_ack();
  void spend(Row* row, std::uint32_t messages, std::size_t bytes);
  void send_taken(const Waiting& waiting);

  SessionId session_;
  OutletRoom* room_;
  std::unique_ptr<bus::FrameWriter> writer_;
  bool unflushed_ = false, ended_ = false;
  std::uint64_t ack_last_ = 0;
  std::uint32_t ack_count_ = 0;
  // Each may fall below zero by one record.
  std::int64_t credit_messages_ = 0, credit_bytes_ = 0;
  std::int64_t kept_messages_ = 0, kept_bytes_ = 0;  // Of it, for requests and replies.
  std::uint64_t in_flight_messages_ = 0, in_flight_bytes_ = 0;
  bus::Ring<InFlight> in_flight_;
  OutgoingQueue queue_;
  CallQueue calls_;
};

}  // namespace guild::broker
