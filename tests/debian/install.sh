#!/bin/sh
# Installs the Debian packages that some tests need, where that is possible; says so where it is not.
set -u
here=$(dirname "$0")
missing=""
for package in $(cat "$here/packages.txt"); do
  dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
  echo "NOT INSTALLED:$missing. Tests that need them will be skipped; install them with: apt-get install$missing" >&2
  exit 0
fi
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
  echo "COULD NOT INSTALL:$missing. Tests that need them will be skipped." >&2
exit 0
