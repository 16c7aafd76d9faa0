#include "common/host/host.hpp"
#include "ledgerd/service.hpp"

int main(int argc, char** argv) {
  return guild::host::run("ledgerd", argc, argv, guild::ledgerd::Service::start);
}
