#!/usr/bin/env bash
# Prints the directory of a `criu` that works on this machine: the system's where `criu check` says so, else one made of
# the packages of a newer Debian, unpacked below a prefix of its own and started with that release's own loader, so that
# nothing of the system is touched. --prefix DIR says where (default: ~/.cache/berth/criu); made once, then reused.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C

# The first Debian whose CRIU (4.2) dumps TCP sockets on Linux 6.16 and newer.
suite=${BERTH_CRIU_SUITE:-forky}

main() {
  local prefix=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/berth/criu
  case "${1:-}" in
    '') ;;
    --prefix) prefix=${2:?"usage: $0 [--prefix DIR]"} ;;
    *) echo "usage: $0 [--prefix DIR]" >&2; exit 2 ;;
  esac
  prefix=$(realpath --canonicalize-missing "$prefix")
  local system
  if [ "$#" -eq 0 ] && system=$(command -v criu) && works "$system"; then
    dirname "$system"
    return
  fi
  mkdir -p "$prefix"
  exec 9>"$prefix/lock"
  flock 9
  works "$prefix/bin/criu" || make_criu "$prefix"
  echo "$prefix/bin"
}

# Linux 6.16 answers EOPNOTSUPP to two options of TCP sockets that CRIU before 4.2 insists on.
works() {
  [ -x "$1" ] && "$1" check >/dev/null 2>&1 || return 1
  newer 6.15.999 "$(uname -r)" || newer "$("$1" --version | sed -n "s/^Version: //p")" 4.2
}

# Whether version $1 is at least $2.
newer() {
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | tail -n 1)" = "$1" ]
}

make_criu() {
  local prefix=$1
  work=$(mktemp -d "$prefix/new.XXXXXX")
  # Not local: the trap runs when this function is over.
  trap 'rm -rf "$work"' EXIT
  "$(dirname "$0")/fetch-packages.sh" --with-libraries "$suite" "$work/tree" criu
  write_launcher "$prefix" "$work/tree"
  works "$prefix/bin/criu" || refuse "CRIU of Debian $suite does not work here: $("$prefix/bin/criu" check 2>&1 | tail -n 3)"
}

write_launcher() {
  local prefix=$1 tree=$2
  rm -rf "$prefix/tree"
  mv "$tree" "$prefix/tree"
  mkdir -p "$prefix/bin"
  cat >"$prefix/bin/criu.new" <<EOF
#!/bin/sh
# CRIU of Debian $suite with its own libraries; made by Berth's scripts/setup-criu.sh.
tree=$prefix/tree
set -- "\$tree"/usr/sbin/criu "\$@"
for loader in "\$tree"/usr/lib*/ld-linux-*.so.* "\$tree"/usr/lib/*/ld-linux-*.so.* "\$tree"/lib*/ld-linux-*.so.*; do
  [ -e "\$loader" ] && break
done
for libraries in "\$tree"/usr/lib/*-linux-gnu*; do break; done
exec "\$loader" --library-path "\$libraries" "\$@"
EOF
  chmod 755 "$prefix/bin/criu.new"
  mv "$prefix/bin/criu.new" "$prefix/bin/criu"
}

refuse() {
  echo "$0: $1" >&2
  exit 1
}

main "$@"
