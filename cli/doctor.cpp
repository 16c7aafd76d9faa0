#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "cli/checks.hpp"
#include "cli/nouns.hpp"

namespace guild::cli {
namespace {

std::pair<std::string_view, Colour> shown(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return {"ok  ", Colour::green};
    case Verdict::warn:
      return {"warn", Colour::yellow};
    case Verdict::fail:
      break;
  }
  return {"FAIL", Colour::red};
}

void show(Context& context, const Finding& finding) {
  if (context.json()) return context.out.line(messages::encode(finding));
  const auto [word, colour] = shown(finding.verdict);
  context.out.line(
      fmt::format("{}  {}: {}{}", context.out.paint(colour, word), escape_to_ascii(finding.check),
                  escape_to_ascii(finding.detail),
                  finding.next_step ? "; next: " + escape_to_ascii(*finding.next_step) : ""));
}

Findings examine(Context& context, const host::Home& home, bool before_start) {
  Findings findings;
  const auto take = [&findings](Findings found) {
    std::ranges::move(found, std::back_inserter(findings));
  };
  take(check_home(home));
  take(check_config(context, home));
  // Bad settings are told already; the other checks go by the defaults then.
  const host::Settings settings = context.settings(home).value_or(host::Settings{});
  take(check_bus_address(home, settings));
  take(check_keys(home));
  take(check_databases(home, settings));
  take(check_questions(settings));
  take(check_disk(home));
  if (before_start) return findings;
  take(check_questions_left(home, settings));
  take(check_leftovers(home));
  take(check_running(context, home));
  return findings;
}

Result<Exit> doctor(Context& context, bool before_start) {
  GUILD_TRY(const host::Home home, context.home());
  const Findings findings = examine(context, home, before_start);
  for (const Finding& finding : findings) {
    // A start is not interested in what is well.
    if (!before_start || finding.verdict != Verdict::ok) show(context, finding);
  }
  const bool any_failed =
      std::ranges::find(findings, Verdict::fail, &Finding::verdict) != findings.end();
  return any_failed ? Exit::failed : Exit::ok;
}

}  // namespace

void add_doctor(Command& root) {
  const auto before_start = std::make_shared<bool>(false);
  root.add("doctor", "what is wrong with this home, and what to do about it")
      .flag("--before-start", *before_start, "only what a start needs; tells only problems")
      .runs([before_start](Context& context) { return doctor(context, *before_start); });
}

}  // namespace guild::cli
