// BookWorld: a book with its genesis, and the postings it committed, as a file would keep them.
#pragma once

#include <catch2/catch.hpp>
#include <string_view>
#include <vector>

#include "ledgerd/book.hpp"

namespace guild::ledgerd {

inline Money money(std::string_view text) { return Money::parse(text).value(); }

inline Uuid id_of(std::string_view name) { return Uuid::of_name(name); }

class BookWorld {
 public:
  explicit BookWorld(Money treasury_grant = money("1000.00")) {
    REQUIRE(book_now(draft_genesis(id_of("genesis"), treasury_grant).value()));
    commit();
  }

  Book& book() { return book_; }
  const std::vector<Posting>& postings() const { return postings_; }

  Money balance(std::string_view account) const {
    const AccountNumber number = book_.accounts().find(account);
    REQUIRE(number != 0);
    return book_.accounts().at(number).state.balance;
  }
  const AccountState& state(std::string_view account) const {
    return book_.accounts().at(book_.accounts().find(account)).state;
  }
  bool is_open(std::string_view account) const { return book_.accounts().find(account) != 0; }

  /// As the journal does it: a known id is compared, a new one decided and booked into the group.
  std::expected<Posting, Refusal> book_now(const Draft& draft) {
    if (const std::int64_t seq = seq_of(draft.id); seq != 0) return repeat(draft, seq);
    auto booked = book_.book(draft, Instant{now_ns_++});
    if (!booked) return std::unexpected(booked.error());
    return **booked;
  }
  /// The committed posting with this id, or 0.
  std::int64_t seq_of(const Uuid& id) const {
    return book_.ids().find(id, [&](std::int64_t seq) { return has_id(seq, id); });
  }
  Instant now() const { return {now_ns_}; }
  void pass(Duration time) { now_ns_ += time.count(); }
  void commit() {
    auto group = book_.commit();
    postings_.insert(postings_.end(), group.postings.begin(), group.postings.end());
  }

  std::expected<Posting, Refusal> transfer(std::string_view id, std::string_view debit,
                                           std::string_view credit, std::string_view amount,
                                           std::string_view reference = "") {
    auto draft = draft_transfer(id_of(id), debit, credit, money(amount), reference);
    if (!draft) return std::unexpected(draft.error());
    return commit_if_booked(*draft);
  }
  std::expected<Posting, Refusal> book(const std::expected<Draft, Refusal>& draft) {
    if (!draft) return std::unexpected(draft.error());
    return commit_if_booked(*draft);
  }
  std::expected<Posting, Refusal> hold(std::string_view id, std::string_view debit,
                                       std::string_view credit, std::string_view amount,
                                       Duration lifetime = std::chrono::hours(1)) {
    return book(draft_hold(id_of(id), debit, credit, money(amount), lifetime, "held"));
  }
  /// Posts or, without an amount, voids the hold `seq`.
  std::expected<Posting, Refusal> end_hold(std::string_view id, std::int64_t seq,
                                           std::optional<std::string_view> amount = {}) {
    const auto hold = book_.hold_to_end(seq);
    if (!hold) return std::unexpected(hold.error());
    if (!amount) return book(draft_hold_void(id_of(id), *hold, ""));
    return book(draft_hold_post(id_of(id), *hold, money(*amount), ""));
  }
  std::expected<Posting, Refusal> record(std::string_view id, std::string_view account,
                                         EntryType type) {
    return book(draft_record(id_of(id), account, type, ""));
  }
  std::expected<Posting, Refusal> add_bot(std::string_view handle,
                                          std::string_view grant = "1000.00") {
    auto draft = draft_grant(id_of(handle), bot_account(handle), money(grant), genesis_reference);
    if (!draft) return std::unexpected(draft.error());
    return commit_if_booked(*draft);
  }

 private:
  std::expected<Posting, Refusal> commit_if_booked(const Draft& draft) {
    auto posting = book_now(draft);
    if (posting) commit();
    return posting;
  }
  bool has_id(std::int64_t seq, const Uuid& id) const {
    return static_cast<std::size_t>(seq) <= postings_.size() &&
           postings_[static_cast<std::size_t>(seq - 1)].id == id;
  }
  std::expected<Posting, Refusal> repeat(const Draft& draft, std::int64_t seq) {
    const Posting& earlier = postings_.at(static_cast<std::size_t>(seq - 1));
    if (auto same = book_.check_repeat(draft, earlier); !same) return std::unexpected(same.error());
    return earlier;
  }

  Book book_;
  std::vector<Posting> postings_;
  std::int64_t now_ns_ = 1'700'000'000'000'000'000;
};

}  // namespace guild::ledgerd
