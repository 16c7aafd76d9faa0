#include "common/host/host.hpp"
#include "scheduler/service.hpp"

int main(int argc, char** argv) {
  return guild::host::run("scheduler", argc, argv, guild::scheduler::Service::start);
}
