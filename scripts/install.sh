#!/usr/bin/env bash
# Copies the build, the protos and the production packages to PREFIX/lib/berth, and launchers to PREFIX/bin.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=${1%/} target=${2:-}${1%/}
[ -n "$prefix" ] || { echo "usage: $0 PREFIX [DESTDIR]" >&2; exit 2; }
lib=$target/lib/berth

mkdir -p "$target/bin" "$lib.new"
trap 'rm -rf "$lib.new"' EXIT
mkdir "$lib.new/dist"
cp -R dist/bin "$lib.new/dist/"
mkdir "$lib.new/shim"
cp shim/containerd-shim-berth-v2 "$lib.new/shim/"
cp -R proto contrib package.json LICENSE "$lib.new/"
[ ! -e README.md ] || cp README.md "$lib.new/"
npm ls --omit=dev --all --parseable | tail -n +2 | while read -r package; do
  cp -R --parents "${package#"$PWD"/}" "$lib.new/"
done
rm -rf "$lib"
mv "$lib.new" "$lib"

# A launcher finds the library beside itself, also when it is called through a symbolic link.
launcher() {
  cat >"$target/bin/$1" <<EOF
#!/bin/sh
self=\$(readlink -f -- "\$0")
exec "\${BERTH_NODE:-node}" "\${self%/bin/*}/lib/berth/$2" "\$@"
EOF
  chmod 755 "$target/bin/$1"
}
launcher berthd dist/bin/berthd/main.js
launcher berth dist/bin/berth/main.js
# It finds its own way.
ln -sfn ../lib/berth/shim/containerd-shim-berth-v2 "$target/bin/containerd-shim-berth-v2"
echo "installed berthd, berth and containerd-shim-berth-v2 in $target/bin"
