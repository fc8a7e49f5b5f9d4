#!/usr/bin/env bash
# Fetches what run.sh needs, and installs nothing: qemu, busybox, kmod and Debian's cloud kernel,
# unpacked under the cache, with an initramfs of busybox and the kernel's modules.
#
# usage: hack/vm/get.sh        prints the directory it is all in
#
# The directory is named for the exact packages it was made of, so that another machine, another
# Debian release and a security update each get their own. Needs apt-get, dpkg, cpio; if the
# package lists are missing, run apt-get update first.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${MARGAY_CACHE:-$(cd "$here/../.." && pwd)/.cache}/vm
apt=(apt-get -qq -y -o Debug::NoLocking=1 -o APT::Sandbox::User=root)

kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ {print $2; exit}')
[ -n "$kernel" ] || { echo "hack/vm: apt knows no linux-image-cloud-amd64 (is this Debian? apt-get update?)" >&2; exit 1; }
programs() { "${apt[@]}" --no-install-recommends --reinstall "$@" install qemu-system-x86 busybox-static kmod; }

key=$( { programs --print-uris; "${apt[@]}" --print-uris download "$kernel"; cat "$here/get.sh" "$here/init" "$here/modules"; } | sha256sum | cut -c1-16)
dir=$cache/$key
if [ -e "$dir/complete" ]; then echo "$dir"; exit 0; fi

rm -rf "$dir"
mkdir -p "$dir"/debs/partial "$dir"/root
echo "hack/vm: fetching qemu and $kernel into $dir" >&2
programs --download-only -o Dir::Cache::archives="$dir/debs" >&2
(cd "$dir/debs" && "${apt[@]}" download "$kernel" >&2)
for deb in "$dir"/debs/*.deb; do dpkg -x "$deb" "$dir/root"; done
rm -rf "$dir/debs"

release=$(ls "$dir/root/lib/modules")
(exec -a depmod "$dir/root/bin/kmod" -b "$dir/root" "$release")
ln -sf "root/boot/vmlinuz-$release" "$dir/vmlinuz"

# The initramfs: busybox, /init, and the listed modules with all that these need, numbered in the
# order in which they load. modules.dep lists what a module needs with the first to load last.
image=$dir/image
mkdir -p "$image"/{bin,dev,etc,modules,proc,root,run,sbin,sys,tmp,usr/bin,usr/sbin,var}
ln -s ../run "$image/var/run"
cp "$dir/root/bin/busybox" "$image/bin/busybox"
install -m 755 "$here/init" "$image/init"
grep -v '^#' "$here/modules" | xargs -n1 | awk -v dep="$dir/root/lib/modules/$release/modules.dep" '
  function name(path) { sub(/.*\//, "", path); sub(/\.ko.*/, "", path); gsub(/-/, "_", path); return path }
  BEGIN { while ((getline line < dep) > 0) { n = split(line, part, /:? +|:$/); of = name(part[1]); path[of] = part[1]; needs[of] = "";
          for (i = n; i > 1; i--) if (part[i] != "") needs[of] = needs[of] " " part[i] } }
  function load(file) { if (!(file in seen)) { seen[file] = 1; print file } }
  { module = $1; gsub(/-/, "_", module)
    if (!(module in path)) next   # built in, or of another kernel
    n = split(needs[module], first, " "); for (i = 1; i <= n; i++) load(first[i]); load(path[module]) }
' | awk '{ printf "%03d %s\n", NR, $0 }' | while read -r number file; do
  cp "$dir/root/lib/modules/$release/$file" "$image/modules/$number-$(basename "$file")"
done
(cd "$image" && find . | cpio -o -H newc -R 0:0 --quiet) > "$dir/initramfs"
rm -rf "$image" "$dir/root/lib/modules"
touch "$dir/complete"
echo "$dir"
