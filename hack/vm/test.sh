#!/usr/bin/env bash
# Runs the tests of Go packages on Debian's kernel, one guest after another.
#
# usage: hack/vm/test.sh [-r REGEXP] PACKAGE_DIRECTORY...     (internal/netlab ...)
#   -r  only tests that match, as go test -run
set -euo pipefail
cd "$(dirname "$0")/../.."
only=.
while getopts r: option; do
  case $option in r) only=$OPTARG ;; *) exit 2 ;; esac
done
shift $((OPTIND - 1))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools=()
for command in nft iptables ip6tables; do
  if command -v "$command" >/dev/null; then tools+=(-x "$command"); fi
done
failed=0
for package in "$@"; do
  CGO_ENABLED=0 go test -c -o "$work/program" "./$package"
  echo "=== $package on Debian's kernel"
  hack/vm/run.sh -d "$package" -e MARGAY_REQUIRE_KERNEL_TESTS=1 ${tools[@]+"${tools[@]}"} \
    "$work/program" -test.run "$only" -test.timeout 280s && result=ok || { result=FAIL failed=1; }
  echo "$result  $package (vm)"
done
exit $failed
