#!/usr/bin/env bash
# Says which Node Berth needs, where it is missing or too old.
set -euo pipefail
need=20.19.0
have=$(node --version 2>/dev/null | tr -d v || true)
if [ -z "$have" ] || [ "$(printf '%s\n%s\n' "$need" "$have" | sort -V | head -n 1)" != "$need" ]; then
  echo "Berth needs Node $need or newer; this machine has ${have:-none}." >&2
  echo "Install it from https://nodejs.org/en/download or https://deb.nodesource.com, then try again." >&2
  exit 1
fi
if ! command -v npm >/dev/null; then
  echo "Berth's build needs npm, which comes with Node; on Debian's own Node: apt-get install npm." >&2
  exit 1
fi
