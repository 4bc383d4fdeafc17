#!/usr/bin/env bash
# Prints the mirror this machine's own packages come from, where that is Debian's; else Debian's own.
set -euo pipefail
found=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
  sed -n 's/^Debian Debian //p' | head -n 1) || true
echo "${found:-http://deb.debian.org/debian}"
