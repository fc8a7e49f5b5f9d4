#!/usr/bin/env bash
# Runs the tests of Go packages on Debian's kernel, each package in a guest of its own, two at a
# time (they wait more than they compute). Prints each package's output when it is done.
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
hack/vm/get.sh >/dev/null

tools=()
for command in nft iptables ip6tables ip bridge; do
  if command -v "$command" >/dev/null; then tools+=(-x "$command"); fi
done

# run_package DIRECTORY: its line at the end reads as go test's.
run_package() {
  local package=$1 log=$work/${1//\//-}.log program=$work/${1//\//-}.test start=$SECONDS result=ok
  CGO_ENABLED=0 go test -c -o "$program" "./$package" >"$log" 2>&1 || result=FAIL
  if [ $result = ok ] && [ ! -e "$program" ]; then
    echo "?   	$package	[no test files]"
    return
  fi
  if [ $result = ok ]; then
    hack/vm/run.sh -t 600 -d "$package" -e MARGAY_REQUIRE_KERNEL_TESTS=1 ${tools[@]+"${tools[@]}"} \
      "$program" -test.run "$only" -test.timeout 580s >>"$log" 2>&1 || result=FAIL
  fi
  cat "$log"
  printf '%-4s\t%s\t%ds (on Debian'\''s kernel)\n' $result "$package" $((SECONDS - start))
  [ $result = ok ]
}

failed=0 running=0
for package in "$@"; do
  if [ $running -ge 2 ]; then
    wait -n || failed=1
    running=$((running - 1))
  fi
  run_package "$package" &
  running=$((running + 1))
done
while [ $running -gt 0 ]; do
  wait -n || failed=1
  running=$((running - 1))
done
exit $failed
