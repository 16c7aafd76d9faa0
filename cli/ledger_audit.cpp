// guild ledger audit: who asked for what concerns authority, from ledgerd or, when it is down, from
// its file.
#include <limits>
#include <memory>

#include <fmt/format.h>

#include "cli/ledger.hpp"
#include "common/base/text.hpp"
#include "common/messages/authority.hpp"
#include "ledgerd/history.hpp"

namespace guild::cli {
namespace {

using messages::AuditPage;
using messages::AuditRecord;

struct AuditArguments {
  messages::Range<0, std::numeric_limits<std::int64_t>::max()> after;
  std::optional<Text<256>> subject;
  std::optional<messages::Range<1, 1'000'000'000>> count;
};

std::string line_of(const AuditRecord& record) {
  return escape_to_ascii(fmt::format("{}  {}  {}  {}  {}  {}  {}", record.number,
                                     to_rfc3339(record.time), record.sender, record.principal,
                                     record.action, record.subject, record.detail.text));
}

Result<Exit> audit(Context& context, const AuditArguments& arguments) {
  GUILD_TRY(Source source, open_ledger(context));
  messages::ListAudit request{arguments.after, 200};
  std::int64_t printed = 0;
  const auto is_done = [&] { return arguments.count && printed >= *arguments.count; };
  for (bool more = true; more && !is_done();) {
    GUILD_TRY(const auto page, source.ask<AuditPage>(
                                   "ledgerd/audit", request, context.timeout_or(answer_limit),
                                   [&](storage::Connection& file) {
                                     return ledgerd::read_audit(file, request.after, request.limit);
                                   }));
    for (const AuditRecord& record : page.records) {
      request.after = record.number;
      if (is_done() || (arguments.subject && arguments.subject->view() != record.subject)) continue;
      ++printed;
      context.out.line(context.json() ? messages::encode(record) : line_of(record));
    }
    more = page.more;
  }
  return Exit::ok;
}

}  // namespace

void add_ledger_audit(Command& ledger) {
  const auto asked = std::make_shared<AuditArguments>();
  ledger.add("audit", "who made and changed bots, grants, permits and approvals, in order")
      .option("--after", "NUMBER", asked->after, "the last record that you have; 0, if left out")
      .option("--subject", "SUBJECT", asked->subject, "only what concerned it, as in bot/courier")
      .option("--count", "N", asked->count, "end after so many")
      .runs([asked](Context& context) { return audit(context, *asked); });
}

}  // namespace guild::cli
