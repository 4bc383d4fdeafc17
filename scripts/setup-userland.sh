#!/usr/bin/env bash
# Prints the path of a tar of a Debian userland: Debian's smallest, as debootstrap installs it, without documentation and
# translations. Made once, then reused from ~/.cache/berth/userland.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C

# The oldest that still gets updates: the tests compare trees with those of its own containerd.
suite=bookworm
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
variant=minbase
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/berth/userland
userland=$cache/$suite-$variant.tar
# A mirror may fail now and then.
attempts=3

main() {
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  [ -e "$userland" ] || make_userland
  echo "$userland"
}

make_userland() {
  command -v debootstrap >/dev/null || refuse 'debootstrap is missing: run make deps.'
  [ -e "$keyring" ] || refuse "$keyring is missing: apt-get install debian-archive-keyring."
  work=$(mktemp -d "$cache/new.XXXXXX")
  # Not local: the trap runs when this function is over.
  trap 'remove "$work"' EXIT
  echo "Installing a userland of Debian $suite ..." >&2
  mirror=$("$(dirname "$0")/debian-mirror.sh")
  local attempt=1 tree=$work/tree
  until bootstrap "$tree"; do
    [ "$attempt" -lt "$attempts" ] || { tail -n 20 "$work/log" >&2; refuse "cannot install Debian $suite from $mirror."; }
    attempt=$((attempt + 1))
    remove "$tree"
  done
  if mountpoint --quiet "$tree/proc"; then umount "$tree/proc"; fi
  # What debootstrap puts there depends on the container that it finds itself in.
  rm -rf "$tree"/{proc,dev}
  mkdir "$tree"/{proc,dev}
  mknod -m 666 "$tree/dev/null" c 1 3
  rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/usr/share/{doc,locale,man,info}
  tar --create --file "$work/tar" --directory "$tree" --numeric-owner --xattrs --sort=name --format=pax .
  mv "$work/tar" "$userland"
}

bootstrap() {
  debootstrap --variant="$variant" --keyring="$keyring" "$suite" "$1" "$mirror" >"$work/log" 2>&1
}

# debootstrap mounts /proc while it installs.
remove() {
  rm -rf --one-file-system "$1"
}

refuse() {
  echo "$0: $1" >&2
  exit 1
}

main
