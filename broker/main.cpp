#include "broker/service.hpp"
#include "common/host/host.hpp"

int main(int argc, char** argv) {
  return guild::host::run("broker", argc, argv, guild::broker::Service::start);
}
