#!/usr/bin/env bash
# What scripts/embed_migrations refuses: each names the file and the cause, and leaves no header.
#   embed_migrations_test.sh PATH_OF_EMBED_MIGRATIONS
set -euo pipefail
embed=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
failures=0

printf 'SELECT 1;\n' >0001_good.sql
printf 'SELECT 2;\n' >0003_gap.sql
printf 'SELECT 1;\r\n' >0001_cr.sql
printf 'SELECT 1;\0\n' >0001_nul.sql
printf 'SELECT \377;\n' >0001_latin.sql
: >0001_empty.sql
printf 'SELECT 1;\n' >1_short.sql

# refuses CAUSE ARGUMENTS...
refuses() {
  local cause=$1 said
  shift
  if said=$("$embed" "$@" 2>&1); then
    echo "taken, but must be refused: $*"
    failures=$((failures + 1))
  elif [[ $said != *"$cause"* ]]; then
    echo "expected '$cause' for: $*; it said: $said"
    failures=$((failures + 1))
  fi
  if compgen -G 'out.hpp*' >/dev/null; then
    echo "left a header behind: $*"
    failures=$((failures + 1))
    rm -f out.hpp*
  fi
}

refuses 'usage' daemon out.hpp
refuses 'namespace' 'Bad-Name' out.hpp 0001_good.sql
refuses '0003_gap.sql: expected number 2' daemon out.hpp 0001_good.sql 0003_gap.sql
refuses '0001_cr.sql: has CR' daemon out.hpp 0001_cr.sql
refuses '0001_nul.sql: has a NUL' daemon out.hpp 0001_nul.sql
refuses '0001_latin.sql: not UTF-8' daemon out.hpp 0001_latin.sql
refuses '0001_empty.sql: empty' daemon out.hpp 0001_empty.sql
refuses '1_short.sql: expected a name like' daemon out.hpp 1_short.sql
refuses '0001_missing.sql: ' daemon out.hpp 0001_missing.sql

"$embed" daemon out.hpp 0001_good.sql
grep -q 'namespace guild::daemon' out.hpp || failures=$((failures + 1))
exit "$((failures > 0))"
