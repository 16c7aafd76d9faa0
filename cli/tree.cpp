#include "cli/nouns.hpp"

namespace guild::cli {

std::unique_ptr<Command> guild_command() {
  auto root = std::make_unique<Command>("guild", "Guildhall: run it, look into it, act in it");
  add_status(*root);
  add_doctor(*root);
  add_bus(*root);
  add_logs(*root);
  add_ledger(*root);
  add_bot(*root);
  add_grant(*root);
  add_permit(*root);
  add_approval(*root);
  add_market(*root);
  add_oracle(*root);
  add_feed(*root);
  add_task(*root);
  add_db(*root);
  add_keys(*root);
  add_config(*root);
  add_completion(*root);
  return root;
}

}  // namespace guild::cli
