// Source: where a read comes from: the daemon over the bus, or, when it does not answer, its file,
// read by the daemon's own code. Both answer the same. Whether it is the file is told on stderr
// once.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "cli/databases.hpp"
#include "cli/session.hpp"
#include "common/storage/connection.hpp"
#include "common/storage/migrations.hpp"

namespace guild::cli {

class Source {
 public:
  /// `schema` is what the file must have for our code to read it.
  static Result<Source> open(Context& context, const Database& database,
                             std::span<const storage::Migration> schema);

  /// `read` answers from the file what `name` answers over the bus.
  template <class Answer, class Request, class Read>
  Result<Answer> ask(std::string_view name, const Request& request, Duration limit,
                     const Read& read) {
    std::optional<Error> why;
    if (session_ && !file_) {
      auto answer = session_->ask<Answer>(name, request, limit);
      if (answer || !is_daemon_down(answer.error())) return answer;
      why = answer.error();
    }
    GUILD_TRY(storage::Connection* const connection, file(why));
    return read(*connection);
  }

  /// Null when there is no bus.
  Session* session() { return session_ ? &*session_ : nullptr; }

 private:
  Source(Context& context, const Database& database, std::span<const storage::Migration> schema)
      : context_(&context), database_(&database), schema_(schema) {}
  Result<storage::Connection*> file(const std::optional<Error>& why);

  Context* context_;
  const Database* database_;
  std::span<const storage::Migration> schema_;
  std::optional<Session> session_;
  std::unique_ptr<storage::Connection> file_;
};

}  // namespace guild::cli
