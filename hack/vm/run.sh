#!/usr/bin/env bash
# Boots Debian's kernel under qemu, without acceleration, and runs one static program in it as
# root. Prints what the program prints; exits with its status, or 125 if the guest did not come
# to an end.
#
# usage: hack/vm/run.sh [-d DIRECTORY] [-e NAME=VALUE]... [-t SECONDS] [-x COMMAND]... PROGRAM [ARGUMENT]...
#   -d  run it in a copy of this directory's testdata (the package's directory, for a Go test)
#   -e  set an environment variable
#   -t  give up after so long (default 300)
#   -x  also bring this command of the host's, with the libraries it needs
#
# The guest is slow (20 to 50 times, on the two processors we measure with): for whether something
# works on that kernel, never for how fast.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
directory= seconds=300 environment=() commands=()
while getopts d:e:t:x: option; do
  case $option in
    d) directory=$OPTARG ;;
    e) environment+=("$OPTARG") ;;
    t) seconds=$OPTARG ;;
    x) commands+=("$OPTARG") ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
program=$1
shift
vm=$("$here/get.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# bring FILE: copies a file of the host's into the guest, at the same path, with its libraries.
bring() {
  install -D "$1" "$work/image$1"
  { ldd "$1" 2>/dev/null || true; } | grep -oE '/[^ ]+' | while read -r library; do
    install -D "$library" "$work/image$library"
  done
}
image=$work/image/root
mkdir -p "$image/package"
cp "$program" "$image/program"
[ -z "$directory" ] || [ ! -d "$directory/testdata" ] || cp -r "$directory/testdata" "$image/package/"
for command in ${commands[@]+"${commands[@]}"}; do bring "$(readlink -f "$(command -v "$command")")"; done
{
  for pair in ${environment[@]+"${environment[@]}"}; do printf 'export %q\n' "$pair"; done
  printf 'cd /root/package && exec /root/program'
  [ $# -eq 0 ] || printf ' %q' "$@"
  echo
} > "$image/run"

# The clock is acpi_pm, of a known frequency. The guest's TSC is the host's, and the kernel finds
# out at boot how fast that is: on a busy host it is wrong by a factor, and its second is over in
# a tenth of one, as is every time limit.

# The kernel unpacks one archive after the other.
cp "$vm/initramfs" "$work/initramfs"
(cd "$work/image" && find . | cpio -o -H newc -R 0:0 --quiet) >> "$work/initramfs"

export LD_LIBRARY_PATH=$vm/root/usr/lib/x86_64-linux-gnu:$vm/root/lib/x86_64-linux-gnu
timeout "$seconds" "$vm/root/usr/bin/qemu-system-x86_64" \
  -L "$vm/root/usr/share/qemu" -L "$vm/root/usr/share/seabios" \
  -machine pc -accel tcg,thread=multi,tb-size=512 -cpu max -smp 2 -m 3072 \
  -nodefaults -no-user-config -display none -net none -no-reboot -serial stdio -monitor none \
  -kernel "$vm/vmlinuz" -initrd "$work/initramfs" \
  -append "console=ttyS0 quiet panic=-1 clocksource=acpi_pm no_timer_check rcupdate.rcu_expedited=1 random.trust_cpu=on mitigations=off" \
  < /dev/null 2>&1 | tr -d '\r' | tee "$work/log" || true
status=$(awk '$1 == "MARGAY-VM-STATUS" {print $2}' "$work/log")
exit "${status:-125}"
