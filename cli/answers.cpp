#include "cli/answers.hpp"

#include "cli/bench_worker.hpp"

#include "common/messages/codec_impl.hpp"

namespace guild::messages {

GUILD_MESSAGE(cli::MadeFile);
GUILD_MESSAGE(cli::KeyLine);
GUILD_MESSAGE(cli::KeyPermission);
GUILD_MESSAGE(cli::ConfigVerdict);
GUILD_MESSAGE(cli::DaemonStatus);
GUILD_MESSAGE(cli::Finding);
GUILD_MESSAGE(cli::DatabaseStatus);
GUILD_MESSAGE(cli::DatabaseVerdict);
GUILD_MESSAGE(cli::BusMessage);
GUILD_MESSAGE(cli::Pong);
GUILD_MESSAGE(cli::BusBench);
GUILD_MESSAGE(cli::LedgerBench);
GUILD_MESSAGE(cli::EchoBench);
GUILD_MESSAGE(cli::BenchReport);
GUILD_MESSAGE(cli::Emitted);
GUILD_MESSAGE(cli::TaskRun);
GUILD_MESSAGE(host::Settings);

}  // namespace guild::messages
