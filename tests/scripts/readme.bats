#!/usr/bin/env bats
# Each command that the README and docs/operations.md show is run, as it stands, against a real suite.
# shellcheck shell=bash disable=SC2154

load home

# Lines of the document's sh blocks, without their comments.
commands_of() { awk '/^```sh/ { on = 1; next } /^```/ { on = 0 } on' "$1" | sed 's/  *#.*//' | grep -v '^$'; }

# Those that this very test run is part of, that ask for a person, or that end the suite.
is_left_out() {
  case $1 in
    scripts/test* | scripts/quickstart | 'scripts/run_system '* | *' -f') return 0 ;;
    *) return 1 ;;
  esac
}

run_commands() {
  local line left_out=0 ran=0
  while read -r line; do
    if is_left_out "$line"; then left_out=$((left_out + 1)); continue; fi
    # The documents speak of the default home and port; this suite has its own.
    line=${line//run\/keys/$GUILD_HOME\/keys}
    line=${line//127.0.0.1:8787/127.0.0.1:$(<"$GUILD_HOME/run/gateway.port")}
    [[ $line != guild\ * ]] || line="scripts/$line"
    echo "+ $line"
    bash -euo pipefail -c "$line" </dev/null || { echo "failed: $line"; return 1; }
    ran=$((ran + 1))
  done < <(commands_of "$1")
  ((ran > 0))
}

setup() {
  make_home
  cd "$checkout" || return 1
  "$run_system" start
}
teardown() { remove_home; }

@test "the README's commands work" { run_commands README.md; }
@test "docs/operations.md's commands work" { run_commands docs/operations.md; }

@test "quickstart's job is done on a running suite, and again" {
  for _ in 1 2; do
    run scripts/quickstart
    [ "$status" -eq 0 ]
    [[ $output == *"hello from the quickstart"* ]]
    [[ $output == *"the task says"* ]]
    [[ $output == *CHARGE* ]]
  done
}
