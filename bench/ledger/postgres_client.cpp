#include "bench/ledger/postgres_client.hpp"

#include <array>
#include <bit>
#include <concepts>
#include <cstring>

#include <fmt/format.h>

#include "bench/program.hpp"

namespace guild::bench {
namespace {

constexpr const char* statement = "transfer";
constexpr const char* sql = "SELECT book.transfer($1, $2, $3, $4)";
constexpr int parameter_count = 4;
/// Of pg_type.dat: uuid, int4, int4, int8.
constexpr std::array<Oid, parameter_count> parameter_types{2950, 23, 23, 20};
constexpr int in_binary = 1;

using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

/// Integers go over the wire with the highest byte first.
template <std::integral Integer>
Integer for_wire(Integer value) {
  if constexpr (std::endian::native == std::endian::big) {
    return value;
  } else if constexpr (sizeof value == 8) {
    return static_cast<Integer>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
  } else {
    return static_cast<Integer>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  }
}

/// What transfer() of schema.sql answers: 0 is a new booking; -1 when it is no integer.
std::int32_t outcome_in(const PGresult* answer) {
  std::int32_t outcome = -1;
  if (PQntuples(answer) != 1 || PQgetlength(answer, 0, 0) != sizeof outcome) return outcome;
  std::memcpy(&outcome, PQgetvalue(answer, 0, 0), sizeof outcome);
  return for_wire(outcome);
}

}  // namespace

Result<PostgresClient> PostgresClient::connect(const std::string& where) {
  PostgresClient client(Connection(PQconnectdb(where.c_str()), &PQfinish));
  PGconn* connection = client.connection_.get();
  if (PQstatus(connection) != CONNECTION_OK) return client.problem("connect");
  const Answer answer(
      PQprepare(connection, statement, sql, parameter_count, parameter_types.data()), &PQclear);
  if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK) return client.problem("prepare");
  return client;
}

Result<void> PostgresClient::transfer(const PostgresTransfer& transfer) {
  const std::int32_t debit = for_wire(transfer.debit), credit = for_wire(transfer.credit);
  const std::int64_t amount = for_wire(transfer.amount);
  const auto bytes_of = [](const auto* value) { return reinterpret_cast<const char*>(value); };
  const std::array<const char*, parameter_count> values{
      bytes_of(transfer.id.bytes.data()), bytes_of(&debit), bytes_of(&credit), bytes_of(&amount)};
  constexpr std::array<int, parameter_count> lengths{sizeof transfer.id.bytes, sizeof debit,
                                                     sizeof credit, sizeof amount};
  constexpr std::array<int, parameter_count> formats{in_binary, in_binary, in_binary, in_binary};
  const Answer answer(PQexecPrepared(connection_.get(), statement, parameter_count, values.data(),
                                     lengths.data(), formats.data(), in_binary),
                      &PQclear);
  if (PQresultStatus(answer.get()) != PGRES_TUPLES_OK) return problem("transfer");
  if (const std::int32_t outcome = outcome_in(answer.get()); outcome != 0)
    return failed("transfer_not_new", fmt::format("a new transfer was answered {}", outcome));
  return {};
}

std::unexpected<Error> PostgresClient::problem(std::string_view action) const {
  std::string words = PQerrorMessage(connection_.get());
  while (words.ends_with('\n')) words.pop_back();
  return failed("postgres_failed", fmt::format("{}: {}", action, words));
}

}  // namespace guild::bench
