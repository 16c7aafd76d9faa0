#include "common/host/host.hpp"
#include "gateway/service.hpp"

int main(int argc, char** argv) {
  return guild::host::run("gateway", argc, argv, guild::gateway::start);
}
