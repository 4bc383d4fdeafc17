#!/usr/bin/env bash
# Lints proto/ and compares src/generated with what proto/ generates now.
set -euo pipefail
cd "$(dirname "$0")/.."
buf=node_modules/.bin/buf
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
$buf lint
$buf format --diff --exit-code >/dev/null || { echo 'proto/ is not formatted: run node_modules/.bin/buf format --write' >&2; exit 1; }
$buf generate --template buf.gen.yaml --output "$fresh"
$buf generate --template buf.gen.ttrpc.yaml --output "$fresh"
diff --recursive --brief src/generated "$fresh/src/generated" || { echo 'src/generated is stale: run make proto' >&2; exit 1; }
