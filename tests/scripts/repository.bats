#!/usr/bin/env bats
# What must be true of the repository itself.
# shellcheck shell=bash disable=SC2154,SC2016

load home

@test "no key material is in the repository" {
  cd "$checkout"
  run git ls-files -- '*.key' '*.secret' '*.token' '*authorized_clients.toml' '*.db' '*.env'
  [ -z "$output" ]
  # 64 hex digits that stand alone are how our secrets look on disk.
  run git grep -lIE '^[0-9a-f]{64}$' -- keys scripts common broker ledgerd scheduler logconsumer gateway cli
  [ -z "$output" ]
}

@test "what keys init makes is for its owner alone, and never overwritten" {
  make_home
  loose=$(find "$GUILD_HOME/keys" \( -type d ! -perm 0700 \) -o \( -type f ! -perm 0600 \))
  before=$(find "$GUILD_HOME/keys" -type f -exec sha256sum {} + | sort)
  run "$guild" keys init
  after=$(find "$GUILD_HOME/keys" -type f -exec sha256sum {} + | sort)
  remove_home
  [ -z "$loose" ]
  [ "$status" -ne 0 ]
  [ "$before" = "$after" ]
}

@test "keys init prints no secret" {
  GUILD_HOME=$(mktemp -d /tmp/guild.XXXXXX)
  export GUILD_HOME
  run "$guild" keys init
  [ "$status" -eq 0 ]
  leaked=
  while read -r secret; do
    [[ $output != *"$(<"$secret")"* ]] || leaked+=" $secret"
  done < <(find "$GUILD_HOME/keys" -type f ! -name '*.public' ! -name '*.toml')
  remove_home
  [ -z "$leaked" ]
}

@test "setup does nothing, fast, when nothing is missing" {
  run "$checkout/scripts/setup"
  [ "$status" -eq 0 ]
  [ -z "$output" ]
}

@test "every document that the README names is there" {
  cd "$checkout"
  while read -r file; do [ -e "$file" ] || { echo "missing: $file"; return 1; }; done < <(
    grep -oE '\]\([A-Za-z0-9/_.-]+\)' README.md | tr -d '()]')
}

@test "each place that ARCHITECTURE.md sends a reader to is there" {
  cd "$checkout"
  missing=
  while read -r place; do
    case $place in '<'*) continue ;; esac
    compgen -G "${place//<daemon>/ledgerd}" >/dev/null || missing+=" $place"
  done < <(sed -n '/^| X | Y |/,/^$/p' ARCHITECTURE.md | awk -F'|' '{print $3}' | grep -oE '`[^`]+`' | tr -d '`' | grep / | sed 's/<noun>/bot/')
  [ -z "$missing" ] || { echo "not there:$missing"; return 1; }
}
