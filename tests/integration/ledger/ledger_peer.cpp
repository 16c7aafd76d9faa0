// ledger_peer ENDPOINT KEYS_DIR NAME FAMILY DEBIT CREDIT COUNT WINDOW
// A client of ledgerd as a process of its own: sends COUNT transfers of 0.01 with ids of its
// FAMILY, up to WINDOW of them unanswered, each again until it is answered, across dead brokers and
// daemons. Prints the number of each one that was acknowledged, in a line of its own, as it comes.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "tests/integration/raw_client.hpp"

namespace {

using namespace guild::raw;
using namespace std::chrono_literals;

class Peer {
 public:
  explicit Peer(char** argv)
      : endpoint_(argv[1]),
        keys_(RawKeys::load(argv[2], argv[3])),
        family_(static_cast<unsigned>(std::atoi(argv[4]))),
        debit_(argv[5]),
        credit_(argv[6]),
        count_(static_cast<unsigned>(std::atoi(argv[7]))),
        window_(static_cast<std::size_t>(std::atoi(argv[8]))) {}

  int run() {
    while (acknowledged_ < count_) {
      try {
        run_session();
      } catch (const std::exception&) {
        // The broker is not there, or not yet again.
      }
    }
    return 0;
  }

 private:
  void run_session() {
    for (const auto& [correlation, number] : asked_) to_send_.insert(number);
    asked_.clear();
    client_ = RawClient::join(endpoint_, keys_);
    while (acknowledged_ < count_) {
      fill_window();
      const auto record = client_->next(3s);
      // Silence: what was asked went with a dead broker.
      if (!record || record->kind == refused) return;
      take(*record);
    }
  }

  void fill_window() {
    while (asked_.size() < window_ && (!to_send_.empty() || next_ < count_)) {
      const unsigned number = to_send_.empty() ? next_++ : *to_send_.begin();
      to_send_.erase(number);
      asked_.emplace(++correlation_, number);
      client_->send(record_bytes(request, correlation_, "ledgerd/transfer", {},
                                 u32_bytes(10'000) + order(number)));
    }
  }

  void take(const RawRecord& record) {
    if (record.kind != reply_delivery && record.kind != failed) return;
    if (record.kind == reply_delivery) client_->return_credit(record, 1);
    const auto asked = asked_.find(record.number);
    if (asked == asked_.end()) return;
    const unsigned number = asked->second;
    asked_.erase(asked);
    if (record.kind == reply_delivery && record.body.at(0) == 0) {
      ++acknowledged_;
      std::printf("%u\n", number);
      std::fflush(stdout);
      return;
    }
    to_send_.insert(number);
    // Nobody serves just now: a pause, in which nothing else can come.
    if (asked_.empty()) client_->next(20ms);
  }

  std::string order(unsigned number) const {
    char id[37];
    std::snprintf(id, sizeof id, "0199aabb-ccdd-7%03x-8000-%012x", family_, number);
    return R"({"id":")" + std::string(id) + R"(","debit":")" + debit_ + R"(","credit":")" +
           credit_ + R"(","amount":"0.01"})";
  }

  const std::string endpoint_;
  const RawKeys keys_;
  const unsigned family_;
  const std::string debit_, credit_;
  const unsigned count_;
  const std::size_t window_;
  std::unique_ptr<RawClient> client_;
  std::map<std::uint64_t, unsigned> asked_;  // By correlation.
  std::set<unsigned> to_send_;               // Asked before, and not answered.
  std::uint64_t correlation_ = 0;
  unsigned next_ = 0, acknowledged_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 9) return 2;
  return Peer(argv).run();
}
