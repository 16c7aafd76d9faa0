// guild ledger posting|checkpoint|proof|export: what was booked, and proofs of it for others.
#include <memory>

#include "cli/databases.hpp"
#include "cli/ledger.hpp"
#include "cli/value.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/messages/enum_name.hpp"
#include "ledgerd/checkpoint.hpp"
#include "ledgerd/export.hpp"
#include "ledgerd/history.hpp"

namespace guild::cli {
namespace {

constexpr unsigned public_mode = 0644;

/// To the file, or to stdout when there is none.
Result<void> put(Context& context, const std::optional<std::string>& file, std::string_view text) {
  if (file) return replace_file(*file, text, public_mode);
  context.out.raw(text);
  return {};
}

struct PostingArguments {
  std::string which;
};

Result<messages::GetPosting> asked_posting(std::string_view which) {
  messages::GetPosting request;
  if (const auto id = Uuid::parse(which); id) {
    request.id = *id;
    return request;
  }
  GUILD_TRY(request.seq, read_integer(which, 1, std::numeric_limits<std::int64_t>::max()));
  return request;
}

void show(Context& context, const messages::PostingView& posting) {
  context.out.line(fmt::format("posting {}  {}  {}  id {}", posting.seq,
                               messages::enum_name(posting.type), to_rfc3339(posting.time),
                               posting.id.text()));
  std::vector<Row> rows;
  for (const messages::PostingLeg& leg : posting.legs)
    rows.push_back({leg.account.value, leg.amount.text(), fmt::to_string(leg.account_seq),
                    leg.reference.value});
  context.out.table({{"ACCOUNT"}, {"AMOUNT", Align::right}, {"NO", Align::right}, {"REFERENCE"}},
                    rows);
  if (posting.held && posting.held_for && posting.expires_at)
    context.out.line(fmt::format("holds {} for {} until {}", posting.held->text(),
                                 posting.held_for->value, to_rfc3339(*posting.expires_at)));
  if (posting.hold_seq) context.out.line(fmt::format("ends the hold {}", *posting.hold_seq));
  if (posting.floor) context.out.line(fmt::format("floor {}", posting.floor->text()));
  context.out.line("hash " + posting.hash);
}

Result<Exit> posting(Context& context, const PostingArguments& arguments) {
  GUILD_TRY(const auto request, asked_posting(arguments.which));
  GUILD_TRY(Source source, open_ledger(context));
  GUILD_TRY(const auto found, source.ask<messages::PostingView>(
                                  "ledgerd/posting", request, context.timeout_or(answer_limit),
                                  [&](storage::Connection& file) -> Result<messages::PostingView> {
                                    if (request.seq)
                                      return ledgerd::read_posting(file, *request.seq);
                                    return fail(
                                        ErrorKind::unavailable, "id_needs_ledgerd",
                                        "a posting is found by its id only while ledgerd runs",
                                        "give its seq, or start the suite");
                                  }));
  if (context.json())
    context.out.line(messages::encode(found));
  else
    show(context, found);
  return Exit::ok;
}

struct CheckpointArguments {
  std::optional<std::int64_t> since;
  std::optional<std::string> to;
  bool key = false;
};

Result<messages::Checkpoint> ask_checkpoint(Context& context, std::optional<std::int64_t> since) {
  GUILD_TRY(Session session, Session::open(context));
  return session.ask_until_answered<messages::Checkpoint>(
      "ledgerd/checkpoint", messages::GetCheckpoint{since}, context.timeout_or(answer_limit));
}

Result<Exit> checkpoint(Context& context, const CheckpointArguments& arguments) {
  GUILD_TRY(const auto told, ask_checkpoint(context, arguments.since));
  if (context.json() && !arguments.to) {
    context.out.line(messages::encode(told));
    return Exit::ok;
  }
  const std::string text = arguments.key ? told.key + "\n"
                           : arguments.since
                               ? ledgerd::consistency_text(told.since, told.consistency, told.note)
                               : told.note;
  GUILD_CHECK(put(context, arguments.to, text));
  if (arguments.to && context.json()) context.out.line(messages::encode(told));
  if (arguments.to)
    context.out.say(
        fmt::format("{} postings, root {}, written to {}", told.size, told.root, *arguments.to));
  return Exit::ok;
}

struct ProofArguments {
  std::int64_t seq = 0;
  std::optional<std::string> to;
};

Result<Exit> proof(Context& context, const ProofArguments& arguments) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto told, session.ask_until_answered<messages::InclusionProof>(
                                 "ledgerd/proof", messages::GetProof{arguments.seq},
                                 context.timeout_or(answer_limit)));
  if (context.json()) {
    context.out.line(messages::encode(told));
    if (!arguments.to) return Exit::ok;
  }
  GUILD_CHECK(
      put(context, arguments.to, ledgerd::inclusion_text(told.seq, told.hashes, told.note)));
  context.out.say(fmt::format("posting {} has the hash {}", told.seq, told.leaf_hash));
  return Exit::ok;
}

struct ExportArguments {
  std::string folder;
};

/// The daemon signs how far the export goes; the file is read beside it and holds it up in nothing.
Result<Exit> export_all(Context& context, const ExportArguments& arguments) {
  GUILD_TRY(const auto signed_head, ask_checkpoint(context, {}));
  GUILD_TRY(const host::Home home, context.home());
  GUILD_TRY(const host::Settings settings, context.settings(home));
  GUILD_TRY(const auto file, open_to_read(home, settings, database_in("ledger.db")));
  const auto progress = [&](std::int64_t done, std::int64_t all) {
    context.out.overwrite(fmt::format("{} of {} postings", done, all));
  };
  GUILD_TRY(
      const ledgerd::TreeHead head,
      ledgerd::export_book(
          *file, {.folder = arguments.folder, .note = signed_head.note, .key = signed_head.key},
          progress));
  if (context.json())
    context.out.line(fmt::format(R"({{"entries":{},"root":"{}"}})", head.size, to_hex(head.root)));
  else
    context.out.line(fmt::format("{} postings, root {}", head.size, to_hex(head.root)));
  context.out.say(fmt::format("check it anywhere: guild-verify {}", arguments.folder));
  return Exit::ok;
}

}  // namespace

void add_ledger_proofs(Command& ledger) {
  const auto asked = std::make_shared<PostingArguments>();
  ledger.add("posting", "one posting whole, by its id or its seq")
      .takes("ID|SEQ", asked->which, "the id that it was asked for with, or its number")
      .runs([asked](Context& context) { return posting(context, *asked); });

  const auto signs = std::make_shared<CheckpointArguments>();
  ledger.add("checkpoint", "the signed head of the book, to be kept where its owner has no hand in")
      .option("--since", "SIZE", signs->since,
              "with the proof that it goes on from so many postings, as a witness takes it")
      .option("--to", "FILE", signs->to, "written there instead of to stdout")
      .flag("--key", signs->key, "the public key instead, which never changes")
      .runs([signs](Context& context) { return checkpoint(context, *signs); });

  const auto proven = std::make_shared<ProofArguments>();
  ledger.add("proof", "that a posting is in the book, for who has only a checkpoint")
      .takes("SEQ", proven->seq, "the posting's number")
      .option("--to", "FILE", proven->to, "written there instead of to stdout")
      .runs([proven](Context& context) { return proof(context, *proven); });

  const auto exported = std::make_shared<ExportArguments>();
  ledger.add("export", "the book as files that guild-verify checks anywhere")
      .needs("--to", "FOLDER", exported->folder, "new, or empty")
      .runs([exported](Context& context) { return export_all(context, *exported); });
}

}  // namespace guild::cli
