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
    book_now(draft_genesis(id_of("genesis"), treasury_grant).value());
    commit();
  }

  Book& book() { return book_; }
  const std::vector<Posting>& postings() const { return postings_; }

  Money balance(std::string_view account) const {
    const AccountNumber number = book_.accounts().find(account);
    REQUIRE(number != 0);
    return book_.accounts().at(number).state.balance;
  }
  bool is_open(std::string_view account) const { return book_.accounts().find(account) != 0; }

  /// As the journal does it: a known id is compared, a new one decided and booked into the group.
  std::expected<Posting, Refusal> book_now(const Draft& draft) {
    if (const std::int64_t seq = book_.seq_of(draft.id); seq != 0) return repeat(draft, seq);
    auto decision = book_.decide(draft, Instant{now_ns_++});
    if (!decision) return std::unexpected(decision.error());
    return book_.apply(std::move(*decision));
  }
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
