#!/usr/bin/env bash
# Takes away what install.sh has put below PREFIX. Records, images and running containers are nobody's but the user's.
set -euo pipefail
prefix=${1%/} target=${2:-}${1%/}
[ -n "$prefix" ] || { echo "usage: $0 PREFIX [DESTDIR]" >&2; exit 2; }

# What is at these names and leads elsewhere is not ours.
for program in berthd berth containerd-shim-berth-v2; do
  path=$target/bin/$program
  if [ -L "$path" ] && [[ $(readlink "$path") == ../lib/berth/* ]]; then rm "$path"; fi
  if [ -f "$path" ] && grep -qs '/lib/berth/dist/bin/' "$path"; then rm "$path"; fi
done
rm -rf "$target/lib/berth"
echo "removed berthd, berth and containerd-shim-berth-v2 from $target/bin; what berthd keeps stays: /var/lib/berth, /run/berth"
