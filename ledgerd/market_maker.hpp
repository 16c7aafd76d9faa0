// MarketMaker: keeps `[market_maker] open_min` research markets open, with questions out of its
// file: it looks at the start, on its schedule, when a market ended and when the file changed. A
// look reads the file (when it changed) and the book on a reader's thread, where it is planned
// (economy/maker.hpp); what is planned is one job of the journal (maker.hpp). One look at a time.
// A file that is replaced by an invalid one is told once, and the last good one stays in force.
// What keeps it from opening enough is told once, when it begins. Loop thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "common/host/host.hpp"
#include "common/host/readable.hpp"
#include "ledgerd/maker.hpp"
#include "ledgerd/reader.hpp"

namespace guild::ledgerd {

class MarketMaker {
 public:
  struct Ports {
    Journal& journal;
    Reader& reader;
    std::function<Money()> treasury;  ///< What it could pay.
    /// Ends each job: when a market is due next is known after its commit.
    std::function<Result<void>(Transaction&)> note_due;
  };
  /// Reads the file, or says why there is nothing to start with. Nothing without [market_maker]
  /// questions.
  static Result<std::unique_ptr<MarketMaker>> start(host::Host& host, Ports ports);

  /// Soon; again after the look that is under way.
  void look();
  void stop();
  void add_counters(std::map<std::string, std::int64_t>& counters) const;

 private:
  /// Which content of the file was read; another one differs in one of these.
  struct Stamp {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = 0, modified_ns = 0, changed_ns = 0;

    bool operator==(const Stamp&) const = default;
  };
  struct Source {
    std::filesystem::path path;
    economy::QuestionTerms terms;
    std::optional<Stamp> stamp;  ///< None: there was no file.
    std::shared_ptr<const economy::Questions> questions;
  };
  /// What a look found.
  struct Looked {
    Source source;
    std::optional<Error> refused;  ///< The file that is there now.
    Result<economy::MakerPlan> plan;
  };

  MarketMaker(host::Host& host, Ports ports, Source source);

  static std::optional<Stamp> stamp_of(const std::filesystem::path& path);
  static Looked look_at(storage::Connection& file, Source source,
                        const economy::Constants& constants, Money treasury, std::int64_t open_min);
  void look_on_schedule();
  void looked(Looked found);
  void take_file(Looked& found);
  void make(const economy::MakerPlan& plan);
  void made(const std::vector<MadeMarket>& markets);
  void tell_lack();
  /// Unless it was the last thing that was told; "" when all is well again.
  void tell_once(std::string_view what, std::string_view message);
  void end_look();

  host::Host& host_;
  const Ports ports_;
  const std::int64_t open_min_;
  Source source_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<host::Readable> watch_;
  bool is_looking_ = false, is_look_wanted_ = false, is_stopped_ = false;
  std::string told_;
  economy::MakerLack lack_{};
  std::int64_t opened_ = 0, files_refused_ = 0, left_ = 0;
};

}  // namespace guild::ledgerd
