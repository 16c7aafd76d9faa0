// wait_until_ready (health.hpp): ready files and the bus socket appear in the run folder, which
// inotify(7) tells of; only then is a daemon asked. No file proves anything by itself: one may be
// left from a daemon that was killed.
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "cli/health.hpp"
#include "cli/home_state.hpp"
#include "common/base/file.hpp"

namespace guild::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// A daemon that answered "starting" tells nobody when it is done but by its ready file, and that
/// may have come before; so it is asked again.
constexpr Duration ask_again_after = std::chrono::milliseconds(200);
constexpr Duration one_answer_limit = std::chrono::seconds(1);

/// Wakes when something appears in a folder, or the folder itself does.
class FolderWatch {
 public:
  static Result<FolderWatch> open(const std::filesystem::path& folder) {
    FolderWatch watch;
    watch.fd_ = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!watch.fd_) return fail(system_error("watch a folder", errno));
    watch.folder_ = folder;
    watch.watch_what_is_there();
    return watch;
  }

  int fd() const { return fd_.get(); }

  /// Takes the events that wait; whether there were any.
  bool drain() {
    alignas(inotify_event) std::array<char, 4'096> events{};
    bool any = false;
    while (::read(fd_.get(), events.data(), events.size()) > 0) any = true;
    if (any && !watches_folder_) watch_what_is_there();
    return any;
  }

 private:
  void watch_what_is_there() {
    constexpr std::uint32_t changes = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB;
    watches_folder_ = ::inotify_add_watch(fd_.get(), folder_.c_str(), changes) >= 0;
    if (!watches_folder_) ::inotify_add_watch(fd_.get(), folder_.parent_path().c_str(), changes);
  }

  Fd fd_;
  std::filesystem::path folder_;
  bool watches_folder_ = false;
};

class Wait {
 public:
  Wait(Context& context, host::Home home, std::span<const std::string_view> names,
       FolderWatch watch, Clock::time_point end)
      : context_(context),
        home_(std::move(home)),
        names_(names),
        watch_(std::move(watch)),
        end_(end) {}

  Result<std::vector<DaemonStatus>> run(Duration limit) {
    for (;;) {
      if (std::ranges::all_of(names_, [this](auto name) { return has_ready_file(home_, name); })) {
        GUILD_CHECK(ask());
        if (all_ready()) return std::move(statuses_);
      }
      if (left() == Duration::zero()) return fail(not_ready(limit));
      wait_for_a_change();
    }
  }

 private:
  Duration left() const { return std::max<Duration>(end_ - Clock::now(), Duration::zero()); }

  bool all_ready() const {
    return statuses_.size() == names_.size() &&
           std::ranges::all_of(statuses_, &DaemonStatus::ready);
  }

  Result<void> ask() {
    if (!session_ || !session_->client().connected()) GUILD_CHECK(connect());
    if (session_)
      statuses_ = ask_health(*session_, home_, names_, std::min(left(), one_answer_limit));
    return {};
  }

  /// A broker that is not there yet is waited for; a key that it refuses is an error.
  Result<void> connect() {
    session_.reset();
    auto opened = Session::open_as(context_, context_.client_name(),
                                   std::min(left(), one_answer_limit), Patience::none);
    if (opened)
      session_.emplace(std::move(*opened));
    else if (opened.error().kind == ErrorKind::unavailable ||
             opened.error().kind == ErrorKind::timeout)
      last_problem_ = opened.error().message;
    else
      return fail(std::move(opened).error());
    return {};
  }

  void wait_for_a_change() {
    const Duration limit = std::min(left(), ask_again_after);
    if (session_) {
      session_->pump_once(limit, watch_.fd());
    } else {
      pollfd watched{watch_.fd(), POLLIN, 0};
      const auto ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
      (void)::poll(&watched, 1, static_cast<int>(ms));
    }
    watch_.drain();
  }

  Error not_ready(Duration limit) const {
    std::string_view name = names_.front();
    std::string why = last_problem_.empty() ? "it has not said that it is ready" : last_problem_;
    const auto late = std::ranges::find(statuses_, false, &DaemonStatus::ready);
    if (late != statuses_.end()) {
      name = late->name;
      why = late->reason.value_or(why);
    }
    return {ErrorKind::timeout, "not_ready",
            fmt::format("{} is not ready after {}: {}", name, to_text(limit), why), ""};
  }

  Context& context_;
  host::Home home_;
  std::span<const std::string_view> names_;
  FolderWatch watch_;
  Clock::time_point end_;
  std::optional<Session> session_;
  std::vector<DaemonStatus> statuses_;
  std::string last_problem_;
};

}  // namespace

Result<std::vector<DaemonStatus>> wait_until_ready(Context& context,
                                                   std::span<const std::string_view> names,
                                                   Duration limit) {
  GUILD_TRY(host::Home home, context.home());
  // Watched before the first look, so that nothing can appear in between.
  GUILD_TRY(FolderWatch watch, FolderWatch::open(home.run()));
  return Wait(context, std::move(home), names, std::move(watch), Clock::now() + limit).run(limit);
}

}  // namespace guild::cli
