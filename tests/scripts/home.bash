# shellcheck shell=bash disable=SC2034
# A home of its own for one bats test, and its end. Loaded by the .bats files.

checkout=$(cd -- "$BATS_TEST_DIRNAME/../.." && pwd)
run_system=$checkout/scripts/run_system
guild=$checkout/scripts/guild

# Short: a socket's path has at most 107 bytes.
make_home() {
  GUILD_HOME=$(mktemp -d /tmp/guild.XXXXXX)
  export GUILD_HOME
  printf '[gateway]\nport = 0\n' >"$GUILD_HOME/guild.toml"
  "$guild" keys init >/dev/null
}

# By pid, whatever the test left.
remove_home() {
  [[ -n ${GUILD_HOME:-} && -d $GUILD_HOME ]] || return 0
  local lock pid
  for lock in "$GUILD_HOME"/run/supervisor.lock "$GUILD_HOME"/run/*.lock; do
    [[ -e $lock ]] || continue
    flock -n -s "$lock" true && continue
    pid=$(tr -dc '0-9\n' <"$lock" | head -n 1)
    [[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true
  done
  rm -rf -- "$GUILD_HOME"
}

pid_of() { tr -dc '0-9\n' <"$GUILD_HOME/run/$1.lock" | head -n 1; }
held() { [[ -e $1 ]] && ! flock -n -s "$1" true; }

# Waits for a condition as long as it takes, at most 20 s; for what no event tells a shell.
eventually() {
  local deadline=$((SECONDS + 20))
  until "$@"; do
    ((SECONDS < deadline)) || { echo "never: $*"; return 1; }
    sleep 0.05
  done
}
