#!/usr/bin/env bash
# Removes compiled files whose source is gone, so that neither tests nor installs pick up the past.
set -euo pipefail
cd "$(dirname "$0")/.."
find dist -path dist/bin -prune -o -name '*.js' -printf '%P\n' | while read -r file; do
  [ -e "${file%.js}.ts" ] || rm -f "dist/$file"
done
