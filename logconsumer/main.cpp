#include "common/host/host.hpp"
#include "logconsumer/service.hpp"

int main(int argc, char** argv) {
  return guild::host::run("logconsumer", argc, argv, guild::logconsumer::start);
}
