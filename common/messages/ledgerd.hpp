// The book's messages (DESIGN §6). Requests are served as `ledgerd/<verb>`; events are published on
// `ledger/entry/<account>` from an outbox, in order, as Entry. Amounts are positive; the direction
// is in the names. Accounts: `world`, `treasury`, `escrow/<id>`, `bot/<handle>`, `user/<name>`.
#pragma once

#include <limits>
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

/// `ledgerd/hold` → Receipt. Keeps `amount` of `debit` for `credit` until it is posted, voided or
/// has expired after `lifetime`. Sent again with the same `id`, as a transfer. Codes: those of
/// transfer; expiry_not_ahead, holds_full.
struct CreateHold {
  Uuid id;
  AccountName debit, credit;
  Money amount;
  Duration lifetime = std::chrono::hours(1);  ///< At most 366 days.
  Text<128> reference;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(CreateHold, (), (id, debit, credit, amount, lifetime, reference, credential))
GUILD_OPTIONAL_FIELDS(CreateHold, "lifetime", "reference")

/// `ledgerd/hold-post` → Receipt: moves `amount` of the hold (all of it when there is none); the
/// rest is free again. `ledgerd/hold-void` (VoidHold) → Receipt: moves nothing. By operators, and
/// by whom the money is held for. Codes: hold_unknown, hold_ended, hold_exceeded,
/// amount_not_positive, id_reused, account_closed, balance_overflow; not_permitted,
/// credential_required, credentials_invalid.
struct PostHold {
  Uuid id;    ///< Of this posting.
  Uuid hold;  ///< The id that the hold was made with.
  std::optional<Money> amount;
  Text<128> reference;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(PostHold, (), (id, hold, amount, reference, credential))
GUILD_OPTIONAL_FIELDS(PostHold, "reference")
struct VoidHold {
  Uuid id, hold;
  Text<128> reference;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(VoidHold, (), (id, hold, reference, credential))
GUILD_OPTIONAL_FIELDS(VoidHold, "reference")

/// `ledgerd/floor` → Receipt: what the account's available amount may not go below. Below zero it
/// is credit, above zero a reserve. Operators only. Codes: account_unknown, account_closed,
/// floor_above_available, facts_unfit (world has none), id_reused.
struct SetFloor {
  Uuid id;
  AccountName account;
  Money floor;
  Text<128> reference;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(SetFloor, (), (id, account, floor, reference, credential))
GUILD_OPTIONAL_FIELDS(SetFloor, "reference")

/// `ledgerd/account-close`, `ledgerd/account-reopen` → Receipt, for `user/` accounts:
/// a closed one takes no posting. Operators only. Codes: account_unknown, account_closed,
/// account_not_closed, account_not_empty, account_has_holds, facts_unfit (a bot's, world,
/// treasury), id_reused.
struct CloseAccount {
  Uuid id;
  AccountName account;
  Text<128> reference;
  std::optional<Credential> credential;
};
BOOST_DESCRIBE_STRUCT(CloseAccount, (), (id, account, reference, credential))
GUILD_OPTIONAL_FIELDS(CloseAccount, "reference")

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
  std::int64_t leg = 0, legs = 0;  ///< Which one of its posting's, from 0, and how many it has.
  Uuid id;                         ///< Of the posting: the transfer's id.
  AccountName account;
  EntryType type{};
  Money amount;  ///< Signed: what it did to this account.
  Text<128> reference;
  Instant time;
  std::string previous_hash;  ///< Of the account's previous posting; 64 zeros at first.
  std::string hash;           ///< Of this posting.
};
BOOST_DESCRIBE_STRUCT(Entry, (),
                      (seq, account_seq, leg, legs, id, account, type, amount, reference, time,
                       previous_hash, hash))
struct EntriesPage {
  List<Entry, 1'000> entries;
  bool more = false;
};
BOOST_DESCRIBE_STRUCT(EntriesPage, (), (entries, more))

/// `ledgerd/events` → EventsPage: what is published on `ledger/entry/<account>`, once more, for a
/// consumer that was away: every leg of the postings after the posting `after`, in order and in
/// whole postings; so many postings as have `limit` legs or a few more. Code seq_unknown: the book
/// ends before `after`, so it is not the one that was read.
struct ListEvents {
  Range<0, std::numeric_limits<std::int64_t>::max()> after;
  Range<1, 500, 256> limit;
};
BOOST_DESCRIBE_STRUCT(ListEvents, (), (after, limit))
GUILD_OPTIONAL_FIELDS(ListEvents, "after", "limit")
struct EventsPage {
  List<Entry, 755> events;
  bool more = false;
  std::int64_t head = 0;  ///< Seq of the book's last posting.
};
BOOST_DESCRIBE_STRUCT(EventsPage, (), (events, more, head))

/// `ledgerd/posting` → PostingView: one posting whole, by `id` or by `seq` (one of them). Code
/// posting_unknown.
struct GetPosting {
  std::optional<Uuid> id;
  std::optional<std::int64_t> seq;
};
BOOST_DESCRIBE_STRUCT(GetPosting, (), (id, seq))
struct PostingLeg {
  AccountName account;
  Money amount;
  Text<128> reference;
  std::int64_t account_seq = 0;
};
BOOST_DESCRIBE_STRUCT(PostingLeg, (), (account, amount, reference, account_seq))
struct PostingView {
  std::int64_t seq = 0;
  Uuid id;
  Instant time;
  EntryType type{};
  List<PostingLeg, 256> legs;
  std::optional<AccountName> held_for;   ///< Of a HOLD.
  std::optional<Money> held;             ///< Likewise.
  std::optional<Instant> expires_at;     ///< Likewise.
  std::optional<std::int64_t> hold_seq;  ///< Of a HOLD_POST and a HOLD_VOID.
  std::optional<Money> floor;            ///< Of a FLOOR.
  std::string hash;
};
BOOST_DESCRIBE_STRUCT(PostingView, (),
                      (seq, id, time, type, legs, held_for, held, expires_at, hold_seq, floor,
                       hash))

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

/// `ledgerd/checkpoint` → Checkpoint: the signed head of the book as it is committed now, and the
/// proof that it goes on from the book of `since` postings (docs/ledger.md). Code size_unknown.
struct GetCheckpoint {
  std::optional<std::int64_t> since;
};
BOOST_DESCRIBE_STRUCT(GetCheckpoint, (), (since))
struct Checkpoint {
  std::int64_t size = 0;
  std::string root;  ///< Hex.
  std::string note;  ///< The checkpoint's text.
  std::string key;   ///< The public key's text.
  std::int64_t since = 0;
  List<std::string, 64> consistency;  ///< Hashes, base64, when `since` was asked for.
};
BOOST_DESCRIBE_STRUCT(Checkpoint, (), (size, root, note, key, since, consistency))

/// `ledgerd/proof` → InclusionProof of one posting in the book as it is committed now. Code
/// posting_unknown.
struct GetProof {
  std::int64_t seq = 0;
};
BOOST_DESCRIBE_STRUCT(GetProof, (), (seq))
struct InclusionProof {
  std::int64_t seq = 0;
  std::string leaf_hash;         ///< Hex.
  List<std::string, 64> hashes;  ///< Base64.
  std::string note;              ///< The checkpoint.
  std::string key;
};
BOOST_DESCRIBE_STRUCT(InclusionProof, (), (seq, leaf_hash, hashes, note, key))

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
  Text<64> time_zone;  ///< Its days are this zone's: daily limits count by them.
  Instant created_at;
};
BOOST_DESCRIBE_STRUCT(Bot, (), (handle, status, balance, available, time_zone, created_at))
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
