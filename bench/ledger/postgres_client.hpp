// A client of PostgreSQL as its makers recommend for speed: one connection, a statement that is
// prepared once, parameters and answer in binary form, one round trip a transfer. It does not
// reconnect and does not try again: what the server refuses is an error, told in its words. Source:
// libpq-fe.h 15.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <libpq-fe.h>

#include "common/base/result.hpp"
#include "common/base/uuid.hpp"

namespace guild::bench {

struct PostgresTransfer {
  Uuid id;
  std::int32_t debit = 0, credit = 0;  ///< Two different accounts, numbered from 1.
  std::int64_t amount = 0;             ///< > 0
};

class PostgresClient {
 public:
  /// `where` as libpq takes it: "host=FOLDER user=NAME dbname=NAME".
  static Result<PostgresClient> connect(const std::string& where);

  /// Durable once it is answered. An error when anything but one new booking came of it.
  Result<void> transfer(const PostgresTransfer& transfer);

 private:
  using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

  explicit PostgresClient(Connection connection) : connection_(std::move(connection)) {}
  std::unexpected<Error> problem(std::string_view action) const;

  Connection connection_;
};

}  // namespace guild::bench
