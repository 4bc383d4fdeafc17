#!/usr/bin/env bash
# Prints the directory of newer clients than this machine's packages have, for the tests: `trixie` and `forky` in it hold
# containerd's programs of those Debian releases, and forky Docker's daemon as well. Fetched once into
# ~/.cache/berth/clients, then reused.
set -euo pipefail

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/berth/clients

main() {
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  # 1.7, and 2.1: the first whose ctr leaves images to the daemon.
  have trixie containerd
  have forky containerd docker.io
  echo "$cache"
}

have() {
  local suite=$1
  shift
  [ -e "$cache/$suite" ] && return
  rm -rf "$cache/$suite.new"
  "$(dirname "$0")/fetch-packages.sh" "$suite" "$cache/$suite.new" "$@"
  mv "$cache/$suite.new" "$cache/$suite"
}

main
