#include "ledgerd/store.hpp"

#include <algorithm>
#include <utility>

#include "common/base/assert.hpp"
#include "ledgerd/packed.hpp"
#include "ledgerd/store_rows.hpp"

namespace guild::ledgerd::store {
namespace {

using storage::Statement;

/// From the columns seq, id, time, legs, hash.
Posting posting_of(const Statement& row) {
  Posting posting{.seq = row.integer(0),
                  .id = {exactly<16>(row.blob(1))},
                  .time = {row.integer(2)},
                  .legs = {},
                  .facts = {},
                  .hash = exactly<32>(row.blob(4))};
  if (auto content = unpack_content(posting.seq, row.blob(3))) {
    posting.legs = std::move(content->legs);
    posting.facts = content->facts;
  }
  return posting;
}

/// For json_each: a list of any length in one statement.
std::string json_of(std::span<const std::int64_t> numbers) {
  std::string list = "[";
  for (const std::int64_t number : numbers) {
    if (list.size() > 1) list += ',';
    list += std::to_string(number);
  }
  return list += ']';
}

Result<void> each_posting(Statement statement, const TakePosting& take) {
  return each_row(statement, [&](const Statement& row) { return take(posting_of(row)); });
}

Result<void> each_list(Statement statement, const TakeList& take) {
  return each_row(statement, [&](const Statement& row) {
    take(account_number(row.integer(0)), row.integer(1), unpack_seqs(row.blob(2)));
    return true;
  });
}

std::string_view text_of(BotStatus status) { return status == BotStatus::ALIVE ? "ALIVE" : "DEAD"; }

}  // namespace

Result<void> insert_account(Connection& file, AccountNumber number, std::string_view name) {
  return file.execute("INSERT INTO accounts (number, name) VALUES (?, ?)", number, name);
}

Result<void> each_account(Connection& file,
                          const std::function<void(std::int64_t, std::string_view)>& take) {
  GUILD_TRY(Statement statement, file.prepare("SELECT number, name FROM accounts ORDER BY number"));
  return each_row(statement, [&](const Statement& row) {
    take(row.integer(0), row.text(1));
    return true;
  });
}

Result<std::optional<AccountNumber>> find_account(Connection& file, std::string_view name) {
  GUILD_TRY(const auto number,
            file.query_integer("SELECT number FROM accounts WHERE name = ?", name));
  if (!number) return std::optional<AccountNumber>{};
  return std::optional(account_number(*number));
}

Result<void> each_name(Connection& file, std::span<const std::int64_t> numbers,
                       const std::function<void(AccountNumber, std::string_view)>& take) {
  GUILD_TRY(Statement statement, file.prepare("SELECT number, name FROM accounts WHERE number IN "
                                              "(SELECT value FROM json_each(?))"));
  statement.bind(1, json_of(numbers));
  return each_row(statement, [&](const Statement& row) {
    take(account_number(row.integer(0)), row.text(1));
    return true;
  });
}

Result<void> insert_posting(Connection& file, const Posting& posting) {
  return file.execute("INSERT INTO postings (seq, id, time, legs, hash) VALUES (?, ?, ?, ?, ?)",
                      posting.seq, BytesView(posting.id.bytes), posting.time.ns,
                      BytesView(pack_content(posting.seq, posting.legs, posting.facts)),
                      BytesView(posting.hash));
}

Result<void> each_posting_after(Connection& file, std::int64_t after, const TakePosting& take) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT seq, id, time, legs, hash FROM postings WHERE seq > ? "
                         "ORDER BY seq"));
  statement.bind(1, after);
  return each_posting(std::move(statement), take);
}

Result<void> each_posting_of(Connection& file, std::span<const std::int64_t> seqs,
                             const TakePosting& take) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT seq, id, time, legs, hash FROM postings WHERE seq IN "
                         "(SELECT value FROM json_each(?)) ORDER BY seq"));
  statement.bind(1, json_of(seqs));
  return each_posting(std::move(statement), take);
}

Result<std::int64_t> first_seq(Connection& file) {
  GUILD_TRY(const auto seq, file.query_integer("SELECT min(seq) FROM postings"));
  return seq.value_or(0);
}

Result<std::int64_t> last_seq(Connection& file) {
  GUILD_TRY(const auto seq, file.query_integer("SELECT max(seq) FROM postings"));
  return seq.value_or(0);
}

Result<std::optional<Posting>> find_posting(Connection& file, std::int64_t seq) {
  std::optional<Posting> found;
  GUILD_TRY(Statement statement,
            file.prepare("SELECT seq, id, time, legs, hash FROM postings WHERE seq = ?"));
  statement.bind(1, seq);
  GUILD_TRY(const bool row, statement.step());
  if (row) found = posting_of(statement);
  return found;
}

Result<void> each_hash_of(Connection& file, std::span<const std::int64_t> seqs,
                          const std::function<void(std::int64_t, const Digest&)>& take) {
  GUILD_TRY(Statement statement, file.prepare("SELECT seq, hash FROM postings WHERE seq IN "
                                              "(SELECT value FROM json_each(?))"));
  statement.bind(1, json_of(seqs));
  return each_row(statement, [&](const Statement& row) {
    take(row.integer(0), exactly<32>(row.blob(1)));
    return true;
  });
}

Result<void> insert_list(Connection& file, AccountNumber account, std::int64_t first,
                         std::span<const std::int64_t> seqs) {
  GUILD_ASSERT(!seqs.empty() && std::cmp_less_equal(seqs.size(), list_size_max));
  return file.execute("INSERT INTO account_postings (account, first, seqs) VALUES (?, ?, ?)",
                      account, first, BytesView(pack_seqs(seqs)));
}

Result<void> each_list(Connection& file, const TakeList& take) {
  GUILD_TRY(Statement statement, file.prepare("SELECT account, first, seqs FROM account_postings "
                                              "ORDER BY account, first"));
  return each_list(std::move(statement), take);
}

Result<void> each_list_of(Connection& file, AccountNumber account, std::int64_t from,
                          std::int64_t to, const TakeList& take) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT account, first, seqs FROM account_postings "
                         "WHERE account = ? AND first > ? AND first <= ? ORDER BY first"));
  statement.bind_all(account, from - list_size_max, to);
  return each_list(std::move(statement), take);
}

Result<std::int64_t> mark(Connection& file, std::string_view name) {
  GUILD_TRY(const auto seq, file.query_integer("SELECT seq FROM marks WHERE name = ?", name));
  return seq.value_or(0);
}

Result<void> set_mark(Connection& file, std::string_view name, std::int64_t seq) {
  return file.execute(
      "INSERT INTO marks (name, seq) VALUES (?, ?) "
      "ON CONFLICT (name) DO UPDATE SET seq = excluded.seq",
      name, seq);
}

Result<void> insert_bot(Connection& file, const BotRecord& bot) {
  return file.execute(
      "INSERT INTO bots (handle, account, status, created_at, grant_seq) VALUES (?, ?, ?, ?, ?)",
      std::string_view(bot.handle), bot.account, text_of(bot.status), bot.created_at.ns,
      bot.grant_seq);
}

Result<void> each_bot(Connection& file, const std::function<void(BotRecord)>& take) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT bots.handle, account, status, created_at, grant_seq, time_zone "
                         "FROM bots LEFT JOIN bot_settings USING (handle) ORDER BY bots.handle"));
  return each_row(statement, [&](const Statement& row) {
    const bool is_alive = row.text(2) == text_of(BotStatus::ALIVE);
    const bool has_status = is_alive || row.text(2) == text_of(BotStatus::DEAD);
    take({.handle = std::string(row.text(0)),
          .account = has_status ? account_number(row.integer(1)) : 0,
          .status = is_alive ? BotStatus::ALIVE : BotStatus::DEAD,
          .created_at = {row.integer(3)},
          .grant_seq = row.integer(4),
          .time_zone = row.is_null(5) ? "UTC" : std::string(row.text(5))});
    return true;
  });
}

Result<void> insert_credential(Connection& file, const CredentialRecord& credential) {
  return file.execute(
      "INSERT INTO bot_credentials (key_id, handle, key_hash, secret_hash, created_at) "
      "VALUES (?, ?, ?, ?, ?)",
      std::string_view(credential.key_id), std::string_view(credential.handle),
      BytesView(credential.key_hash), BytesView(credential.secret_hash), credential.created_at.ns);
}

Result<void> each_credential(Connection& file, const std::function<void(CredentialRecord)>& take) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT key_id, handle, key_hash, secret_hash, created_at "
                         "FROM bot_credentials"));
  return each_row(statement, [&](const Statement& row) {
    take({.key_id = std::string(row.text(0)),
          .handle = std::string(row.text(1)),
          .key_hash = exactly<32>(row.blob(2)),
          .secret_hash = exactly<32>(row.blob(3)),
          .created_at = {row.integer(4)}});
    return true;
  });
}

Result<void> insert_economy(Connection& file, Instant since, const Economy& economy) {
  return file.execute(
      "INSERT INTO economy (since, genesis_grant, treasury_grant, constants) VALUES (?, ?, ?, ?)",
      since.ns, economy.genesis_grant.units(), economy.treasury_grant.units(),
      std::string_view(economy.constants));
}

Result<std::optional<Economy>> last_economy(Connection& file) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT genesis_grant, treasury_grant, constants FROM economy "
                         "ORDER BY number DESC LIMIT 1"));
  GUILD_TRY(const bool row, statement.step());
  if (!row) return std::optional<Economy>{};
  return std::optional(Economy{.genesis_grant = Money::of_units(statement.integer(0)),
                               .treasury_grant = Money::of_units(statement.integer(1)),
                               .constants = std::string(statement.text(2))});
}

Result<void> insert_audit(Connection& file, const Audit& audit) {
  return file.execute(
      "INSERT INTO audit (time, sender, principal, action, subject, detail) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      audit.time.ns, std::string_view(audit.sender), std::string_view(audit.principal),
      std::string_view(audit.action), std::string_view(audit.subject),
      std::string_view(audit.detail));
}

Result<void> each_audit_after(Connection& file, std::int64_t number, std::int64_t limit,
                              const std::function<void(std::int64_t, Audit)>& take) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT number, time, sender, principal, action, subject, detail "
                         "FROM audit WHERE number > ? ORDER BY number LIMIT ?"));
  statement.bind(1, number);
  statement.bind(2, limit);
  return each_row(statement, [&](const Statement& row) {
    take(row.integer(0), {.time = {row.integer(1)},
                          .sender = std::string(row.text(2)),
                          .principal = std::string(row.text(3)),
                          .action = std::string(row.text(4)),
                          .subject = std::string(row.text(5)),
                          .detail = std::string(row.text(6))});
    return true;
  });
}

}  // namespace guild::ledgerd::store
