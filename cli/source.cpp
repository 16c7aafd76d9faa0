#include "cli/source.hpp"

#include <fmt/format.h>

namespace guild::cli {

Result<Source> Source::open(Context& context, const Database& database,
                            std::span<const storage::Migration> schema) {
  Source source(context, database, schema);
  auto session = Session::open(context);
  if (session)
    source.session_.emplace(std::move(*session));
  else if (is_broker_down(session.error()))
    GUILD_CHECK(source.file(session.error()));
  else
    return fail(std::move(session).error());
  return source;
}

Result<storage::Connection*> Source::file(const std::optional<Error>& why) {
  if (file_) return file_.get();
  GUILD_TRY(const host::Home home, context_->home());
  GUILD_TRY(const host::Settings settings, context_->settings(home));
  auto connection = open_to_read(home, settings, *database_);
  if (connection) {
    if (auto fits = storage::require_schema(**connection, schema_); !fits)
      connection = fail(std::move(fits).error());
  }
  if (!connection && why)
    return fail(std::move(connection).error().while_doing(why->message + ", and its file"));
  if (!connection) return fail(std::move(connection).error());
  file_ = *std::move(connection);
  if (why)
    context_->out.say(fmt::format("{}; reading {} itself", why->message, file_->path().string()));
  return file_.get();
}

}  // namespace guild::cli
