# shellcheck shell=bash
# What the scripts share: where things are, how they speak, how a build is made. Sourced, never run.

checkout=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
build_root=${GUILDHALL_BUILD:-$checkout/build}
# shellcheck disable=SC2034  # Used by those who source this.
daemons=(broker logconsumer ledgerd scheduler gateway)

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$(basename -- "$0"): $*"
  exit 1
}

# as_root COMMAND… : by sudo where that is needed.
as_root() {
  if ((EUID == 0)); then "$@"; return; fi
  command -v sudo >/dev/null || die "only root can do this, and there is no sudo: $*"
  sudo "$@"
}

# missing_packages LIST : those of a list of Debian packages (scripts/packages has the form) that are not
# installed.
missing_packages() {
  local package command installed
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' 2>/dev/null | awk '$2 == "installed" { print $1 }')
  while read -r package command; do
    [[ -z $package || $package == \#* ]] && continue
    if [[ -n $command ]] && PATH=$PATH:/usr/sbin command -v "$command" >/dev/null; then continue; fi
    grep -qxF -- "$package" <<<"$installed" || printf '%s\n' "$package"
  done <"$1"
}

# install_missing LIST : installs those. Fast when none is missing.
install_missing() {
  local missing=()
  mapfile -t missing < <(missing_packages "$1")
  ((${#missing[@]})) || return 0
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  as_root apt-get update -qq || die "apt-get update failed; is a Debian mirror reachable?"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
}

# ready_benches : the parts of bench/ whose peers are installed, as meson's option takes them: bus,ledger
ready_benches() {
  local list ready=()
  for list in "$checkout"/bench/*/packages; do
    [[ -n $(missing_packages "$list") ]] || ready+=("$(basename -- "${list%/packages}")")
  done
  (IFS=, && printf '%s\n' "${ready[*]}")
}

# The folder with the five daemons and the guild command: installed, or this checkout's release build.
bin_dir() {
  if [[ -x $checkout/libexec/guild-broker ]]; then
    printf '%s\n' "$checkout/libexec"
  else
    printf '%s\n' "${GUILDHALL_BIN:-$build_root/release/bin}"
  fi
}

# The home: where config, keys, data and the running state live.
export GUILD_HOME=${GUILD_HOME:-$checkout/run}

# configure NAME COMPILER MESON_OPTION… : makes or keeps build/NAME; the options are part of the name.
configure() {
  local name=$1 compiler=$2
  shift 2
  local dir=$build_root/$name cc cxx
  case $compiler in
    g++) cc=gcc cxx=g++ ;;
    clang++) cc=clang-19 cxx=clang++-19 ;;
    *) die "unknown compiler $compiler" ;;
  esac
  if command -v ccache >/dev/null; then cc="ccache $cc" cxx="ccache $cxx"; fi
  if [[ -f $dir/build.ninja && $(cat "$dir/.options" 2>/dev/null) == "$cxx $*" ]]; then
    # A meson.build may have changed: what is asked of the build next must know of it.
    ninja -C "$dir" build.ninja >"$build_root/$name.configure.log" 2>&1 && return
  fi
  rm -rf -- "$dir"
  mkdir -p -- "$build_root"
  CC=$cc CXX=$cxx meson setup "$dir" "$checkout" "$@" >"$build_root/$name.configure.log" 2>&1 ||
    { tail -n 30 "$build_root/$name.configure.log" >&2; die "meson setup of $dir failed; see $build_root/$name.configure.log"; }
  printf '%s' "$cxx $*" >"$dir/.options"
}

# compile NAME [TARGET…] : builds build/NAME with a progress line on a terminal, the log otherwise.
compile() {
  local name=$1
  shift
  local log=$build_root/$name.log
  if [[ -t 2 ]]; then
    ninja -C "$build_root/$name" "$@" >&2 || die "the build in $build_root/$name failed"
  else
    ninja -C "$build_root/$name" "$@" >"$log" 2>&1 ||
      { grep -E -A12 'error|FAILED' "$log" | head -n 60 >&2; die "the build in $build_root/$name failed; see $log"; }
  fi
}

# The suite's programs, built for use and linked side by side in build/release/bin. With GUILDHALL_BIN
# set, those programs are used and none are built.
build_suite() {
  [[ -z ${GUILDHALL_BIN:-} ]] || return 0
  configure release g++ -Dbuildtype=release
  compile release suite.stamp
}
