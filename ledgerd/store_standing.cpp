// The part of the store that keeps where the book stood, and what proofs are made from.
#include "common/base/assert.hpp"
#include "ledgerd/store.hpp"
#include "ledgerd/store_rows.hpp"

namespace guild::ledgerd::store {
namespace {

using storage::Statement;

/// Hashes end to end; none when the last is not a whole one.
std::vector<Digest> digests_of(BytesView bytes) {
  if (bytes.size() % sizeof(Digest) != 0) return {};
  std::vector<Digest> digests(bytes.size() / sizeof(Digest));
  for (std::size_t i = 0; i < digests.size(); ++i)
    std::ranges::copy(bytes.subspan(i * sizeof(Digest), sizeof(Digest)), digests[i].begin());
  return digests;
}

Bytes bytes_of(std::span<const Digest> digests) {
  Bytes bytes;
  bytes.reserve(digests.size() * sizeof(Digest));
  for (const Digest& digest : digests) bytes.insert(bytes.end(), digest.begin(), digest.end());
  return bytes;
}

}  // namespace

Result<void> save_standing(Connection& file, const SavedStanding& standing) {
  return file.execute(
      "INSERT OR REPLACE INTO standing (one, seq, hash, peaks, id_key) VALUES (1, ?, ?, ?, ?)",
      standing.seq, BytesView(standing.hash), BytesView(bytes_of(standing.peaks)),
      BytesView(standing.id_key));
}

Result<std::optional<SavedStanding>> saved_standing(Connection& file) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT seq, hash, peaks, id_key, one = 1 AND (SELECT count(*) FROM "
                         "standing) = 1 FROM standing"));
  GUILD_TRY(const bool row, statement.step());
  if (!row) return std::optional<SavedStanding>{};
  const bool is_the_one = statement.integer(4) != 0;
  return std::optional(SavedStanding{.seq = is_the_one ? statement.integer(0) : -1,
                                     .hash = exactly<32>(statement.blob(1)),
                                     .peaks = digests_of(statement.blob(2)),
                                     .id_key = exactly<16>(statement.blob(3))});
}

Result<void> save_state(Connection& file, AccountNumber account, const AccountState& state) {
  return file.execute(
      "INSERT OR REPLACE INTO account_states (number, balance, held, floor, entries, last_seq, "
      "last_hash, open_holds, is_closed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      account, state.balance.units(), state.held.units(), state.floor.units(), state.entries,
      state.last_seq, BytesView(state.last_hash), state.open_holds, state.is_closed ? 1 : 0);
}

Result<void> each_state(Connection& file,
                        const std::function<void(AccountNumber, const AccountState&)>& take) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT number, balance, held, floor, entries, last_seq, last_hash, "
                         "open_holds, is_closed FROM account_states ORDER BY number"));
  return each_row(statement, [&](const Statement& row) {
    const bool fits = std::in_range<std::uint32_t>(row.integer(7)) &&
                      (row.integer(8) == 0 || row.integer(8) == 1);
    take(fits ? account_number(row.integer(0)) : 0, {.balance = Money::of_units(row.integer(1)),
                                                     .held = Money::of_units(row.integer(2)),
                                                     .floor = Money::of_units(row.integer(3)),
                                                     .entries = row.integer(4),
                                                     .last_seq = row.integer(5),
                                                     .last_hash = exactly<32>(row.blob(6)),
                                                     .open_holds = account_number(row.integer(7)),
                                                     .is_closed = row.integer(8) != 0});
    return true;
  });
}

Result<void> insert_open_hold(Connection& file, std::int64_t seq, const Hold& hold) {
  return file.execute(
      "INSERT INTO open_holds (seq, debit, credit, amount, expires_at) VALUES (?, ?, ?, ?, ?)", seq,
      hold.debit, hold.terms.credit, hold.terms.amount.units(), hold.terms.expires_at.ns);
}

Result<void> delete_open_hold(Connection& file, std::int64_t seq) {
  return file.execute("DELETE FROM open_holds WHERE seq = ?", seq);
}

Result<void> each_open_hold(Connection& file,
                            const std::function<void(std::int64_t, const Hold&)>& take) {
  GUILD_TRY(
      Statement statement,
      file.prepare("SELECT seq, debit, credit, amount, expires_at FROM open_holds ORDER BY seq"));
  return each_row(statement, [&](const Statement& row) {
    take(row.integer(0), {.debit = account_number(row.integer(1)),
                          .terms = {.credit = account_number(row.integer(2)),
                                    .amount = Money::of_units(row.integer(3)),
                                    .expires_at = {row.integer(4)}}});
    return true;
  });
}

Result<void> insert_id_hashes(Connection& file, std::int64_t first,
                              std::span<const std::uint64_t> hashes) {
  GUILD_ASSERT(!hashes.empty() && hashes.size() <= hashes_in_row_max);
  Bytes bytes(hashes.size() * sizeof(std::uint64_t));
  for (std::size_t i = 0; i < hashes.size(); ++i)
    store_le(bytes.data() + i * sizeof(std::uint64_t), hashes[i]);
  return file.execute("INSERT INTO id_hashes (first, hashes) VALUES (?, ?)", first,
                      BytesView(bytes));
}

Result<void> each_id_hash(Connection& file,
                          const std::function<void(std::int64_t, std::uint64_t)>& take) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT first, hashes FROM id_hashes ORDER BY first"));
  return each_row(statement, [&](const Statement& row) {
    std::int64_t seq = row.integer(0);
    const BytesView hashes = row.blob(1);
    if (hashes.empty() || hashes.size() % sizeof(std::uint64_t) != 0) take(0, 0);
    for (BytesView rest = hashes; rest.size() >= sizeof(std::uint64_t);
         rest = rest.subspan(sizeof(std::uint64_t)))
      take(seq++, load_le<std::uint64_t>(rest.data()));
    return true;
  });
}

Result<void> insert_blocks(Connection& file, std::int64_t first, std::span<const Digest> roots) {
  GUILD_ASSERT(!roots.empty() && roots.size() <= hashes_in_row_max);
  return file.execute("INSERT INTO tree_blocks (first, hashes) VALUES (?, ?)", first,
                      BytesView(bytes_of(roots)));
}

Result<void> each_block(Connection& file, std::int64_t from, std::int64_t to,
                        const std::function<void(std::int64_t, const Digest&)>& take) {
  GUILD_TRY(Statement statement, file.prepare("SELECT first, hashes FROM tree_blocks "
                                              "WHERE first > ? AND first < ? ORDER BY first"));
  statement.bind_all(from - static_cast<std::int64_t>(hashes_in_row_max), to);
  return each_row(statement, [&](const Statement& row) {
    std::int64_t block = row.integer(0);
    const std::vector<Digest> roots = digests_of(row.blob(1));
    if (roots.empty()) take(-1, {});
    for (const Digest& root : roots) {
      if (block >= from && block < to) take(block, root);
      ++block;
    }
    return true;
  });
}

Result<void> each_hash_between(Connection& file, std::int64_t after, std::int64_t last,
                               const std::function<void(const Digest&)>& take) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT hash FROM postings WHERE seq > ? AND seq <= ? ORDER BY seq"));
  statement.bind_all(after, last);
  return each_row(statement, [&](const Statement& row) {
    take(exactly<32>(row.blob(0)));
    return true;
  });
}

Result<void> save_checkpoint(Connection& file, const SavedCheckpoint& checkpoint) {
  constexpr std::int64_t hour_ns = 3'600'000'000'000;
  GUILD_CHECK(
      file.execute("DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints) "
                   "AND time / ? = ? / ?",
                   hour_ns, checkpoint.time.ns, hour_ns));
  return file.execute("INSERT OR REPLACE INTO checkpoints (size, time, note) VALUES (?, ?, ?)",
                      checkpoint.size, checkpoint.time.ns, std::string_view(checkpoint.note));
}

Result<void> each_checkpoint(Connection& file,
                             const std::function<void(const SavedCheckpoint&)>& take) {
  GUILD_TRY(Statement statement,
            file.prepare("SELECT size, time, note FROM checkpoints ORDER BY size"));
  return each_row(statement, [&](const Statement& row) {
    take({.size = row.integer(0), .time = {row.integer(1)}, .note = std::string(row.text(2))});
    return true;
  });
}

Result<std::optional<SavedCheckpoint>> last_checkpoint(Connection& file) {
  GUILD_TRY(Statement statement, file.prepare("SELECT size, time, note FROM checkpoints "
                                              "ORDER BY size DESC LIMIT 1"));
  GUILD_TRY(const bool row, statement.step());
  if (!row) return std::optional<SavedCheckpoint>{};
  return std::optional(SavedCheckpoint{.size = statement.integer(0),
                                       .time = {statement.integer(1)},
                                       .note = std::string(statement.text(2))});
}

}  // namespace guild::ledgerd::store
