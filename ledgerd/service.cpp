#include "ledgerd/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/log/log.hpp"
#include "keys/keyring.hpp"
#include "ledgerd/genesis.hpp"
#include "ledgerd/history.hpp"
#include "ledgerd/schema.hpp"

namespace guild::ledgerd {
namespace {

/// Events of the commits in so much time are read and published together.
constexpr Duration gather_for = std::chrono::milliseconds(2);

std::string topic_of(const messages::Entry& entry) { return "ledger/entry/" + entry.account.value; }

/// From memory, or from the file when they are no longer there. Read and written out where nobody
/// waits for it.
Result<Outbox::Events> read_events(Recent& recent, storage::Connection& file, std::int64_t after) {
  auto entries = recent.take_legs_after(after, Outbox::batch_legs);
  if (!entries) {
    GUILD_TRY(entries, read_legs_after(file, after, Outbox::batch_legs));
  }
  Outbox::Events events;
  events.reserve(entries->size());
  for (const messages::Entry& entry : *entries)
    events.push_back(
        {.seq = entry.seq, .topic = topic_of(entry), .payload = messages::encode(entry)});
  return events;
}

/// A timer that ends with its callback.
void call_after(host::Host& host, Duration delay, std::function<void()> call) {
  auto timer = std::make_shared<boost::asio::steady_timer>(host.loop(), delay);
  timer->async_wait([timer, call = std::move(call)](const boost::system::error_code& problem) {
    if (!problem) call();
  });
}

Result<Credentials> load_credentials(const host::Host& host) {
  const auto keys = host.home().keys();
  GUILD_TRY(const Secret32 hashing_key, keys::load_credentials_key(keys));
  GUILD_TRY(const Digest token_hash, keys::load_operator_token_hash(keys, host.name()));
  return Credentials(hashing_key, token_hash);
}

Result<Recovered> recover_and_tell(storage::Connection& file) {
  const auto begin = std::chrono::steady_clock::now();
  GUILD_TRY(Recovered recovered, recover(file));
  const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  GUILD_LOG(info, "recovery", "{} postings on {} accounts are sound, read in {} ms",
            recovered.book.head().seq, recovered.book.accounts().size(), taken.count());
  return recovered;
}

}  // namespace

struct Service::Parts {
  std::unique_ptr<storage::Connection> writing, reading, publishing, resuming, verifying;
  Recovered recovered;
  Credentials credentials;
};

Result<std::unique_ptr<host::Service>> Service::start(host::Host& host) {
  GUILD_TRY(Credentials credentials, load_credentials(host));
  GUILD_TRY(auto writing, host.open_database(database_name, schema()));
  GUILD_TRY(Recovered recovered, recover_and_tell(*writing));
  GUILD_TRY(auto reading, host.open_reader(database_name));
  GUILD_TRY(auto publishing, host.open_reader(database_name));
  GUILD_TRY(auto resuming, host.open_reader(database_name));
  GUILD_TRY(auto verifying, host.open_reader(database_name));
  const auto recorded = recovered.economy;
  const std::int64_t signed_size = recovered.signed_size;
  std::unique_ptr<Service> service(new Service(host, {.writing = std::move(writing),
                                                      .reading = std::move(reading),
                                                      .publishing = std::move(publishing),
                                                      .resuming = std::move(resuming),
                                                      .verifying = std::move(verifying),
                                                      .recovered = std::move(recovered),
                                                      .credentials = std::move(credentials)}));
  service->signed_size_ = signed_size;
  GUILD_CHECK(service->open_book(recorded));
  service->serve();
  service->tick();
  GUILD_CHECK(service->start_maker());
  return service;
}

Service::Service(host::Host& host, Parts parts)
    : host_(host),
      constants_(host.settings().economy),
      economy_{constants_.genesis_grant, constants_.treasury_grant, economy::text_of(constants_)},
      next_expiry_(parts.recovered.book.holds().next_expiry()),
      ticker_(host.loop()),
      credentials_(std::move(parts.credentials)),
      view_(parts.recovered.book),
      reader_(std::move(parts.reading), reads_waiting_max),
      publisher_(std::move(parts.publishing), reads_waiting_max, Reader::Haste::low),
      resuming_(std::move(parts.resuming), resumptions_waiting_max, Reader::Haste::low),
      verifier_(std::move(parts.verifying), verifications_waiting_max),
      outbox_(parts.recovered.published, parts.recovered.book.head().seq, outbox_ports()) {
  for (CredentialRecord& record : parts.recovered.credentials) credentials_.add(std::move(record));
  for (BotRecord& bot : parts.recovered.bots) {
    if (bot.status == BotStatus::DEAD) credentials_.bury(bot.handle);
    view_.add_bot(std::move(bot));
  }
  journal_ = std::make_unique<Journal>(std::move(parts.writing), std::move(parts.recovered.book),
                                       std::move(parts.recovered.tails),
                                       std::move(parts.recovered.unsaved), journal_options());
}

Journal::Options Service::journal_options() {
  Journal::Options options;
  options.writer.spin = std::chrono::microseconds(host_.settings().ledgerd.spin_us.value);
  options.on_commit = [this](Committed committed) {
    host_.post([this, committed = std::move(committed)] {
      view_.apply(committed);
      next_expiry_ = committed.next_expiry;
      publish_soon();
    });
  };
  options.on_lost = [this](const Error& error) {
    host_.post([this, error] { host_.stop(error); });
  };
  return options;
}

Result<void> Service::open_book(const std::optional<store::Economy>& recorded) {
  GUILD_TRY(const EconomyChange change, keep_economy(*journal_, recorded, economy_));
  if (change == EconomyChange::genesis)
    GUILD_LOG(info, "genesis", "a new book: the treasury has {}", economy_.treasury_grant.text());
  if (change == EconomyChange::changed)
    GUILD_LOG(warn, "genesis",
              "the economic constants were changed, for what comes from now on; the treasury's "
              "grant was booked once and stays: {}",
              economy_.constants);
  GUILD_TRY(const auto signing, keys::load_signing(host_.home().keys()));
  Digest first{};
  GUILD_CHECK(journal_->run([&first](Transaction& transaction) -> Result<void> {
    GUILD_TRY(const auto genesis, store::find_posting(transaction.file(), 1));
    if (genesis) first = genesis->hash;
    return {};
  }));
  signer_.emplace(origin_of(first), signing.seed);
  return {};
}

/// Answers go first: reading what was booked for the events of each commit alone would cost those
/// who wait for an answer more than the commit does.
void Service::publish_soon() {
  if (std::exchange(is_publishing_planned_, true)) return;
  call_after(host_, gather_for, [this] {
    is_publishing_planned_ = false;
    outbox_.committed(view_.head().size);
  });
}

void Service::tick() {
  const auto nothing = [](Transaction&) -> Result<void> { return {}; };
  // A job of any kind voids what has expired. Refused: the next one, or the next tick, does.
  if (next_expiry_ && *next_expiry_ <= now() && !journal_->submit(nothing, {}))
    GUILD_LOG(debug, "holds", "expired holds wait: the writer is full");
  settle_markets();
  sign_checkpoint();
  ticker_.expires_after(std::chrono::seconds(1));
  ticker_.async_wait([this](const boost::system::error_code& problem) {
    if (!problem) tick();
  });
}

void Service::sign_checkpoint() {
  const TreeHead head = view_.head();
  if (!signer_ || head.size <= signed_size_) return;
  const auto done = [this, size = head.size](const Result<void>& outcome) {
    host_.post([this, size, outcome] {
      if (outcome) signed_size_ = std::max(signed_size_, size);
    });
  };
  // What is not written now is written by the next tick, of a larger book.
  const auto submitted = journal_->submit(
      [head, note = signer_->sign(head)](Transaction& transaction) {
        return store::save_checkpoint(transaction.file(),
                                      {.size = head.size, .time = transaction.now(), .note = note});
      },
      done);
  if (!submitted) GUILD_LOG(debug, "checkpoint", "{}", submitted.error().text());
}

void Service::serve() {
  serve("transfer", &Service::transfer);
  host_.serve_raw("transfers", [this](std::string_view payload, bus::Responder responder) {
    transfers(payload, std::move(responder));
  });
  serve("hold", &Service::hold);
  serve("hold-post", &Service::post_hold);
  serve("hold-void", &Service::void_hold);
  serve("floor", &Service::set_floor);
  serve("account-close", &Service::close_account);
  serve("account-reopen", &Service::reopen_account);
  serve("posting", &Service::posting);
  serve("checkpoint", &Service::checkpoint);
  serve("proof", &Service::proof);
  serve("charge", &Service::charge);
  serve("balance", &Service::balance);
  serve("entries", &Service::entries);
  serve("events", &Service::events);
  serve("audit", &Service::audit);
  serve("verify", &Service::verify);
  serve("bot-create", &Service::create_bot);
  serve("bot-list", &Service::list_bots);
  serve("bot-show", &Service::show_bot);
  serve("authenticate", &Service::authenticate);
  serve("token", &Service::token);
  serve("bot-rotate", &Service::rotate_bot);
  serve("bot-retire", &Service::retire_bot);
  serve("bot-liquidate", &Service::liquidate_bot);
  serve("bot-revive", &Service::revive_bot);
  serve("bot-set", &Service::set_bot);
  serve("bot-sync-keys", &Service::sync_keys);
  serve("grant-add", &Service::add_grant);
  serve("grant-revoke", &Service::revoke_grant);
  serve("grant-list", &Service::list_grants);
  serve("permit-request", &Service::request_permit);
  serve("permit-settle", &Service::settle_permit);
  serve("approval-list", &Service::list_approvals);
  serve("approval-allow", &Service::allow_approval);
  serve("approval-deny", &Service::deny_approval);
  serve_economy();
  serve("arena-observe", &Service::observe);
  serve("arena-act", &Service::act_in_arena);
  host_.on_session([this](const bus::SessionEvent& event) {
    outbox_.session_changed(event.state == bus::SessionState::connected);
  });
  host_.on_room([this] { outbox_.room(); });
}

Outbox::Ports Service::outbox_ports() {
  Outbox::Ports ports;
  ports.fetch = [this](std::int64_t after,
                       const std::function<void(Result<Outbox::Events>)>& take) {
    const auto submitted =
        publisher_.submit([this, after, take](storage::Connection& file, const std::stop_token&) {
          auto events = read_events(journal_->recent(), file, after);
          host_.post([take, events = std::move(events)]() mutable { take(std::move(events)); });
        });
    if (!submitted) host_.post([take, error = submitted.error()] { take(fail(error)); });
  };
  ports.publish = [this](const Outbox::Event& event, Outbox::OnDone accepted) {
    return host_.bus().publish(event.topic, event.payload, std::move(accepted));
  };
  ports.keep_mark = [this](std::int64_t seq, const Outbox::OnDone& kept) {
    const auto done = [this, kept](const Result<void>& outcome) {
      host_.post([kept, outcome] { kept(outcome); });
    };
    const auto submitted = journal_->submit(
        [seq](Transaction& transaction) {
          return store::set_mark(transaction.file(), store::outbox_mark, seq);
        },
        done);
    if (!submitted) done(submitted);
  };
  ports.call_after = [this](Duration delay, std::function<void()> call) {
    call_after(host_, delay, std::move(call));
  };
  ports.complain = [](const Error& error) {
    GUILD_LOG(warn, "outbox", "{}; tried again", error.text());
  };
  return ports;
}

void Service::drain(std::function<void()> done) {
  if (maker_) maker_->stop();
  verifier_.request_stop();
  ticker_.cancel();
  journal_->drain();
  sign_checkpoint();
  if (const auto saved = journal_->save(); !saved)
    GUILD_LOG(warn, "recovery", "the next start reads more postings: {}", saved.error().text());
  // Short: the host takes no more requests, and what waits is one group.
  journal_->drain();
  // The answers to writes and reads were posted before this.
  const auto go_on = [this, done = std::move(done)] {
    outbox_.committed(view_.head().size);
    outbox_.drain(done);
  };
  const auto after_reads = [this, go_on](storage::Connection&, const std::stop_token&) {
    host_.post(go_on);
  };
  if (!reader_.submit(after_reads)) host_.post(go_on);
}

std::map<std::string, std::int64_t> Service::counters() const {
  const auto writer = journal_->counters();
  const auto count = [](auto value) { return static_cast<std::int64_t>(value); };
  std::map<std::string, std::int64_t> counters{{"entries", view_.head().size},
                                               {"accounts", count(view_.accounts())},
                                               {"bots", count(view_.bots().size())},
                                               {"ids", view_.ids()},
                                               {"open_holds", view_.open_holds()},
                                               {"refused", refused_},
                                               {"verifications", verifications_},
                                               {"ticks", ticks_},
                                               {"markets_settled", settled_},
                                               {"settlings_refused", settlings_refused_},
                                               {"events_published", outbox_.events()},
                                               {"events_waiting_postings", outbox_.waiting()},
                                               {"reads_waiting", count(reader_.waiting())},
                                               {"write_groups", count(writer.groups)},
                                               {"write_groups_failed", count(writer.failed_groups)},
                                               {"write_retries", count(writer.connection.retries)}};
  if (maker_) maker_->add_counters(counters);
  return counters;
}

}  // namespace guild::ledgerd
