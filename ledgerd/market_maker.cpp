#include "ledgerd/market_maker.hpp"

#include <sys/stat.h>

#include <utility>

#include "common/host/folder_watch.hpp"
#include "common/log/log.hpp"

namespace guild::ledgerd {
namespace {

using economy::MakerLack;

constexpr std::int64_t ns_per_s = 1'000'000'000;

std::int64_t ns_of(const timespec& time) { return time.tv_sec * ns_per_s + time.tv_nsec; }

}  // namespace

Result<std::unique_ptr<MarketMaker>> MarketMaker::start(host::Host& host, Ports ports) {
  const host::MarketMakerSettings& settings = host.settings().market_maker;
  if (!settings.questions) return std::unique_ptr<MarketMaker>();
  Source source{.path = settings.questions->value, .terms = {}, .stamp = {}, .questions = {}};
  GUILD_TRY(source.terms, economy::question_terms(settings, host.settings().economy));
  source.stamp = stamp_of(source.path);
  auto questions = read_question_file(source.path, source.terms);
  if (!questions) return fail(std::move(questions).error().while_doing("[market_maker] questions"));
  source.questions = std::make_shared<const economy::Questions>(std::move(*questions));
  std::unique_ptr<MarketMaker> maker(new MarketMaker(host, std::move(ports), std::move(source)));
  GUILD_TRY(maker->watch_, host::watch_folder(
                               host.loop(), maker->source_.path.parent_path(),
                               [maker = maker.get()] { maker->look(); }, host::Watched::changes));
  // After what the start itself has booked is shown, such as a new treasury's grant.
  host.post([maker = maker.get()] { maker->look_on_schedule(); });
  return maker;
}

MarketMaker::MarketMaker(host::Host& host, Ports ports, Source source)
    : host_(host),
      ports_(std::move(ports)),
      open_min_(host.settings().market_maker.open_min),
      source_(std::move(source)),
      timer_(host.loop()) {}

std::optional<MarketMaker::Stamp> MarketMaker::stamp_of(const std::filesystem::path& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) return {};
  return Stamp{.device = found.st_dev,
               .inode = found.st_ino,
               .size = found.st_size,
               .modified_ns = ns_of(found.st_mtim),
               .changed_ns = ns_of(found.st_ctim)};
}

void MarketMaker::look_on_schedule() {
  if (is_stopped_) return;
  look();
  timer_.expires_after(host_.settings().market_maker.every);
  timer_.async_wait([this](const boost::system::error_code& problem) {
    if (!problem) look_on_schedule();
  });
}

void MarketMaker::look() {
  is_look_wanted_ = true;
  if (is_stopped_ || std::exchange(is_looking_, true)) return;
  is_look_wanted_ = false;
  // What it works with is its own: the reader's thread shares nothing with this one.
  auto work = [this, &host = host_, source = source_, constants = host_.settings().economy,
               treasury = ports_.treasury(),
               open_min = open_min_](storage::Connection& file, const std::stop_token&) {
    auto found = std::make_shared<Looked>(look_at(file, source, constants, treasury, open_min));
    host.post([this, found] { looked(std::move(*found)); });
  };
  if (const auto submitted = ports_.reader.submit(std::move(work)); !submitted) {
    GUILD_LOG(debug, "markets", "the market maker looks later: {}", submitted.error().text());
    end_look();
  }
}

MarketMaker::Looked MarketMaker::look_at(storage::Connection& file, Source source,
                                         const economy::Constants& constants, Money treasury,
                                         std::int64_t open_min) {
  Looked found{.source = std::move(source), .refused = {}, .plan = {}};
  // Before it is read: what is written meanwhile has another stamp.
  if (const auto stamp = stamp_of(found.source.path); stamp != found.source.stamp) {
    found.source.stamp = stamp;
    auto questions = read_question_file(found.source.path, found.source.terms);
    if (questions)
      found.source.questions = std::make_shared<const economy::Questions>(std::move(*questions));
    else
      found.refused = std::move(questions).error();
  }
  auto facts = maker_facts(file, constants, now());
  if (!facts) {
    found.plan = fail(std::move(facts).error());
    return found;
  }
  facts->treasury = treasury;
  found.plan = economy::plan(*found.source.questions, *facts, open_min);
  return found;
}

void MarketMaker::looked(Looked found) {
  if (is_stopped_) return;
  take_file(found);
  if (!found.plan) {
    tell_once(found.plan.error().code, found.plan.error().text());
    return end_look();
  }
  left_ = found.plan->left;
  lack_ = found.plan->lack;
  if (!found.plan->asks.empty()) return make(*found.plan);
  tell_lack();
  end_look();
}

void MarketMaker::take_file(Looked& found) {
  const bool is_new = found.source.questions != source_.questions;
  source_ = std::move(found.source);
  if (found.refused) {
    ++files_refused_;
    GUILD_LOG(error, "markets", "the market maker goes on with the questions it has: {}",
              found.refused->text());
  } else if (is_new) {
    GUILD_LOG(info, "markets", "the market maker has {} questions from {}",
              source_.questions->size(), source_.path.string());
  }
}

void MarketMaker::make(const economy::MakerPlan& plan) {
  auto markets = std::make_shared<std::vector<MadeMarket>>();
  auto job = [note_due = ports_.note_due, constants = host_.settings().economy,
              questions = source_.questions, asks = plan.asks,
              markets](Transaction& transaction) -> Result<void> {
    GUILD_TRY(*markets, make_markets(transaction, constants, *questions, asks));
    return note_due(transaction);
  };
  auto done = [this, &host = host_, markets](const Result<void>& outcome) {
    host.post([this, markets, outcome] {
      if (outcome)
        made(*markets);
      else
        tell_once(outcome.error().code, outcome.error().text());
      end_look();
    });
  };
  if (const auto submitted = ports_.journal.submit(std::move(job), std::move(done)); !submitted) {
    tell_once(submitted.error().code, submitted.error().text());
    end_look();
  }
}

void MarketMaker::made(const std::vector<MadeMarket>& markets) {
  opened_ += std::ssize(markets);
  for (const MadeMarket& one : markets)
    GUILD_LOG(info, "markets", "the market maker opened {} with the question on line {}",
              one.market.text(), one.line);
  tell_lack();
}

void MarketMaker::tell_lack() {
  switch (lack_) {
    case MakerLack::nothing:
      return tell_once("", "");
    case MakerLack::questions:
      return tell_once("questions", "its questions are all open or solved: add some to " +
                                        source_.path.string());
    case MakerLack::funds:
      return tell_once("funds", "the treasury cannot pay the next question's bounty");
    case MakerLack::room:
      return tell_once("room", "as many markets are open as may be: [economy] markets_open_max");
  }
}

void MarketMaker::tell_once(std::string_view what, std::string_view message) {
  if (told_ == what) return;
  told_ = what;
  if (!what.empty())
    GUILD_LOG(warn, "markets", "the market maker has fewer markets open than it should: {}",
              message);
}

void MarketMaker::end_look() {
  is_looking_ = false;
  if (is_look_wanted_) look();
}

void MarketMaker::stop() {
  is_stopped_ = true;
  timer_.cancel();
  watch_.reset();
}

void MarketMaker::add_counters(std::map<std::string, std::int64_t>& counters) const {
  counters["maker_markets_opened"] = opened_;
  counters["maker_questions"] = std::ssize(*source_.questions);
  counters["maker_questions_left"] = left_;
  counters["maker_files_refused"] = files_refused_;
  counters["maker_exhausted"] = lack_ == MakerLack::questions ? 1 : 0;
  counters["maker_treasury_short"] = lack_ == MakerLack::funds ? 1 : 0;
}

}  // namespace guild::ledgerd
