#!/usr/bin/env bats
# Start, stop and everything that can stand in their way.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031

load home

setup() { make_home; }
teardown() { remove_home; }

nobody_runs() {
  local lock
  for lock in "$GUILD_HOME"/run/*.lock; do ! held "$lock" || return 1; done
}

@test "start makes five daemons ready, stop drains them all" {
  run "$run_system" start
  [ "$status" -eq 0 ]
  for daemon in broker logconsumer ledgerd scheduler gateway; do [[ $output == *"$daemon ready"* ]]; done
  run "$run_system" status
  [ "$status" -eq 0 ]
  [ "$("$guild" status --json | jq -s 'length')" -eq 5 ]
  [ "$("$guild" status --json | jq -s 'all(.ready)')" = true ]
  run "$run_system" stop
  [ "$status" -eq 0 ]
  nobody_runs
  [ ! -e "$GUILD_HOME/run/system.shutdown" ]
  [ -z "$(find "$GUILD_HOME/run" -name '*.ready' -o -name '*.shutdown' -o -name 'bus.sock')" ]
}

@test "touching the shutdown file ends all five with status 0, in reverse order" {
  "$run_system" start
  touch "$GUILD_HOME/run/system.shutdown"
  flock -w 15 -s "$GUILD_HOME/run/supervisor.lock" true
  nobody_runs
  [ ! -e "$GUILD_HOME/run/system.shutdown" ]
  # The supervisor may hear of several ends at once, in any order; the broker saw who left when, and could
  # tell it as long as the log consumer was there.
  run bash -c "grep -o '[a-z]* drained and ended' '$GUILD_HOME/run/supervisor.log' | cut -d' ' -f1 | sort | xargs"
  [ "$output" = "broker gateway ledgerd logconsumer scheduler" ]
  run bash -c "'$guild' logs query --daemon broker --grep left --limit 100 2>/dev/null | grep -oE '(gateway|scheduler|ledgerd) left' | xargs"
  [ "$output" = "gateway left scheduler left ledgerd left" ]
  grep -q 'logconsumer left' "$GUILD_HOME/run/broker.out"
}

@test "a second start says that it runs, and starts nothing" {
  "$run_system" start
  before=$(pid_of broker)
  run "$run_system" start
  [ "$status" -eq 0 ]
  [[ $output == *"already running"* ]]
  [ "$(pid_of broker)" = "$before" ]
}

@test "stop where nothing runs is fine and says so" {
  run "$run_system" stop
  [ "$status" -eq 0 ]
  [[ $output == *"not running"* ]]
}

@test "it works from any folder and restarts" {
  cd /
  "$run_system" start
  before=$(pid_of ledgerd)
  run "$run_system" restart
  [ "$status" -eq 0 ]
  [ "$(pid_of ledgerd)" != "$before" ]
}

@test "stale shutdown, ready and pid files do not hinder a start" {
  mkdir -p "$GUILD_HOME/run"
  touch -d '1 hour ago' "$GUILD_HOME/run/system.shutdown" "$GUILD_HOME/run/ledgerd.shutdown" "$GUILD_HOME/run/broker.ready"
  echo 999999 >"$GUILD_HOME/run/broker.lock"
  chmod 700 "$GUILD_HOME/run"
  run "$run_system" start
  [ "$status" -eq 0 ]
  [[ $output == *"stale"* ]]
  [ ! -e "$GUILD_HOME/run/ledgerd.shutdown" ]
}

@test "a missing key stops the start before anything runs, and names it" {
  rm -r "$GUILD_HOME/keys"
  run "$run_system" start
  [ "$status" -eq 1 ]
  [[ $output == *"keys init"* ]]
  [ -z "$(find "$GUILD_HOME/run" -name '*.ready')" ]
}

@test "an unknown setting stops the start with the nearest known one" {
  printf '[gateway]\nprot = 0\n' >"$GUILD_HOME/guild.toml"
  run "$run_system" start
  [ "$status" -eq 1 ]
  [[ $output == *prot* && $output == *port* ]]
}

@test "a secret that others can read stops the start, with the command that mends it" {
  chmod 644 "$GUILD_HOME/keys/ledgerd/database.key"
  run "$run_system" start
  [ "$status" -eq 1 ]
  [[ $output == *"database.key"* && $output == *"chmod 600"* ]]
}

@test "a taken port names the gateway and the cause, and what was started is stopped" {
  coproc holder { exec python3 -c 'import socket,sys; s=socket.socket(); s.bind(("127.0.0.1",0)); s.listen(); print(s.getsockname()[1], flush=True); sys.stdin.read()'; }
  read -r port <&"${holder[0]}"
  printf '[gateway]\nport = %s\n' "$port" >"$GUILD_HOME/guild.toml"
  run "$run_system" start
  kill "$holder_PID"
  [ "$status" -eq 1 ]
  [[ $output == *gateway* && $output == *"$port"* ]]
  nobody_runs
}

@test "a plain SQLite file in a database's place is refused untouched" {
  mkdir -m 700 "$GUILD_HOME/data"
  sqlite3 "$GUILD_HOME/data/ledger.db" 'CREATE TABLE t(x); INSERT INTO t VALUES(1)'
  chmod 600 "$GUILD_HOME/data/ledger.db"
  before=$(sha256sum "$GUILD_HOME/data/ledger.db")
  run "$run_system" start
  [ "$status" -eq 1 ]
  [[ $output == *"ledger.db"* ]]
  [ "$(sha256sum "$GUILD_HOME/data/ledger.db")" = "$before" ]
}

@test "a daemon that is killed comes back; a daemon that drained does not" {
  "$run_system" start
  before=$(pid_of scheduler)
  kill -KILL "$before"
  restarted() { [ "$(pid_of scheduler)" != "$before" ] && "$guild" status --daemon scheduler --wait 10s; }
  eventually restarted
  touch "$GUILD_HOME/run/gateway.shutdown"
  flock -w 10 -s "$GUILD_HOME/run/gateway.lock" true
  eventually grep -q 'gateway drained and ended' "$GUILD_HOME/run/supervisor.log"
  run "$guild" status
  [ "$status" -eq 1 ]
}

@test "a daemon that keeps dying is given up, loudly" {
  "$run_system" start
  crash() {
    local pid
    pid=$(pid_of gateway)
    kill -KILL "$pid" 2>/dev/null || true
    grep -q 'GIVING UP on gateway' "$GUILD_HOME/run/supervisor.log"
  }
  eventually crash
  [ -e "$GUILD_HOME/run/gateway.gave-up" ]
}

@test "two homes run side by side" {
  "$run_system" start
  first=$GUILD_HOME
  make_home
  run "$run_system" start
  [ "$status" -eq 0 ]
  "$run_system" stop
  remove_home
  GUILD_HOME=$first
  "$guild" status
}

@test "usage is told with status 2" {
  run "$run_system" dance
  [ "$status" -eq 2 ]
}
