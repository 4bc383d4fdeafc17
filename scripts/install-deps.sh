#!/usr/bin/env bash
# Installs what is missing on Debian or Ubuntu. 'demo' is what running containers needs; 'test' adds what the tests
# and the benchmark compare with. Quick and silent when everything is there.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"

# command=package, where the package gives the command on Debian and Ubuntu.
demo=(runc=runc busybox=busybox-static ldd=libc-bin mount=mount)
tests=(ctr=containerd containerd=containerd redis-server=redis-server redis-cli=redis-tools script=bsdutils ps=procps
  dockerd=docker.io docker-registry=docker-registry skopeo=skopeo zstd=zstd debootstrap=debootstrap
  mkfs.ext4=e2fsprogs
  iptables=iptables setpriv=util-linux)

main() {
  "$(dirname "$0")/check-node.sh"
  local wanted=("${demo[@]}")
  case "${1:-test}" in
    demo) ;;
    test) wanted+=("${tests[@]}") ;;
    *) echo "usage: $0 demo|test" >&2; exit 2 ;;
  esac
  local missing=() pair
  for pair in "${wanted[@]}"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
    install_packages "${missing[@]}"
  fi
  if [ "${1:-test}" = test ]; then
    # Each waits for the network more than for the processor.
    "$(dirname "$0")/setup-userland.sh" >/dev/null &
    local userland=$!
    "$(dirname "$0")/setup-clients.sh" >/dev/null
    "$(dirname "$0")/setup-criu.sh" >/dev/null
    "$(dirname "$0")/setup-nodes.sh" >/dev/null
    wait "$userland"
  fi
}

install_packages() {
  local as_root=()
  if ! command -v apt-get >/dev/null; then
    refuse "Missing: $*. This is no Debian or Ubuntu: install them with your system's package manager."
  fi
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || refuse "Missing: $*. Install with: sudo apt-get install $*"
    as_root=(sudo -n --preserve-env=DEBIAN_FRONTEND)
  fi
  echo "Installing $* ..."
  local before
  before=$(services)
  forbid_services
  # Package lists may be there already; fetching them again takes longer than most of these packages.
  apt_install "$@" >/dev/null 2>&1 || { "${as_root[@]}" apt-get update -qq && apt_install "$@" >/dev/null; }
  disable_new_services "$before"
}

# --no-remove: a machine's Docker, with its own containerd.io, is never traded for Debian's containerd.
apt_install() {
  "${as_root[@]}" apt-get install --yes -qq --no-install-recommends --no-remove "$@"
}

# The tests start their own containerd, redis and registry; a service of the package must not run, now or after a reboot.
policy=/usr/sbin/policy-rc.d
forbid_services() {
  [ -e "$policy" ] && return
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
}

services() {
  ls /etc/systemd/system/*.wants 2>/dev/null | grep -E '^(containerd|docker|redis-server|docker-registry)\.(service|socket)$' || true
}

disable_new_services() {
  [ -d /run/systemd/system ] || return 0
  local unit
  for unit in $(comm -13 <(sort -u <<<"$1") <(services | sort -u)); do
    "${as_root[@]}" systemctl disable --quiet "$unit"
  done
}

refuse() {
  echo "$1" >&2
  exit 1
}

main "$@"
