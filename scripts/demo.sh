#!/usr/bin/env bash
# A first look at Berth: a private daemon in a temporary directory, a container, its life and end, and nothing left over.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin:/sbin"

if [ "$(id -u)" -ne 0 ]; then
  echo "The demo runs real containers with runc, which needs root. Run it like this:" >&2
  echo "  sudo env \"PATH=\$PATH\" make demo" >&2
  exit 1
fi

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' plain=$'\e[0m'; else bold='' dim='' green='' plain=''; fi

prepare() {
  scripts/install-deps.sh demo
  echo "${dim}Building (npm ci where needed, then tsc) ...$plain"
  local log
  log=$(mktemp)
  make build >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; exit 1; }
  rm -f "$log"
}

dir='' daemon='' watcher='' registry=''
clean_up() {
  local status=$?
  trap - EXIT INT TERM
  if [ -n "$daemon" ]; then
    for id in $(berth ps -aq 2>/dev/null); do
      berth stop --time 0 "$id" >/dev/null 2>&1 || true
      berth rm --force "$id" >/dev/null 2>&1 || true
    done
    kill "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
  fi
  [ -z "$watcher" ] || kill "$watcher" 2>/dev/null || true
  [ -z "$registry" ] || kill "$registry" 2>/dev/null || true
  rmdir /sys/fs/cgroup/{,*/}"$namespace" 2>/dev/null || true
  [ -z "$dir" ] || rm -rf "$dir"
  [ "$status" -eq 0 ] || echo "The demo did not finish (exit code $status)." >&2
  exit "$status"
}

namespace=demo-$$
berthd() { exec node dist/bin/berthd/main.js "$@"; }
berth() { node dist/bin/berth/main.js "$@"; }

step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

# Shows a command as one would type it, and runs it; its exit code is left in $code.
show() {
  printf '%s  $ %s%s\n' "$green" "$1" "$plain"
  code=0
  eval "$1" 2>&1 || code=$?
}

start_daemon() {
  berthd --root "$dir/root" --state "$dir/state" >>"$dir/berthd.log" 2>&1 &
  daemon=$!
  for _ in $(seq 200); do
    [ -S "$BERTH_ADDRESS" ] && berth version >/dev/null 2>&1 && return
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.05
  done
  cat "$dir/berthd.log" >&2
  echo "berthd did not start; above is its log." >&2
  exit 1
}

# busybox with its applets as links, and the libraries of one that is not static.
make_rootfs() {
  local applet library
  mkdir -p "$1"/{bin,dev,etc,proc,sys,tmp}
  echo 'root:x:0:0:root:/:/bin/sh' >"$1/etc/passwd"
  cp "$(command -v busybox)" "$1/bin/busybox"
  for applet in $(busybox --list); do [ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"; done
  for library in $(ldd "$1/bin/busybox" 2>/dev/null | grep -o '/[^ ]*' || true); do
    mkdir -p "$1${library%/*}"
    cp "$library" "$1$library"
  done
}

# An image of that root filesystem in a registry on loopback; its reference is left in $image.
serve_image() {
  node scripts/serve-image.mjs "$1" busybox:1 >"$dir/reference" &
  registry=$!
  for _ in $(seq 200); do [ ! -s "$dir/reference" ] || break; sleep 0.05; done
  image=$(cat "$dir/reference")
}

# Follows the events of the demo's namespace; creates it until its creation is seen, so that nothing later is missed.
watch_events() {
  berth events >"$dir/events" 2>/dev/null &
  watcher=$!
  for _ in $(seq 100); do
    berth namespaces create "$namespace" >/dev/null
    [ ! -s "$dir/events" ] || return 0
    berth namespaces rm "$namespace" >/dev/null
  done
}

prepare
trap clean_up EXIT
trap 'exit 130' INT TERM
dir=$(mktemp -d /tmp/berth-demo.XXXXXX)
export BERTH_ADDRESS=$dir/state/berth.sock BERTH_NAMESPACE=$namespace
started=$(date +%s)

step "1. A private berthd, with everything it keeps in $dir"
echo "${green}  \$ berthd --root $dir/root --state $dir/state &$plain"
start_daemon
show 'berth version'
watch_events

step "2. An image of Debian's busybox, pulled from a registry on this machine, and a container of it"
make_rootfs "$dir/rootfs"
serve_image "$dir/rootfs"
show "berth pull $image"
show "berth run --rm --name hello $image sh -c 'echo Hello from a container, pid \$\$ of its own; exit 7'"
echo "  exit code: $code"
[ "$code" -eq 7 ]

step '3. What a subscriber to the events saw of it'
for _ in $(seq 100); do grep -q '/containers/delete' "$dir/events" && break; sleep 0.05; done
grep -h '"hello"' "$dir/events" | cut -c 1-118

step '4. A container in the background, and a command inside it'
show "berth run -d --name counter --memory 64m $image sh -c 'echo kept > /note; trap \"exit 3\" TERM; while :; do sleep 0.2; done'"
show 'berth ps'
show 'berth exec counter ps'

step '5. The daemon is killed with -9. The container belongs to its shim and does not notice'
show 'kill -9 $daemon'
wait "$daemon" 2>/dev/null || true
show 'berth ps'
echo "${green}  \$ berthd --root $dir/root --state $dir/state &$plain"
start_daemon
show 'berth ps'

step '6. It is stopped, and its exit code is there for whoever asks'
show 'berth stop counter'
show 'berth ps -a'

step '7. What it has changed becomes an image, and that runs'
show "berth commit --change 'CMD [\"cat\", \"/note\"]' counter demo/noted"
show 'berth run --rm demo/noted'
show 'berth rm counter'

step "Done in $(($(date +%s) - started)) s; nothing is left running, and $dir is removed."
echo "Next: ${bold}make test${plain}, or your own daemon: ${bold}make install${plain}, then ${bold}berthd${plain}; README.md tells the rest."
