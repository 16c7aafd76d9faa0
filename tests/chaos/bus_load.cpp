#include "tests/chaos/bus_load.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace guild::test {
namespace {

using namespace raw;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// The last question, and the last message.
constexpr std::string_view end_mark = "end";
/// So many may be without an answer: a bound for the broker's books, far below its window.
constexpr std::uint64_t unacknowledged_max = 1'000;
constexpr auto patience = 20s;

std::string credit_for(const RawRecord& record, std::size_t messages) {
  return record_bytes(credit, record.size(), {}, {},
                      u32_bytes(static_cast<std::uint32_t>(messages)));
}

void answer_until_end(RawClient& client) {
  for (;;) {
    const auto record = client.next(patience);
    if (!record) throw std::runtime_error("no question came");
    if (record->kind == refused)
      throw std::runtime_error("the responder was refused: " + record->body.substr(1));
    if (record->kind != request_delivery) continue;
    const std::string payload = record->body.substr(8);
    client.send(record_bytes(reply, record->number, {}, {}, std::string(1, '\0') + payload) +
                credit_for(*record, 1));
    if (payload == end_mark) return;
  }
}

void receive_until_end(RawClient& client) {
  std::uint64_t received = 0;
  for (;;) {
    const auto record = client.next(patience);
    if (!record) throw std::runtime_error("message " + std::to_string(received) + " did not come");
    if (record->kind == gap || record->kind == refused)
      throw std::runtime_error("a message was lost after " + std::to_string(received));
    if (record->kind != deliver) continue;
    const auto items = record->items();
    client.send(credit_for(*record, items.size()));
    for (const std::string& item : items) {
      if (item == end_mark) return;
      if (item != std::to_string(received))
        throw std::runtime_error("message " + item + " in place of " + std::to_string(received));
      ++received;
    }
  }
}

}  // namespace

microseconds Latencies::percentile(double part) const {
  if (times_.empty()) return 0us;
  auto times = times_;
  const auto at = std::min(times.size() - 1,
                           static_cast<std::size_t>(part * static_cast<double>(times.size())));
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(at));
  return std::chrono::duration_cast<microseconds>(times[at]);
}

std::string Latencies::text() const {
  std::ostringstream text;
  text << count() << " round trips, p50 " << percentile(0.5).count() << " us, p99 "
       << percentile(0.99).count() << " us, most " << percentile(1).count() << " us";
  return text.str();
}

void OtherEnd::finish() {
  if (thread_.joinable()) thread_.join();
  if (!failure_.empty()) throw std::runtime_error(failure_);
}

// ---- Echo --------------------------------------------------------------------------------------

Echo::Echo(const BusHome& home, const std::string& asker, const std::string& responder,
           std::string name)
    : name_(std::move(name)), asker_(home.join(asker)) {
  std::shared_ptr<RawClient> client = home.join(responder);
  if (client->ask(serve, name_).kind != done) throw std::runtime_error("may not serve " + name_);
  responder_.emplace([client] { answer_until_end(*client); });
}

void Echo::ask(Latencies& latencies) {
  const std::string question = std::to_string(asked_++);
  const auto before = Clock::now();
  const RawRecord answer = asker_->call(name_, question, 10'000);
  latencies.add(Clock::now() - before);
  if (answer.kind == reply_delivery && answer.body.substr(1) == question) return;
  throw std::runtime_error("question " + question + " was answered by kind " +
                           std::to_string(answer.kind) + ", code " + std::to_string(answer.code()));
}

void Echo::finish() {
  asker_->call(name_, end_mark);
  responder_->finish();
}

// ---- AckedFlow ---------------------------------------------------------------------------------

AckedFlow::AckedFlow(const BusHome& home, const std::string& publisher,
                     const std::string& subscriber, std::string topic)
    : topic_(std::move(topic)), publisher_(home.join(publisher)) {
  std::shared_ptr<RawClient> client = home.join(subscriber);
  if (client->ask(subscribe, topic_).kind != done)
    throw std::runtime_error("may not subscribe to " + topic_);
  subscriber_.emplace([client] { receive_until_end(*client); });
}

void AckedFlow::publish(std::uint32_t count) {
  std::vector<std::string> items;
  for (std::uint32_t i = 0; i < count; ++i) items.push_back(std::to_string(published_ + i));
  publisher_->send(publish_bytes(published_ + 1, topic_, items, true));
  published_ += count;
  take_acks(0ms);
  while (published_ - acknowledged_ > unacknowledged_max) take_acks(patience);
}

/// Takes what is there; waits for the first of it.
void AckedFlow::take_acks(std::chrono::milliseconds limit) {
  auto record = publisher_->next(limit);
  if (!record && limit > 0ms) throw std::runtime_error("no acknowledgement came");
  for (; record; record = publisher_->next(0ms)) {
    if (record->kind == denied || record->kind == refused)
      throw std::runtime_error("an honest message was refused");
    if (record->kind == ack) acknowledged_ = record->number;
  }
}

void AckedFlow::finish() {
  while (acknowledged_ < published_) take_acks(patience);
  publisher_->send(publish_bytes(published_ + 1, topic_, {std::string(end_mark)}));
  subscriber_->finish();
}

// ---- Memory ------------------------------------------------------------------------------------

std::uint64_t resident_kib(int pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (status >> word) {
    std::uint64_t kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib;
  }
  return 0;
}

}  // namespace guild::test
