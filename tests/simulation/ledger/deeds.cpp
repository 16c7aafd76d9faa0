#include "tests/simulation/ledger/deeds.hpp"

#include <fmt/format.h>

#include <array>

#include "ledgerd/bots.hpp"
#include "ledgerd/checkpoint.hpp"
#include "ledgerd/markets.hpp"
#include "ledgerd/permits.hpp"
#include "ledgerd/settling.hpp"
#include "ledgerd/ticks.hpp"

namespace guild::simulation {

using ledgerd::Booked;
using ledgerd::Draft;
using ledgerd::EntryType;
using ledgerd::Refusal;
using ledgerd::Transaction;

namespace {

const ledgerd::Asker asker{.sender = "simulation", .principal = "operator"};

Receipt receipt_of(const Booked& booked) {
  return {.seq = booked.posting.seq, .hash = booked.posting.hash, .repeated = booked.repeated};
}

Result<Reply> told(const Result<Booked>& booked) {
  if (!booked) return fail(booked.error());
  return Reply{.receipts = {receipt_of(*booked)}, .text = {}};
}

template <class Answer>
Result<Reply> text_of(const Result<Answer>& answer, std::string_view text = "done") {
  if (!answer) return fail(answer.error());
  return Reply{.receipts = {}, .text = std::string(text)};
}

Deed booking(std::string name, std::expected<Draft, Refusal> draft) {
  return {.name = std::move(name),
          .work = [draft = std::move(draft)](Transaction& transaction) -> Result<Reply> {
            if (!draft) return fail(ledgerd::error_of(draft.error()));
            return told(transaction.book(*draft));
          }};
}

Digest some_digest(std::uint64_t number) { return sha256(as_bytes(std::to_string(number))); }

}  // namespace

Deeds::Deeds(Random& random)
    : random_(random), credentials_(Secret32(some_digest(1)), some_digest(2)) {
  constants_.mode = ledgerd::economy::Mode::enforce;
}

std::string Deeds::account() {
  static constexpr std::array<std::string_view, 9> fixed = {"treasury", "user/ann", "user/bob",
                                                            "user/cy",  "user/dee", "treasury",
                                                            "user/ann", "world",    "user/nobody"};
  if (random_.chance(35)) return "bot/" + bot();
  return std::string(random_.pick(fixed));
}
std::string Deeds::bot() {
  return random_.chance(2) ? "none" : fmt::format("bot{}", random_.below(bots + 1));
}
Money Deeds::amount() {
  const std::size_t most = random_.chance(10) ? 200'000'000'000 : 1'000'000'000;
  return Money::of_units(static_cast<std::int64_t>(random_.between(1, most)));
}
Uuid Deeds::new_id() { return Uuid::of_name(fmt::format("deed {}", ++ids_)); }
Uuid Deeds::known(const std::vector<Uuid>& ids) {
  if (ids.empty() || random_.chance(3)) return new_id();
  // Mostly of the last ones, which may still be open.
  const std::size_t among = random_.chance(80) ? std::min<std::size_t>(ids.size(), 3) : ids.size();
  return ids[ids.size() - 1 - random_.below(among)];
}

std::vector<Deed> Deeds::first() {
  std::vector<Deed> deeds;
  for (const char* const name : {"user/ann", "user/bob", "user/cy", "user/dee"})
    deeds.push_back(
        booking("transfer", ledgerd::draft_transfer(new_id(), "treasury", name,
                                                    Money::of_units(10'000'000'000), "first")));
  for (std::size_t i = 0; i < bots; ++i) {
    const std::string handle = fmt::format("bot{}", i);
    deeds.push_back(create(handle, Money::of_units(50'000'000'000)));
    deeds.push_back({.name = "grant", .work = [handle](Transaction& transaction) {
                       messages::AddGrant request;
                       request.bot = handle;
                       request.pattern = "act";
                       return text_of(ledgerd::add_grant(transaction, request, asker));
                     }});
  }
  return deeds;
}

Deed Deeds::any() {
  using Make = Deed (Deeds::*)();
  static constexpr std::array<Make, 30> makes = {
      &Deeds::transfer, &Deeds::transfer,       &Deeds::transfer, &Deeds::transfer,
      &Deeds::transfer, &Deeds::linked,         &Deeds::linked,   &Deeds::batch,
      &Deeds::batch,    &Deeds::batch,          &Deeds::hold,     &Deeds::hold,
      &Deeds::hold,     &Deeds::end_hold,       &Deeds::end_hold, &Deeds::record,
      &Deeds::record,   &Deeds::bot_life,       &Deeds::bot_life, &Deeds::bot_life,
      &Deeds::grant,    &Deeds::permit,         &Deeds::permit,   &Deeds::settle,
      &Deeds::market,   &Deeds::tick,           &Deeds::tick,     &Deeds::head,
      &Deeds::head,     &Deeds::fails_half_done};
  if (!postings_.empty() && random_.chance(10)) return asked_again();
  return (this->*random_.pick(makes))();
}

Deed Deeds::asked_again() { return random_.pick(postings_); }

Deed Deeds::transfer() {
  // The treasury feeds the rest, or nobody would have anything.
  const std::string from = random_.chance(40) ? "treasury" : account(), to = account();
  postings_.push_back(
      booking("transfer", ledgerd::draft_transfer(new_id(), from, to, amount(), "why")));
  return postings_.back();
}

Deed Deeds::linked() {
  std::vector<Draft> drafts;
  for (std::size_t i = random_.between(2, 4); i > 0; --i)
    if (auto draft = ledgerd::draft_transfer(new_id(), account(), account(), amount(), "linked"))
      drafts.push_back(*draft);
  postings_.push_back({.name = "linked", .work = [drafts](Transaction& transaction) {
                         std::size_t refused = 0;
                         const auto all = transaction.book_linked(drafts, &refused);
                         if (!all) return Result<Reply>(fail(all.error()));
                         Reply reply;
                         for (const Booked& one : *all)
                           reply.receipts.emplace_back(receipt_of(one));
                         return Result<Reply>(reply);
                       }});
  return postings_.back();
}

Deed Deeds::batch() {
  using messages::BatchKind;
  messages::TransferBatch batch;
  batch.references = {"", "of a batch"};
  for (int i = 0; i < 4; ++i) batch.accounts.push_back(account());
  const std::size_t count = random_.between(1, 6);
  for (std::size_t i = 0; i < count; ++i) {
    messages::BatchTransfer one;
    one.id = new_id();
    one.debit = static_cast<std::uint16_t>(random_.below(4));
    one.credit = static_cast<std::uint16_t>(random_.below(4));
    one.reference = static_cast<std::uint16_t>(random_.below(2));
    one.amount = amount();
    one.is_linked = i + 1 < count && random_.chance(30);
    const std::size_t kind = random_.below(10);
    if (kind == 7) {
      one.kind = BatchKind::hold;
      one.lifetime_s = static_cast<std::uint32_t>(random_.between(1, 100));
      holds_.push_back(one.id);
    } else if (kind > 7) {
      one.kind = kind == 8 ? BatchKind::post : BatchKind::void_hold;
      one.hold = known(holds_);
    }
    batch.transfers.push_back(one);
  }
  postings_.push_back(
      {.name = "batch", .work = [batch](Transaction& transaction) -> Result<Reply> {
         GUILD_TRY(const auto outcomes,
                   transaction.book_batch(batch, [](std::string_view) { return true; }));
         Reply reply;
         for (const messages::BatchOutcome& outcome : outcomes) {
           reply.text += fmt::format("{} ", outcome.code);
           reply.receipts.emplace_back();
           if (outcome.seq == 0) continue;
           GUILD_TRY(const auto posting,
                     ledgerd::store::find_posting(transaction.file(), outcome.seq));
           reply.receipts.back() = {.seq = outcome.seq,
                                    .hash = posting ? posting->hash : Digest{},
                                    .repeated = outcome.code == messages::outcome_repeated};
         }
         return reply;
       }});
  return postings_.back();
}

Deed Deeds::hold() {
  const Uuid id = new_id();
  holds_.push_back(id);
  const Duration lifetime = std::chrono::seconds(random_.between(1, 200));
  const std::string from = random_.chance(50) ? "treasury" : account();
  postings_.push_back(
      booking("hold", ledgerd::draft_hold(id, from, account(), amount(), lifetime, "held")));
  return postings_.back();
}

Deed Deeds::end_hold() {
  const Uuid id = new_id(), hold = known(holds_);
  const bool is_post = random_.chance(60);
  const auto part = random_.chance(50) ? std::optional(amount()) : std::nullopt;
  postings_.push_back({.name = is_post ? "hold-post" : "hold-void",
                       .work = [id, hold, is_post, part](Transaction& transaction) {
                         return told(is_post ? transaction.post_hold(id, hold, part, "end")
                                             : transaction.void_hold(id, hold, "end"));
                       }});
  return postings_.back();
}

Deed Deeds::record() {
  const Uuid id = new_id();
  const std::string whose = account();
  if (random_.chance(50)) {
    postings_.push_back(booking("floor", ledgerd::draft_floor(id, whose, amount(), "")));
    return postings_.back();
  }
  const bool closes = closing_.empty() || random_.chance(60);
  if (closes) closing_.push_back(whose);
  if (closes && random_.chance(70)) {
    // Empty it first, or it is never closed.
    postings_.push_back(
        {.name = "empty and close", .work = [id, whose](Transaction& transaction) {
           const auto& accounts = transaction.state().accounts();
           const auto number = accounts.find(whose);
           if (number != 0 && accounts.at(number).state.balance.is_positive()) {
             const auto move = ledgerd::draft_transfer(
                 transaction.new_id(), whose, whose == "treasury" ? "user/ann" : "treasury",
                 accounts.at(number).state.balance, "last");
             if (const auto moved = transaction.book(*move); !moved) return told(moved);
           }
           return told(transaction.book(ledgerd::draft_record(id, whose, EntryType::CLOSED, "")));
         }});
    const Deed deed = postings_.back();
    postings_.pop_back();  // Asked again it would move again.
    return deed;
  }
  if (closes)
    postings_.push_back(booking("close", ledgerd::draft_record(id, whose, EntryType::CLOSED, "")));
  else
    postings_.push_back(booking(
        "reopen", ledgerd::draft_record(id, random_.pick(closing_), EntryType::REOPENED, "")));
  return postings_.back();
}

ledgerd::NewCredential Deeds::credential(const std::string& handle, std::uint64_t number,
                                         Instant now) const {
  ledgerd::NewCredential made;
  made.api_key = fmt::format("guild_key_{:016x}_{}", number, to_hex(some_digest(number)));
  made.api_secret = fmt::format("guild_secret_{}", to_hex(some_digest(number + 1)));
  made.record = credentials_.record_of(handle, made.api_key, made.api_secret, now).value();
  return made;
}

Deed Deeds::create(const std::string& handle, Money grant) {
  return {.name = "bot", .work = [this, handle, grant, number = ++ids_](Transaction& transaction) {
            return text_of(ledgerd::create_bot(
                transaction, {.handle = handle,
                              .grant = grant,
                              .credential = credential(handle, number, transaction.now()),
                              .sender = asker.sender,
                              .principal = asker.principal}));
          }};
}

Deed Deeds::bot_life() {
  const std::string handle = bot();
  const std::size_t verb = random_.below(10);
  const Money gift = amount();
  if (verb > 7) return create(handle, gift);
  return {.name = "bot",
          .work = [=, this, number = ++ids_](Transaction& transaction) -> Result<Reply> {
            if (verb == 0) return text_of(ledgerd::retire_bot(transaction, handle, asker));
            if (verb == 1) return text_of(ledgerd::liquidate_bot(transaction, handle, asker));
            const auto made = credential(handle, number, transaction.now());
            if (verb < 6) return text_of(ledgerd::revive_bot(transaction, made, gift, asker));
            return text_of(ledgerd::rotate_bot(transaction, made, asker));
          }};
}

Deed Deeds::grant() {
  messages::AddGrant request;
  request.bot = bot();
  request.pattern = random_.chance(70) ? "act" : "act:*";
  request.daily_limit = static_cast<std::int64_t>(random_.between(1, 6));
  return {.name = "grant", .work = [request](Transaction& transaction) {
            return text_of(ledgerd::add_grant(transaction, request, asker));
          }};
}

Deed Deeds::permit() {
  messages::RequestPermit request;
  request.id = new_id();
  request.bot = bot();
  request.action = "act";
  request.max_cost = amount();
  request.lifetime = std::chrono::seconds(random_.between(1, 300));
  permits_.push_back(request.id);
  return {.name = "permit", .work = [request](Transaction& transaction) -> Result<Reply> {
            GUILD_TRY(const auto permit, ledgerd::request_permit(transaction, request, asker));
            return Reply{.receipts = {}, .text = permit.reason ? "refused" : "allowed"};
          }};
}

Deed Deeds::settle() {
  messages::SettlePermit request;
  request.permit = known(permits_);
  request.cost = Money::of_units(static_cast<std::int64_t>(random_.below(1'000'000'000)));
  return {.name = "settle", .work = [request](Transaction& transaction) {
            return text_of(ledgerd::settle_permit(transaction, request, asker));
          }};
}

Deed Deeds::market() {
  if (random_.chance(40)) {
    const Money price = amount();
    return {.name = "price", .work = [price](Transaction& transaction) {
              return text_of(ledgerd::post_price(transaction, {"S", price, {}, {}}));
            }};
  }
  if (random_.chance(30))
    return {.name = "due", .work = [constants = constants_](Transaction& transaction) {
              return text_of(ledgerd::settle_due(transaction, constants));
            }};
  messages::OpenMarket request;
  request.market = new_id();
  request.question = "what?";
  request.answer = "7";
  request.bounty = Money::of_units(500'000'000);
  markets_.push_back(request.market);
  return {.name = "market", .work = [request, constants = constants_](Transaction& transaction) {
            return text_of(ledgerd::open_market(transaction, constants, request));
          }};
}

Deed Deeds::tick() {
  std::string intents = "{}";
  if (random_.chance(50))
    intents = fmt::format(R"({{"research":{{"market":"{}","answer":"{}","lookup":"hit"}}}})",
                          known(markets_).text(), random_.between(6, 7));
  else if (random_.chance(50))
    intents = R"({"wager":{"symbol":"S","direction":"UP","amount":"3.00"}})";
  messages::RunTick request;
  request.bot = bot();
  request.tick_id = fmt::format("t{}", random_.chance(90) ? ++ids_ : ids_);
  request.intents = {intents};
  return {.name = "tick",
          .work = [request, constants = constants_](Transaction& transaction) -> Result<Reply> {
            GUILD_TRY(const auto read, ledgerd::economy::read_intents(request.intents.text));
            GUILD_TRY(const auto ticked, ledgerd::run_tick(transaction, constants, request, read));
            return Reply{.receipts = {}, .text = ticked.died ? "died" : "lives"};
          }};
}

/// A signed head, or how far events were published.
Deed Deeds::head() {
  if (random_.chance(50))
    return {
        .name = "mark", .work = [](Transaction& transaction) {
          return text_of(ledgerd::store::set_mark(transaction.file(), ledgerd::store::outbox_mark,
                                                  transaction.state().committed_head().seq));
        }};
  return {.name = "checkpoint", .work = [](Transaction& transaction) -> Result<Reply> {
            GUILD_TRY(const auto first, ledgerd::store::find_posting(transaction.file(), 1));
            if (!first) return fail(ErrorKind::failed, "empty", "there is no genesis");
            const ledgerd::CheckpointSigner signer(ledgerd::origin_of(first->hash),
                                                   Secret32(some_digest(3)));
            const ledgerd::TreeHead head = transaction.state().tree().head();
            GUILD_CHECK(ledgerd::store::save_checkpoint(
                transaction.file(),
                {.size = head.size, .time = transaction.now(), .note = signer.sign(head)}));
            return Reply{.receipts = {}, .text = "signed"};
          }};
}

Deed Deeds::fails_half_done() {
  const auto draft =
      ledgerd::draft_transfer(new_id(), "treasury", "user/only-here", amount(), "never");
  return {.name = "fails half done", .work = [draft](Transaction& transaction) -> Result<Reply> {
            GUILD_CHECK(transaction.book(*draft));
            GUILD_CHECK(ledgerd::store::insert_audit(transaction.file(), {.time = transaction.now(),
                                                                          .sender = "never",
                                                                          .principal = "never",
                                                                          .action = "never",
                                                                          .subject = "never"}));
            return fail(ErrorKind::conflict, "half_done", "a later step was refused");
          }};
}

}  // namespace guild::simulation
