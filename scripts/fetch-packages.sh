#!/usr/bin/env bash
# Unpacks packages of a Debian release other than this machine's into a directory, and touches nothing of the system: with
# an apt that has lists and a package database of its own. --with-libraries brings along all that the packages depend on.
# usage: fetch-packages.sh [--with-libraries] SUITE DIRECTORY PACKAGE...
set -euo pipefail
export LC_ALL=C

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

main() {
  local libraries=
  if [ "${1:-}" = --with-libraries ]; then libraries=yes; shift; fi
  [ "$#" -ge 3 ] || { echo "usage: $0 [--with-libraries] SUITE DIRECTORY PACKAGE..." >&2; exit 2; }
  local suite=$1 directory=$2
  shift 2
  command -v apt-get dpkg-deb >/dev/null || refuse "this is no Debian or Ubuntu: $* of Debian $suite cannot be fetched."
  [ -e "$keyring" ] || refuse "$keyring is missing: apt-get install debian-archive-keyring."
  work=$(mktemp -d)
  # Not local: the trap runs when this function is over.
  trap 'rm -rf "$work"' EXIT
  echo "Fetching $* from Debian $suite ..." >&2
  fetch "$suite" "$libraries" "$@" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; refuse "cannot fetch $* from Debian $suite."; }
  mkdir -p "$directory"
  local package
  for package in "$work"/archives/*.deb; do dpkg-deb -x "$package" "$directory"; done
  for package in "$@"; do basename "$work/archives/${package}_"*.deb; done >&2
}

fetch() {
  local suite=$1 libraries=$2
  shift 2
  mkdir -p "$work/lists/partial" "$work/cache" "$work/archives/partial"
  # An empty one, so that every library comes along where it is to.
  : >"$work/status"
  echo "deb [signed-by=$keyring] $("$(dirname "$0")/debian-mirror.sh") $suite main" >"$work/sources.list"
  local options=(
    -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::State::extended_states="$work/extended"
    -o Dir::Cache="$work/cache" -o Dir::Cache::archives="$work/archives"
    -o APT::Sandbox::User= -o APT::Install-Recommends=false -o Acquire::Retries=3
  )
  apt-get "${options[@]}" update
  if [ -n "$libraries" ]; then apt-get "${options[@]}" install --yes --download-only "$@"
  else (cd "$work/archives" && apt-get "${options[@]}" download "$@"); fi
}

refuse() {
  echo "$0: $1" >&2
  exit 1
}

main "$@"
