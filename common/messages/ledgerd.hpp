// The book's messages (DESIGN §6). Requests are served as `ledgerd/<verb>`; events are published on
// `ledger/entry/<account>` from an outbox, in order. Amounts are positive; the direction is in the
// names. Accounts: `world`, `treasury`, `escrow/<id>`, `bot/<handle>`, `user/<name>`.
#pragma once

#include <optional>
#include <string>

#include "common/messages/codec.hpp"
#include "common/messages/principal.hpp"
#include "common/messages/types.hpp"

namespace guild::messages {

using AccountName = Text<80>;
using Handle = Text<64>;

/// BEHAVIOUR §1; docs/ledger.md says what each does.
enum class EntryType {
  GRANT,
  WAGER,
  HEARTBEAT,
  HEARTBEAT_OBSERVE,
  MARKET_STAKE,
  MARKET_PAYOUT,
  MARKET_REFUND,
  RESEARCH_LOOKUP_FEE,
  RESEARCH_PAYOUT,
  LIQUIDATION,
  REVIVE,
  RETIRED,
  HOLD_POST,
  HOLD_VOID,
  TRANSFER,
  CHARGE,
  HOLD,
  FLOOR,
  CLOSED,
  REOPENED
};
BOOST_DESCRIBE_ENUM(EntryType, GRANT, WAGER, HEARTBEAT, HEARTBEAT_OBSERVE, MARKET_STAKE,
                    MARKET_PAYOUT, MARKET_REFUND, RESEARCH_LOOKUP_FEE, RESEARCH_PAYOUT, LIQUIDATION,
                    REVIVE, RETIRED, HOLD_POST, HOLD_VOID, TRANSFER, CHARGE, HOLD, FLOOR, CLOSED,
                    REOPENED)

/// `ledgerd/transfer` → Receipt. Moves `amount` from `debit` to `credit`. Resend with the same `id`
/// until answered: the same content gets the first receipt, other content `id_reused`.
/// Codes: amount_not_positive, same_account, debit_account_unknown, credit_account_unknown,
/// funds_short, id_reused, account_closed, accounts_full, balance_overflow; not_permitted,
/// credential_required (a carrier sent none), credentials_invalid.
struct CreateTransfer {
  Uuid id;
  AccountName debit, credit;
  Money amount;
  Text<128> reference;
  std::optional<Credential>
      credential;  ///< Required from a carrier. A bot debits only its own account.
};
BOOST_DESCRIBE_STRUCT(CreateTransfer, (), (id, debit, credit, amount, reference, credential))
GUILD_OPTIONAL_FIELDS(CreateTransfer, "reference")

/// `ledgerd/charge` → Receipt. Books the cost of one attempt of a task: bot → treasury, type
/// CHARGE. `id` is Uuid::of_name("<task>/<attempt>"), so an attempt is charged once whatever is
/// sent again.
/// From the scheduler only. Codes: those of transfer; id_invalid (it is not that of the attempt).
struct ChargeTask {
  Uuid id;
  Handle bot;
  Money amount;
  Uuid task;
  std::int64_t attempt = 1;
};
BOOST_DESCRIBE_STRUCT(ChargeTask, (), (id, bot, amount, task, attempt))

struct Receipt {
  Uuid id;
  std::int64_t seq = 0;  ///< In the global sequence.
  std::string hash;      ///< Of the posting, hex.
  Instant committed_at;
  bool repeated = false;  ///< An earlier answer, given again.
};
BOOST_DESCRIBE_STRUCT(Receipt, (), (id, seq, hash, committed_at, repeated))

/// `ledgerd/balance` → Balance. Code account_unknown.
struct GetBalance {
  AccountName account;
};
BOOST_DESCRIBE_STRUCT(GetBalance, (), (account))
struct Balance {
  AccountName account;
  Money balance;
  Money held;       ///< In open holds.
  Money available;  ///< balance - held.
  Money floor;      ///< What `available` may not go below.
  bool is_closed = false;
};
BOOST_DESCRIBE_STRUCT(Balance, (), (account, balance, held, available, floor, is_closed))

/// `ledgerd/entries` → EntriesPage: legs of one account, oldest first, after account_seq `after`.
struct ListEntries {
  AccountName account;
  std::int64_t after = 0;
  Range<1, 1'000, 100> limit;
};
BOOST_DESCRIBE_STRUCT(ListEntries, (), (account, after, limit))
GUILD_OPTIONAL_FIELDS(ListEntries, "after", "limit")
struct Entry {
  std::int64_t seq = 0, account_seq = 0;
  Uuid id;  ///< Of the posting: the transfer's id.
  AccountName account;
  EntryType type{};
  Money amount;  ///< Signed: what it did to this account.
  Text<128> reference;
  Instant time;
  std::string previous_hash;  ///< Of the account's previous posting; 64 zeros at first.
  std::string hash;           ///< Of this posting.
};
BOOST_DESCRIBE_STRUCT(Entry, (),
                      (seq, account_seq, id, account, type, amount, reference, time, previous_hash,
                       hash))
struct EntriesPage {
  List<Entry, 1'000> entries;
  bool more = false;
};
BOOST_DESCRIBE_STRUCT(EntriesPage, (), (entries, more))

/// `ledgerd/verify` (Nothing) → VerifyReport: recomputes everything from the file. first_bad_seq is
/// 0 when the book is sound, or when what is wrong is not one posting (an account, a bot, an
/// index).
struct VerifyReport {
  bool ok = false;
  std::int64_t entries = 0;  ///< Postings.
  std::string root;          ///< RFC 9162 tree over their hashes, hex.
  std::int64_t first_bad_seq = 0;
  std::string problem;
};
BOOST_DESCRIBE_STRUCT(VerifyReport, (), (ok, entries, root, first_bad_seq, problem))

enum class BotStatus { ALIVE, DEAD };
BOOST_DESCRIBE_ENUM(BotStatus, ALIVE, DEAD)

/// `ledgerd/bot-create` → BotCreated. One transaction: bot, GRANT, audit. Codes: handle_taken,
/// handle_format.
struct CreateBot {
  Handle handle;
  std::optional<Credential> credential;  ///< Required from a carrier; the operator's.
};
BOOST_DESCRIBE_STRUCT(CreateBot, (), (handle, credential))
struct BotCreated {
  Handle handle;
  Money balance;
  std::string api_key;     ///< Shown once; only its keyed hash is kept.
  std::string api_secret;  ///< Likewise.
};
BOOST_DESCRIBE_STRUCT(BotCreated, (), (handle, balance, api_key, api_secret))

/// `ledgerd/bot-list` → BotsPage, by handle, after `after`. `ledgerd/bot-show` (GetBot) → Bot,
/// code bot_unknown.
struct ListBots {
  Handle after;
  Range<1, 1'000, 100> limit;
};
BOOST_DESCRIBE_STRUCT(ListBots, (), (after, limit))
GUILD_OPTIONAL_FIELDS(ListBots, "after", "limit")
struct GetBot {
  Handle handle;
};
BOOST_DESCRIBE_STRUCT(GetBot, (), (handle))
struct Bot {
  Handle handle;
  BotStatus status{};
  Money balance, available;
  Instant created_at;
};
BOOST_DESCRIBE_STRUCT(Bot, (), (handle, status, balance, available, created_at))
struct BotsPage {
  List<Bot, 1'000> bots;
  bool more = false;
};
BOOST_DESCRIBE_STRUCT(BotsPage, (), (bots, more))

/// `ledgerd/authenticate` → Authenticated. Code credentials_invalid, the same for an unknown key, a
/// wrong secret, a wrong token and a missing hash.
struct Authenticate {
  Credential credential;
};
BOOST_DESCRIBE_STRUCT(Authenticate, (), (credential))
struct Authenticated {
  bool is_operator = false;
  std::optional<Handle> bot;  ///< When it is a bot's.
};
BOOST_DESCRIBE_STRUCT(Authenticated, (), (is_operator, bot))

}  // namespace guild::messages
